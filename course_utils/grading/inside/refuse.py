"""Stands in for what is not there while grading: `from ... import name` works, using the name does not."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

TREE = Path(__file__).resolve().parents[3]  # the folder of the reduced course


class Refused:
    """Any use of it says that the real thing is not there."""

    def __init__(self, name: str, why: str):
        self.__name__ = self.__qualname__ = name
        self.why = why

    def __call__(self, *args: Any, **options: Any) -> NoReturn:
        raise RuntimeError(f"{self.__name__} {self.why}")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(f"{self.__name__} {self.why}")


def refuse(module: str, why: str) -> Callable[[str], Refused]:
    """The `__getattr__` of a module that has every name, and nothing behind it."""

    def look_up(name: str) -> Refused:
        if name.startswith("__"):
            raise AttributeError(name)
        return Refused(f"{module}.{name}", why)

    return look_up


def stand_ins(files: Sequence[str]) -> list[tuple[Path, Path]]:
    """`(stand-in, the file in whose place it is)` for files of the package such as "hooks.py"."""
    return [(TREE / "stand_ins" / "course_utils" / file, TREE / "course_utils" / file) for file in files]


def hide(files: Sequence[str]) -> None:
    """Put the stand-ins of some modules in their place, also where they are imported already."""
    for stand_in, file in stand_ins(files):
        name = ".".join(file.relative_to(TREE).with_suffix("").parts)
        package, _, last = name.rpartition(".")
        spec = importlib.util.spec_from_file_location(name, stand_in)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
        setattr(importlib.import_module(package), last, module)
