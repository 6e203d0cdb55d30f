"""What a submission may use, and what it does use."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

MB = 1 << 20


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

    def exceeded(self, used: list[tuple[int, int]], base: int) -> str:
        """ "Memory" or "Processes" if that is too much, else "".

        Args:
            used: see `family`.
            base: bytes of a process that has not run anything yet.
        """
        if len(used) > self.processes + 4:  # bubblewrap, the zygote, the waiter
            return "Processes"
        return "Memory" if sum(max(0, resident - base) for _, resident in used) > self.memory else ""


def family(pid: int) -> list[tuple[int, int]]:
    """`(process, resident bytes)` of everything below a process."""
    found = []
    try:
        for process in psutil.Process(pid).children(recursive=True):
            try:
                found.append((process.pid, process.memory_info().rss))
            except psutil.Error:
                continue
    except psutil.Error:
        pass
    return found
