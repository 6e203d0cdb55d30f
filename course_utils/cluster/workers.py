"""A client of a scheduler that runs somewhere, or of processes on this machine that live as long as a block."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from course_utils.cluster.run import scheduler_there
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from distributed import Client

# Ctrl-C, and a batch system's SIGTERM, go to all processes of a group. Only the client shall get them: it ends the
# workers, and each of these would print a trace of its own.
_APART = "import os; getattr(os, 'setpgrp', int)()"
INSTALL = 'pip install "looking-inside-convnets[cluster]" (in a clone: pip install -e ".[cluster]")'


@contextmanager
def workers(
    scheduler: str | None = None, *, local: int | None = None, seconds: float = 30.0
) -> Iterator[Client | None]:
    """A Dask client for `client=`, while a block runs.

    Args:
        scheduler: the address of a scheduler that runs, such as "tcp://10.0.0.5:8786".
        local: start so many processes here instead, one thread each; they end with the block. A script that does this
            needs `if __name__ == "__main__":`, since the processes import it.
        seconds: how long to wait for the scheduler, and for its first worker.

    Yields:
        The client; None if neither is given, which means: work in this process.

    Raises:
        CourseError: Dask is not installed, both are given, nothing answers, or no worker comes.
        TypeError, ValueError: an address that is no text, or no number of processes or seconds.
    """
    if scheduler is not None and local is not None:
        raise CourseError("A scheduler has workers of its own: give a scheduler or a number of local workers.")
    if scheduler is None and local is None:
        yield None
        return
    from course_utils.validate import check_positive, check_whole  # not at the top: workers need no torch to begin

    check_positive(seconds=seconds)
    if local is not None:
        check_whole(local=local)
    elif not isinstance(scheduler, str):
        raise TypeError(f'scheduler must be an address such as "tcp://10.0.0.5:8786", not {scheduler!r}.')
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise CourseError(f"More than one process needs Dask, which is not installed: {INSTALL}.") from None
    if local is None:
        with _connected(Client, scheduler, seconds) as client:
            yield client
        return
    with (
        tempfile.TemporaryDirectory(prefix="course-workers-", ignore_cleanup_errors=True) as place,
        # by itself Dask gives up a process that is not back after 15 seconds; importing torch may take longer
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour", "temporary-directory": place}),
    ):
        quiet = {"dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
        # memory_limit=0: what is sent around is small, and the machine's memory is the user's
        size = {"n_workers": local, "threads_per_worker": 1, "memory_limit": 0}
        size["preload"] = [_APART, *dask.config.get("distributed.worker.preload")]
        try:
            cluster = LocalCluster(**size, **quiet, host="127.0.0.1", local_directory=place)
        except (OSError, RuntimeError) as error:
            raise CourseError(
                f"The {local} workers do not start ({type(error).__name__}: {error}). "
                'A script that starts them needs: if __name__ == "__main__":'
            ) from None
        with cluster, Client(cluster) as client:
            if find_spec("bokeh") is not None:
                print(f"what the workers do: {client.dashboard_link}", file=sys.stderr)
            yield client


async def _who(address: str, seconds: float) -> str:
    """The type of what answers at an address."""
    from distributed.core import rpc
    from distributed.security import Security

    certificates = Security().get_connection_args("client")  # of Dask's configuration, if it has any
    async with rpc(address, timeout=seconds, connection_args=certificates) as there:
        return (await asyncio.wait_for(there.identity(), seconds))["type"]


@contextmanager
def _connected(kind: type, scheduler: str, seconds: float) -> Iterator[Client]:
    reason = ""
    try:
        # a client would wait forever for what accepts a connection and says nothing, such as a dashboard
        with ThreadPoolExecutor(1) as thread:  # a notebook's own thread has a loop already
            answers = thread.submit(asyncio.run, _who(scheduler, seconds)).result()
        if answers == "Scheduler":
            client = kind(scheduler, timeout=seconds)
        else:
            reason = f"a {answers.lower()} answers"
    except Exception as error:  # of sockets, of addresses, of TLS, of another version of Dask
        reason = (str(error).splitlines() or [""])[0] or f"nothing in {seconds:g} seconds"
    if reason:
        # a client that came to nothing closes itself when it is collected; in the midst of the next one's start, it and
        # that one would wait for each other forever
        gc.collect()
        raise CourseError(f"No scheduler answers at {scheduler} ({reason}). See docs/cluster.md.")
    with client:
        try:
            with scheduler_there(client):
                client.wait_for_workers(1, timeout=seconds)
        except TimeoutError:
            raise CourseError(
                f"The scheduler at {scheduler} has no workers. On each machine: dask worker {scheduler} --nthreads 1"
            ) from None
        yield client
