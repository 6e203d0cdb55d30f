"""Feature maps: turn through the channels of a layer, and click on a map to see what its places can see."""

from __future__ import annotations

import ipywidgets
from torch import Tensor
from torch.nn import functional

from course_utils.activations.feature_maps import scale_maps
from course_utils.activations.receptive_field import receptive_field
from course_utils.explorers.chooser import PhotoChooser
from course_utils.explorers.own_network import layers_of, own_network
from course_utils.explorers.panel import Explorer
from course_utils.explorers.parts import cell, cell_box, sheet
from course_utils.hooks import layer_outputs
from course_utils.networks import Network
from course_utils.plots import short

SHEET = 880  # pixels, the width of the sheet of all maps
SCALES = [("this channel's range", "own"), ("one range for all", "shared")]


class FeatureMaps(Explorer):
    """Network, layer, channel, photo: one feature map, and all maps of the layer.

    A click on the large map marks the place and frames its receptive field in the photo; a click on the sheet of all
    maps chooses a channel.

    Args:
        net: the network at the beginning, or its name.
        photo: a name of the gallery.
        layer: at the beginning; None for one in the first third.
        channel: at the beginning.
        networks: names to choose from.
    """

    title = "Feature maps"

    def __init__(
        self,
        net: Network | str = "vgg19",
        photo: str = "motorcycle",
        *,
        layer: str | None = None,
        channel: int = 0,
        networks: tuple[str, ...] = ("vgg19", "efficientnet_lite0"),
    ):
        super().__init__()
        net = own_network(net)
        self._nets = {net.name: net}
        self._seen: tuple | None = None  # (network, photo) and all its maps
        self._fields: dict[tuple, object] = {}
        layers = layers_of(net)
        names = list(dict.fromkeys([net.name, *networks]))
        self.network = self.knob("network", ipywidgets.Dropdown(options=names, description="Network"), update=False)
        self.photo = self.knob("photo", PhotoChooser(photo))
        self.layer = self.knob("layer", ipywidgets.Dropdown(options=layers, value=layer or layers[len(layers) // 3], description="Layer"))  # fmt: skip
        self.channel = self.knob("channel", ipywidgets.IntSlider(value=channel, min=0, max=max(channel, 1), description="Channel"))  # fmt: skip
        self.scaling = self.knob("scaling", ipywidgets.ToggleButtons(options=SCALES, value="own", description="Black to white", style={"button_width": "auto"}))  # fmt: skip
        self.network.observe(self._network_chosen, "value")
        self.map = self.picture("", name="place", kind="click", cross=True)
        self.shown = self.picture("")
        self.all = self.picture("", name="pick", kind="click", update=False, width=SHEET)
        self.all.observe(self._picked, "clicks")
        one = self._maps(self.knobs())[self.layer.value][channel]  # begin where it says most
        row, column = divmod(int(one.argmax()), one.shape[1])
        self.map.y, self.map.x = (row + 0.5) / one.shape[0], (column + 0.5) / one.shape[1]
        self.start()

    def update(self, knobs):
        maps = self._maps(knobs)[knobs.layer]
        if self.channel.max != len(maps) - 1:
            self.channel.max = len(maps) - 1
        channel = min(knobs.channel, len(maps) - 1)
        one, (height, width) = maps[channel], maps.shape[1:]
        row, column = min(int(knobs.place[1] * height), height - 1), min(int(knobs.place[0] * width), width - 1)
        pictures = scale_maps(maps, scaling=knobs.scaling) if knobs.scaling == "shared" else None
        shown = pictures[channel] if pictures is not None else scale_maps(one[None], scaling="own")[0]
        self.map.show(shown, f"{knobs.layer}, channel {channel}: {height}x{width} places, from {short(one.min())} (black) to {short(one.max())}", step=(1 / width, 1 / height))  # fmt: skip
        self.say(
            f"The cross: row {row}, column {column} of {height}x{width}; the channel says {short(one[row, column])} there."
        )
        yield
        self._show_all(knobs, maps, channel)
        top, left, bottom, right = self._field(knobs).box(row, column)
        size = knobs.photo.tensor().shape[-1]
        frame = [left / size, top / size, right / size, bottom / size]
        caption = f"{knobs.photo.name}. The frame: the {bottom - top}x{right - left} pixels that this place can see"
        self.shown.show(knobs.photo.tensor(), caption, boxes=[frame])

    def _maps(self, knobs) -> dict[str, Tensor]:
        """All maps of one photo: `(C, h, w)` for each layer. One pass, so that layer and channel need none."""
        key = (knobs.network, knobs.photo)
        if self._seen is None or self._seen[0] != key:
            net, image = self._nets[knobs.network], knobs.photo.tensor()
            self._seen = (key, {n: maps[0] for n, maps in layer_outputs(net, image, layers_of(net)).items()})
            self._sheet = None
        return self._seen[1]

    def _field(self, knobs):
        key = (knobs.network, knobs.layer)
        if key not in self._fields:
            self._fields[key] = receptive_field(self._nets[knobs.network], knobs.layer, size=224)
        return self._fields[key]

    def _show_all(self, knobs, maps: Tensor, channel: int) -> None:
        key, columns = (self._seen[0], knobs.layer, knobs.scaling), _columns(len(maps))
        if self._sheet != key:
            self._sheet, side = key, SHEET // columns - 1
            # "area" keeps dots that a stride would skip
            small = functional.interpolate(maps[None], size=(side, side), mode="area")[0]
            pictures = sheet(
                list(scale_maps(small, scaling=knobs.scaling)), side=side, columns=columns, gap=1, paper="#505a78"
            )
            self.all.show(pictures, step=(1 / columns, columns / len(maps)), width=pictures.width)
        caption = f"all {len(maps)} channels of {knobs.layer}; a click chooses one. The frame: channel {channel}"
        with self.all.hold_sync():
            self.all.caption, self.all.boxes = caption, [cell_box(channel, count=len(maps), columns=columns)]

    def _picked(self, _) -> None:
        count = self.channel.max + 1
        self.channel.value = cell((self.all.x, self.all.y), count=count, columns=_columns(count))

    def _network_chosen(self, change) -> None:
        if change.new not in self._nets:
            self._nets[change.new] = own_network(change.new)
        layers = layers_of(self._nets[change.new])
        self.layer.options = layers  # this chooses the first, and updates
        self.layer.value = layers[len(layers) // 3]


def _columns(channels: int) -> int:
    return 16 if channels <= 64 else 32 if channels <= 256 else 48
