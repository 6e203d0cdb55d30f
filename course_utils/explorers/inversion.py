"""Explore feature inversion: what does each layer still know of the photo?"""

from __future__ import annotations

import ipywidgets

from course_utils.explorers.chooser import PhotoChooser
from course_utils.explorers.live_explorer import LiveExplorer
from course_utils.explorers.own_network import own_network
from course_utils.gradients.inversion import feature_error, invert
from course_utils.networks import Network

LAYERS = ("relu1_2", "relu2_2", "relu3_1", "relu3_4", "relu4_1", "relu4_4", "relu5_1", "relu5_4")


class Inversion(LiveExplorer):
    """Find a picture from noise that gives the same features in a layer.

    Args:
        net: a network with VGG's layer names, or its name.
        photo: the photo at the beginning.
        layer: the layer at the beginning.
        size: side of the pictures.
        steps: of the search.
    """

    title = "Feature inversion: a picture made from nothing but one layer's numbers"
    first_steps = 30
    contrast = {"layer": "relu4_1"}

    def __init__(
        self,
        net: Network | str = "vgg19",
        *,
        photo: str = "cat",
        layer: str = "relu3_1",
        size: int = 112,
        steps: int = 40,
    ):
        super().__init__()
        self.net, self.size, self.steps = own_network(net), size, steps
        self.knob("photo", PhotoChooser(photo), update=False, preview=self.show_photo)
        self.knob("layer", ipywidgets.Dropdown(options=LAYERS, value=layer, description="Layer"), update=False)
        ways = [("frequencies", "fourier"), ("pixels", "pixels")]
        self.knob("way", ipywidgets.Dropdown(options=ways, description="Search over"), update=False)
        smooth = [("none", 0.0), ("a little (0.1)", 0.1), ("some (1)", 1.0), ("much (10)", 10.0)]
        self.knob("tv", ipywidgets.Dropdown(options=smooth, description="Total variation"), update=False)
        self.knob("seed", ipywidgets.BoundedIntText(0, min=0, max=9999, description="Seed", layout={"width": "110px"}), update=False)  # fmt: skip
        self.button("Start", self.update, button_style="primary")
        self.photo = self.picture("", width=220)
        self.out = self.picture("", width=220)
        self.before = self.picture("", width=220)
        self.start()

    def show_photo(self, knobs) -> None:
        self.photo.show(knobs.photo.tensor(self.size), f"the photo: {knobs.photo.name}")

    def update(self, knobs) -> None:
        photo = knobs.photo.tensor(self.size)
        smooth = f", total variation {knobs.tv:g}" if knobs.tv else ""
        words = f"{knobs.layer}, {'frequencies' if knobs.way == 'fourier' else 'pixels'}{smooth}"
        self.keep()
        self.show_photo(knobs)

        def show(step, images, values):
            self.out.show(images, f"{words}\nloss {values.item():.3f}, step {step}")

        found = invert(
            self.net,
            photo,
            knobs.layer,
            parameterization=knobs.way,
            tv_weight=knobs.tv,
            steps=self.steps,
            seed=knobs.seed,
            callback=self.watch(self.steps, show),
            progress=False,
        )
        left = feature_error(self.net, photo, knobs.layer)(self.net, found).item()
        self.out.show(found, f"{words}\nfeature error {left:.3f}")
        size = f"{left**0.5:.0%} of their size (the root of {left:.3g})"
        self.say(f"{knobs.layer}: the features differ from the photo's by {size}.")
