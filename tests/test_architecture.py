"""Dependencies point one way (import-linter; the rows stand in pyproject.toml), and nobody imports another file's private names."""

import ast
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
MODULES = sorted((ROOT / "course_utils").rglob("*.py"))

# Open: private names that another file imports today. The list only shrinks.
OPEN_PRIVATE = {
    ("engines/recording.py", "course_utils.hooks._Stop"),
}


def rooms() -> set[str]:
    """Every room and file that has a row in the contract, and exists."""
    named = {room for row in CONTRACTS[0]["layers"] for room in re.findall(r"\w+", row)}
    return named & {place.stem for place in (ROOT / "course_utils").iterdir()}


def test_dependencies_point_one_way():
    """The command of CONTRIBUTING. It also fails if a room has no row, or if an open exception is open no more."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Contracts: 1 kept, 0 broken" in " ".join(run.stdout.split())


def test_contributing_names_every_room():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [room for room in sorted(rooms()) if not re.search(rf"`[^`]*\b{room}\b", text)] == []


def imported_names(path: Path) -> list[str]:
    """`package.module.name` for each name that a file takes from another one of the package."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return [
        f"{node.module}.{alias.name}"
        for node in froms
        for alias in node.names
        if (node.module or "").startswith("course_utils")
    ]


def test_nobody_imports_a_private_name():
    private = {
        (path.relative_to(ROOT / "course_utils").as_posix(), name)
        for path in MODULES
        for name in imported_names(path)
        if name.rpartition(".")[2].startswith("_") and not name.endswith("__")
    }
    assert private - OPEN_PRIVATE == set(), "give it a public name"
    assert OPEN_PRIVATE - private == set(), "mended: take it off the list"


def test_inside_the_package_a_name_comes_from_the_module_that_defines_it():
    """`from course_utils import photo` looks the name up when it runs: no linter would see where the arrow points."""
    places = {place.stem for place in (ROOT / "course_utils").iterdir()} | {"__version__"}
    looked_up = [
        (path.relative_to(ROOT).as_posix(), name)
        for path in MODULES
        for name in imported_names(path)
        if name.count(".") == 1 and name.rpartition(".")[2] not in places
    ]
    assert looked_up == []


@pytest.mark.parametrize("script", sorted((ROOT / "tests" / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_what_a_benchmark_imports_is_there(script, monkeypatch):
    """Nothing runs them in the tests, so a name that moved would be found by the next person who measures."""
    monkeypatch.syspath_prepend(str(script.parent))
    runpy.run_path(str(script), run_name="imported")
