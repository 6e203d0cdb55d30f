"""Which files of the package some lessons need: what their notebooks import, and what that imports in turn.

Nothing is imported here: sources are read. A package that only exports names again (`course_utils.gradients`) is not
followed as a whole, but name by name to the files that define them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from course_utils.authoring.cells import is_claim
from course_utils.authoring.source import Lesson

PACKAGE = Path(__file__).resolve().parents[1]
TOP = PACKAGE.name
# in every handout: what each lesson stands on, and the commands of a student
ALWAYS = (
    "cli",
    "errors",
    "hooks",
    "images",
    "one_line",
    "places",
    "plots",
    "still",
    "validate",
    "networks",
    "exercises",
)
COMMANDS = ("lab", "doctor", "photos", "copies", "progress")


def needed(lessons: Iterable[Lesson]) -> set[str]:
    """The modules that a handout of these lessons holds, such as "course_utils.gradients.saliency".

    Args:
        lessons: read sources.
    """
    start = {f"{TOP}.{name}" for name in ALWAYS}
    start |= {name for name in modules() if name.startswith(f"{TOP}.networks.")}
    start |= {f"{TOP}.commands.{name}" for name in COMMANDS} | {f"{TOP}.commands"}
    start |= {f"{TOP}.exercises.{name}" for name in ("machine", "quizzes", "tiny")}
    for lesson in lessons:
        start |= of_lesson(lesson) | {f"{TOP}.exercises.lesson_{lesson.number}"}
    return closure(start & set(modules()))


def of_lesson(lesson: Lesson) -> set[str]:
    """The modules whose names the cells of a student's notebook use."""
    code = [c.source for c in lesson.cells if c.cell_type == "code" and not is_claim(c)]
    plain = "\n".join(re.sub(r"^(\s*)[%!].*", r"\1pass", source, flags=re.M) for source in code)
    return set(imports(plain))


def closure(start: Iterable[str]) -> set[str]:
    """These modules, and all that they import, also inside of functions; and the packages that they lie in."""
    found, waiting = set(), list(start)
    while waiting:
        name = waiting.pop()
        if name in found or name not in modules():
            continue
        found.add(name)
        parent = name.rpartition(".")[0]
        if parent:
            waiting.append(parent)
        if not is_package(name) and name != f"{TOP}.cli":  # it has only the commands whose files are there
            waiting += _imports_of(name)
    return found


@cache
def modules() -> dict[str, Path]:
    """Every module of the package and its file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def is_package(name: str) -> bool:
    return modules()[name].name == "__init__.py"


@cache
def _imports_of(name: str) -> frozenset[str]:
    return frozenset(imports(modules()[name].read_text(encoding="utf-8")))


def imports(source: str) -> Iterator[str]:
    """The modules of the package that define what a source imports from it."""
    tree = ast.parse(source)
    skipped = {id(node) for one in ast.walk(tree) if _only_for_types(one) for node in ast.walk(one)}
    packages = {TOP: TOP}  # names that stand for a package, of which single attributes are used
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom) and node.module in modules():
            for alias in node.names:
                home = home_of(node.module, alias.name)
                if is_package(home):
                    packages[alias.asname or alias.name] = home
                yield home
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in packages:
            yield home_of(packages[node.value.id], node.attr)


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@cache
def home_of(module: str, name: str) -> str:
    """The module that defines what `module` calls `name`."""
    if not is_package(module):
        return module
    if name in exported(module):
        origin = exported(module)[name]
        return home_of(origin, name) if origin != module else module
    below = f"{module}.{name}"
    return below if below in modules() else module


@cache
def exported(package: str) -> dict[str, str]:
    """For each name that a package exports again, the module that it takes it from."""
    tree = ast.parse(modules()[package].read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in modules():
            found |= {alias.asname or alias.name: node.module for alias in node.names}
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if getattr(target, "id", "") == "_NAMES":  # course_utils: from a room to its names
            rooms = ast.literal_eval(node.value)
            found |= {name: f"{package}.{room}" for room, names in rooms.items() for name in names.split()}
        elif getattr(target, "id", "") == "_HOME":  # the explorers: from a name to its file
            found |= {name: f"{package}.{file}" for name, file in ast.literal_eval(node.value).items()}
    return found


def module_of(file: str) -> str:
    """The module of a file of the package, such as "gradients/saliency.py"."""
    parts = Path(file).with_suffix("").parts
    return ".".join([TOP, *(parts[:-1] if parts[-1] == "__init__" else parts)])
