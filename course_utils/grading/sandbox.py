"""A warm sandbox, which serves one submission after the other.

    with Sandbox() as sandbox:
        process = sandbox.start()
        process.run_cell("def double(x): return 2 * x")
        process.call("double", [21])             # [42]: plain values, which the grader compares itself

One sandbox is one bubblewrap with a zygote in it (see `inside`): no network, a read-only system, an empty home, a clean
environment, and a reduced copy of `course_utils`. Each submission gets namespaces of its own.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from course_utils.errors import CourseError
from course_utils.grading.limits import Limits, family
from course_utils.grading.student_process import StudentProcess
from course_utils.grading.visible import course_tree, put_answers
from course_utils.grading.walls import ROOT, bubblewrap_problem, command, environment

PREFIX = ".course-grading-"  # of the folder of a sandbox
_BOOT = "course_utils/grading/inside/boot.py"


class SandboxError(CourseError):
    """The sandbox itself does not work; no fault of a submission."""


class Sandbox:
    """A warm zygote behind walls.

    Args:
        limits: what each submission may use.
        walls: False runs everything without walls, as this user: only for one's own notebooks.
        warm: import statements to run once, before any submission.
        secrets: folders that must not be readable inside.
        place: the folder for what it needs on the disk; the system's folder for such files if not given.

    Raises:
        SandboxError: bubblewrap is missing or does not work, the zygote does not start, or the disk is full.
    """

    renew_after = 100  # submissions; then a fresh zygote

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        walls: bool = True,
        warm: Sequence[str] = (),
        secrets: Sequence[Path] = (),
        place: Path | None = None,
    ):
        self.limits = limits or Limits()
        self.walls = walls
        self.warm = list(warm)
        self.secrets = [ROOT, *secrets]
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._served = 0
        self._hidden: tuple[str, ...] = ()  # of the zygote that runs
        self._base = 0
        self._nested = walls  # can a process inside make namespaces of its own?
        self._stopped = False
        try:
            # absolute: bubblewrap runs in another folder
            there = Path(place).absolute() if place else None
            self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=there, ignore_cleanup_errors=True)
            Path(self._folder.name).chmod(0o755)
            course_tree(Path(self._folder.name))
        except OSError as error:
            raise SandboxError(
                f"{place or tempfile.gettempdir()}: the files of a sandbox cannot be written there ({error.strerror})."
            ) from None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._kill()
        self._folder.cleanup()

    def stop(self) -> None:
        """From another thread: kill everything in it now, and start nothing more; whoever waits for it is told."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def start(self, hidden: Sequence[str] = ()) -> StudentProcess:
        """A fresh process for a submission; the one before it is killed.

        Args:
            hidden: files of the course that are a stand-in for this submission; see `visible.ANSWERS`. A zygote that
                may have imported them is thrown away.

        Raises:
            SandboxError: it does not start, or the sandbox was stopped.
        """
        used_up = self._served >= self.renew_after or (self.walls and not self._nested)
        if self._process is not None and (used_up or tuple(hidden) != self._hidden):
            self._kill()  # without inner walls, a sandbox serves one submission and is thrown away
        self._hidden = tuple(hidden)
        problem = ""
        for _ in range(3):
            if self._process is None and not self._stopped:
                self._boot()
            if self._stopped:
                raise SandboxError("The sandbox was stopped.")
            ours, theirs = socket.socketpair()
            try:
                reply = self._ask(theirs)
            except (OSError, ValueError, SandboxError) as error:
                reply = {"error": str(error)}
            finally:
                theirs.close()
            if reply.get("started"):
                self._served += 1
                return StudentProcess(self, ours)
            ours.close()
            self._kill()
            problem = reply.get("error", "no answer")
            if "no namespaces" in problem:
                self._nested = False
        raise SandboxError(f"The sandbox does not start a process: {problem}.")

    def _ask(self, channel: socket.socket | None) -> dict:
        limits = {
            "walls": self.walls and self._nested,
            "filter": self.walls,
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
        tree = Path(self._folder.name)
        try:
            put_answers(tree, self._hidden)
        except OSError as error:
            raise SandboxError(f"{tree}: the files of a sandbox cannot be written ({error.strerror}).") from None
        program = [sys.executable, "-I", f"{'/course' if self.walls else tree}/{_BOOT}"]
        program += [str(theirs.fileno()), json.dumps(self.warm)]
        if self.walls:
            program, self._folders = command(tree, self.secrets, program)
            variables = {"PATH": "/usr/bin:/bin"}
        else:
            self._own_home = tempfile.TemporaryDirectory(prefix="course-home-", dir=tree)
            self._folders = [self._own_home.name]
            variables = environment(self._own_home.name, "none")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            program,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=variables,
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
        sizes = [resident for _, resident in family(self._process.pid)]
        self._base = max(sizes or [psutil.Process(self._process.pid).memory_info().rss])

    def over_limit(self) -> str:
        """ "Memory" or "Processes" if the submission uses too much now, else ""."""
        return self.limits.exceeded(family(self._process.pid), self._base)

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
        below = family(self._process.pid)
        self._process.kill()
        if not self.walls:  # no namespace that dies with its first process
            for pid, _ in below:
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
