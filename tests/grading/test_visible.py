"""What a student's code may read of the course: an allow-list, and stand-ins for everything else."""

import ast
import importlib
import inspect
import json
import os
import subprocess
import sys
from functools import partial
from operator import attrgetter

import pytest
import torch

from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.exercises import run_check
from course_utils.exercises.call import LocalCall, StudentError
from course_utils.exercises.reference import ANSWERS, WHOLE
from course_utils.gradients import share_inside
from course_utils.grading import visible
from course_utils.grading.notebooks import imports
from course_utils.grading.sandbox import Sandbox
from course_utils.grading.visible import PACKAGE, course_tree
from course_utils.grading.walls import bubblewrap_problem


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    course_tree(folder)
    return folder


def says_nothing(text):
    """Whether a module only has names, and refuses to do anything."""
    body = ast.parse(text).body
    kinds = [type(node).__name__ for node in body]
    return kinds == ["ImportFrom", "Assign", "Assign"] and body[0].module == "course_utils.grading.inside.refuse"


def test_what_is_not_on_the_list_is_a_stand_in(tree):
    as_it_is, checks = [], []
    for path in sorted((tree / "course_utils").rglob("*")):
        name = path.relative_to(tree / "course_utils").as_posix()
        if path.is_dir():
            continue
        assert path.suffix == ".py", f"{name}: only modules are there"
        if path.read_text() == (PACKAGE / name).read_text():
            as_it_is.append(name)
        elif name.startswith("exercises/"):
            checks.append(name)
        else:
            assert says_nothing(path.read_text()), name
    empty = [p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("__init__.py") if not p.read_text()]
    allowed = [name for name in as_it_is if name not in empty and not name.startswith(tuple(WHOLE))]
    assert allowed == []
    assert checks == ["exercises/__init__.py", "exercises/machine.py", "exercises/quizzes.py"]
    assert not list(tree.rglob("lesson_*"))


def test_a_new_room_of_the_package_is_a_stand_in_by_itself(tmp_path, monkeypatch):
    package = tmp_path / "course_utils"
    monkeypatch.setattr(visible, "PACKAGE", package)
    for name in ("__init__", "errors", "grading/inside/no_checks", "exercises/slips/lesson_07", "optimize/descend"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / f"{name}.py").write_text(f"__all__ = ['answer']\n\n\ndef answer(): return {name!r}\n")
    (tmp_path / "out").mkdir()
    course_tree(tmp_path / "out")
    made = {
        p.relative_to(tmp_path / "out/course_utils").as_posix(): p.read_text() for p in tmp_path.glob("out/**/*.py")
    }
    assert sorted(made) == ["__init__.py", "errors.py", "grading/inside/no_checks.py", "optimize/descend.py"]
    assert says_nothing(made["optimize/descend.py"]) and "['answer']" in made["optimize/descend.py"]
    assert "return 'errors'" in made["errors.py"]


def test_what_is_there_as_it_is_needs_only_what_is_there_as_it_is(tree):
    for path in sorted((tree / "course_utils").rglob("*.py")):
        if says_nothing(path.read_text()):
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_utils."):
                needed = tree / node.module.replace(".", "/")
                file = needed / "__init__.py" if needed.is_dir() else needed.with_suffix(".py")
                assert not says_nothing(file.read_text()), f"{path.relative_to(tree)} needs {node.module}"


def test_every_lessons_imports_work_inside(tree):
    lines = sorted({line for path in lesson_paths() for line in imports(read_lesson(path))})
    program = "import json, sys; sys.path.insert(0, sys.argv[1])\nfor line in json.loads(sys.argv[2]): exec(line)"
    command = [sys.executable, "-I", "-c", program, str(tree), json.dumps(lines)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tree)
    assert ran.returncode == 0, ran.stderr


def own_versions():
    """`(lesson, a cell whose function f uses the course's own version)` of all exercises, by the name of this."""
    found = {}
    for path in lesson_paths():
        lesson = read_lesson(path)
        for cell in lesson.cells:
            for own in cell.metadata.get("own", "").split() if "exercise" in cell.metadata else ():
                module, _, name = own.partition(":")
                function, how = attrgetter(name)(importlib.import_module(module)), name
                if isinstance(function, type) and issubclass(function, torch.autograd.Function):
                    function, how = partial(function.forward, None), f"{name}.apply"
                asked = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
                given = ", ".join(f"{p.name}=None" if p.kind is p.KEYWORD_ONLY else "None" for p in asked)
                # a block's and a generator's code only begins when it is entered
                block = inspect.isgeneratorfunction(inspect.unwrap(function))
                begun = (".__next__()" if function is inspect.unwrap(function) else ".__enter__()") if block else ""
                text = f"from {module} import {name.split('.')[0]}\ndef f(): return {how}({given}){begun}"
                found[own] = lesson.number, text
    return found


# methods of the network, which every exercise needs: 00.2 and 00.4
THERE = {f"course_utils.networks.network:Network.{name}" for name in ("normalize", "predict")}


def said_in_the_notebook(lesson, cell):
    space = {"__name__": "__main__"}
    exec(cell, space)
    with pytest.raises(StudentError) as told:
        LocalCall(space["f"], lesson=lesson)()
    assert sys.getprofile() is None
    return str(told.value)


def said_in_the_grader(process, cell):
    with pytest.raises(StudentError) as told:
        process.run_cell(cell)
        process.call("f", [])
    return str(told.value)


def left_open(said):
    return {own for own, text in said.items() if "is not there while grading" not in text}


def test_the_courses_own_version_of_an_exercise_is_refused_in_the_notebook():
    said = {own: said_in_the_notebook(*one) for own, one in own_versions().items()}
    assert left_open(said) == THERE, said


def test_a_check_says_so():
    def share(maps, top, bottom, left, right):
        return share_inside(maps, slice(top, bottom), slice(left, right))

    outcome = run_check("07.5", share)
    assert outcome.state == "error" and "share_inside is the reference; it is not there" in outcome.problem, outcome
    assert run_check("07.5", LocalCall(share)).passed


@pytest.mark.skipif(bool(bubblewrap_problem()), reason="no sandbox here")
def test_the_courses_own_version_of_an_exercise_is_refused_in_the_grader():
    said = {}
    with Sandbox() as sandbox:
        for hidden in (None, *ANSWERS):
            process = sandbox.start(ANSWERS.get(hidden, ()))
            for own, (lesson, cell) in own_versions().items():
                if hidden == (lesson if lesson in ANSWERS else None):
                    said[own] = said_in_the_grader(process, cell)
    assert left_open(said) == THERE, said


@pytest.mark.parametrize(("cell", "says"), {
    "from functools import partial; from course_utils import saliency as s; f = partial(s, None, None)": "saliency",
    "def f(): import course_utils; return [course_utils.saliency][0](None, None)": "saliency",
    "def f(): import course_utils.optimize.octaves as m; return m.stretch(1, 2)": "octaves.stretch is the reference",
    "import course_utils as c\ndef g(): return c.saliency(None, None)\ndef f(): return sum(map(lambda _: g(), [1]))": "",
    "from course_utils.gradients import Jitter; f = lambda: Jitter(3)(None)": "optimize.transforms is",
    "from course_utils import show_maps; f = lambda: show_maps(None)": "show_maps is not there while grading",
    "from course_utils.exercises.lesson_07 import gradient; f = lambda: gradient(1, 2, 3)": "is not there while grading",
}.items())  # fmt: skip
def test_however_it_came_into_the_function(cell, says):
    text = said_in_the_notebook("07", cell)
    assert says in text and "not there while grading" in text


def test_what_is_there_while_grading_is_there_in_the_notebook():
    """Names can be imported, also for the first time, and what only looks or draws can be used."""
    program = (
        "from course_utils.exercises.call import LocalCall\n"
        "def f():\n"
        "    from course_utils import as_picture, capture, saliency, show_images, tiny_net\n"
        "    import torch, course_utils.gradients.importance\n"
        "    net, images = tiny_net(), torch.rand(1, 3, 8, 8)\n"
        "    show_images(images)\n"
        "    with capture(net, ['0']) as seen: net(images)\n"
        "    return seen['0'].shape[1]\n"
        "assert LocalCall(f, lesson='07')() == 6"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"MPLBACKEND": "Agg"}
    )
    assert ran.returncode == 0, ran.stderr


def test_an_answer_is_in_no_file_of_its_lesson_and_is_there_for_the_others(tmp_path):
    course_tree(tmp_path)
    for files in ANSWERS.values():
        for hidden in (files, (), files):
            visible.put_answers(tmp_path, hidden)
            for name in files:
                text = (PACKAGE / name).read_text()
                copies = [p for p in tmp_path.rglob("*") if p.is_file() and p.read_bytes() == text.encode()]
                assert copies == ([] if hidden else [tmp_path / "course_utils" / name])
                assert says_nothing((tmp_path / "course_utils" / name).read_text()) == bool(hidden)
