"""Claims: sentences of a lesson that run."""

import math
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_utils.authoring import paths
from course_utils.authoring.claims import Teller, run_claims
from course_utils.authoring.editions import build
from course_utils.authoring.rules import SourceError
from course_utils.authoring.source import read_lesson
from course_utils.commands.claims import tell_claims
from course_utils.errors import CourseError

LESSON = """# %% [markdown] lesson="42" title="Doubling" minutes=5
# You will be able to double.

# %% tags=["setup"]
import math

# %%
# a worked cell
two = 1 + 1

# %% [markdown]
# Two is more than one.
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A function that writes a lesson with these cells behind the others, and returns its path."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "SOURCE", tmp_path / "notebooks" / "source")
    (tmp_path / "notebooks" / "source").mkdir(parents=True)

    def write(*cells):
        path = tmp_path / "notebooks" / "source" / "42_doubling.py"
        path.write_text("\n".join([LESSON, *cells]))
        return path

    return write


def claim(sentence, code):
    return f'# %% claim="{sentence}"\n{code}\n'


def test_only_the_solution_edition_has_it_and_hides_its_code(place):
    lesson = read_lesson(place(claim("two is more", "assert two > 1")))
    for edition in ("student", "live"):
        assert not any("assert two" in cell.source for cell in build(lesson, edition).cells)
    (cell,) = [c for c in build(lesson, "solution").cells if "assert two" in c.source]
    assert cell.source.endswith('print("Checked: two is more")')
    assert cell.metadata.jupyter.source_hidden and cell.metadata.claim == "two is more"


@pytest.mark.parametrize(
    "cell, said",
    [
        ("two > 1", "asserts nothing"),
        ("two = 3\nassert two", "gives 'two' a value"),
        ("for two in [1]:\n    assert two", "gives 'two' a value"),
        ("def two(): ...\nassert two", "gives 'two' a value"),
    ],
)
def test_what_a_claim_may_not_do(place, cell, said):
    with pytest.raises(SourceError, match=said):
        read_lesson(place(claim("it", cell)))


def test_names_inside_of_comprehensions_are_its_own(place):
    read_lesson(place(claim("it", "assert [two for two in (1, 2)]")))


def test_a_claim_is_a_code_cell_without_other_keys(place):
    with pytest.raises(SourceError, match="stands alone"):
        read_lesson(place('# %% claim="it" tags=["slow"]\nassert two\n'))


def test_each_assertion_tells_its_sides_and_a_control_must_be_false(place, capsys):
    place(
        claim("two is more than one", "limit = 1\nassert two > limit\nassert not two - 1 > limit"),
        claim("two is three", "assert two == 3\nassert two != 3"),
        claim("a control that holds", "assert not two > 1.5"),
    )
    first, control, wrong, right, useless = run_claims("42")
    assert (first.numbers, first.margin, first.control, first.holds) == ("2 > 1", 0.5, False, True)
    assert (control.numbers, control.margin, control.control, control.holds) == ("1 > 1", 0.0, True, True)
    assert not wrong.holds and wrong.margin == pytest.approx(1 / 3)
    assert right.holds  # an assertion behind a wrong one still runs
    assert useless.control and not useless.holds
    assert tell_claims(["42"], threads=None) == 1
    said = capsys.readouterr().out
    assert "✓ two is more than one" in said and "✗ two is three" in said
    assert "without the cause, false: 1 > 1" in said and "1 of 3 claims hold" in said


def test_a_cell_that_fails_is_named_in_one_line(place):
    place(claim("two is more than one", "assert two > one"))
    with pytest.raises(
        CourseError, match=r"^lesson 42, in the cell that begins .*: NameError: name 'one' is not defined$"
    ):
        run_claims("42")


def test_a_claim_whose_assertions_never_run_does_not_hold(place, capsys):
    place(claim("nothing is large", "for each in []:\n    assert each > 1"))
    assert [one.holds for one in run_claims("42")] == [False]
    assert tell_claims(["42"], threads=None) == 1
    said = capsys.readouterr().out
    assert "✗ nothing is large" in said and "none of its assertions ran" in said and "0 of 1 claims hold" in said


@pytest.mark.parametrize(
    "code, numbers, margin, holds",
    [
        ("assert 1 < two < 2.5", "1 < 2 < 2.5", 0.2, True),
        ("assert 1 < two < 1.6", "1 < 2 < 1.6", 0.2, False),
        ("assert not 3 < two < 4", "3 < 2 < 4", 1 / 3, True),
        ("assert all(x < two for x in (0.5, 1.5, 1))", "1.5 < 2", 0.25, True),
        ("assert all(0 < x < two for x in (0.5, 3, 1))", "0 < 3 < 2", 1 / 3, False),
        ("assert not all(x < two for x in (0.5, 3, 1))", "3 < 2", 1 / 3, True),
        ("assert all(x < two for x in ())", "nothing to compare", None, False),
        ("assert two in (1, 2)", "", None, True),
        ("assert all(x in (1, 2) for x in (two, 3))", "", None, False),
    ],
)
def test_bounds_on_both_sides_and_of_all_have_the_margin_of_the_nearest(place, code, numbers, margin, holds):
    place(claim("it", code))
    (found,) = run_claims("42")
    assert (found.numbers, found.holds) == (numbers, holds)
    assert found.margin == (margin and pytest.approx(margin))


def test_two_assertions_in_one_are_told_one_by_one(place):
    place(claim("it", "assert two > 1 and 1 < two < 3 and not two > 2"))
    assert [(one.numbers, one.control) for one in run_claims("42")] == [
        ("2 > 1", False),
        ("1 < 2 < 3", False),
        ("2 > 2", True),
    ]


def test_ctrl_c_says_so_in_a_line_and_the_claims_before_it_are_told(place, tmp_path):
    place(claim("two is more", "assert two > 1"), "# %%\n# long\nimport time\ntime.sleep(60)\n")
    command = """from pathlib import Path
from course_utils.authoring import paths
paths.ROOT, paths.SOURCE = Path({0!r}), Path({0!r}) / "notebooks" / "source"
from course_utils.commands.claims import tell_claims
try:
    tell_claims(["42"], threads=None)
except KeyboardInterrupt:
    print("stopped")
"""
    run = subprocess.Popen(
        [sys.executable, "-c", command.format(str(tmp_path))], stdout=-1, stderr=-1, text=True, start_new_session=True
    )
    seen = [next(run.stdout) for _ in range(3)]
    os.kill(run.pid, signal.SIGINT)  # not its kernel: as `kill -INT` does
    rest, errors = run.communicate(timeout=60)
    assert "two is more" in "".join(seen) and rest == "stopped\n" and "Traceback" not in errors


@pytest.mark.parametrize("sign", ["<", ">=", "==", "!="])
@pytest.mark.parametrize("control", [False, True])
@pytest.mark.parametrize("nan", [math.nan, np.float32("nan"), torch.tensor(math.nan)], ids=["float", "numpy", "torch"])
def test_no_comparison_with_nan_holds(sign, control, nan):
    tell = Teller("it")
    tell("left", sign, [(nan, 1.0)], control=control)
    tell("right", sign, [(1.0, nan)], control=control)
    assert [(one.holds, one.margin) for one in tell.findings] == [(False, None)] * 2
