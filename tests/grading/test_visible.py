"""What a student's code may read of the course: an allow-list, and stand-ins for everything else."""

import ast
import json
import subprocess
import sys

import pytest

from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.grading import visible
from course_utils.grading.notebooks import imports
from course_utils.grading.visible import PACKAGE, WHOLE, course_tree


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


def test_the_courses_own_version_of_an_exercise_is_not_visible_in_its_lesson():
    """Left are methods of the network, which every exercise needs: 00.2 and 00.4."""
    open_to_see = []
    for path in lesson_paths():
        lesson = read_lesson(path)
        for cell in lesson.cells:
            for own in cell.metadata.get("own", "").split():
                if "exercise" in cell.metadata:
                    module = own.split(":")[0]
                    file = PACKAGE.parent / module.replace(".", "/")
                    name = (file / "__init__.py" if file.is_dir() else file.with_suffix(".py")).relative_to(PACKAGE)
                    seen = any(part.as_posix() in WHOLE for part in (name, *name.parents))
                    if seen and name.as_posix() not in visible.ANSWERS.get(lesson.number, ()):
                        open_to_see.append(own)
    assert open_to_see == [f"course_utils.networks.network:Network.{name}" for name in ("normalize", "predict")]


def test_an_answer_is_in_no_file_of_its_lesson_and_is_there_for_the_others(tmp_path):
    course_tree(tmp_path)
    for files in visible.ANSWERS.values():
        for hidden in (files, (), files):
            visible.put_answers(tmp_path, hidden)
            for name in files:
                text = (PACKAGE / name).read_text()
                copies = [p for p in tmp_path.rglob("*") if p.is_file() and p.read_bytes() == text.encode()]
                assert copies == ([] if hidden else [tmp_path / "course_utils" / name])
                assert says_nothing((tmp_path / "course_utils" / name).read_text()) == bool(hidden)
