"""Draws one picture for every lesson, data/strip/strip.jpg, for the README and lesson 00; some minutes on two cores:

python -m course_utils.training.strip
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import torch
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, pad

from course_utils import gradients
from course_utils.filters import filter_weights, filters_as_images
from course_utils.hooks import features, layer_outputs
from course_utils.images import gallery, load_image, photo
from course_utils.networks import Network, load_network
from course_utils.places import data_file
from course_utils.plots import heat_range, new_figure, to_array

FOLDER = data_file("strip")
PHOTO = "cat"  # CC0
MAX_BYTES = 200_000


class Networks:
    """What the pictures are made with, each loaded when it is first used."""

    @cached_property
    def classifier(self) -> Network:
        return load_network("efficientnet_lite0")

    @cached_property
    def vgg(self) -> Network:
        return load_network("vgg19")

    @cached_property
    def photos(self) -> Tensor:
        """The gallery's color photos, `(N, 3, 224, 224)`."""
        return torch.cat([load_image(p.path) for p in gallery() if "(gray)" not in p.source])

    @cached_property
    def photo_features(self) -> Tensor:
        return features(self.classifier, self.photos, batch_size=8)


def colored(heat: Tensor, cmap: str = "inferno", *, signed: bool = False) -> Tensor:
    """A map `(H, W)` as a color picture `(3, H, W)`."""
    values = heat.detach().cpu() / heat_range(heat)
    values = (0.5 + 0.5 * values if signed else values).clamp(0, 1).numpy()
    return torch.from_numpy(colormaps[cmap](values)[:, :, :3]).permute(2, 0, 1).float()


def over(image: Tensor, heat: Tensor) -> Tensor:
    """A signed map in red and blue over the gray photo."""
    smooth = interpolate(heat[None, None], size=image.shape[2:], mode="bicubic")[0, 0]
    return 0.4 * image[0].mean(0) + 0.6 * colored(smooth, "RdBu_r", signed=True)


def mosaic(tiles: Tensor, columns: int, *, gap: int = 2) -> Tensor:
    """Tiles `(N, C, h, w)`, with white lines between them, as one picture `(C, H, W)`."""
    tiles = pad(tiles, (0, gap, 0, gap), value=1.0).unflatten(0, (-1, columns))
    return tiles.permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)


def first_filters(nets: Networks, image: Tensor) -> Tensor:
    """The 16 first filters of the course's own network, 7 x 7 pixels each."""
    return mosaic(filters_as_images(filter_weights(load_network("cifar_net"))), 4, gap=1)


def feature_maps(nets: Networks, image: Tensor) -> Tensor:
    maps = layer_outputs(nets.vgg, image, ["relu3_4"])["relu3_4"][0]
    best = maps[maps.amax((1, 2)).argsort(descending=True)[:16]]
    return mosaic((best / best.amax((1, 2), keepdim=True))[:, None], 4)[0]


def neighbors(nets: Networks, image: Tensor) -> Tensor:
    """Another photo, and the three nearest others by the last features."""
    distances = (nets.photo_features - features(nets.classifier, photo("jeep"))).norm(dim=1)
    return mosaic(nets.photos[distances.argsort()[:4]], 2, gap=4)


def tsne_map(nets: Networks, image: Tensor) -> Figure:
    from course_utils.activations import tsne
    from course_utils.figures import show_map

    return show_map(nets.photos, tsne(nets.photo_features, perplexity=5.0), size=0.11, width=6)


def patches(nets: Networks, image: Tensor) -> Tensor:
    """Nine patches of the gallery for one unit of lesson 08."""
    from course_utils.activations import top_patches

    found = top_patches(nets.vgg, nets.photos, "relu5_1", channels=[133], k=9, batch_size=8, progress=False)
    boxes = found.boxes[0].tolist()
    tiles = []
    for number, (top, left, bottom, right) in zip(found.images[0].tolist(), boxes, strict=True):
        tile = nets.photos[number : number + 1, :, max(0, top) : bottom, max(0, left) : right]
        tiles.append(interpolate(tile, size=(80, 80), mode="bilinear", antialias=True))
    return mosaic(torch.cat(tiles), 3)


def covered(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.activations import occlusion

    dog = photo("dalmatian")
    return over(dog, occlusion(nets.classifier, dog, progress=False)[0])


def saliency(nets: Networks, image: Tensor) -> Tensor:
    return colored(gradients.smoothgrad(nets.classifier, photo("bald_eagle"))[0])


def guided(nets: Networks, image: Tensor) -> Tensor:
    return gradients.as_picture(gradients.backprop(nets.vgg, image, "relu5_1:151", rule="guided"))[0]


def wanted(nets: Networks, image: Tensor) -> Tensor:
    """Lesson 09's own cannon."""
    return load_image(data_file("class_pictures/phases.png"), None).chunk(4, 3)[0][0]


def teapot(nets: Networks, image: Tensor) -> Tensor:
    return gradients.fool(nets.classifier, image, "teapot", progress=False).images[0]


def inverted(nets: Networks, image: Tensor) -> Tensor:
    small = interpolate(image, size=(160, 160), mode="bilinear", antialias=True)
    return gradients.invert(nets.vgg, small, "relu4_1", steps=200, progress=False)[0]


def dream(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.fun import deepdream

    return deepdream(nets.vgg, image, "relu4_4", octaves=4, steps=8, progress=False)[0]


def texture(nets: Networks, image: Tensor) -> Tensor:
    """A texture with the Gram matrices of its sample, which stands in its corner."""
    from course_utils.fun import synthesize_texture
    from course_utils.stimuli import texture_sample

    sample = texture_sample("coral", 96)
    grown = synthesize_texture(nets.vgg, sample, size=192, steps=100, progress=False)[0]
    grown[:, :98, :98] = 1.0
    grown[:, :96, :96] = sample[0]
    return grown


def painted(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.fun import style_transfer
    from course_utils.stimuli import style_image

    return style_transfer(nets.vgg, image, style_image("night", 224), style_weight=100, progress=False)[0]


def one_pass(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.fun import load_style_net, stylize

    return stylize(load_style_net(), image, "mosaic")[0]


def evidence(nets: Networks, image: Tensor) -> Tensor:
    """What speaks for the first class and against the second."""
    from course_utils.activations import evidence_map

    (first, _), (second, _) = nets.classifier.predict(image, k=2)[0]
    return over(image, evidence_map(nets.classifier, image, "bn2.act", first, against=second)[0][0])


PICTURES: tuple[tuple[str, Callable[[Networks, Tensor], Tensor | Figure]], ...] = (
    ("00 a photo", lambda nets, image: image[0]),
    ("01 filters", first_filters),
    ("02 feature maps", feature_maps),
    ("03 nearest photos", neighbors),
    ("04 a map of photos", tsne_map),
    ("05 patches of one unit", patches),
    ("06 occlusion", covered),
    ("07 saliency", saliency),
    ("08 guided backprop", guided),
    ("09 more cannon", wanted),
    ('10 for a network: "teapot"', teapot),
    ("11 rebuilt from relu4_1", inverted),
    ("12 DeepDream", dream),
    ("13 texture (its sample: top left)", texture),
    ("14 style transfer", painted),
    ("15 mosaic, in one pass", one_pass),
    ("16 for one cat, against another", evidence),
)


def as_array(picture: Tensor | Figure):
    if isinstance(picture, Figure):
        buffer = io.BytesIO()
        picture.savefig(buffer, format="png", dpi=150, bbox_inches="tight")
        buffer.seek(0)
        return to_array(load_image(buffer, None)[0])
    return to_array(picture).clip(0, 1)


def make_strip() -> Image.Image:
    """All pictures side by side, each with the number of its lesson."""
    nets, image = Networks(), photo(PHOTO)
    columns = 6
    rows = -(-len(PICTURES) // columns)
    figure, axes = new_figure(rows, columns, width=12, aspect=1.13)
    for ax in axes.flat:
        ax.axis("off")
    for ax, (name, draw) in zip(axes.flat, PICTURES, strict=False):
        array = as_array(draw(nets, image))
        ax.imshow(array, cmap="gray", interpolation="nearest" if max(array.shape) < 100 else "antialiased")
        ax.set_title(name, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return Image.open(buffer).convert("RGB")


def main(folder: Path = FOLDER) -> None:
    """Write strip.jpg, in the best quality that stays small."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "strip.jpg"
    strip = make_strip()
    for quality in range(90, 40, -5):
        strip.save(path, quality=quality, optimize=True)
        if path.stat().st_size < MAX_BYTES:
            break
    print(f"{path}: {strip.width} x {strip.height}, {path.stat().st_size / 1000:.0f} kB, quality {quality}")


if __name__ == "__main__":
    main()
