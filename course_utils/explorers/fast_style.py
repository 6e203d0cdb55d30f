"""Explore many styles: mix them with sliders; one pass of one network for each picture."""

from __future__ import annotations

import ipywidgets

from course_utils.explorers.chooser import PhotoChooser
from course_utils.explorers.panel import Explorer
from course_utils.explorers.parts import sheet
from course_utils.fun.fast_style import StyleNet, load_style_net, stylize
from course_utils.stimuli.styles import style_image

COLUMNS = 4


class ManyStyles(Explorer):
    """One slider for each style; the picture follows at once.

    Args:
        net: a network for many styles; None for the course's own.
        photo: the photo at the beginning.
        weights: of the styles at the beginning, by name.
        size: longer side of the picture.
    """

    title = "Many styles: one network, mixed by sliders"

    def __init__(
        self,
        net: StyleNet | None = None,
        *,
        photo: str = "china",
        weights: dict[str, float] | None = None,
        size: int = 224,
    ):
        super().__init__()
        self.net, self.size = net if net is not None else load_style_net(), size
        weights = {self.net.styles[0]: 1.0} if weights is None else weights
        self.knob("photo", PhotoChooser(photo))
        for name in self.net.styles:
            slider = ipywidgets.FloatSlider(
                weights.get(name, 0.0), min=0, max=1, step=0.05, description=name.capitalize()
            )
            self.knob(name, slider)
        self.photo = self.picture("", width=270)
        self.out = self.picture("", width=270)
        self.styles = self.picture("the styles, as they were painted for training", width=300)
        small = [style_image(name, 72)[0] for name in self.net.styles]
        self.styles.show(sheet(small, side=72, columns=COLUMNS, labels=self.net.styles))
        self.start()

    def update(self, knobs) -> None:
        photo = knobs.photo.tensor(self.size, crop=False)
        weights = {name: getattr(knobs, name) for name in self.net.styles}
        total = sum(weights.values())
        if not total:
            raise ValueError("All sliders are at 0: raise one of them.")
        image = stylize(self.net, photo, weights)
        shares = [f"{name} {weight / total:.0%}" for name, weight in weights.items() if weight]
        self.out.show(image, ", ".join(shares))
        self.photo.show(photo, "the photo")
        change = (image - photo).abs().mean().item()
        self.say(f"One pass. The mean change of a pixel is {change * 255:.0f} of 255.")
