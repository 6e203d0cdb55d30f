"""The frame of explorers whose method works for long: Start, a live picture, Stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace

from torch import Tensor

from course_utils.explorers.panel import Explorer

PAUSE = 0.15  # seconds between two pictures, at least: a page need not draw more


class LiveExplorer(Explorer):
    """Wraps a method that has a callback, `callback(step, images, values)`, True to end it.

    `update` calls the method with `callback=self.watch(steps, show)`, then shows what it returned; that is also the
    last result when it was stopped. Knobs that should wait for the Start button are added with `update=False`.

    Attributes:
        values: what the callback was told in the latest run, one tensor for each step.
        first_steps: how many steps run when the explorer is made, for the static figure.
        contrast: knobs that differ in a first, short run, whose result stands beside the other in the static figure.
    """

    first_steps = 20
    contrast: Mapping[str, object] = MappingProxyType({})

    def __init__(self):
        super().__init__()
        self._has_stop = True
        self._at_most: int | None = None
        self.values: list[Tensor] = []

    def start(self) -> None:
        self._at_most = self.first_steps
        try:
            if self.contrast:
                self.update(SimpleNamespace(**{**vars(self.knobs()), **self.contrast}))
            super().start()
        finally:
            self._at_most = None

    def watch(self, steps: int, show: Callable[[int, Tensor, Tensor], None]) -> Callable[[int, Tensor, Tensor], bool]:
        """The callback: calls `show(step, images, values)` now and then, tells progress, and ends when it should.

        Args:
            steps: how many there will be, for the time left.
            show: shows a picture in the making.
        """
        at_most, shown, told = self._at_most, 0.0, []
        self.values = told

        def callback(step: int, images: Tensor, values: Tensor) -> bool:
            nonlocal shown
            told.append(values)
            if at_most is not None:
                return step >= at_most
            if time.monotonic() - shown >= PAUSE:
                show(step, images, values)
                shown = time.monotonic()
            return self.worker.tick(step, steps)

        return callback

    def keep(self) -> None:
        """Move the picture `self.out` to `self.before`, to be compared with what comes."""
        if self.out.image:
            with self.before.hold_sync():
                self.before.image, self.before.pixelated = self.out.image, self.out.pixelated
                self.before.caption = f"The result before: {self.out.caption}"
