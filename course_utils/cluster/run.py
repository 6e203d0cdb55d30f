"""Work on many items over Dask's workers, none of which needs to live until the end."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from course_utils.cluster.versions import difference, here
from course_utils.errors import CourseError

if TYPE_CHECKING:
    from distributed import Client, WorkerPlugin


class Unfit(Exception):
    """Raised by work on a worker that cannot do it, and says why: another worker does this item, and all others."""


class NotHere(Exception):
    """Raised by work for what it does not find on its worker; another worker is asked.

    If that one finds it, this worker is refused. If none does, none is: perhaps a path is misspelled.
    """


@dataclass(frozen=True)
class Nowhere:
    """In place of a result: no worker that is there finds what the item needs.

    Attributes:
        said: what one of them misses.
    """

    said: str


class Died:
    """In place of a result: every worker that began this item died, more often than the scheduler allows."""


@dataclass
class _Try:
    """An item that is done, or will be.

    Attributes:
        item: it.
        alone: whether nothing else is under way meanwhile.
        missed: the workers that did not find it, each with what it said.
    """

    item: Any
    alone: bool = False
    missed: dict[str, str] = field(default_factory=dict)


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
            raise `Unfit` and `NotHere`.
        items: what to do.
        ahead: for each thread of a worker, how many items are under way.
        split: an item whose workers died, in smaller ones, which are tried then; [] if there are none.
        tell: gets a line about a worker that is refused, and one when no worker is there.

    Yields:
        The item, and what `work` gave for it; a `Died` or a `Nowhere` if there is none.

    Raises:
        CourseError: no worker may take part (another version, for example), or the scheduler is gone.
        Exception: what `work` raised.
    """
    import dask
    from distributed import KilledWorker

    from course_utils.cluster.carrier import WorkerMisses, WorkerRefused

    source, more, suspects = (_Try(item) for item in items), deque(), deque()
    large = {"distributed.admin.large-graph-warning-threshold": "1 GB"}  # of images, which have to travel
    with dask.config.set(large), _carried(client, work, tell) as (token, unfit):
        under_way = _UnderWay(client, token, tell)
        for address, why in unfit.items():
            under_way.refuse(address, why)

        def again(one: _Try) -> None:
            (suspects if one.alone else more).append(one)

        def begin_some() -> None:
            while len(under_way) < ahead * under_way.threads():
                following = more.popleft() if more else next(source, None)
                if following is None:
                    break
                under_way.add(following)
            if not len(under_way) and suspects:
                under_way.add(suspects.popleft())

        try:
            while True:
                begin_some()
                if not len(under_way):
                    return
                one, future = under_way.next_done()
                try:
                    result = under_way.result(future)
                except WorkerRefused as error:
                    under_way.refuse(*error.args)
                    again(one)
                except WorkerMisses as error:
                    one.missed.update([error.args])
                    if under_way.others(one):
                        again(one)
                    else:
                        yield one.item, Nowhere(f"{error.args[0]} says: {error.args[1]}")
                except KilledWorker:
                    parts = split(one.item)
                    more.extend(map(_Try, parts))
                    if not parts and one.alone:
                        yield one.item, Died()
                    elif not parts:  # another one, on the same worker, may have killed it
                        suspects.append(_Try(one.item, alone=True))
                else:
                    future.release()
                    for address, why in one.missed.items():  # it is there, and that worker did not find it
                        under_way.refuse(address, why)
                    yield one.item, result
        finally:
            under_way.cancel()


_GONE = (
    "The scheduler is gone, or the connection to it, and with it what was under way. "
    "See that it runs, and run the same command again."
)
_ASK_AGAIN = 1.0  # seconds between two looks at the workers
_NOTICE = 5.0  # in which a client has noticed that its scheduler is gone
_PATIENCE = 10.0  # seconds without any, until a line says so
_GRACE = 60.0  # and after which the run ends, if those that were there are refused


class _UnderWay:
    """What the workers do now, and who of them takes part."""

    def __init__(self, client: Client, token: str, tell: Callable[[str], None]):
        from distributed import as_completed

        self.client, self.token, self.tell = client, token, tell
        self.asked: dict[str, tuple[_Try, Any]] = {}
        self.running, self.number = as_completed(raise_errors=False, loop=client.loop), count()
        self.refused: set[str] = set()
        self.last: set[str] = set()  # who was there when somebody was
        self.workers: dict[str, int] = {}  # address, threads
        self.looked, self.seen = -_ASK_AGAIN, time.monotonic()
        self.told = False

    def __len__(self) -> int:
        return len(self.asked)

    def look(self) -> dict[str, int]:
        """The workers that are there, and their threads, asked now and then."""
        now = time.monotonic()
        if now - self.looked > _ASK_AGAIN:
            with scheduler_there(self.client):
                there = self.client.nthreads()
                # one that is refused stays as long as it holds what belongs to somebody else and nobody can take
                if stay := self.refused.intersection(there):
                    self.client.retire_workers(list(stay))
            self.workers = {address: threads for address, threads in there.items() if address not in self.refused}
            unseen, self.looked = now - self.looked, now
            if self.workers:
                self.seen, self.told, self.last = now, False, set(self.workers)
            elif unseen > _PATIENCE:  # nobody asked for so long
                self.seen = now
            elif self.refused and self.refused >= self.last and now - self.seen > _GRACE:
                raise CourseError("No worker is left: those that were there are refused, and no other came.")
            elif now - self.seen > _PATIENCE and not self.told:
                self.tell("No worker is there; waiting for one. Ctrl-C stops, and keeps what is done.")
                self.told = True
        return self.workers

    def threads(self) -> int:
        """Of all workers; 1 if there is none, so that something waits."""
        return max(1, sum(self.look().values()))

    def others(self, one: _Try) -> list[str]:
        """The workers that have not missed an item."""
        self.looked -= _ASK_AGAIN
        return [address for address in self.look() if address not in one.missed]

    def add(self, one: _Try) -> None:
        """Begin an item, rather on a worker that did not miss it; Dask may give it to any that has nothing to do."""
        from course_utils.cluster.carrier import do

        where = {"workers": self.others(one), "allow_other_workers": True} if one.missed else {}
        with scheduler_there(self.client):
            key = f"{self.token}-{next(self.number)}"
            future = self.client.submit(do, self.token, one.item, key=key, pure=False, **where)
            self.asked[future.key] = one, future
            self.running.add(future)

    def next_done(self) -> tuple[_Try, Any]:
        """What is done, with its future."""
        while not self.running.has_ready():
            self.look()
            time.sleep(0.005)
        return self.asked.pop(next(self.running).key)

    def result(self, future: Any) -> Any:
        """Of what is done. If its worker has died since, it is done again, perhaps by one that is still to come."""
        with scheduler_there(self.client):
            way = self.client.gather(future, asynchronous=True)  # may take long, and is asked for once
            asked = asyncio.run_coroutine_threadsafe(way, self.client.loop.asyncio_loop)
            try:
                while not futures.wait([asked], timeout=_ASK_AGAIN).done:
                    self.look()
                return asked.result()
            finally:
                asked.cancel()

    def refuse(self, address: str, why: str) -> None:
        """Send a worker home; if it was the last one, others may come."""
        if address in self.refused:
            return
        self.tell(f"worker {address} is refused: {why}")
        self.refused.add(address)
        with scheduler_there(self.client):
            self.client.retire_workers([address])
        self.looked -= _ASK_AGAIN

    def cancel(self) -> None:
        """Whatever is under way is not wanted any more."""
        if self.client.status == "running":
            with suppress(OSError, RuntimeError):  # the scheduler may be gone by now
                self.client.cancel([future for _, future in self.asked.values()])


@contextmanager
def scheduler_there(client: Client) -> Iterator[None]:
    """What Dask raises when it has lost its scheduler, in one line."""
    from distributed.client import FutureCancelledError

    try:
        yield
    except FutureCancelledError:  # nothing but the loss of the scheduler does this
        raise CourseError(_GONE) from None
    except (OSError, RuntimeError) as error:
        _gone(client, error)
        raise


def _gone(client: Client, error: Exception) -> None:
    """After an error of Dask: is it that the scheduler is gone? A connection breaks before the client notices."""
    from distributed.comm import CommClosedError

    until = time.monotonic() + (_NOTICE if isinstance(error, CommClosedError) else 0)
    while client.status == "running":
        if time.monotonic() >= until:
            return
        time.sleep(0.01)
    raise CourseError(_GONE) from None


def _put(client: Client, carrier: WorkerPlugin) -> None:
    """On every worker; one that dies meanwhile is no reason to stop, and those that come later get it anyway."""
    for _ in range(3):
        try:
            client.register_plugin(carrier)
            return
        except OSError as error:
            _gone(client, error)
            time.sleep(1)
    client.register_plugin(carrier)


def _left_behind(dask_scheduler: Any = None) -> list[str]:
    """The work of clients that were killed, which nobody has taken from the workers."""
    ours = [name for name in dask_scheduler.worker_plugins if name.startswith("course-")]
    return [name for name in ours if name.partition("@")[2] not in dask_scheduler.clients]


# evaluated on a worker, where nothing can be unpickled if the course is not there
_THEIRS = "__import__('course_utils.cluster.versions', fromlist=['here']).here()"


def _lacks(said: dict[str, str] | Exception) -> str:
    """Why a worker cannot take the work, or ""; it said what versions it has, or raised an error."""
    if isinstance(said, OSError):  # it has just died
        return ""
    if isinstance(said, Exception):
        return f"it cannot import the course ({type(said).__name__}: {said})"
    return difference(here(), said)


def _all_refused(reasons: dict[str, str]) -> CourseError:
    return CourseError(" ".join(f"Worker {address} is refused: {why}." for address, why in reasons.items()))


@contextmanager
def _carried(client: Client, work: Callable, tell: Callable[[str], None]) -> Iterator[tuple[str, dict[str, str]]]:
    """The work lies on every worker while the block runs.

    Yields:
        The name under which it lies there; and the workers that must not take part, each with the reason.

    Raises:
        CourseError: nobody may take part, or somebody does not take the work.
    """
    from course_utils.cluster.carrier import Carrier, problem

    token = f"course-{uuid.uuid4().hex[:12]}@{client.id}"
    with suppress(Exception):  # a scheduler need not have the course
        for old in client.run_on_scheduler(_left_behind):
            client.unregister_worker_plugin(old)
    with scheduler_there(client):
        packages = client.get_versions()["scheduler"]["packages"]
        wrong = difference({n: here()[n] for n in ("distributed", "msgpack")}, packages)
        if wrong:
            raise CourseError(f"The scheduler has other versions: {wrong}.")
        said = client.run(eval, _THEIRS, on_error="return")
        lacking = {address: why for address, one in said.items() if (why := _lacks(one))}
        if lacking and len(lacking) == len(said):
            raise _all_refused(lacking)
        for address, why in lacking.items():
            tell(f"worker {address} is refused: {why}")
        if lacking:
            client.retire_workers(list(lacking))
    try:
        try:
            _put(client, Carrier(work, token))
            problems = client.run(problem, token, on_error="return")
        except Exception as error:
            _gone(client, error)
            said = (str(error).splitlines() or [""])[0]
            raise CourseError(f"A worker does not take the work ({type(error).__name__}: {said}).") from None
        # one that gave an OSError has just died
        unfit = {address: why for address, why in problems.items() if why and not isinstance(why, OSError)}
        if unfit and len(unfit) == len(problems):
            raise _all_refused(unfit)
        yield token, unfit
    finally:
        if client.status == "running":
            with suppress(Exception):  # the scheduler may be gone by now
                client.unregister_worker_plugin(token)
