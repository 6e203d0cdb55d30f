"""Nearest neighbors: click on a photo, and see what is nearest in pixels and in features."""

from __future__ import annotations

import ipywidgets
import torch

from course_utils.activations import cosine_distances, l2_distances, nearest, vectors
from course_utils.activations.neighbors import METRICS
from course_utils.explorers.own_network import own_network
from course_utils.explorers.panel import Explorer
from course_utils.explorers.parts import cell, cell_box, sheet
from course_utils.networks import Network
from course_utils.plots import short
from course_utils.stimuli.crops import VARIANTS, Crops, crop_set

OBJECTS = ("bull_mastiff", "dalmatian", "spoonbill", "bald_eagle", "cat", "jeep", "cannon", "strawberry", "coffee", "flower")  # fmt: skip
COUNT, SIDE = 5, 84
ROW = (COUNT + 1) * (SIDE + 4) - 4  # pixels: as wide as it is drawn, so that the labels can be read


class Neighbors(Explorer):
    """A sheet of pictures, several of each object; a click asks for the nearest ones in pixels and in features.

    Args:
        net: the network whose features count, or its name.
        crops: the pictures; None for six of each of ten objects.
        query: the number of the picture at the beginning.
    """

    title = "Nearest neighbors: pixels against features"

    def __init__(self, net: Network | str = "efficientnet_lite0", *, crops: Crops | None = None, query: int = 0):
        super().__init__()
        net = own_network(net)
        self.crops = crops or crop_set(OBJECTS, size=128)
        self.spaces = {space: vectors(net, self.crops.images, space=space) for space in ("pixels", "features")}
        self._tables: dict[tuple[str, str], torch.Tensor] = {}
        count, self.columns = len(self.crops.images), 2 * len(VARIANTS)
        self.metric = self.knob("metric", ipywidgets.ToggleButtons(options=METRICS, description="Distance", style={"button_width": "auto"}))  # fmt: skip
        rows = -(-count // self.columns)
        self.all = self.picture("", name="place", kind="click", width=768, step=(1 / self.columns, 1 / rows))
        box = cell_box(query, count=count, columns=self.columns)
        self.all.x, self.all.y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        self.all.show(sheet(list(self.crops.images), side=64, columns=self.columns, gap=0))
        self.found = {space: self.picture("", width=ROW) for space in self.spaces}
        self.start()

    def update(self, knobs):
        crops, count = self.crops, len(self.crops.images)
        query = cell(knobs.place, count=count, columns=self.columns)
        name, variant = crops.names[crops.objects[query]], crops.variants[query]
        hits = {}
        for space, picture in self.found.items():
            indices, distances = nearest(self._table(space, knobs.metric)[query : query + 1], COUNT + 1)
            indices = [i for i in indices[0].tolist() if i != query][:COUNT]
            same = [bool(crops.objects[i] == crops.objects[query]) for i in indices]
            hits[space] = sum(same)
            row = self._table(space, knobs.metric)[query]
            labels = [
                "asked with",
                *(f"{'✓' if s else '✗'} {short(row[i])}" for i, s in zip(indices, same, strict=True)),
            ]
            shown = sheet(list(crops.images[[query, *indices]]), side=SIDE, columns=COUNT + 1, labels=labels)
            picture.show(
                shown,
                f"nearest in {space}: {hits[space]} of {COUNT} show the same object (✓). The numbers: {knobs.metric} distance",
            )
        frame = [cell_box(query, count=count, columns=self.columns)]
        with self.all.hold_sync():
            self.all.boxes, self.all.caption = frame, f"{count} pictures; click on one. The frame: {name}, {variant}"
        self.say(f"{name}, {variant}: of its {COUNT} nearest, {hits['pixels']} show the same object in pixels, {hits['features']} in features.")  # fmt: skip

    def _table(self, space: str, metric: str) -> torch.Tensor:
        key = (space, metric)
        if key not in self._tables:
            measure = l2_distances if metric == "l2" else cosine_distances
            self._tables[key] = measure(self.spaces[space])
        return self._tables[key]
