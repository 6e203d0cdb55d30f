"""What a student's code may see of the course: little of it as it is, stand-ins for everything else.

A stand-in has every name of its module, so that a lesson's imports work; a use of one of them says that it is not
there.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from course_utils.exercises.reference import ANSWERS, IS_REFERENCE, is_whole, why_missing
from course_utils.grading.syntax import parse

PACKAGE = Path(__file__).resolve().parents[1]

# checks do nothing inside; the other files in `exercises` hold the answers, and not even their names are there
_NO_CHECKS = ("exercises/__init__.py", "exercises/machine.py", "exercises/quizzes.py")


def course_tree(folder: Path) -> None:
    """Write the reduced course into an empty folder, and matplotlib's list of fonts."""
    for source in sorted(PACKAGE.rglob("*.py")):
        name = source.relative_to(PACKAGE)
        target = folder / PACKAGE.name / name
        if is_whole(name):
            text = source.read_text(encoding="utf-8")
        elif name.as_posix() in _NO_CHECKS:
            text = (PACKAGE / "grading" / "inside" / "no_checks.py").read_text(encoding="utf-8")
        elif name.parts[0] == "exercises":
            continue
        else:
            text = _stand_in(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    fonts = folder / "matplotlib"  # or every sandbox would look for fonts again
    fonts.mkdir()
    import matplotlib

    for cached in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        shutil.copy2(cached, fonts / cached.name)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def put_answers(folder: Path, hidden: Sequence[str]) -> None:
    """Of the files in `ANSWERS`, write stand-ins of the hidden ones into the reduced course, the others as they are.

    Only while no process uses it: what has been imported before is not taken back.
    """
    for name in sorted({name for files in ANSWERS.values() for name in files}):
        source = PACKAGE / name
        text = _stand_in(source, IS_REFERENCE) if name in hidden else source.read_text(encoding="utf-8")
        (folder / PACKAGE.name / name).write_text(text, encoding="utf-8")


@cache
def _stand_in(source: Path, why: str = "") -> str:
    """A module that has every name, and nothing behind it; `why` is said when one of them is used."""
    parts = source.relative_to(PACKAGE.parent).with_suffix("").parts
    names = []
    for node in parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            names = ast.literal_eval(node.value)
    module = ".".join(p for p in parts if p != "__init__")
    why = why or why_missing(source.relative_to(PACKAGE))
    return (
        f"from course_utils.grading.inside.refuse import refuse as _refuse\n\n"
        f"__all__ = {names!r}\n__getattr__ = _refuse({module!r}, {why!r})\n"
    )
