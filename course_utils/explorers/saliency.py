"""Saliency and the rules of backprop: a class or one unit, sent back to the pixels."""

from __future__ import annotations

import ipywidgets
import torch

from course_utils.activations.feature_maps import scale_maps
from course_utils.activations.receptive_field import receptive_field
from course_utils.engines.relu_rules import RULES
from course_utils.explorers.chooser import PhotoChooser
from course_utils.explorers.own_network import class_of, layers_of, own_network
from course_utils.explorers.panel import Explorer
from course_utils.explorers.parts import heat
from course_utils.gradients.grad_cam import grad_cam
from course_utils.gradients.guided import as_picture, backprop
from course_utils.hooks import layer_outputs
from course_utils.images import resize
from course_utils.networks import Network
from course_utils.optimize.objectives import channel_of, layer_of
from course_utils.plots import short

CLASS, UNIT = "a class", "one unit"


class Saliency(Explorer):
    """A class by its name, or a unit by a click on its feature map; one of three rules for the ReLU.

    Args:
        net: the network, or its name; one without classes has only units.
        photo: a name of the gallery.
        target: a class; empty for the predicted one.
        rule: "gradient", "deconvnet" or "guided".
        unit: `"layer:channel"`; given, the explorer begins with this unit at its strongest place, and not with a class.
    """

    title = "Saliency maps, and the rules of backprop"

    def __init__(
        self,
        net: Network | str = "efficientnet_lite0",
        photo: str = "bald_eagle",
        *,
        target: str = "",
        rule: str = "gradient",
        unit: str | None = None,
    ):
        super().__init__()
        self.net = own_network(net)
        self._seen: tuple | None = None  # (photo, layer) and its maps
        self._fields: dict[str, object] = {}
        layers = layers_of(self.net)
        layer, channel = (layer_of(unit), self.net.unit(unit)[1]) if unit else (layers[len(layers) // 2], 0)
        layers = layers if layer in layers else [layer, *layers]
        self.photo = self.knob("photo", PhotoChooser(photo))
        style = {"button_width": "auto"}
        self.rule = self.knob("rule", ipywidgets.ToggleButtons(options=RULES, value=rule, description="Rule", style=style))  # fmt: skip
        what = [CLASS, UNIT] if self.net.categories else [UNIT]
        self.what = self.knob("what", ipywidgets.ToggleButtons(options=what, value=UNIT if unit else what[0], description="Send back", style=style))  # fmt: skip
        self.target = self.knob("target", ipywidgets.Combobox(value=target, options=self.net.categories or (), placeholder="the predicted class", description="Class", continuous_update=False))  # fmt: skip
        self.layer = self.knob("layer", ipywidgets.Dropdown(options=layers, value=layer, description="Layer"))
        self.channel = self.knob("channel", ipywidgets.IntSlider(value=channel, min=0, max=max(1, channel), description="Channel"))  # fmt: skip
        self.what.observe(self._what_chosen, "value")
        self.shown = self.picture("", width=210)  # four side by side
        self.map = self.picture("", name="place", kind="click", cross=True, width=210)
        self.signed = self.picture("", width=210)
        self.size = self.picture("", width=210)
        self.cam = self.picture("", width=210)
        self._layers, self._deepest = layers, None
        self._what_chosen(None)
        maps = self._maps(self.knobs())
        if unit:
            self._go_to_strongest(channel_of(self.net, {layer: maps[None]}, unit)[0])
        self.start()

    def update(self, knobs):
        image = knobs.photo.tensor()
        boxes, caption = [], knobs.photo.name
        if knobs.what == UNIT:
            maps = self._maps(knobs)
            channel, (height, width) = min(knobs.channel, len(maps) - 1), maps.shape[1:]
            row, column = min(int(knobs.place[1] * height), height - 1), min(int(knobs.place[0] * width), width - 1)
            one, value = maps[channel], maps[channel, row, column].item()
            note = "" if value else "; it is off, so backprop sends nothing back: click on a bright place"
            self.map.show(scale_maps(one[None], scaling="own")[0], f"{knobs.layer}, channel {channel}; click on a place", step=(1 / width, 1 / height))  # fmt: skip
            target, position = f"{knobs.layer}:{channel}", (row, column)
            named = f"The unit at row {row}, column {column} of {target} has the value {short(value)}{note}."
            top, left, bottom, right = self._field(knobs.layer).box(row, column)
            boxes = [[left / 224, top / 224, right / 224, bottom / 224]]
            caption += ". The frame: what the unit can see"
        else:
            with torch.no_grad():
                scores = self.net(image)
            target, position = class_of(self.net, knobs.target, scores), "strongest"
            share = scores.softmax(1)[0, target].item()
            self._deepest = self._deepest or self._last_with_places(image)
            cam = resize(grad_cam(self.net, image, self._deepest, target)[None], image.shape[2:])[0, 0]
            self.cam.show(
                heat(cam, photo=image), f"Grad-CAM in {self._deepest}: where the maps that speak for the class answer"
            )
            named = f"Class {self.net.category(target)}: score {scores[0, target]:.2f}, probability {share:.1%}."
        self.shown.show(image, caption, boxes=boxes)
        gradient = backprop(self.net, image, target, rule=knobs.rule, position=position)
        self.signed.show(as_picture(gradient)[0], f"{knobs.rule}, signed: gray is 0")
        size = gradient[0].abs().amax(0)
        self.size.show(heat(size), f"{knobs.rule}, size |·|, the largest of red, green and blue")
        self.say(named)

    def _maps(self, knobs) -> torch.Tensor:
        key = (knobs.photo, knobs.layer)
        if self._seen is None or self._seen[0] != key:
            self._seen = (key, layer_outputs(self.net, knobs.photo.tensor(), [knobs.layer])[knobs.layer][0])
            if self.channel.max != len(self._seen[1]) - 1:
                self.channel.max = len(self._seen[1]) - 1
        return self._seen[1]

    def _last_with_places(self, image: torch.Tensor) -> str:
        """The layer for Grad-CAM: the last one that still has rows and columns."""
        seen = layer_outputs(self.net, image, self._layers)
        return next(layer for layer in reversed(self._layers) if seen[layer].ndim == 4)

    def _field(self, layer: str):
        if layer not in self._fields:
            self._fields[layer] = receptive_field(self.net, layer, size=224)
        return self._fields[layer]

    def _go_to_strongest(self, one: torch.Tensor) -> None:
        row, column = divmod(int(one.argmax()), one.shape[1])
        self.map.y, self.map.x = (row + 0.5) / one.shape[0], (column + 0.5) / one.shape[1]

    def _what_chosen(self, _) -> None:
        unit = self.what.value == UNIT
        for widget in (self.layer, self.channel, self.map):
            widget.layout.display = "" if unit else "none"
        self.target.layout.display = "none" if unit else ""
        self.cam.layout.display = "none" if unit else ""
