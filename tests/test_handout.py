"""The zip for students: what is in it and what is not, and a student's way with it from the first command to the grade."""

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.parse
import urllib.request
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from course_utils.authoring import needed, own_version, release
from course_utils.authoring.editions import build
from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.source import read_lesson
from course_utils.cli import app
from course_utils.commands.grade import grade
from course_utils.grading import report as reports
from course_utils.grading.walls import bubblewrap_problem

LESSONS = {path.stem[:2]: read_lesson(path) for path in lesson_paths()}
SUBSETS = [[number] for number in LESSONS] + [["12", "16"], list(LESSONS)]
IDS = ["+".join(one) if len(one) < 3 else "all" for one in SUBSETS]
subsets = pytest.mark.parametrize("numbers", SUBSETS, ids=IDS)


def of(numbers):
    return [LESSONS[number] for number in numbers]


# ------------------------------------------------------------------------------------------------------- what is in it


@subsets
def test_no_checks_quizzes_or_methods_of_other_lessons(numbers):
    names = release.modules_of(of(numbers))
    assert {n.rpartition("_")[2] for n in names if n.startswith("course_utils.exercises.lesson_")} == set(numbers)
    assert not [n for n in names if n.split(".")[1:2] in (["grading"], ["authoring"])]
    told = {which for found in release.carried(of(numbers)).values() for which in found}
    for which, module in methods().items():
        if which[:2] not in numbers and module in names:
            assert which in told, f"the answer of {which} is in the handout, and nobody says so"


@cache
def methods():
    """For each exercise with an own version, the module of its last one."""
    cells = (cell for lesson in LESSONS.values() for cell in lesson.cells if "exercise" in cell.metadata)
    named = {cell.metadata["exercise"]: own_version.named(cell) for cell in cells if own_version.named(cell)}
    return {which: needed.module_of(own_version.find(names[-1]).file) for which, names in named.items()}


def test_a_handout_of_one_lesson_is_no_handout_of_all():
    """Saliency maps need nothing of the fun applications; and what other lessons do not need at all, stays at home."""
    names = release.modules_of(of(["07"]))
    assert "course_utils.gradients.saliency" in names
    rooms = {name.split(".")[1] for name in names if "." in name}
    assert "fun" not in rooms and "course_utils.gradients.fooling" not in names
    assert set(release.carried(of(["10"]))) == {"hooks.py", "networks/network.py"}, "every lesson stands on these two"


@subsets
def test_what_is_imported_is_there(numbers):
    """In a `with suppress(ModuleNotFoundError)`, a package may ask for what only other lessons have."""
    names = release.modules_of(of(numbers))
    packed = dict(release._package(names))
    for file, data in packed.items():
        tree = ast.parse(data) if file.endswith(".py") and file != "course_utils/cli.py" else ast.Module([], [])
        allowed = {id(n) for w in ast.walk(tree) if isinstance(w, ast.With) for n in ast.walk(w)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "") in needed.modules() and id(node) not in allowed:
                assert node.module in names, f"{file} imports {node.module}"
    for name in ("clickable.js", "status.css"):
        assert (f"course_utils/explorers/{name}" in packed) == ("course_utils.explorers.panel" in names)


def test_the_closure_follows_names_to_where_they_are_defined():
    found = set(
        needed.imports(
            "from course_utils import photo, explorers\nfrom course_utils.gradients import saliency as s\n"
            "import course_utils\nexplorers.Occlusion()\ncourse_utils.gram_matrix\n"
            "if TYPE_CHECKING:\n    from course_utils.fun import stylize\n"
        )
    )
    assert {
        "course_utils.images",
        "course_utils.gradients.saliency",
        "course_utils.explorers.occlusion",
        "course_utils.fun.gram",
    } <= found
    assert "course_utils.fun.fast_style" not in found and "course_utils.gradients.fooling" not in found


def test_of_the_data_only_what_these_lessons_read(files):
    def data(numbers):
        return {name.split("/")[1] for name in files[numbers] if name.startswith("data/")}

    assert data("00") == {"weights", "strip"}
    assert data("07") == {"weights", "textures", "map_scores"} == data("12+16") | {"map_scores"}
    # a folder is found by its name in the code that reads it
    code = [path.read_text(encoding="utf-8") for path in [*needed.modules().values(), *lesson_paths()]]
    read = {call for text in code for call in re.findall(r"data_file\((?!name: str).*", text)}
    assert read and all(map(release._DATA.match, read)), read


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files of the handout of lesson 07, and those of 12 and 16, by their names."""

    def make(*numbers):
        place = tmp_path_factory.mktemp("zip")
        result = CliRunner().invoke(app, ["release", "--to", str(place), *numbers])
        assert result.exit_code == 0, result.output
        with zipfile.ZipFile(place / "looking-inside-convnets.zip") as archive:
            return {n.removeprefix("looking-inside-convnets/"): archive.read(n) for n in archive.namelist()}

    return {"07": make("07"), "12+16": make("12", "16"), "00": make("00")}


def test_the_readme_is_the_students(files):
    for numbers, there in files.items():
        text = there["README.md"].decode()
        assert "{" not in text and "pytest" not in text and "course live" not in text and "clone" not in text
        assert len(re.findall(r"^\| (install|open)", text, re.M)) == 2, "two commands"
        listed = re.findall(r"^\| (\d\d) · .+? \| (\d+) \| (\d+) \| (\d+) \|$", text, re.M)
        want = [LESSONS[n] for n in numbers.split("+")]
        points = [sum(e.points for e in lesson.exercises) for lesson in want]
        assert listed == [
            (lesson.number, str(lesson.minutes), str(len(lesson.exercises)), str(all_of_them))
            for lesson, all_of_them in zip(want, points, strict=True)
        ]
        for lesson in want:
            assert f"`my-notebooks/{lesson.name}.ipynb`" in text and f"notebooks/{lesson.name}.ipynb" in there
        assert "other inputs" in text and "right answers of their checks" in text
        for command in set(re.findall(r"bin/course (\w+)", text)):
            module = {"reset": "copies"}.get(command, command)
            assert f"course_utils/commands/{module}.py" in there, command
        for linked in re.findall(r"\]\((?!https?://)([^)#]+)\)", text):
            assert linked in there


def test_explore_has_the_explorers_of_these_lessons_only(files):
    def explorers(numbers):
        book = json.loads(files[numbers]["notebooks/explore.ipynb"])
        return re.findall(r"explorers\.(\w+)\(", "".join("".join(c["source"]) for c in book["cells"]))

    assert explorers("07") == ["Saliency"] and explorers("12+16") == ["DeepDream"]
    assert "course lab explore" in files["07"]["README.md"].decode()
    assert "notebooks/explore.ipynb" not in files["00"], "lesson 00 has no explorer"
    assert "explore" not in files["00"]["README.md"].decode()


def test_a_lesson_links_only_notebooks_that_are_in_it(files):
    found = set()
    for there in files.values():
        books = [json.loads(data) for name, data in there.items() if name.endswith(".ipynb")]
        texts = "".join("".join(c["source"]) for book in books for c in book["cells"] if c["cell_type"] == "markdown")
        linked = {f"notebooks/{name}" for name in re.findall(r"\]\(([^):]+\.(?:ipynb|html))\)", texts)}
        assert linked <= set(there), linked - set(there)
        found |= linked
    assert "notebooks/16_capstone.ipynb" in found and "notebooks/explore.ipynb" in found


def test_nothing_of_maintainers_is_in_it(files):
    for there in files.values():
        text = there["pyproject.toml"].decode()
        assert "[project.scripts]" in text and "dev-mode-dirs" in text
        assert not re.search(r"pytest|ruff|importlinter|optional-dependencies", text)
        top = {name.split("/")[0] for name in there}
        assert top == {
            "LICENSE",
            "README.md",
            "course_utils",
            "data",
            "notebooks",
            "pyproject.toml",
            "requirements.txt",
        }
        assert not [name for name in there if "source" in name.split("/") or name.startswith("course_utils/grading")]


def test_it_says_what_else_can_be_read(tmp_path):
    result = CliRunner().invoke(app, ["release", "--to", str(tmp_path), "07", "00", "--language", "ko"])
    assert "08.2, 08.5 (gradients/guided.py)" in result.output
    assert "Not translated into ko, so in English: 07." in result.output


def test_solutions_are_folded_under_the_hints_and_only_if_asked_for(files, tmp_path):
    result = CliRunner().invoke(app, ["release", "--to", str(tmp_path), "00", "--solutions", "--language", "ko"])
    assert result.exit_code == 0 and "not for a class that is graded" in result.output
    with zipfile.ZipFile(tmp_path / "looking-inside-convnets.zip") as archive:
        there = {
            n.removeprefix("looking-inside-convnets/"): archive.read(n).decode()
            for n in archive.namelist()
            if "data" not in n
        }
    book = json.loads(there["notebooks/00_start_here.ipynb"])["cells"]
    folds = {cell["id"]: "".join(cell["source"]) for cell in book if cell["id"].startswith("solution-")}
    assert list(folds) == [f"solution-00-{number}" for number in (1, 2, 3, 4)]
    assert "<summary>풀이</summary>" in folds["solution-00-3"] and "이것이" not in folds["solution-00-3"]
    assert "return powers / powers.sum" in folds["solution-00-3"] and "check(" not in str(folds)
    assert "$e^0 = 1$" in folds["solution-00-3"], "why it is the solution"
    for number, before in ((1, "힌트"), (4, "힌트")):
        index = next(i for i, cell in enumerate(book) if cell["id"] == f"solution-00-{number}")
        assert before in "".join(book[index - 1]["source"]), "behind the hint"
    assert "folded under the hints" in there["README.md"]
    assert "powers.sum" not in str([cell for cell in book if cell["cell_type"] == "code"])
    quiz = there["notebooks/locale/ko/00.po"]
    assert "확률은 더하면 1입니다." in quiz and "$e^0 = 1$" not in quiz, "only what the quiz reads when it runs"
    plain = files["00"]["notebooks/00_start_here.ipynb"].decode()
    assert "powers.sum" not in plain and "solution-" not in plain and "locale" not in str(list(files["00"]))
    assert "folded under" not in files["00"]["README.md"].decode()


@pytest.mark.parametrize("number", LESSONS)
def test_every_exercise_can_have_its_solution_folded(number):
    book = build(LESSONS[number], "student", folded_solutions=True)
    plain = build(LESSONS[number], "student")
    extra = [cell for cell in book.cells if cell["id"].startswith("solution-")]
    assert len(extra) == len(LESSONS[number].exercises)
    assert [cell for cell in book.cells if cell not in extra] == plain.cells


IMPORT = """
import importlib, pathlib, sys
place = pathlib.Path(sys.argv[1])
for file in sorted((place / "course_utils").rglob("*.py")):
    parts = file.relative_to(place).with_suffix("").parts
    module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    for name in getattr(module, "__all__", ()) if len(parts) > 2 else ():  # the top looks names up when they are used
        getattr(module, name)
    assert module.__file__ == str(file)
"""


def imported(place, tmp, code=IMPORT):
    env = {**environment(tmp), "PYTHONPATH": str(place)}
    return subprocess.run([sys.executable, "-c", code, place], cwd=tmp, env=env, capture_output=True, text=True)


def test_everything_in_it_can_be_imported_also_with_an_older_handout_in_the_folder(files, tmp_path):
    place = unpacked(files["07"], tmp_path / "course")
    ran = imported(place, tmp_path)
    assert ran.returncode == 0, ran.stderr
    unpacked(files["12+16"], place)
    setup = "from course_utils.gradients import grad_cam, saliency\nfrom course_utils.fun import deepdream\n"
    ran = imported(place, tmp_path, setup + IMPORT)
    assert ran.returncode == 0, ran.stderr
    assert not (place / "course_utils/gradients/fooling.py").exists()
    ran = imported(place, tmp_path, "from course_utils.gradients import fool")
    assert "ImportError: cannot import name 'fool'" in ran.stderr


# --------------------------------------------------------------------------------------------------- a student's way


def unpacked(files, place):
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


def commands(place):
    """The two commands of the README for this system."""
    text = (place / "README.md").read_text(encoding="utf-8")
    return [re.search(rf"^\| {name}[^|]*\| `([^`]+)`", text, re.M)[1] for name in ("install", "open")]


def environment(tmp):
    """No course on the path, and nothing of this person's Jupyter."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if k not in ("PYTHONPATH", "VIRTUAL_ENV", "COURSE_STRICT", "COURSE_TRACE", "COURSE_NOTEBOOKS")
    }
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, "JUPYTER_CONFIG_DIR": str(tmp / "jupyter"), "IPYTHONDIR": str(tmp / "ipython")}


def said_in(tmp):
    return {"env": environment(tmp), "capture_output": True, "text": True}


def lend_packages(place, folder):
    """The new environment finds this one's packages, but not this project; pip then has nothing to download."""
    site = next(place.glob(".venv/lib/python*/site-packages"))
    for name in ("setuptools", "pkg_resources", "_distutils_hack"):  # not the version that is pinned
        for old in site.glob(f"{name}*"):
            shutil.rmtree(old)
    (site / "distutils-precedence.pth").unlink(missing_ok=True)
    folder.mkdir()
    for one in Path(sysconfig.get_path("purelib")).iterdir():
        if "looking_inside" not in one.name and one.suffix != ".pth" and one.name.split("-")[0] != "pip":
            (folder / one.name).symlink_to(one)
    (site / "lent.pth").write_text(f"{folder}\n", encoding="utf-8")
    for name in ("share/jupyter/lab", "share/jupyter/labextensions", "etc/jupyter"):  # JupyterLab's own page
        (place / ".venv" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    return {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_FIND_LINKS": ""}


def install(place, tmp, lend):
    first, second = commands(place)[0].split(" && ")
    assert first == "python3 -m venv .venv"
    env = environment(tmp)
    subprocess.run(first, shell=True, cwd=place, env=env, check=True)
    env |= lend_packages(place, tmp / "lent") if lend else {}
    done = subprocess.run(second, shell=True, cwd=place, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def wait_for_port(address, seconds=60):
    where = urllib.parse.urlsplit(address)
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection((where.hostname, where.port), timeout=5).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def opened(place, tmp, *more):
    """What the second command, with these arguments, answers: the address, and the names of the cells that are there."""
    line = f"exec {commands(place)[1]} --no-browser {' '.join(more)}"
    log = tmp / "lab.log"
    with open(log, "w") as file:
        lab = subprocess.Popen(
            line, shell=True, cwd=place, env=environment(tmp), stdout=file, stderr=file, start_new_session=True
        )
    try:
        for _ in range(600):
            found = re.search(r"(http://\S+?)/lab/tree/(\S+?)\?token=(\w+)", log.read_text())
            if found or lab.poll() is not None:
                break
            time.sleep(0.1)
        assert found, log.read_text()
        base, name, token = found.groups()
        wait_for_port(base)  # the address is printed a moment before anybody listens
        for address in (f"{base}/lab/tree/{name}?token={token}", f"{base}/api/contents/{name}?token={token}"):
            with urllib.request.urlopen(address, timeout=30) as answer:
                assert answer.status == 200
                said = answer.read()
        return name, [cell["id"] for cell in json.loads(said)["content"]["cells"]]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(lab.pid, signal.SIGTERM)
        lab.wait(30)


RUN = """
import sys, nbformat
from nbclient import NotebookClient
path, *wanted = sys.argv[1:]
book = nbformat.read(path, as_version=4)
client = NotebookClient(book, kernel_name="python3", resources={"metadata": {"path": "."}})
with client.setup_kernel():
    for index, cell in enumerate(book.cells):
        if cell.cell_type == "code" and (not wanted or cell["id"] in wanted or "setup" in cell.metadata.get("tags", [])):
            client.execute_cell(cell, index)
nbformat.write(book, path)
"""


def write_solution(path, which):
    """Write the course's solution into an exercise's cell, as a student would type it."""
    solved = {c["id"]: c.source for c in build(LESSONS[which[:2]], "solution").cells}
    book = nbformat.read(path, as_version=4)
    cell = next(c for c in book.cells if c.metadata.get("exercise") == which and c.cell_type == "code")
    cell.source = solved[cell["id"]]
    nbformat.write(book, path)
    return cell["id"]


def whole_way(files, tmp_path, lend):
    times, start = {}, time.perf_counter()

    def took(name):
        nonlocal start
        times[name], start = time.perf_counter() - start, time.perf_counter()

    place = unpacked(files, tmp_path / "looking-inside-convnets")
    install(place, tmp_path, lend)
    took("install")
    name, ids = opened(place, tmp_path)
    took("open")
    assert name == "07_saliency_maps.ipynb" and "exercise-07-1" in ids
    mine = place / "my-notebooks" / name
    cell = write_solution(mine, "07.1")
    python = place / ".venv/bin/python"
    ran = subprocess.run(
        [python, "-c", RUN, mine, cell], cwd=place, env=environment(tmp_path), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    outputs = next(c for c in nbformat.read(mine, as_version=4).cells if c["id"] == cell).outputs
    assert "07.1 saliency_map: ✓ passed" in str(outputs)
    took("solve")
    said = subprocess.run([place / ".venv/bin/course", "progress"], cwd=place, **said_in(tmp_path)).stdout
    assert "07  1 of 7 passed" in said
    (tmp_path / "submissions").mkdir()
    shutil.copy(mine, tmp_path / "submissions" / "ann.ipynb")
    options = {"lessons": "07", "seed": 5, "jobs": 1, "student": None, "sandbox": True}
    limits = {"call_seconds": 30.0, "total_seconds": 300.0, "memory_mb": 2048}
    if not bubblewrap_problem():
        assert grade(tmp_path / "submissions", out=tmp_path / "graded", **options, **limits) == 0
        scores = {r.exercise: r.score for r in reports.load_student(tmp_path / "graded", "ann").results}
        assert scores.pop("07.1") == LESSONS["07"].exercises[0].points and set(scores.values()) == {0}
        took("hand in and grade")
    print("\n" + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in times.items()))
    return place


@pytest.mark.timeout(1500)  # a minute or two, more beside other tests
@pytest.mark.skipif(os.name == "nt", reason="the README's line for Windows is another one")
def test_install_open_solve_hand_in_grade(files, tmp_path):
    """The README's two commands, in an environment without this project. Only the packages are lent, not downloaded."""
    place = whole_way(files["07"], tmp_path, lend=True)
    where = "import course_utils; print(course_utils.__file__)"
    said = subprocess.run([place / ".venv/bin/python", "-c", where], cwd=tmp_path, **said_in(tmp_path))
    assert said.stdout.strip() == str(place / "course_utils/__init__.py")
    assert opened(place, tmp_path, "explore")[0] == "explore.ipynb"
    for command in (["grade", "."], ["release", "--to", "x"], ["live", "07"], ["build"], ["tour"]):
        refused = subprocess.run([place / ".venv/bin/course", *command], cwd=place, **said_in(tmp_path))
        assert refused.returncode == 2 and refused.stderr.startswith(f"course: No such command '{command[0]}'")
    shown = subprocess.run([place / ".venv/bin/course", "--help"], cwd=place, **said_in(tmp_path)).stdout
    assert re.findall(r"^  (\w+)  ", shown, re.M) == ["lab", "reset", "progress", "photos", "doctor"]
    ran = subprocess.run([place / ".venv/bin/course", "doctor"], cwd=place, **said_in(tmp_path))
    assert ran.returncode == 0, ran.stdout


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.name == "nt", reason="the README's line for Windows is another one")
def test_install_open_solve_hand_in_grade_from_nothing(files, tmp_path):
    """The same in a truly empty environment: pip downloads everything, some gigabytes."""
    whole_way(files["07"], tmp_path, lend=False)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("number", LESSONS)
def test_each_lesson_alone_runs_to_its_end(number, tmp_path):
    """Run All in a handout of this lesson only, as it was handed out: no worked cell misses a file."""
    place = unpacked(release.handout(of([number])), tmp_path / "course")
    env = {**environment(tmp_path), "PYTHONPATH": str(place)}
    for path in sorted((place / "notebooks").glob("*.ipynb")):
        ran = subprocess.run([sys.executable, "-c", RUN, path], cwd=place, env=env, capture_output=True, text=True)
        assert ran.returncode == 0, f"{path.name}: {ran.stderr[-3000:]}"
