"""The walls around a student's code: what is mounted, what is limited, and how the grader talks through them.

    with Sandbox() as sandbox:
        worker = sandbox.start()
        worker.run_cell("def double(x): return 2 * x")
        worker.call("double", [21])             # [42]: plain values, which the grader compares itself

One sandbox is one bubblewrap with a zygote in it (see `worker`): no network, a read-only system, an empty home, a clean
environment, and a reduced copy of `course_utils`. It serves one submission after the other, each in namespaces of its own.
"""

from __future__ import annotations

import ast
import json
import os
import select
import shutil
import site
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from course_utils.errors import CourseError
from course_utils.exercises.machine import StudentError
from course_utils.exercises.transport import decode, encode
from course_utils.grading.syntax import parse

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent

INSTALL = "install it with `apt install bubblewrap` (Debian, Ubuntu) or `dnf install bubblewrap` (Fedora)"

MB = 1 << 20
MAX_MESSAGE = 48 * MB  # bytes of one answer
_HOME = "/home/student"
_REFERENCE = ("filters", "activations", "gradients", "fun")  # packages that hold the answers
_WHOLE = ("errors.py", "places.py", "validate.py", "hooks.py", "images.py", "plots.py", "__init__.py", "networks")


class SandboxError(CourseError):
    """The sandbox itself does not work; no fault of a submission."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        call: seconds for one cell or one call of a function.
        total: seconds for the whole notebook; also the limit of its CPU time.
        memory: bytes, over all its processes, on top of what Python and torch take.
        disk: bytes of its files.
        processes: how many processes at the same time.
    """

    call: float = 30.0
    total: float = 300.0
    memory: int = 2048 * MB
    disk: int = 64 * MB
    processes: int = 16


class Broken(StudentError):
    """The process of a submission is gone, or had to be killed: `kind` is Timeout, Memory, Processes, Died or Protocol."""


# --- the reduced course --------------------------------------------------------------------------------------------------


_REFUSE = '''"""Stands in for the parts of the course that are not there while grading."""


class Refused:
    """Any use of it says that the reference is not there."""

    def __init__(self, name, why):
        self.__name__ = self.__qualname__ = name
        self.why = why

    def __call__(self, *args, **options):
        raise RuntimeError(f"{self.__name__} {self.why}")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(f"{self.__name__} {self.why}")


def refuse(module, why):
    def look_up(name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Refused(f"{module}.{name}", why)

    return look_up
'''
_IS_REFERENCE = "is the reference; it is not there while grading: your function must compute it itself"
_IS_MISSING = "is not there while grading"
_NO_CHECKS = '''"""While grading, the checks run elsewhere: here they do nothing."""

from course_utils.exercises.tiny import tiny_net

NOTEBOOK_SEEDS = (0, 1, 2)


def check(*args, **options):
    return None


quiz = run_check = get_exercise = lesson_exercises = check
'''


def course_tree(folder: Path) -> None:
    """Write what a student's code may see of the course: the core, and stand-ins that refuse for everything else."""
    shutil.copy2(PACKAGE / "grading" / "worker.py", folder / "worker.py")
    tree = folder / "course_utils"
    tree.mkdir()
    skip = shutil.ignore_patterns("__pycache__")
    for name in _WHOLE:
        source = PACKAGE / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=skip)
        else:
            shutil.copy2(source, tree / name)
    exercises = tree / "exercises"
    exercises.mkdir()
    for name in ("tiny.py", "transport.py"):
        shutil.copy2(PACKAGE / "exercises" / name, exercises / name)
    for name in ("__init__.py", "machine.py", "quizzes.py"):
        (exercises / name).write_text(_NO_CHECKS, encoding="utf-8")
    (tree / "refuse.py").write_text(_REFUSE, encoding="utf-8")
    for source in sorted(PACKAGE.rglob("*.py")):
        target = tree / source.relative_to(PACKAGE)
        if not target.exists() and source.relative_to(PACKAGE).parts[0] != "exercises":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_stand_in(source), encoding="utf-8")
    fonts = folder / "matplotlib"  # or every sandbox would look for fonts again
    fonts.mkdir()
    import matplotlib

    for cached in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        shutil.copy2(cached, fonts / cached.name)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


@cache
def _stand_in(source: Path) -> str:
    """A module that has every name, and nothing behind it."""
    parts = source.relative_to(PACKAGE.parent).with_suffix("").parts
    names = []
    for node in parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            names = ast.literal_eval(node.value)
    module = ".".join(p for p in parts if p != "__init__")
    why = _IS_REFERENCE if parts[1] in _REFERENCE else _IS_MISSING
    return (
        f"from course_utils.refuse import refuse as _refuse\n\n"
        f"__all__ = {names!r}\n__getattr__ = _refuse({module!r}, {why!r})\n"
    )


# --- bubblewrap ----------------------------------------------------------------------------------------------------------


def bubblewrap_problem() -> str:
    """Why bubblewrap cannot be used here, or "" if it can."""
    program = shutil.which("bwrap")
    if program is None:
        return f"bubblewrap is not installed; {INSTALL}"
    walls = [a for d in ("/usr", "/bin", "/lib", "/lib64") if os.path.exists(d) for a in ("--ro-bind", d, d)]
    tried = subprocess.run([program, *_walls(), *walls, "true"], capture_output=True, text=True, timeout=30)
    if tried.returncode:
        return (
            f"bubblewrap does not work here ({tried.stderr.strip()[:200] or 'no reason given'}); "
            "inside of a container, user namespaces must be allowed"
        )
    return ""


def _walls() -> list[str]:
    """Everything that a process could share with the outside is new. Root stays root outside only to become nobody inside."""
    kinds = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if os.geteuid() == 0:
        rights = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        rights = ["--unshare-user", "--uid", "1000", "--gid", "1000"]
    return [*kinds, *rights, "--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev"]


def _environment() -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": _HOME,
        "TMPDIR": _HOME,
        "IPYTHONDIR": f"{_HOME}/.ipython",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{_HOME}/.matplotlib",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TQDM_DISABLE": "1",
        "COURSE_SANDBOX": "bwrap",
    }


def _readable() -> list[str]:
    """The folders of the system and of this Python; everything else does not exist inside."""
    system = ["/usr", "/lib", "/lib64", "/bin", "/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime"]
    python = [os.path.realpath(sys.base_prefix), os.path.realpath(sys.prefix), sys.base_prefix, sys.prefix]
    found: list[str] = []
    for path in [*system, *python]:
        if os.path.exists(path) and not any(path == f or path.startswith(f + "/") for f in found):
            found.append(path)
    return found


def _hidden(readable: Sequence[str], secrets: Sequence[Path]) -> list[str]:
    """Secret folders that lie inside of a readable one, and an installed copy of the course."""
    hidden = [str(p.resolve()) for p in secrets]
    # an installed course lies in site-packages, perhaps another copy than this one
    hidden += [str(PACKAGE), *(f"{path}/course_utils" for path in site.getsitepackages() if os.path.exists(path))]
    inside = [h for h in hidden if os.path.exists(h) and any(h == r or h.startswith(r + "/") for r in readable)]
    return sorted(set(inside))


def _command(tree: Path, secrets: Sequence[Path], arguments: list[str]) -> tuple[list[str], list[str]]:
    """The bubblewrap command, and the folders in which a student's code may write."""
    readable = _readable()
    command = [shutil.which("bwrap") or "bwrap", *_walls()]
    for path in sorted({str(p) for f in [_HOME, *readable] for p in Path(f).parents if str(p) != "/"}):
        command += ["--perms", "0755", "--dir", path]  # by itself bubblewrap makes them so that only root can enter
    command += ["--tmpfs", _HOME]
    python_inside_root = [r for r in readable if r.startswith(f"{ROOT}/")]
    for path in readable:
        command += ["--ro-bind", path, path]
    for path in _hidden([r for r in readable if r not in python_inside_root], secrets):
        command += ["--tmpfs", path] if os.path.isdir(path) else ["--ro-bind", "/dev/null", path]
    for path in python_inside_root:  # a virtual environment in the project's own folder
        command += ["--ro-bind", path, path]
    command += ["--ro-bind", str(tree), "/course"]
    folders = [_HOME, "/dev/shm"]
    if not any(r.startswith("/tmp/") for r in readable):
        command += ["--perms", "0755", "--dir", "/tmp"]
        folders.append("/tmp")
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", _HOME, "--clearenv"]
    for name, value in _environment().items():
        command += ["--setenv", name, value]
    return [*command, sys.executable, "-I", "-c", _BOOT, *arguments], folders


_BOOT = (
    "import os, shutil, sys; sys.path.insert(0, os.environ.get('COURSE_TREE', '/course'));"
    "os.makedirs(os.environ['MPLCONFIGDIR'], exist_ok=True);"
    "shutil.copytree(sys.path[0] + '/matplotlib', os.environ['MPLCONFIGDIR'], dirs_exist_ok=True);"
    "import worker; worker.main()"
)


# --- one sandbox, many submissions -----------------------------------------------------------------------------------------


class Sandbox:
    """A warm zygote behind walls.

    Args:
        limits: what each submission may use.
        walls: False runs everything without walls, as this user: only for one's own notebooks.
        warm: import statements to run once, before any submission.
        secrets: folders that must not be readable inside.

    Raises:
        SandboxError: bubblewrap is missing or does not work, or the zygote does not start.
    """

    renew_after = 100  # submissions; then a fresh zygote

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        walls: bool = True,
        warm: Sequence[str] = (),
        secrets: Sequence[Path] = (),
    ):
        self.limits = limits or Limits()
        self.walls = walls
        self.warm = list(warm)
        self.secrets = [ROOT, *secrets]
        self._folder = tempfile.TemporaryDirectory(prefix="course-grading-")
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._served = 0
        self._base = 0
        self._nested = walls  # can a process inside make namespaces of its own?
        Path(self._folder.name).chmod(0o755)
        course_tree(Path(self._folder.name))

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._kill()
        self._folder.cleanup()

    def start(self) -> Worker:
        """A fresh process for a submission; the one before it is killed."""
        if self._process is not None and (self._served >= self.renew_after or (self.walls and not self._nested)):
            self._kill()  # without inner walls, a sandbox serves one submission and is thrown away
        problem = ""
        for _ in range(3):
            if self._process is None:
                self._boot()
            ours, theirs = socket.socketpair()
            try:
                reply = self._ask(theirs)
            except (OSError, ValueError, SandboxError) as error:
                reply = {"error": str(error)}
            finally:
                theirs.close()
            if reply.get("started"):
                self._served += 1
                return Worker(self, ours)
            ours.close()
            self._kill()
            problem = reply.get("error", "no answer")
            if "no namespaces" in problem:
                self._nested = False
        raise SandboxError(f"The sandbox does not start a process: {problem}.")

    def _ask(self, channel: socket.socket | None) -> dict:
        limits = {
            "walls": self.walls and self._nested,
            "folders": self._folders,
            "memory": self.limits.memory,
            "cpu": int(self.limits.total) + 1,
            "disk": self.limits.disk,
            "processes": 3 * self.limits.processes,  # threads count, too
        }
        request = json.dumps({"start": limits} if channel else {"end": True}).encode()
        self._control.settimeout(30)
        if channel:
            socket.send_fds(self._control, [request], [channel.fileno()])
        else:
            self._control.sendall(request)
        return self._read_control()

    def _read_control(self) -> dict:
        text = b""
        while not text.endswith(b"\n"):
            piece = self._control.recv(4096)
            if not piece:
                raise SandboxError("The sandbox has ended.")
            text += piece
        return json.loads(text)

    def _boot(self) -> None:
        ours, theirs = socket.socketpair()
        arguments = [str(theirs.fileno()), json.dumps(self.warm)]
        tree = Path(self._folder.name)
        if self.walls:
            command, self._folders = _command(tree, self.secrets, arguments)
            environment = {"PATH": "/usr/bin:/bin"}
        else:
            self._own_home = tempfile.TemporaryDirectory(prefix="course-home-", dir=self._folder.name)
            home = self._own_home.name
            environment = {k: v.replace(_HOME, home) for k, v in _environment().items()}
            environment |= {"COURSE_SANDBOX": "none", "COURSE_TREE": str(tree)}
            command, self._folders = [sys.executable, "-I", "-c", _BOOT, *arguments], [home]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=environment,
            cwd="/" if self.walls else self._folders[0],
            start_new_session=True,
        )
        theirs.close()
        self._control, self._served = ours, 0
        ours.settimeout(180)
        try:
            self._read_control()
        except (OSError, ValueError, SandboxError):
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip().splitlines()
            self._kill()
            problem = bubblewrap_problem() if self.walls else ""
            raise SandboxError(
                f"The sandbox does not start: {problem or (said[-1] if said else 'no answer')}."
            ) from None
        self._base = max([rss for _, rss in self._family()] or [psutil.Process(self._process.pid).memory_info().rss])

    def _family(self) -> list[tuple[int, int]]:
        """(process, resident bytes) of everything below this sandbox."""
        found = []
        try:
            for process in psutil.Process(self._process.pid).children(recursive=True):
                try:
                    found.append((process.pid, process.memory_info().rss))
                except psutil.Error:
                    continue
        except psutil.Error:
            pass
        return found

    def over_limit(self) -> str:
        """ "Memory" or "Processes" if the submission uses too much now, else ""."""
        family = self._family()
        if len(family) > self.limits.processes + 4:  # bubblewrap, the zygote, the waiter
            return "Processes"
        used = sum(max(0, rss - self._base) for _, rss in family)
        return "Memory" if used > self.limits.memory else ""

    def end(self) -> None:
        """Kill the submission that runs."""
        if self._process is None:
            return
        if self.walls and not self._nested:
            self._kill()
            return
        try:
            self._ask(None)
        except (OSError, ValueError, SandboxError):
            self._kill()

    def _kill(self) -> None:
        if self._process is None:
            return
        family = self._family()
        self._process.kill()
        if not self.walls:  # no namespace that dies with its first process
            for pid, _ in family:
                try:
                    psutil.Process(pid).kill()
                except psutil.Error:
                    continue
        self._process.wait()
        self._control.close()
        self._errors.close()
        self._process = self._control = None
        if not self.walls:
            self._own_home.cleanup()


class Worker:
    """A submission's process, as the grader sees it: a socket from which nothing is believed."""

    def __init__(self, sandbox: Sandbox, channel: socket.socket):
        self.sandbox, self.limits = sandbox, sandbox.limits
        self._channel, self._buffer, self._number = channel, b"", 0
        self._watched = time.monotonic()
        channel.setblocking(False)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            self.sandbox.end()

    def run_cell(self, source: str, *, short: bool = False, seconds: float | None = None) -> None:
        """Run a cell, or (`short`) only its imports, functions, classes and constants.

        Raises:
            StudentError: the cell raised.
            Broken: it did not come back.
        """
        self._request({"cell": source, "short": short}, seconds)

    def call(self, function: str, arguments: Sequence[Any], *, times: int = 1, seconds: float | None = None) -> list:
        """Run a function of the notebook, `times` times on the same objects; returns its answers as plain values."""
        request = {"call": function, "args": [encode(a) for a in arguments], "times": times}
        reply = self._request(request, seconds)
        values = reply.get("values")
        if not isinstance(values, list) or len(values) != times:
            raise self._broken("Protocol", "it interfered with the grader")
        try:
            return [decode(_without_networks(v)) for v in values]
        except Exception:  # whatever a forged answer can do to the decoder
            raise StudentError("TypeError", "it returned something that cannot be compared") from None

    def _request(self, request: dict, seconds: float | None) -> dict:
        if self._channel is None:
            raise Broken("Died", "the process has ended")
        seconds = self.limits.call if seconds is None else seconds
        self._number += 1
        text = json.dumps({"n": self._number, **request}).encode() + b"\n"
        reply = self._exchange(text, time.monotonic() + seconds, seconds)
        if not isinstance(reply, dict) or reply.get("n") != self._number:
            raise self._broken("Protocol", "it interfered with the grader")
        if reply.get("ok") is True:
            return reply
        kind, message, line = (
            reply.get(k) if isinstance(reply.get(k), str) else "" for k in ("kind", "message", "line")
        )
        if not kind.isidentifier() or len(kind) > 60:
            kind = "Exception"
        raise StudentError(kind, _plain_text(message, 300), line=_plain_text(line, 200))

    def _exchange(self, text: bytes, deadline: float, seconds: float) -> Any:
        """Send one line and read one, and look now and then at what the process uses."""
        poll = select.poll()
        while text or b"\n" not in self._buffer:
            if len(self._buffer) > MAX_MESSAGE:
                raise self._broken("Protocol", f"its answer is larger than {MAX_MESSAGE // MB} MB")
            now = time.monotonic()
            if now >= deadline:
                raise self._broken("Timeout", f"it did not come back within {seconds:.0f} seconds")
            if now - self._watched > 0.3:
                self._watched = now
                over = self.sandbox.over_limit()
                if over:
                    raise self._broken(over, self._words(over))
            poll.register(self._channel, select.POLLIN | (select.POLLOUT if text else 0))
            try:
                for _, event in poll.poll(min(200, 1000 * max(deadline - now, 0.001))):
                    if event & select.POLLOUT and text:
                        text = text[self._channel.send(text[:65536]) :]
                    if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
                        piece = self._channel.recv(1 << 20)
                        if not piece:
                            raise ConnectionResetError
                        self._buffer += piece
            except BlockingIOError:
                continue
            except OSError:
                raise self._broken("Died", "its process ended") from None
        line, self._buffer = self._buffer.split(b"\n", 1)
        try:
            return json.loads(line)
        except Exception:
            return None

    def _words(self, kind: str) -> str:
        if kind == "Memory":
            return f"it used more than {self.limits.memory // MB} MB of memory"
        return f"it started more than {self.limits.processes} processes"

    def _broken(self, kind: str, message: str) -> Broken:
        self.close()
        return Broken(kind, message)


def _without_networks(tree: Any) -> Any:
    """A network's handle has no place in an answer: it would make the grader build what a student asks for."""
    if isinstance(tree, dict):
        if "net" in tree:
            raise ValueError("a network")
        for value in tree.values():
            _without_networks(value)
    elif isinstance(tree, list):
        for value in tree:
            if isinstance(value, (dict, list)):
                _without_networks(value)
    return tree


def _plain_text(text: str, length: int) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * length]).split())
    return text if len(text) <= length else text[: length - 1] + "…"
