"""What a submission may not ask of the kernel: memory that nobody counts, the login's keys, namespaces of its own.

A filter for system calls (seccomp). A refused call says ENOSYS, as if this kernel did not have it, so that libraries
take their other way. What is refused:

- memory that is in no process's count: memfds, System V segments, message queues, pages given to a pipe, io_uring,
  and shared memory without a file (`mmap.mmap(-1, n)`), which stays when its pages are given back;
- the kernel's keys: those of the instructor's login can be read, and a key would still be there for the next student;
- namespaces and mounts: in a namespace of its own a process has all rights again, and could mount memory without limit.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

# numbers of system calls on x86_64 and aarch64
_REFUSED = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "vmsplice": (278, 75),
    "io_uring_setup": (425, 425),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "clone3": (435, 435),  # its flags cannot be seen here; the C library falls back to clone
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "mount_setattr": (442, 442),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
}
_CLONE, _MMAP = (56, 220), (9, 222)
_NEW_NAMESPACE = 0x7E020000  # every CLONE_NEW... flag
_SHARED_WITHOUT_FILE = 0x01 | 0x20  # MAP_SHARED, MAP_ANONYMOUS
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # the column above, and the kernel's name for it

_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_ALLOW, _NO_SUCH_CALL = 0x7FFF0000, 0x00050000 | errno.ENOSYS
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16  # places in the kernel's `seccomp_data`
_PR_SET_SECCOMP, _FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def _instruction(code: int, value: int, skip_if: int = 0, skip_unless: int = 0) -> bytes:
    return struct.pack("=HBBI", code, skip_if, skip_unless, value)


def _refuse_if(test: int, value: int) -> bytes:
    return _instruction(test, value, 0, 1) + _instruction(_RETURN, _NO_SUCH_CALL)


def _program(column: int, machine: int) -> bytes:
    """The filter in the kernel's instructions, 8 bytes each."""
    text = _instruction(_LOAD, _MACHINE) + _instruction(_EQUAL, machine, 1, 0) + _instruction(_RETURN, _NO_SUCH_CALL)
    text += _instruction(_LOAD, _NUMBER) + _refuse_if(_AT_LEAST, 0x40000000)  # a second set of numbers, on x86_64
    for numbers in _REFUSED.values():
        text += _refuse_if(_EQUAL, numbers[column])
    flags = _instruction(_LOAD, _FIRST_ARGUMENT) + _refuse_if(_ANY_BIT, _NEW_NAMESPACE)
    flags += _instruction(_RETURN, _ALLOW)
    text += _instruction(_EQUAL, _CLONE[column], 0, len(flags) // 8) + flags
    flags = _instruction(_LOAD, _FIRST_ARGUMENT + 3 * 8) + _instruction(_AND, _SHARED_WITHOUT_FILE)
    flags += _refuse_if(_EQUAL, _SHARED_WITHOUT_FILE) + _instruction(_RETURN, _ALLOW)
    text += _instruction(_EQUAL, _MMAP[column], 0, len(flags) // 8) + flags
    return text + _instruction(_RETURN, _ALLOW)


def refuse_calls() -> None:
    """Refuse them from now on, in this process and in all that it starts; there is no way back.

    Raises:
        OSError: this kernel has no filters.
    """
    if platform.machine() not in _MACHINES:  # numbers of another machine: there the other walls must do
        return
    text = _program(*_MACHINES[platform.machine()])
    kept = ctypes.create_string_buffer(text, len(text))
    program = _Program(len(text) // 8, ctypes.addressof(kept))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter for system calls")
