"""The fold "The course's own version": the package's source of a method, put into notebooks by the builder.

An author writes own="course_utils.gradients:saliency" on a text cell; several names are separated by spaces. The source
is read from the module's file, and nothing is imported: a notebook is built without PyTorch.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent

from nbformat import NotebookNode

from course_utils.authoring.cells import folded
from course_utils.errors import CourseError

PACKAGE = Path(__file__).resolve().parents[1]
TITLE = "The course's own version"


@dataclass(frozen=True)
class OwnVersion:
    """A function or class of the course.

    Attributes:
        name: as the author wrote it, "course_utils.gradients:saliency".
        file: where it is defined, "gradients/saliency.py".
        first, last: its lines in this file; decorators and docstring belong to it.
        text: its source.
    """

    name: str
    file: str
    first: int
    last: int
    text: str


def named(cell: NotebookNode) -> list[str]:
    """The names in a cell's own="..."."""
    return cell.metadata.get("own", "").split()


def find(name: str) -> OwnVersion:
    """Look a function, a class or a method up, through the modules that only export it again.

    Args:
        name: "module:function", "module:Class" or "module:Class.method".

    Raises:
        CourseError: the course has no such module, or the module has no such function or class.
    """
    module, _, wanted = name.partition(":")
    path = _file(module)
    if path is None:
        raise CourseError(f"there is no module {module!r} in the course.")
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    node = _defined(tree, wanted.split("."))
    if node is not None:
        first = min(n.lineno for n in (node, *node.decorator_list))
        text = dedent("\n".join(source.splitlines()[first - 1 : node.end_lineno]))
        return OwnVersion(name, path.relative_to(PACKAGE).as_posix(), first, node.end_lineno, text)
    head, dot, rest = wanted.partition(".")
    for statement in tree.body:
        for alias in statement.names if isinstance(statement, ast.ImportFrom) else ():
            if (alias.asname or alias.name) == head and _file(statement.module or "") is not None:
                return replace(find(f"{statement.module}:{alias.name}{dot}{rest}"), name=name)
    file = path.relative_to(PACKAGE).as_posix()
    raise CourseError(f"there is no function or class {wanted!r} in {module} ({file}); write module:function.")


def _file(module: str) -> Path | None:
    """The file of a module of the course. `importlib` would import the packages above it, and PyTorch with them."""
    top, *parts = module.split(".")
    base = PACKAGE.joinpath(*parts)
    places = [base / "__init__.py", base.with_suffix(".py")] if top == PACKAGE.name else []
    return next((path for path in places if path.is_file()), None)


def _defined(tree: ast.AST, names: list[str]) -> ast.FunctionDef | ast.ClassDef | None:
    for name in names:
        definitions = (n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == name)
        tree = next(definitions, None)
        if tree is None:
            return None
    return tree


def overlap(one: OwnVersion, other: OwnVersion) -> bool:
    """Whether two versions share lines, as a class and its method do."""
    return one.file == other.file and one.first <= other.last and other.first <= one.last


def fold(version: OwnVersion, title: str = TITLE) -> str:
    """The text cell that shows a version, under a title."""
    summary = f"{title}: <code>{version.file}</code>"
    return folded(summary, f"```python\n{version.text}\n```")
