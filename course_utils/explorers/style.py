"""Explore style transfer: turn the weights while it paints."""

from __future__ import annotations

import ipywidgets
from torch import Tensor

from course_utils.explorers.chooser import Chosen, PhotoChooser
from course_utils.explorers.live_explorer import LiveExplorer
from course_utils.explorers.own_network import own_network
from course_utils.fun.style import style_transfer
from course_utils.fun.style_losses import content_loss, style_loss
from course_utils.networks import Network
from course_utils.plots import short
from course_utils.stimuli.styles import style_image, style_names


class StyleTransfer(LiveExplorer):
    """Repaint a photo. The weights can be turned while it works: it goes on from the picture that is there.

    Args:
        net: a network with VGG's layer names, or its name.
        photo: the photo at the beginning.
        style: the style at the beginning, one of `style_names()`.
        size: longer side of the picture.
        steps: at each of the two sizes.
    """

    title = "Style transfer: one picture's content, another one's style"
    first_steps = 40

    def __init__(
        self,
        net: Network | str = "vgg19",
        *,
        photo: str = "china",
        style: str = "night",
        size: int = 160,
        steps: int = 30,
    ):
        super().__init__()
        self.net, self.size, self.steps = own_network(net), size, steps
        self._photo: Chosen | None = None  # what was painted last, as it was chosen, as a picture, and painted
        self._content: Tensor | None = None
        self._painting: Tensor | None = None
        weight = {"base": 10, "step": 0.5, "readout_format": ",.3r", "continuous_update": False}
        self.knob("photo", PhotoChooser(photo), update=False, preview=self.show_content)
        styles = PhotoChooser(style, label="Style", names=style_names())
        styles.upload.description = "My own style"
        self.knob("style", styles, update=False, preview=self.show_style)
        live = [
            self.knob(
                "content_weight",
                ipywidgets.FloatLogSlider(1.0, min=-2, max=2, description="Content weight", **weight),
                update=False,
            ),  # fmt: skip
            self.knob(
                "style_weight",
                ipywidgets.FloatLogSlider(100.0, min=-1, max=4, description="Style weight", **weight),
                update=False,
            ),  # fmt: skip
            self.knob(
                "stroke",
                ipywidgets.IntSlider(160, min=64, max=256, step=32, description="Style size", continuous_update=False),
                update=False,
            ),  # fmt: skip
        ]
        for slider in live:
            slider.observe(lambda _: self._turned(), "value")
        self.button("Start", self.update, button_style="primary")
        self.button("Paint on", self.paint_on)
        self.photo = self.picture("", width=300)
        self.style = self.picture("", width=200)
        self.out = self.picture("", width=300)
        self.start()

    def _turned(self) -> None:
        if self.worker.busy:  # a Start that waits stays one; else what is painted goes on, whatever photo is chosen
            self.run(self.update if self.waits(self.update) else self._go_on)

    def show_content(self, knobs) -> None:
        self.photo.show(knobs.photo.tensor(self.size, crop=False), f"the content: {knobs.photo.name}")

    def show_style(self, knobs) -> None:
        words = f"the style: {knobs.style.name}, {knobs.stroke} pixels wide"
        self.style.show(knobs.style.square(style_image, knobs.stroke), words)

    def update(self, knobs) -> None:
        self.show_content(knobs)
        self._paint(knobs, knobs.photo, knobs.photo.tensor(self.size, crop=False), init="content", scales=2)

    def paint_on(self, knobs) -> None:
        """Go on from the picture that is there; a photo that was chosen since is painted from its beginning."""
        (self._go_on if knobs.photo == self._photo else self.update)(knobs)

    def _go_on(self, knobs) -> None:
        self._paint(knobs, self._photo, self._content, init=self._painting, scales=1)

    def _paint(self, knobs, photo: Chosen, content: Tensor, *, init: str | Tensor, scales: int) -> None:
        style, steps = knobs.style.square(style_image, knobs.stroke), scales * (self.steps + 1)
        self.show_style(knobs)
        words = f"{knobs.style.name}, style {short(knobs.style_weight)}, content {short(knobs.content_weight)}"

        def show(step, images, losses):
            self.out.show(images, f"{words}; step {step}")

        painting = style_transfer(
            self.net,
            content,
            style,
            content_weight=knobs.content_weight,
            style_weight=knobs.style_weight,
            init=init,
            scales=scales,
            steps=self.steps,
            callback=self.watch(steps, show),
            progress=False,
        )
        self._photo, self._content, self._painting = photo, content, painting
        self.out.show(painting, words)
        of_content = (knobs.content_weight * content_loss(self.net, content))(self.net, painting)
        of_style = (knobs.style_weight * style_loss(self.net, [style]))(self.net, painting)
        share = (of_content / (of_content + of_style)).item()
        self.say(f"Of the loss that is left, {share:.0%} comes from the content and {1 - share:.0%} from the style.")
