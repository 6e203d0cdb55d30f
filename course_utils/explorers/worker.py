"""Work in the background of a notebook: one thread, the newest request only, a stop that is obeyed at the next step."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator

REST_SECONDS = 1.0  # without a new request: then the work rests, and `on_rest` is called
IDLE_SECONDS = 10.0  # then the thread ends; the next request starts a new one


class Worker:
    """Runs one piece of work at a time, away from the kernel's main thread.

    A request is a function without arguments. If it returns a generator, that runs step by step; what it yields is
    progress, `(step, steps)` or None. While one request runs, a newer one replaces whatever waits, and ends the running
    generator at its next step: no position that a slider passed on its way is computed.

    Args:
        on_start: called before each request.
        on_step: called as `on_step(step, steps, seconds_left)`.
        on_end: called after each request as `on_end(error, stopped)`: the exception or None, and whether `stop` ended
            it.
        on_rest: called once when a second has passed without a new request.

    All callbacks come from the worker's thread.
    """

    def __init__(
        self,
        *,
        on_start: Callable[[], None] = lambda: None,
        on_step: Callable[[int, int, float], None] = lambda step, steps, left: None,
        on_end: Callable[[BaseException | None, bool], None] = lambda error, stopped: None,
        on_rest: Callable[[], None] = lambda: None,
    ):
        self._on_start, self._on_step, self._on_end, self._on_rest = on_start, on_step, on_end, on_rest
        self._change = threading.Condition()
        self._waiting: Callable[[], object] | None = None
        self._running = False
        self._stop = False
        self._thread: threading.Thread | None = None
        self._began = 0.0

    def submit(self, work: Callable[[], object]) -> None:
        """Run `work` as soon as possible; a request that still waits is dropped."""
        with self._change:
            self._waiting = work
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="explorer", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def stop(self) -> None:
        """Drop what waits and end what runs at its next step; what it has shown stays."""
        with self._change:
            self._waiting = None
            self._stop = self._running

    @property
    def busy(self) -> bool:
        """Whether something runs or waits."""
        return self._running or self._waiting is not None

    @property
    def waiting(self) -> Callable[[], object] | None:
        """The request that waits, or None."""
        return self._waiting

    def wait(self, timeout: float = 60.0) -> None:
        """Block until nothing runs or waits (for tests).

        Raises:
            TimeoutError: it still works after `timeout` seconds.
        """
        with self._change:
            if not self._change.wait_for(lambda: not self.busy, timeout):
                raise TimeoutError(f"the work is not done after {timeout:g} s.")

    def tick(self, step: int, steps: int) -> bool:
        """For the callback of a long method: tell progress; True if the method should end now."""
        if threading.current_thread() is self._thread:
            seconds = time.monotonic() - self._began
            self._on_step(step, steps, seconds / step * (steps - step) if step else float("nan"))
            return self._stop or self._waiting is not None
        return False  # the first, synchronous run of an explorer: nothing can stop it but the kernel's own interrupt

    def _loop(self) -> None:
        rested = True
        while True:
            work = None
            with self._change:
                seconds = IDLE_SECONDS if rested else REST_SECONDS
                if self._change.wait_for(lambda: self._waiting is not None, seconds):
                    work, self._waiting = self._waiting, None
                    self._running, self._stop = True, False
                elif rested:
                    self._thread = None
                    return
            if work is None:
                rested = True
                self._tell(self._on_rest)
                continue
            error, rested = None, False
            try:
                self._run(work)
            except BaseException as problem:  # also a KeyboardInterrupt: this thread must not end with its request
                error = problem
            with self._change:
                stopped = self._stop
            self._tell(self._on_end, error, stopped)
            with self._change:
                self._running = False
                self._change.notify_all()
            del work, error  # they hold pictures and layers

    def _run(self, work: Callable[[], object]) -> None:
        self._tell(self._on_start)
        self._began = time.monotonic()
        result = work()
        if inspect.isgenerator(result):
            self._step_through(result)

    def _step_through(self, steps: Iterator) -> None:
        try:
            for progress in steps:
                if self.tick(*progress) if progress else self._stop or self._waiting is not None:
                    return
        finally:
            steps.close()  # its `finally` blocks run now: no hook outlives the work

    @staticmethod
    def _tell(callback: Callable, *values) -> None:
        try:
            callback(*values)
        except Exception:  # a page that is gone must not end the thread
            import traceback

            traceback.print_exc()
