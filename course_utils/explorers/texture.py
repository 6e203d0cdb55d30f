"""Explore texture: pixel by pixel, and by Gram matrices."""

from __future__ import annotations

import ipywidgets

from course_utils.explorers.chooser import PhotoChooser
from course_utils.explorers.live_explorer import LiveExplorer
from course_utils.explorers.own_network import own_network
from course_utils.fun import efros_leung, synthesize_texture
from course_utils.fun.texture import TEXTURE_LAYERS
from course_utils.networks import Network
from course_utils.stimuli import TEXTURES, on_paper, texture_sample

GRAM, PIXELS = "Gram matrices", "pixel by pixel"
SMALL, LARGE = 56, 80  # sides of the sample and of the picture, pixel by pixel


class Texture(LiveExplorer):
    """Make more of a texture, by Gram matrices of a network or by copying one pixel after the other.

    Args:
        net: a network with VGG's layer names, or its name.
        sample: the texture at the beginning, one of `TEXTURES`.
        size: side of the picture from Gram matrices, and of its sample.
        steps: of the descent from noise.
    """

    title = "Texture: more of the same"
    first_steps = 30
    contrast = {"depth": 1}

    def __init__(self, net: Network | str = "vgg19", *, sample: str = "pebbles", size: int = 112, steps: int = 60):
        super().__init__()
        self.net, self.size, self.steps = own_network(net), size, steps
        samples = PhotoChooser(sample, label="Sample", names=list(TEXTURES))
        samples.upload.description = "My own sample"
        self.knob("sample", samples, update=False, preview=self.show_sample)
        ways = ipywidgets.Dropdown(options=[GRAM, PIXELS], description="Method")
        self.way = self.knob("way", ways, update=False, preview=self.show_sample)
        depths = [(f"{count}, up to {layer}", count) for count, layer in enumerate(TEXTURE_LAYERS, start=1)]
        self.depth = self.knob(
            "depth", ipywidgets.Dropdown(options=depths, value=4, description="Layers"), update=False
        )
        self.window = self.knob("window", ipywidgets.IntSlider(11, min=3, max=23, step=2, description="Window"), update=False)  # fmt: skip
        self.way.observe(lambda _: self._only_what_counts(), "value")
        self._only_what_counts()
        self.button("Start", self.update, button_style="primary")
        self.sample = self.picture("", width=220)
        self.out = self.picture("", width=220)
        self.before = self.picture("", width=220)
        self.start()

    def _only_what_counts(self) -> None:
        self.depth.disabled = self.way.value != GRAM
        self.window.disabled = self.way.value == GRAM

    def show_sample(self, knobs) -> None:
        if knobs.way == GRAM:
            self.sample.show(knobs.sample.square(texture_sample, self.size), f"the sample: {knobs.sample.name}")
        else:
            page = on_paper(knobs.sample.square(texture_sample, SMALL), LARGE)
            self.sample.show(page, f"the sample: {knobs.sample.name}, at the same scale")

    def update(self, knobs) -> None:
        self.keep()
        self.show_sample(knobs)
        self._by_gram_matrices(knobs) if knobs.way == GRAM else self._pixel_by_pixel(knobs)

    def _by_gram_matrices(self, knobs) -> None:
        sample, layers = knobs.sample.square(texture_sample, self.size), TEXTURE_LAYERS[: knobs.depth]
        name = knobs.sample.name
        words = f"{name}: Gram matrices, {layers[0]} to {layers[-1]}" if knobs.depth > 1 else f"{name}: Gram matrix of {layers[0]}"  # fmt: skip

        def show(step, images, losses):
            self.out.show(images, f"{words}; step {step}")

        image = synthesize_texture(
            self.net,
            sample,
            layers=layers,
            steps=self.steps,
            callback=self.watch(self.steps, show),
            progress=False,
        )
        self.out.show(image, words)
        first, best = self.values[0].item(), min(self.values).item()
        self.say(f"The loss fell from {first:.2g} to {best:.2g} (0: the same Gram matrices).")

    def _pixel_by_pixel(self, knobs) -> None:
        sample, size = knobs.sample.square(texture_sample, SMALL), LARGE
        words = f"{knobs.sample.name}: pixel by pixel, window {knobs.window}"

        def show(ring, images, share):
            self.out.show(images, f"{words}; {share.item():.0%} filled")

        callback = self.watch(size * size, show)
        image = efros_leung(
            sample,
            size,
            window=knobs.window,
            callback=lambda ring, images, share: callback(round(share.item() * size * size), images, share),
            progress=False,
        )
        self.out.show(image, words)
        self.say(f"Every pixel is a copy of one of the sample's, chosen by the {knobs.window}x{knobs.window} pixels around it.")  # fmt: skip
