"""The walls around one submission: namespaces of its own, in which it sees no other process and no other's files."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable

from course_utils.grading.inside.refused_calls import refuse_calls

INSIDE = 1000  # the user id that a student's code sees

_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE = 1, 2, 4, 16384, 1 << 18
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE = 1, 24, 38, 4
_CAP_VERSION_3 = 0x20080522
_SYS_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1


def c_library() -> ctypes.CDLL:
    """The C library of this process, for the system calls that Python has not."""
    return ctypes.CDLL(None, use_errno=True)


def null_descriptors() -> None:
    """This process's own /dev/null on 0, 1 and 2: what is shared there would carry words to other submissions."""
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        null = os.open(os.devnull, mode)
        os.dup2(null, descriptor)
        os.close(null)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        c_library().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _must(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def confine(channel_fd: int, report: int, limits: dict, work: Callable[[socket.socket], None]) -> None:
    """New namespaces; then a second fork, whose child is the first process in them and does the work.

    It never returns: both processes end here.

    Args:
        channel_fd: the socket to the grader.
        report: a pipe on which to say `{"worker": process id}` or `{"error": reason}`.
        limits: what the submission may use, and where it may write; see `Sandbox`.
        work: serves the submission, on the socket.

    Raises:
        OSError: there are no namespaces here.
    """
    walls, virtual = limits["walls"], _virtual_size()
    _die_with_parent()
    if walls:
        user, group = os.getuid(), os.getgid()
        _must(
            c_library().unshare(_NEWUSER | _NEWPID | _NEWNS | _NEWNET | _NEWIPC | _NEWUTS),
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
            os.setsid()  # or `kill(0, ...)` would reach the zygote
            null_descriptors()
            if walls:
                _mounts(limits)
                _drop_rights()
            _limit(limits, virtual)
            if limits["filter"]:
                refuse_calls()
            channel = socket.socket(fileno=os.dup(channel_fd))
            _close_all_but(channel.fileno(), tell)
            os.write(tell, b"ready")
            os.close(tell)
        except BaseException as error:
            os.write(tell, str(error).encode()[:500])
            os._exit(1)
        try:
            work(channel)
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
    libc = c_library()
    _must(libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mounts")
    _read_only(libc)
    for folder in limits["folders"]:
        options = f"size={limits['disk']},nr_inodes=4096,mode=0700".encode()
        _must(libc.mount(b"tmpfs", folder.encode(), b"tmpfs", _MS_NOSUID | _MS_NODEV, options), folder)
    _must(libc.mount(b"tmpfs", b"/proc", b"tmpfs", _MS_RDONLY, b"size=4k"), "/proc")
    os.chdir(limits["folders"][0])


def _read_only(libc: ctypes.CDLL) -> None:
    """All that is mounted, also devices: the time of a change to /dev/null can be set, and read by the next student."""
    attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    if libc.syscall(_SYS_MOUNT_SETATTR, _AT_FDCWD, b"/", _AT_RECURSIVE, ctypes.byref(attributes), size) != 0:
        number = ctypes.get_errno()
        if number not in (errno.ENOSYS, errno.EPERM):  # an older Linux or container: what bubblewrap did must do
            raise OSError(number, f"mounts: {os.strerror(number)}")


def _drop_rights() -> None:
    """Rights over the new namespaces were needed for the mounts; now none is left, and none can come back by `exec`."""
    libc = c_library()
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
