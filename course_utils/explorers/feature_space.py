"""The space of features: a map of pictures; click on a point to see the photo and what lies near it in the full space."""

from __future__ import annotations

import ipywidgets
import torch
from PIL import Image
from torch import Tensor

from course_utils.activations import l2_distances, nearest, vectors
from course_utils.activations.image_map import fit_square
from course_utils.activations.pca import pca
from course_utils.activations.tsne import tsne
from course_utils.explorers.own_network import own_network
from course_utils.explorers.panel import Explorer
from course_utils.explorers.parts import sheet
from course_utils.images import to_pil
from course_utils.networks import Network
from course_utils.plots import short
from course_utils.stimuli.crops import Crops, crop_set

SIDE, THUMB = 460, 28


class FeatureSpace(Explorer):
    """Every picture at its place, by PCA or t-SNE, in pixels or in features.

    Args:
        net: the network whose features count, or its name.
        crops: the pictures; None for three of each photo of the gallery.
        perplexity: of t-SNE, at the beginning.
    """

    title = "The space of features"

    def __init__(self, net: Network | str = "efficientnet_lite0", *, crops: Crops | None = None, perplexity: int = 8):
        super().__init__()
        net = own_network(net)
        self.crops = crops or crop_set(variants=("whole", "cropped", "recolored"), size=128)
        self.spaces = {space: vectors(net, self.crops.images, space=space) for space in ("features", "pixels")}
        self.thumbs = [to_pil(image).resize((THUMB, THUMB), Image.Resampling.BILINEAR) for image in self.crops.images]
        self._maps: dict[tuple, Tensor] = {}
        self._tables = {space: l2_distances(x) for space, x in self.spaces.items()}
        self._drawn: tuple | None = None
        style = {"button_width": "auto"}
        self.space = self.knob("space", ipywidgets.ToggleButtons(options=list(self.spaces), description="Space", style=style))  # fmt: skip
        self.method = self.knob("method", ipywidgets.ToggleButtons(options=["t-SNE", "PCA"], description="Map", style=style))  # fmt: skip
        self.perplexity = self.knob("perplexity", ipywidgets.IntSlider(value=perplexity, min=2, max=(len(self.thumbs) - 1) // 3, description="Perplexity", continuous_update=False))  # fmt: skip
        self.map = self.picture("", name="place", kind="click", width=SIDE, step=(0.02, 0.02))
        self.photo = self.picture("", width=200)
        self.near = self.picture("", width=200)
        self.start()

    def update(self, knobs):
        points = self._places(knobs)
        if self._drawn != (id(points),):
            self._draw(points, knobs)
        target = torch.tensor(knobs.place) * SIDE
        index = int((points - target).norm(dim=1).argmin())
        crops, box = self.crops, (points[index, None] + torch.tensor([[-1], [1]]) * THUMB / 2) / SIDE
        with self.map.hold_sync():  # the arrow keys go on from the framed picture
            self.map.boxes = [box.flatten().tolist()]
            self.map.x, self.map.y = (points[index] / SIDE).tolist()
        name = f"{crops.names[crops.objects[index]]}, {crops.variants[index]}"
        self.photo.show(crops.images[index], f"the framed one: {name}")
        indices, distances = nearest(self._tables[knobs.space][index : index + 1], 6)
        indices = [i for i in indices[0].tolist() if i != index][:5]
        labels = [f"{'✓' if crops.objects[i] == crops.objects[index] else '✗'} {short(self._tables[knobs.space][index, i])}" for i in indices]  # fmt: skip
        near = sheet(list(crops.images[indices]), side=98, columns=2, labels=labels)
        self.near.show(near, f"the nearest in the full space of {self.spaces[knobs.space].shape[1]:,} numbers, and how far they are; ✓: the same object")  # fmt: skip
        same = sum(label.startswith("✓") for label in labels)
        others = int((crops.objects == crops.objects[index]).sum()) - 1
        self.say(
            f"{name}: of the {others} other pictures of this object, {same} are among its 5 nearest in {knobs.space}."
        )

    def _places(self, knobs) -> Tensor:
        """The middle of each thumbnail in pixels of the map, `(N, 2)`, y downwards."""
        key = (knobs.space, knobs.method, knobs.perplexity if knobs.method == "t-SNE" else None)
        if key not in self._maps:
            x = self.spaces[knobs.space]
            flat = tsne(x, perplexity=knobs.perplexity, steps=500) if knobs.method == "t-SNE" else pca(x, k=2).project(x)  # fmt: skip
            square = fit_square(flat).cpu().float()
            self._maps[key] = torch.stack([square[:, 0], 1 - square[:, 1]], 1) * (SIDE - THUMB) + THUMB / 2
        return self._maps[key]

    def _draw(self, points: Tensor, knobs) -> None:
        page = Image.new("RGB", (SIDE, SIDE), "white")
        for thumb, (x, y) in zip(self.thumbs, points.tolist(), strict=True):
            page.paste(thumb, (round(x - THUMB / 2), round(y - THUMB / 2)))
        how = f"t-SNE, perplexity {knobs.perplexity}" if knobs.method == "t-SNE" else "PCA, the first two directions"
        self.map.show(page, f"{len(points)} pictures by their {knobs.space}: {how}; click on one")
        self._drawn = (id(points),)
