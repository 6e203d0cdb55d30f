"""The untrusted side: this file runs inside the sandbox, and nothing that it says is believed.

It starts as a zygote, which imports torch once and never runs a student's code. For every submission the zygote forks a child
that puts itself into namespaces of its own (users, processes, mounts, network, IPC), where nothing of the zygote or of another
submission can be seen, and there answers two requests, as lines of JSON on a socket: run a cell, call a function.

It is started as a script, in a folder that holds a reduced `course_utils` without any answer: see `sandbox.course_tree`.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
import traceback

NOBODY = 65534
INSIDE = 1000  # the user id that a student's code sees

_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE = 1, 2, 4, 16384, 1 << 18
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE = 1, 24, 38, 4
_CAP_VERSION_3 = 0x20080522


# --- the zygote --------------------------------------------------------------------------------------------------------


def main() -> None:
    """Warm up, say so, then start and kill children as the grader asks."""
    control = socket.socket(fileno=int(sys.argv[1]))
    warm = json.loads(sys.argv[2])
    space = _warm(warm)
    _become_nobody()
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
        _libc().prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # so that /proc/self/uid_map can be written


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
            _child(channel_fd, writing, limits, shell)
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


# --- the walls ---------------------------------------------------------------------------------------------------------


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _must(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _child(channel_fd: int, report: int, limits: dict, shell) -> None:
    """New namespaces; then a second fork, whose child is the first process in them and runs the student's code."""
    walls, virtual = limits["walls"], _virtual_size()
    _die_with_parent()
    if walls:
        user, group = os.getuid(), os.getgid()
        _must(
            _libc().unshare(_NEWUSER | _NEWPID | _NEWNS | _NEWNET | _NEWIPC | _NEWUTS),
            "no namespaces inside of the sandbox",
        )
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{INSIDE} {user} 1"),
            ("gid_map", f"{INSIDE} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    listen, tell = os.pipe()
    worker = os.fork()
    if worker == 0:
        try:
            _die_with_parent()
            if walls:
                _mounts(limits)
                _drop_rights()
            _limit(limits, virtual)
            channel = socket.socket(fileno=os.dup(channel_fd))
            _close_all_but(channel.fileno(), tell)
            os.write(tell, b"ready")
            os.close(tell)
        except BaseException as error:
            os.write(tell, str(error).encode()[:500])
            os._exit(1)
        try:
            _serve(channel, shell)
        finally:
            os._exit(0)
    os.close(channel_fd)
    os.close(tell)
    said = os.read(listen, 4096).decode(errors="replace")
    told = {"worker": worker} if said == "ready" else {"error": said or "the child died before it began"}
    os.write(report, json.dumps(told).encode())
    os.close(report)
    os.waitpid(worker, 0)
    os._exit(0)


def _mounts(limits: dict) -> None:
    """Fresh empty folders to write in, and no /proc: it would show the zygote."""
    libc = _libc()
    _must(libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mounts")
    for folder in limits["folders"]:
        options = f"size={limits['disk']},nr_inodes=4096,mode=0700".encode()
        _must(libc.mount(b"tmpfs", folder.encode(), b"tmpfs", _MS_NOSUID | _MS_NODEV, options), folder)
    _must(libc.mount(b"tmpfs", b"/proc", b"tmpfs", _MS_RDONLY, b"size=4k"), "/proc")
    os.chdir(limits["folders"][0])


def _drop_rights() -> None:
    """Rights over the new namespaces were needed for the mounts; now none is left, and none can come back by `exec`."""
    libc = _libc()
    _must(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    for capability in range(64):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAP_VERSION_3, 0)
    _must(libc.capset(header, (ctypes.c_uint32 * 6)()), "capabilities")


def _virtual_size() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:  # not Linux: there the limit of memory is set by the grader alone
        return 1 << 40


def _limit(limits: dict, virtual: int) -> None:
    wanted = {
        "RLIMIT_AS": virtual + limits["memory"],
        "RLIMIT_CPU": limits["cpu"],
        "RLIMIT_FSIZE": limits["disk"],
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
        "RLIMIT_NPROC": limits["processes"] if limits["walls"] else None,
    }
    for name, value in wanted.items():
        if value is not None and hasattr(resource, name):
            which = getattr(resource, name)
            hard = resource.getrlimit(which)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (value, value))


def _close_all_but(*keep: int) -> None:
    last = 2
    for fd in sorted(keep):
        os.closerange(last + 1, fd)
        last = fd
    os.closerange(last + 1, 4096)


# --- a submission --------------------------------------------------------------------------------------------------------


def _serve(channel: socket.socket, shell) -> None:
    from course_utils.exercises import check, quiz

    shell.user_ns.update({"__name__": "__main__", "check": check, "quiz": quiz})
    lines = channel.makefile("rb")
    for line in lines:
        request = json.loads(line)
        try:
            reply = _run_cell(shell, request["cell"], request["short"]) if "cell" in request else _call(shell, request)
        except BaseException as error:
            reply = _told(error)
        try:
            text = json.dumps({"n": request["n"], **reply})
        except BaseException as error:
            text = json.dumps({"n": request["n"], **_told(error)})
        channel.sendall(text.encode() + b"\n")


def _run_cell(shell, source: str, short: bool) -> dict:
    source = shortened(source) if short else source
    result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    return {"ok": True} if error is None else _told(error)


def shortened(source: str) -> str:
    """The imports, functions, classes and constants of a cell, without anything that computes."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    keep = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    kept = [n for n in body if isinstance(n, keep) or (isinstance(n, ast.Assign) and isinstance(n.value, ast.Constant))]
    return "\n\n".join(ast.unparse(node) for node in kept)


def _call(shell, request: dict) -> dict:
    """Run a function once or more times on the very same objects, as `LocalCall` does in the notebook."""
    import torch

    from course_utils.exercises.transport import decode, encode

    if request["call"] not in shell.user_ns:
        return {"kind": "Missing"}
    function = shell.user_ns[request["call"]]
    arguments = [decode(a) for a in request["args"]]
    values = []
    for _ in range(request["times"]):
        with torch.enable_grad():
            value = function(*arguments)
        try:
            values.append(encode(value))
        except TypeError as error:
            return {
                "kind": "TypeError",
                "message": f"it returned something that cannot be compared: {error}",
                "line": "",
            }
    return {"ok": True, "values": values}


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


if __name__ == "__main__":
    main()
