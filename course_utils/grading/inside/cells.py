"""How a cell is run: whole, or in pieces when something in it failed or did not come back.

A cell often holds more than a function: a test of one's own, a picture, a network that is not there while grading.
None of these may cost the function. So a cell whose statement raises goes on after it; a cell that once did not come
back is run statement by statement, each for a second.
"""

from __future__ import annotations

import ast
import importlib
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

PIECE = 1.0  # seconds for one statement of a cell that is run in pieces

_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPUTES = (ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.Await, ast.Yield, ast.YieldFrom, ast.Pow, ast.LShift)
_WRAPPERS = r"\A\s*%%(?:time|timeit|capture|prun)\b.*\n"  # cell magics around plain Python


class _Slow(BaseException):
    """A statement has had its time. Not an Exception, so that a student's `except Exception` does not swallow it."""


def run_cell(shell, source: str, how: str) -> BaseException | None:
    """Run a cell; returns the first exception, or None.

    Args:
        shell: the IPython shell.
        source: the cell's text, perhaps with magics.
        how: "whole"; "pieces": each statement for a second; "definitions": only its imports, functions, classes and
            constants, each for a second.
    """
    importlib.invalidate_caches()  # a module that an earlier cell has just written
    source = re.sub(_WRAPPERS, "", source)
    if how != "whole":
        return _run_pieces(shell, source, definitions=how == "definitions")
    result = shell.run_cell(source, store_history=False, silent=True)
    if result.error_in_exec is not None:
        _run_pieces(shell, source, behind=_line_of(result.error_in_exec))
    return result.error_before_exec or result.error_in_exec


def _line_of(error: BaseException) -> int:
    """The line of the cell's statement that raised; far behind the cell's end if it is not known."""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "<module>" and code.co_filename.startswith("<"):
            return trace.tb_lineno
        trace = trace.tb_next
    return 1 << 30


def _run_pieces(shell, source: str, *, behind: int = 0, definitions: bool = False) -> BaseException | None:
    """Run the statements that begin behind a line, each for a second, whatever the ones before it have raised."""
    first = None
    text = _plain_python(shell, source)
    name = shell.compile.cache(text, 0)
    for node in pieces(text, definitions=definitions):
        if node.lineno > behind:
            try:
                code = shell.compile(ast.Module([node], []), name, "exec")
                with _at_most(PIECE):
                    exec(code, shell.user_global_ns, shell.user_ns)
            except BaseException as error:
                first = first or error
    return first


def _plain_python(shell, source: str) -> str:
    """A cell without magics. IPython's look for them takes longer than all else, and what Python can read has none."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return shell.transform_cell(source)
    return source


def pieces(text: str, *, definitions: bool = False) -> list[ast.stmt]:
    """The statements of a cell without magics; with `definitions` only those that define, not those that compute."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [node for node in body if _defines(node)] if definitions else body


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        return isinstance(node.value, ast.Lambda) or not any(isinstance(n, _COMPUTES) for n in ast.walk(node.value))
    return isinstance(node, _DEFINITIONS)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def end(*_: object) -> None:
        raise _Slow(f"a statement took more than {seconds:.0f} second")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
