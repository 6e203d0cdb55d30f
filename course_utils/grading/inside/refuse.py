"""Stands in for what is not there while grading: `from ... import name` works, using the name does not."""

from collections.abc import Callable
from typing import Any, NoReturn


class StandIn:
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


def refuse(module: str, why: str) -> Callable[[str], StandIn]:
    """The `__getattr__` of a module that has every name, and nothing behind it."""

    def look_up(name: str) -> StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(f"{module}.{name}", why)

    return look_up
