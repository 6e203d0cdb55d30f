"""A submission: it answers two requests, as lines of JSON on a socket: run a cell, call a function."""

from __future__ import annotations

import json
import socket
import sys
import traceback
from collections.abc import Callable

from course_utils.grading.inside.cells import run_cell


def serve(channel: socket.socket, shell) -> None:
    """Answer the requests that come on a socket, one after the other, until it is closed.

    Args:
        channel: the socket to the grader.
        shell: the IPython shell that runs the cells.
    """
    from course_utils.exercises import check, quiz

    run = _runner()
    sys.path.insert(0, "")  # as in a kernel: a module that a cell has written can be imported
    shell.user_ns.update({"__name__": "__main__", "check": check, "quiz": quiz})
    lines = channel.makefile("rb")
    for line in lines:
        request = json.loads(line)
        try:
            if "cell" in request:
                reply = _run_cell(shell, request["cell"], request["how"])
            elif request["call"] in shell.user_ns:
                function, options = shell.user_ns[request["call"]], request["options"]
                reply = run(function, request["args"], **options)
            else:
                reply = {"missing": True}
        except BaseException as error:
            reply = _told(error)
        try:
            text = json.dumps({"n": request["n"], **reply})
        except BaseException as error:
            text = json.dumps({"n": request["n"], **_told(error)})
        channel.sendall(text.encode() + b"\n")


def _runner() -> Callable:
    """`runner.run`, out of the reach of cells: those who import its modules get other copies of them."""
    from course_utils import exercises
    from course_utils.exercises.runner import run

    for name in ("runner", "left_behind", "transport", "tiny"):
        sys.modules.pop(f"course_utils.exercises.{name}")
        delattr(exercises, name)  # or `from course_utils.exercises import runner` would still find it
    return run


def _run_cell(shell, source: str, how: str) -> dict:
    error = run_cell(shell, source, how)
    return {"ok": True} if error is None else _told(error)


def _told(error: BaseException) -> dict:
    kind, message, line = type(error).__name__, "", ""
    try:
        message = str(error)[:1000]
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith("<")]
        if frames and frames[-1].line:
            line = f"line {frames[-1].lineno}: {frames[-1].line}"[:300]
        elif isinstance(error, SyntaxError):
            message, line = str(error.msg), f"line {error.lineno}: {(error.text or '').strip()}"[:300]
    except BaseException:
        pass
    return {"kind": kind, "message": message, "line": line}
