"""bubblewrap: the walls around a sandbox, and what is mounted inside of them."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from course_utils.grading.visible import PACKAGE

ROOT = PACKAGE.parent
HOME = "/home/student"
INSTALL = "install it with `apt install bubblewrap` (Debian, Ubuntu) or `dnf install bubblewrap` (Fedora)"


def bubblewrap_problem() -> str:
    """Why bubblewrap cannot be used here, or "" if it can."""
    program = shutil.which("bwrap")
    if program is None:
        return f"bubblewrap is not installed; {INSTALL}"
    walls = [a for d in ("/usr", "/bin", "/lib", "/lib64") if os.path.exists(d) for a in ("--ro-bind", d, d)]
    tried = subprocess.run([program, *_namespaces(), *walls, "true"], capture_output=True, text=True, timeout=30)
    if tried.returncode:
        return (
            f"bubblewrap does not work here ({tried.stderr.strip()[:200] or 'no reason given'}); "
            "inside of a container, user namespaces must be allowed"
        )
    return ""


def _namespaces() -> list[str]:
    """Nothing is shared with the outside. Root stays root outside only to become nobody inside."""
    kinds = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if os.geteuid() == 0:
        rights = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        rights = ["--unshare-user", "--uid", "1000", "--gid", "1000"]
    return [*kinds, *rights, "--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev"]


def environment(home: str, walls: str) -> dict[str, str]:
    """All environment variables of the process in a sandbox.

    Args:
        home: the folder of everything that it writes.
        walls: "bwrap" or "none".
    """
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/.ipython",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TQDM_DISABLE": "1",
        "COURSE_SANDBOX": walls,
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


def command(tree: Path, secrets: Sequence[Path], program: Sequence[str]) -> tuple[list[str], list[str]]:
    """The bubblewrap command.

    Args:
        tree: the folder that is `/course` inside.
        secrets: folders that must not be readable.
        program: what to run inside.

    Returns:
        `(the command, the folders in which a student's code may write)`.
    """
    readable = _readable()
    words = [shutil.which("bwrap") or "bwrap", *_namespaces()]
    for path in sorted({str(p) for f in [HOME, *readable] for p in Path(f).parents if str(p) != "/"}):
        words += ["--perms", "0755", "--dir", path]  # by itself bubblewrap makes them so that only root can enter
    words += ["--tmpfs", HOME]
    python_inside_root = [r for r in readable if r.startswith(f"{ROOT}/")]
    for path in readable:
        words += ["--ro-bind", path, path]
    for path in _hidden([r for r in readable if r not in python_inside_root], secrets):
        words += ["--tmpfs", path] if os.path.isdir(path) else ["--ro-bind", "/dev/null", path]
    for path in python_inside_root:  # a virtual environment in the project's own folder
        words += ["--ro-bind", path, path]
    words += ["--ro-bind", str(tree), "/course"]
    folders = [HOME, "/dev/shm"]
    if not any(r.startswith("/tmp/") for r in readable):
        words += ["--perms", "0755", "--dir", "/tmp"]
        folders.append("/tmp")
    words += ["--ro-bind", "/dev/null", "/dev/zero"]  # shared memory made of it would be in no process's count
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME, "--clearenv"]
    for name, value in environment(HOME, "bwrap").items():
        words += ["--setenv", name, value]
    return [*words, *program], folders
