"""Occlusion: drag a window over the photo and watch the probabilities; then the whole map."""

from __future__ import annotations

import time

import ipywidgets
import torch

from course_utils.activations import OcclusionScores, baseline_images, occlusion_scores
from course_utils.engines.baselines import BASELINES
from course_utils.explorers.bars import Bars
from course_utils.explorers.chooser import PhotoChooser
from course_utils.explorers.own_network import class_of, own_network
from course_utils.explorers.panel import Explorer
from course_utils.explorers.parts import heat
from course_utils.networks import Network


class Occlusion(Explorer):
    """A window that covers a part of the photo, and the probabilities with it.

    Args:
        net: a classifier, or its name.
        photo: a name of the gallery.
        target: a class whose map is drawn; empty for the predicted one.
        window: side of the window in pixels.
    """

    title = "Occlusion: cover a part"

    def __init__(
        self, net: Network | str = "efficientnet_lite0", photo: str = "dalmatian", *, target: str = "", window: int = 64
    ):
        super().__init__()
        self.net = own_network(net)
        self._clean: tuple | None = None  # (photo, its probabilities)
        self._mapped: tuple | None = None  # (photo, class) of the map that is shown
        self.photo = self.knob("photo", PhotoChooser(photo))
        self.window = self.knob("window", ipywidgets.IntSlider(value=window, min=16, max=128, step=8, description="Window"))  # fmt: skip
        self.stride = self.knob("stride", ipywidgets.IntSlider(value=16, min=8, max=32, step=8, description="Step of the map"), update=False)  # fmt: skip
        self.cover = self.knob("cover", ipywidgets.Dropdown(options=BASELINES, description="Covered with"))
        self.target = self.knob("target", ipywidgets.Combobox(value=target, options=self.net.categories, placeholder="the predicted class", description="Map of class", continuous_update=False))  # fmt: skip
        self.button("Full map", self.full_map)
        self.covered = self.picture("", name="place", kind="drag", width=270)
        self.map = self.picture("", name="spot", kind="click", update=False, width=270)
        self.bars = self.view(Bars("Probability with the window (without it)", width=320))
        self.map.observe(self._look_there, "clicks")
        self._has_stop = True
        self.start()
        self.full_map(self.knobs())  # for the first figure, as `update` is

    def update(self, knobs):
        image, clean = knobs.photo.tensor(), self._predict(knobs)
        top, left, bottom, right = self._place(knobs, image)
        cover = baseline_images(image, knobs.cover)
        covered = image.clone()
        covered[..., top:bottom, left:right] = cover[..., top:bottom, left:right]
        with torch.no_grad():
            probabilities = self.net(covered).softmax(1)[0]
        if self._mapped and self._mapped != (knobs.photo, knobs.target):
            self._mapped = None
            self.map.show(image, "The button “Full map” covers every place in turn")
        best = clean.topk(5).indices.tolist()
        size = knobs.window / image.shape[-1]
        self.covered.show(covered, f"{knobs.photo.name}: drag the window", window=[size, size])
        self.bars.show([(f"{self.net.category(c)} ({clean[c]:.0%})", probabilities[c]) for c in best])
        first = best[0]
        self.say(f"{self.net.category(first)}: {clean[first]:.1%} for the whole photo, {probabilities[first]:.1%} with the window.")  # fmt: skip

    def full_map(self, knobs):
        """The map of the whole photo; what is known so far is shown on the way."""
        image, self._mapped = knobs.photo.tensor(), (knobs.photo, knobs.target)
        with torch.no_grad():
            target = class_of(self.net, knobs.target, self.net(image))
        shown = time.monotonic()

        def look(done: int, windows: int, scores: OcclusionScores) -> bool:
            nonlocal shown
            if time.monotonic() - shown > 0.4 or done == windows:
                self._show_map(scores.maps()[0], image, self.net.category(target))
                shown = time.monotonic()
            return self.worker.tick(done, windows)

        stride = min(knobs.stride, knobs.window)
        occlusion_scores(self.net, image, target, window=knobs.window, stride=stride, baseline=knobs.cover, batch_size=16, progress=False, callback=look)  # fmt: skip

    def _show_map(self, drops: torch.Tensor, image: torch.Tensor, name: str) -> None:
        self.map.show(
            heat(drops, signed=True, photo=image),
            f"{name}: how far its score falls, the mean of the windows over each pixel. Orange: it falls, by "
            f"{drops.max():.2g} at most. Violet: it rises, by {max(0.0, -drops.min().item()):.2g} at most. "
            "A click moves the window there",
        )

    def _predict(self, knobs) -> torch.Tensor:
        if self._clean is None or self._clean[0] != knobs.photo:
            with torch.no_grad():
                self._clean = (knobs.photo, self.net(knobs.photo.tensor()).softmax(1)[0])
        return self._clean[1]

    @staticmethod
    def _place(knobs, image) -> tuple[int, int, int, int]:
        height, width = image.shape[2:]
        half, x, y = knobs.window / 2, knobs.place[0] * width, knobs.place[1] * height
        return max(0, round(y - half)), max(0, round(x - half)), round(y + half), round(x + half)

    def _look_there(self, _) -> None:
        with self.covered.hold_sync(), self.covered.hold_trait_notifications():
            self.covered.x, self.covered.y = self.map.x, self.map.y
