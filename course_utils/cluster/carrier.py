"""What lies on a worker while it works. Imported only where Dask is installed."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

from distributed import WorkerPlugin, get_worker

from course_utils.cluster.run import NotHere, Unfit
from course_utils.cluster.versions import difference, here

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


class WorkerRefused(Exception):
    """A worker that must not take part: its address, and why."""


class WorkerMisses(Exception):
    """A worker that does not find what an item needs: its address, and what it misses."""


class Carrier(WorkerPlugin):
    """Work, kept on every worker, also on those that come later; see `run.results`.

    It does not travel with each item, and no worker's death takes it away. One item at a time: hooks of two forward
    passes in two threads would mix what they record.
    """

    def __init__(self, work: Any, token: str):
        self.work, self.name, self.versions = work, token, here()

    def setup(self, worker: Any) -> None:
        """Called on each worker."""
        self.lock, self.problem = threading.Lock(), "it has not begun"
        _keep_freed_memory()
        problem = difference(self.versions, here())
        if not problem and hasattr(self.work, "begin"):
            problem = self.work.begin(worker.local_directory)
        self.problem = problem

    def teardown(self, worker: Any) -> None:
        """Called on each worker, if it can be."""
        if hasattr(self.work, "end"):
            self.work.end()


def _keep_freed_memory() -> None:
    """Undo what Dask's nanny sets, MALLOC_TRIM_THRESHOLD_: glibc would take every tensor anew from the system.

    This more than doubled the processor time of a forward pass; see tests/benchmarks/bench_cluster.py.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return
    mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # the largest that glibc takes
    mallopt(_M_TRIM_THRESHOLD, 512 << 20)


def problem(token: str, dask_worker: Any = None) -> str:
    """Why a worker must not take part, or ""."""
    carrier = dask_worker.plugins.get(token)
    return "it has not taken the work" if carrier is None else carrier.problem


def do(token: str, item: Any) -> Any:
    """One item, on a worker."""
    worker = get_worker()
    carrier = worker.plugins[token]
    with carrier.lock:
        if carrier.problem:
            raise WorkerRefused(worker.address, carrier.problem)
        try:
            return carrier.work(item)
        except Unfit as error:
            carrier.problem = str(error)
            raise WorkerRefused(worker.address, carrier.problem) from None
        except NotHere as error:
            raise WorkerMisses(worker.address, str(error)) from None
