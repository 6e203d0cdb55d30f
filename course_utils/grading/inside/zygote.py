"""A zygote: a process that imports torch once, never runs a student's code, and forks a child for every submission.

The child puts itself into namespaces of its own (`confine`) and answers requests there (`serve`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys

from course_utils.grading.inside.confine import PR_SET_DUMPABLE, c_library, confine, null_descriptors
from course_utils.grading.inside.serve import serve

NOBODY = 65534


def main() -> None:
    """Warm up, say so, then start and kill children as the grader asks."""
    control = socket.socket(fileno=int(sys.argv[1]))
    warm = json.loads(sys.argv[2])
    space = _warm(warm)
    _become_nobody()
    null_descriptors()  # until here, errors went to the grader
    control.sendall(b'{"ready": true}\n')
    child = None  # (the process that waits for it, the process itself)
    while True:
        text, fds, _, _ = socket.recv_fds(control, 1 << 16, 1)
        if not text:
            return
        request = json.loads(text)
        if child is not None:  # one submission at a time
            _end(*child)
            child = None
        reply: dict = {"ended": True}
        if "start" in request:
            try:
                child = _start(control, fds[0], request["start"], space)
                reply = {"started": True}
            except OSError as error:
                reply = {"error": str(error)}
            finally:
                os.close(fds[0])
        control.sendall(json.dumps(reply).encode() + b"\n")


def _warm(lines: list[str]):
    """Import what lessons import; returns the IPython shell, in which the forked children run cells."""
    import matplotlib.pyplot as plt
    import torch
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    import course_utils.exercises.runner  # noqa: F401  (it is compiled once, not for every child)

    torch.set_num_threads(1)
    plt.switch_backend("agg")
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    shell.run_line_magic = _forgiving(shell.run_line_magic)
    for line in lines:  # imports of the lessons' own setup cells
        with contextlib.suppress(Exception):
            exec(line, {})
    small = torch.zeros(1, requires_grad=True)
    torch.autograd.grad((small * small).sum(), small)  # the first gradient is slow
    return shell


def _forgiving(magic):
    """`%matplotlib inline` and the like have nothing to act on here: what fails is no mistake of the cell."""

    def run(name, line, *args, **options):
        if name not in ("matplotlib", "pip", "conda", "load_ext", "autoreload", "config", "gui"):
            return magic(name, line, *args, **options)

    return run


def _become_nobody() -> None:
    """Started by root, the zygote gives up being root before it forks anything."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and os.environ.get("COURSE_SANDBOX") == "bwrap":
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        c_library().prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # so that /proc/self/uid_map can be written


def _start(control: socket.socket, channel_fd: int, limits: dict, shell) -> tuple[int, int]:
    """Fork a child that serves one submission.

    Raises:
        OSError: it could not be walled off.
    """
    reading, writing = os.pipe()
    waiter = os.fork()
    if waiter == 0:
        try:
            os.close(reading)
            control.close()

            confine(channel_fd, writing, limits, lambda channel: serve(channel, shell))
        except BaseException as error:
            os.write(writing, json.dumps({"error": str(error)[:500]}).encode())
        finally:
            os._exit(0)
    os.close(writing)
    said = b""
    while piece := os.read(reading, 4096):
        said += piece
    os.close(reading)
    told = json.loads(said or b"{}")
    if told.get("error") or "worker" not in told:
        os.waitpid(waiter, 0)
        raise OSError(told.get("error", "the child died before it began"))
    return waiter, told["worker"]


def _end(waiter: int, worker: int) -> None:
    """Kill a child; with the first process of its namespace, every process in it dies."""
    if os.waitpid(waiter, os.WNOHANG)[0] == 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
        os.waitpid(waiter, 0)
