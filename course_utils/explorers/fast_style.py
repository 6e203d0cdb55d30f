"""Explore many styles: mix them with sliders, one pass of one network for each picture; choose one of your own."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import torch
from torch import Tensor

from course_utils.explorers.chooser import PhotoChooser
from course_utils.explorers.panel import Explorer
from course_utils.explorers.parts import sheet
from course_utils.fun.fast_style import load_style_net, stylize
from course_utils.fun.style_net import StyleNet
from course_utils.images import center_crop, gallery, resize
from course_utils.stimuli.styles import style_image, style_names
from course_utils.stimuli.textures import DRAWN
from course_utils.validate import check_choice

COLUMNS = 4


def _square(picture: Tensor, side: int) -> Tensor:
    least = min(picture.shape[2:])
    return resize(center_crop(picture, (least, least)), side)


class ManyStyles(Explorer):
    """One slider for each style; the picture follows at once.

    Args:
        net: a network for many styles; None for the course's own.
        photo: the photo at the beginning.
        weights: of the styles at the beginning, by name.
        size: longer side of the picture.
        pictures: `(1, 3, H, W)` of styles that are not the course's own, by name.
    """

    title = "Many styles: one network, mixed by sliders"

    def __init__(
        self,
        net: StyleNet | None = None,
        *,
        photo: str = "china",
        weights: dict[str, float] | None = None,
        size: int = 224,
        pictures: Mapping[str, Tensor] | None = None,
    ):
        super().__init__()
        self.net, self.size = net if net is not None else load_style_net(), size
        weights = {self.net.styles[0]: 1.0} if weights is None else weights
        for name in weights:
            check_choice("the name of a style in weights", name, self.net.styles)
        self.knob("photo", PhotoChooser(photo))
        for name in self.net.styles:
            slider = ipywidgets.FloatSlider(
                weights.get(name, 0.0), min=0, max=1, step=0.05, description=name.capitalize()
            )
            self.knob(name, slider)
        self.photo = self.picture("", width=270)
        self.out = self.picture("", width=270)
        self.styles = self.picture("the styles, as they were painted for training", width=300)
        own = {name: _square(picture, 72) for name, picture in (pictures or {}).items()}
        small = [(own[name] if name in own else self._known(name))[0] for name in self.net.styles]
        self.styles.show(sheet(small, side=72, columns=COLUMNS, labels=self.net.styles))
        self.start()

    def _known(self, name: str) -> Tensor:
        """The small picture of a style of the course; of another one, whose picture was not given, an empty one."""
        return style_image(name, 72) if name in style_names() else torch.full((1, 3, 72, 72), 0.8)

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


class OwnStyle(Explorer):
    """Choose the picture of a style: one of the drawn textures, a photo, or a file of your own.

    Args:
        picture: at the beginning, a name.
        size: side of the square that is cut out of it: the smaller it is, the smaller are the strokes in it.
    """

    title = "A style of your own: its picture"

    def __init__(self, picture: str = "coral", *, size: int = 224):
        super().__init__()
        self.chooser = self.knob("photo", PhotoChooser(picture, label="Picture", names=[*DRAWN, *gallery().names]))
        slider = ipywidgets.IntSlider(size, min=96, max=256, step=32, description="Style size")
        self.size = self.knob("size", slider)
        self.out = self.picture("", width=256)
        self.start()

    @property
    def style(self) -> Tensor:
        """The picture as it is now, `(1, 3, size, size)` in [0, 1]."""
        return self.chooser.value.tensor(self.size.value)

    def update(self, knobs) -> None:
        self.out.show(self.style, f"{knobs.photo.name}, {knobs.size} pixels")
        self.say("This picture is the style that you train.")
