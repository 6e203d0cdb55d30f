"""Work on many items over Dask's workers, none of which needs to live until the end."""

from __future__ import annotations

import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from course_utils.cluster.versions import difference, here
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from distributed import Client, WorkerPlugin


class Unfit(Exception):
    """Raised by work on a worker that cannot do it, and says why: another worker does this item, and all others."""


class Died:
    """In place of a result: every worker that began this item died, more often than the scheduler allows."""


def results(
    client: Client,
    work: Callable[[Any], Any],
    items: Iterable,
    *,
    ahead: int = 1,
    split: Callable[[Any], list] = lambda item: [],
    tell: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
) -> Iterator[tuple[Any, Any]]:
    """`work(item)` for every item, each result once, in the order in which they come.

    Dask gives the item of a worker that dies to another one, three times (its setting
    `distributed.scheduler.allowed-failures`). It cannot know which of a worker's items killed it, so an item is given
    up only if it was tried like that with nothing else under way, at the end. Few items are under way at a time, so
    `items` may be endless.

    Args:
        client: of a scheduler with workers.
        work: goes to each worker once, and to those that come later. If it has a method `begin(folder)`, this is called
            there first, and returns why that worker must not take part, or ""; `end()` is called at the end. It may
            raise `Unfit`.
        items: what to do.
        ahead: for each thread of a worker, how many items are under way.
        split: an item whose workers died, in smaller ones, which are tried then; [] if there are none.
        tell: gets a line about a worker that comes later and is refused.

    Yields:
        The item, and what `work` gave for it; a `Died` if there is none.

    Raises:
        CourseError: a worker must not take part (another version, for example), or the scheduler is gone.
        Exception: what `work` raised.
    """
    from distributed import KilledWorker, as_completed

    from course_utils.cluster.carrier import Refused, do

    source, more, suspects, number = iter(items), deque(), deque(), count()
    refused: set[str] = set()
    asked: dict[str, tuple[Any, Any, bool]] = {}  # item, future, whether nothing else is under way
    running = as_completed(raise_errors=False)
    threads = _Threads(client)

    def following() -> Iterator[tuple[Any, bool]]:
        while len(asked) < ahead * threads.now():
            try:
                yield (more.popleft() if more else next(source)), False
            except StopIteration:
                break
        if not asked and suspects:
            yield suspects.popleft(), True

    with _carried(client, work) as token:
        try:
            while True:
                for item, alone in following():
                    future = client.submit(do, token, item, key=f"{token}-{next(number)}", pure=False)
                    asked[future.key] = item, future, alone
                    running.add(future)
                if not asked:
                    return
                future = next(running)
                item, _, alone = asked.pop(future.key)
                try:
                    with _scheduler_there(client):
                        result = future.result()  # a worker may die between the work and this, and it is done again
                except Refused as error:
                    if error.args[0] not in refused:
                        tell(f"worker {error.args[0]} is refused: {error.args[1]}")
                    refused.add(error.args[0])
                    client.retire_workers([error.args[0]])
                    threads.need_some()
                    more.append(item)
                except KilledWorker:
                    parts = split(item)
                    more.extend(parts)
                    if not parts and alone:
                        yield item, Died()
                    elif not parts:  # another one, on the same worker, may have killed it
                        suspects.append(item)
                else:
                    future.release()
                    yield item, result
        finally:
            if client.status == "running":
                client.cancel([future for _, future, _ in asked.values()])


_GONE = "The scheduler is gone, and with it what was under way. Start one, and run the same command again."


class _Threads:
    """How many threads the workers have, asked now and then; 1 if there is no worker, so that something waits."""

    def __init__(self, client: Client):
        self.client, self.asked, self.number = client, 0.0, 1

    def now(self) -> int:
        if time.monotonic() - self.asked > 1:
            with _scheduler_there(self.client):
                self.number = max(1, sum(self.client.nthreads().values()))
            self.asked = time.monotonic()
        return self.number

    def need_some(self) -> None:
        if not self.client.nthreads():
            raise CourseError("No worker is left.")


@contextmanager
def _scheduler_there(client: Client) -> Iterator[None]:
    """What Dask raises when it has lost its scheduler, in one line."""
    from distributed.client import FutureCancelledError

    try:
        yield
    except FutureCancelledError:  # nothing but the loss of the scheduler does this
        raise CourseError(_GONE) from None
    except (OSError, RuntimeError):
        _gone(client)
        raise


def _gone(client: Client) -> None:
    if client.status != "running":
        raise CourseError(_GONE) from None


def _put(client: Client, carrier: WorkerPlugin) -> None:
    """On every worker; one that dies meanwhile is no reason to stop, and those that come later get it anyway."""
    for _ in range(3):
        try:
            client.register_plugin(carrier)
            return
        except OSError:
            _gone(client)
            time.sleep(1)
    client.register_plugin(carrier)


def _left_behind(dask_scheduler: Any = None) -> list[str]:
    """The work of clients that were killed, which nobody has taken from the workers."""
    ours = [name for name in dask_scheduler.worker_plugins if name.startswith("course-")]
    return [name for name in ours if name.partition("@")[2] not in dask_scheduler.clients]


@contextmanager
def _carried(client: Client, work: Callable) -> Iterator[str]:
    """The work lies on every worker while the block runs.

    Yields:
        The name under which it lies there.

    Raises:
        CourseError: somebody does not take it, or must not.
    """
    from course_utils.cluster.carrier import Carrier, problem

    token = f"course-{uuid.uuid4().hex[:12]}@{client.id}"
    with suppress(Exception):  # a scheduler need not have the course
        for old in client.run_on_scheduler(_left_behind):
            client.unregister_worker_plugin(old)
    packages = client.get_versions()["scheduler"]["packages"]
    wrong = difference({n: here()[n] for n in ("distributed", "msgpack")}, packages)
    if wrong:
        raise CourseError(f"The scheduler has other versions: {wrong}.")
    try:
        _put(client, Carrier(work, token))
        problems = client.run(problem, token, on_error="return")
    except Exception as error:
        _gone(client)
        said = (str(error).splitlines() or [""])[0]
        raise CourseError(
            f"A worker does not take the work ({type(error).__name__}: {said}). Is the same course installed there?"
        ) from None
    try:
        for address, why in problems.items():
            if why and not isinstance(why, OSError):  # that one has just died
                raise CourseError(f"Worker {address} is refused: {why}.")
        yield token
    finally:
        if client.status == "running":
            with suppress(Exception):  # the scheduler may be gone by now
                client.unregister_worker_plugin(token)
