"""Everything public can be imported from the top: `from course_utils import saliency`."""

import doctest
import importlib
import subprocess
import sys

import pytest

import course_utils


def public(room: str) -> list[str]:
    """What a module exports: its `__all__`, or else the functions and classes that it defines."""
    module = importlib.import_module(f"course_utils.{room}")
    defined = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    return sorted(getattr(module, "__all__", [name for name in defined if not name.startswith("_")]))


@pytest.mark.parametrize("room", course_utils._NAMES)
def test_the_top_exports_what_the_room_exports(room):
    """Two rooms may export one thing. Two things of one name fail here: the top could have only one of them."""
    listed = sorted(course_utils._NAMES[room].split())
    assert listed == public(room), f"write in course_utils/__init__.py, {room}: {' '.join(public(room))}"
    module = importlib.import_module(f"course_utils.{room}")
    for name in listed:
        assert getattr(course_utils, name) is getattr(module, name)


def test_no_name_hides_a_room():
    names = {name for text in course_utils._NAMES.values() for name in text.split()}
    assert names.isdisjoint({*course_utils._NAMES, "explorers"})


def test_a_module_of_the_same_name_does_not_hide_a_function():
    """`gradients/saliency.py` is a module, and its function has the same name."""
    module = importlib.import_module("course_utils.gradients.saliency")
    assert course_utils.saliency is course_utils.gradients.saliency is module.saliency is not module


def test_tab_completion_knows_the_names_before_they_are_used():
    code = "import course_utils, sys; print(*dir(course_utils)); assert 'torch' not in sys.modules"
    names = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert {"saliency", "load_network", "gradients", "explorers", "show_heat"} <= set(names)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="saliencyy"):
        course_utils.saliencyy  # noqa: B018
    with pytest.raises(ImportError, match="saliencyy"):
        from course_utils import saliencyy  # noqa: F401


def test_the_example_in_the_docstring_runs():
    found = doctest.testmod(course_utils)
    assert found.attempted == 3 and not found.failed
