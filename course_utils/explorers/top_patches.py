"""Top patches: turn through the channels of a layer, and see where in all photos each answers most."""

from __future__ import annotations

import re

import ipywidgets
import torch
from torch import Tensor

from course_utils.activations import TopPatches as Found
from course_utils.activations import top_patches
from course_utils.explorers.own_network import layers_of, own_network
from course_utils.explorers.panel import Explorer
from course_utils.explorers.parts import cell, cell_box, sheet
from course_utils.images import gallery, photo
from course_utils.networks import Network
from course_utils.plots import short

COUNT = 9
BATCH = 2


class TopPatches(Explorer):
    """Layer and channel: the nine patches that the channel answers to most; click on one to see it in its photo.

    Args:
        net: the network, or its name.
        layer: at the beginning; None for one in the first third.
        channel: at the beginning.
        images, names: `(N, 3, H, W)` and N names; None for the gallery.
    """

    title = "Maximally activating patches"

    def __init__(
        self,
        net: Network | str = "efficientnet_lite0",
        *,
        layer: str | None = None,
        channel: int = 8,
        images: Tensor | None = None,
        names: list[str] | None = None,
    ):
        super().__init__()
        self.net = own_network(net)
        if images is None:
            names = gallery().names
            images = torch.cat([photo(name) for name in names])
        self.images, self.names = images, names or [f"photo {i}" for i in range(len(images))]
        self._found: dict[str, tuple[Found, int]] = {}  # layer -> what was found in the first so many photos
        # in a network of blocks their outputs: after a ReLU6 many places share the largest value, 6
        layers = [n for n in self.net.layers if re.fullmatch(r"blocks\.\d+\.\d+", n)] or layers_of(self.net, most=12)
        layer = layer or layers[len(layers) // 3]
        layers = layers if layer in layers else [layer, *layers]
        self.layer = self.knob("layer", ipywidgets.Dropdown(options=layers, value=layer, description="Layer"))
        self.channel = self.knob("channel", ipywidgets.IntSlider(value=channel, min=0, max=max(1, channel), description="Channel"))  # fmt: skip
        self.patches = self.picture("", name="place", kind="click", width=330, step=(1 / 3, 1 / 3))
        self.patches.x = self.patches.y = 1 / 6  # the strongest
        self.photo = self.picture("", width=300)
        self.start()

    def update(self, knobs):
        done = self._found[knobs.layer][1] if knobs.layer in self._found else 0
        if done:
            self._show(knobs)
        while done < len(self.images):  # what is found stays, also when another knob ends this
            part = self.images[done : done + BATCH]
            found = top_patches(self.net, [part], knobs.layer, k=COUNT, progress=False)
            if done:
                found = self._found[knobs.layer][0].merge(found, shift=done)
            done += len(part)
            self._found[knobs.layer] = (found, done)
            self._show(knobs)
            yield done, len(self.images)

    def _show(self, knobs) -> None:
        found, done = self._found[knobs.layer]
        if self.channel.max != len(found.channels) - 1:
            self.channel.max = len(found.channels) - 1
        row = min(knobs.channel, len(found.channels) - 1)
        ranks = [rank for rank in range(COUNT) if found.images[row, rank] >= 0]
        boxes = [found.boxes[row, rank].tolist() for rank in ranks]
        photos = [int(found.images[row, rank]) for rank in ranks]
        patches = [self.images[p][:, top:bottom, left:right] for p, (top, left, bottom, right) in zip(photos, boxes, strict=True)]  # fmt: skip
        self.patches.show(sheet(patches, side=108, columns=3, gap=2), f"{knobs.layer}, channel {row}: the strongest first, row by row")  # fmt: skip
        rank = min(cell(knobs.place, count=9, columns=3), len(ranks) - 1)
        self.patches.boxes = [cell_box(rank, count=9, columns=3)]
        height, width = self.images.shape[2:]
        top, left, bottom, right = boxes[rank]
        frame = [left / width, top / height, right / width, bottom / height]
        caption = f"number {rank + 1}: {self.names[photos[rank]]}, value {short(found.values[row, rank])}; the frame is the receptive field"  # fmt: skip
        self.photo.show(self.images[photos[rank]], caption, boxes=[frame])
        self.say(f"Channel {row} of {len(found.channels)}, the best of {done} photos.")
