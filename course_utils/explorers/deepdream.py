"""Explore DeepDream: whatever a layer sees, show more of it."""

from __future__ import annotations

import ipywidgets
from torch import Tensor

from course_utils.explorers.chooser import Chosen, PhotoChooser
from course_utils.explorers.live_explorer import LiveExplorer
from course_utils.explorers.own_network import own_network
from course_utils.fun.deepdream import deepdream
from course_utils.networks import Network

STEP_SIZE = 2 / 255  # mean change of a pixel value in a step
LAYERS = ("relu2_2", "relu3_1", "relu3_3", "relu4_1", "relu4_3", "relu4_4", "relu5_1", "relu5_2", "relu5_3")


class DeepDream(LiveExplorer):
    """Let a layer dream on a photo, from small sizes to large ones.

    Args:
        net: a network with VGG's layer names, or its name.
        photo: the photo at the beginning.
        layer: the layer at the beginning.
        size: longer side of the picture.
        steps: at each size.
    """

    title = "DeepDream: show more of what you see"
    first_steps = 24  # over all sizes, and as far as the others go together

    def __init__(
        self,
        net: Network | str = "vgg19",
        *,
        photo: str = "china",
        layer: str = "relu5_2",
        size: int = 256,
        steps: int = 10,
    ):
        super().__init__()
        self.net, self.size, self.steps = own_network(net), size, steps
        self._photo: Chosen | None = None  # of the dream
        self._dream: Tensor | None = None
        self.knob("photo", PhotoChooser(photo), update=False, preview=self.show_photo)
        self.knob("layer", ipywidgets.Dropdown(options=LAYERS, value=layer, description="Layer"), update=False)
        self.knob("octaves", ipywidgets.IntSlider(4, min=1, max=5, description="Octaves"), update=False)
        self.knob("jitter", ipywidgets.IntSlider(16, min=0, max=32, description="Jitter"), update=False)
        self.button("Start", self.update, button_style="primary")
        self.button("Dream on", self.dream_on)
        self.photo = self.picture("", width=420)
        self.out = self.picture("", width=420)
        self.start()

    def show_photo(self, knobs) -> None:
        self.photo.show(knobs.photo.tensor(self.size, crop=False), f"the photo: {knobs.photo.name}")

    def update(self, knobs) -> None:
        self.show_photo(knobs)
        self._let_dream(knobs, knobs.photo.tensor(self.size, crop=False))

    def dream_on(self, knobs) -> None:
        """Start from the dream instead of from the photo, unless another photo was chosen since."""
        if knobs.photo == self._photo:
            self._let_dream(knobs, self._dream)
        else:
            self.update(knobs)

    def _let_dream(self, knobs, start: Tensor) -> None:
        each, step_size = self.steps, STEP_SIZE
        if self._at_most is not None:  # the static figure: fewer and larger steps, but at every size
            each = max(1, self._at_most // knobs.octaves)
            step_size *= self.steps / each
        steps = each * knobs.octaves
        words = f"{knobs.layer}, octaves: {knobs.octaves}, jitter: {knobs.jitter}"

        def show(step, images, values):
            self.out.show(images, f"{words}; size {step // each + 1} of {knobs.octaves}")

        dream = deepdream(
            self.net,
            start,
            knobs.layer,
            octaves=knobs.octaves,
            steps=each,
            step_size=step_size,
            jitter=knobs.jitter,
            callback=self.watch(steps, show),
            progress=False,
        )
        self._photo, self._dream = knobs.photo, dream
        self.out.show(dream, words)
        last = len(self.values) - 1
        growth = self.values[last].item() / max(self.values[last - last % each].item(), 1e-12)
        self.say(f"{knobs.layer} answers {growth:.1f} times as strongly as at the first step of the last size.")
