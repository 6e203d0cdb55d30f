"""Explore fooling images: how small a change is enough?"""

from __future__ import annotations

import ipywidgets
import torch
from PIL import Image

from course_utils.explorers.bars import Bars
from course_utils.explorers.chooser import PhotoChooser
from course_utils.explorers.classes import class_chooser
from course_utils.explorers.live_explorer import LiveExplorer
from course_utils.explorers.own_network import own_network
from course_utils.gradients.adversarial import pgd
from course_utils.gradients.fooling import magnify
from course_utils.networks import Network


class Fooling(LiveExplorer):
    """Change a photo by at most eps in each pixel until the network says another class (projected gradient descent).

    Args:
        net: a classifier, or its name.
        photo: the photo at the beginning.
        target: the class to be seen, by name.
        eps: the largest change of a pixel, of 255.
        steps: of each attack.
    """

    title = "Fooling: the same photo for you, another class for the network"
    first_steps = 100

    def __init__(
        self,
        net: Network | str = "efficientnet_lite0",
        *,
        photo: str = "bald_eagle",
        target: str = "toaster",
        eps: int = 2,
        steps: int = 10,
    ):
        super().__init__()
        self.net, self.steps = own_network(net), steps
        self._kept = None  # the photo that was seen last, and what the network says of it
        self.knob("photo", PhotoChooser(photo, label="From"))
        self.knob("target", class_chooser(self.net, target, label="To"))
        self.knob("eps", ipywidgets.IntSlider(eps, min=0, max=16, description="ε (of 255)"))
        self.clean = self.picture("", width=224)
        self.out = self.picture("", width=224)
        self.change = self.picture("", width=224)
        self.first, self.bars = Bars("Before"), Bars("After")
        self.view(_Column([self.first, self.bars]))
        self.start()

    def update(self, knobs) -> None:
        target = self.net.class_index(knobs.target.strip())
        if self._kept is None or self._kept[0] != knobs.photo:
            photo = knobs.photo.tensor(224).to(self.net.device)
            self._kept = knobs.photo, photo, self.net(photo).softmax(1)[0]
        _, photo, before = self._kept
        name, first = self.net.category(target), self.net.category(before.argmax())
        self.clean.show(photo, f"the photo: {first}")
        # the same classes in both tables, so that the bars can be compared
        rows = list(dict.fromkeys([*before.topk(3).indices.tolist(), target]))
        self.first.show([(self.net.category(i), before[i]) for i in rows])

        def show(step, images, values):
            after = self.net(images).softmax(1)[0]
            says = self.net.category(after.argmax())
            self.out.show(images, f"at most {knobs.eps}/255 changed: {says}")
            factor = min(20.0, 0.5 * 255 / max(1, knobs.eps))
            self.change.show(magnify(images - photo, factor), f"the change, {factor:.0f} times as strong around gray")
            new = [] if int(after.argmax()) in rows else [after.argmax().item()]
            self.bars.show([(self.net.category(i), after[i]) for i in [*rows, *new]])
            return after, says

        with torch.no_grad():
            show(0, photo, None)
            if knobs.eps:
                attacked = pgd(
                    self.net,
                    photo,
                    target,
                    eps=knobs.eps / 255,
                    steps=self.steps,
                    targeted=True,
                    callback=self.watch(self.steps, show),
                    progress=False,
                )
            after, says = show(self.steps, attacked if knobs.eps else photo, None)
        done = "It is fooled." if says == name else f"It does not say {name} yet: try a larger ε."
        self.say(f"{name}: from {before[target]:.1%} to {after[target]:.1%}. {done}")


class _Column(ipywidgets.VBox):
    """Tables of bars, one above the other."""

    def close(self) -> None:
        for bars in self.children:
            bars.close()
        super().close()

    def alt(self) -> str:
        """The same in words."""
        return "; ".join(bars.alt() for bars in self.children)

    def to_pil(self) -> Image.Image:
        """The same as a picture."""
        parts = [bars.to_pil() for bars in self.children]
        page = Image.new("RGB", (max(p.width for p in parts), sum(p.height for p in parts)), "white")
        for index, part in enumerate(parts):
            page.paste(part, (0, sum(p.height for p in parts[:index])))
        return page
