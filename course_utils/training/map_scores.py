"""Measures maps of a network, and maps that ask no network, on photos with an outline (lesson 07); some minutes:

python -m course_utils.training.map_scores
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from course_utils.activations import baseline_images, deletion_curve
from course_utils.gradients import (
    blur,
    edges,
    grad_cam,
    gradient_times_input,
    input_gradient,
    integrated_gradients,
    rank_correlation,
    saliency,
    smoothgrad,
)
from course_utils.images import photo
from course_utils.networks import Network, load_network, randomized
from course_utils.places import data_file
from course_utils.stimuli import object_masks
from course_utils.validate import seeded

FILE = data_file("map_scores") / "map_scores.json"
STEPS = 10  # of a curve: a tenth of the pixels each
COPIES, WAY = 8, 16  # of SmoothGrad; points on the way of integrated gradients
LAYER = "bn2.act"  # Grad-CAM's
NOISE = 0.02  # on the photos of the second look
# each column of `alike`: seeds of random weights (-1: the trained network), how many photos further the class is taken
COLUMNS = {"random weights": ((0, 0), (1, 0)), "another class": ((-1, 1),), "same again": ((-1, 0),)}
NO_SIGN = ("saliency", "SmoothGrad")


@dataclass(frozen=True, eq=False)
class MapScores:
    """What was measured; each tensor has one row for each photo.

    Attributes:
        photos: their names.
        inside: for each map its share on the outlined thing, `(N,)`.
        deletion, insertion: for each map its curves, `(N, 11)`.
        sizes: for each map of the network, and each of three second looks, the rank correlation of the sizes, `(N,)`.
        signs: the same with the sign, for the maps that have one.
    """

    photos: list[str]
    inside: dict[str, Tensor]
    deletion: dict[str, Tensor]
    insertion: dict[str, Tensor]
    sizes: dict[str, dict[str, Tensor]]
    signs: dict[str, dict[str, Tensor]]


def outlined_photos() -> tuple[list[str], Tensor, Tensor]:
    """The photos of `object_masks` whose thing fills more than 15 %.

    Returns:
        names, photos `(N, 3, 224, 224)` and masks `(N, 224, 224)`.
    """
    names, masks = object_masks()
    large = masks.float().mean((1, 2)) > 0.15
    names = [name for name, kept in zip(names, large.tolist(), strict=True) if kept]
    return names, torch.cat([photo(name) for name in names]), masks[large]


def middle_blob(side: int = 224) -> Tensor:
    """A blob of light in the middle, `(side, side)`."""
    line = torch.linspace(-1, 1, side)
    return torch.exp(-2 * (line[:, None] ** 2 + line**2))


def detail(images: Tensor) -> Tensor:
    """The photos minus their blurred copies, the first factor of integrated gradients from a blurred baseline."""
    return images - baseline_images(images, "blur")


def network_maps(
    net: Network, images: Tensor, target: list[int], *, seed: int = 0, way: int = WAY, copies: int = COPIES
) -> dict[str, Tensor]:
    """Seven maps, with their sign where they have one, the colors added up.

    Args:
        net: a classifier with the layer "bn2.act".
        images: `(N, 3, H, W)` in [0, 1].
        target: a class for each.
        seed: of SmoothGrad's noise.
        way: points on the way of integrated gradients.
        copies: of SmoothGrad.

    Returns:
        `(N, H, W)` each.
    """
    coarse = grad_cam(net, images, LAYER, target, relu=False)[:, None]
    parts = integrated_gradients(net, images, target, baseline="blur", steps=way)
    return {
        "saliency": saliency(net, images, target),
        "gradient": input_gradient(net, images, target).sum(1),
        "SmoothGrad": smoothgrad(net, images, target, samples=copies, seed=seed),
        "gradient x input": gradient_times_input(net, images, target).sum(1),
        "integrated, blurred": parts.sum(1),
        "its mean gradient": (parts / detail(images)).nan_to_num(0, 0, 0).sum(1),
        "Grad-CAM": torch.nn.functional.interpolate(coarse, images.shape[2:], mode="bilinear")[:, 0],
    }


def maps_without_network(images: Tensor, *, seed: int = 0) -> dict[str, Tensor]:
    """Eight maps that no network has drawn, `(N, H, W)` each; the first three are drawn from the seed."""
    dice, patches = torch.rand(len(images), *images.shape[2:], generator=seeded(seed)), seeded(seed + 100)
    coarse = torch.rand(len(images), 1, 7, 7, generator=patches)
    blob, minus = middle_blob(images.shape[3]), detail(images).abs().sum(1)
    return {
        "dice": dice,
        "dice, blurred": torch.stack([blur(one, 4) for one in dice]),
        "dice, 7 x 7 patches": torch.nn.functional.interpolate(coarse, images.shape[2:], mode="bilinear")[:, 0],
        "blob in the middle": blob.expand(len(images), -1, -1),
        "edges": edges(images),
        "edges x blob": edges(images) * blob,
        "photo minus blurred": minus,
        "the same x blob": minus * blob,
    }


def sizes(maps: dict[str, Tensor]) -> dict[str, Tensor]:
    """How bright a map is: what Grad-CAM has below 0 becomes 0, of all others the sign is left out."""
    return {name: heat.clamp(min=0) if name == "Grad-CAM" else heat.abs() for name, heat in maps.items()}


def three_scores(
    net: Network, images: Tensor, masks: Tensor, heat: Tensor, target: list[int], *, steps: int = STEPS
) -> tuple[Tensor, Tensor, Tensor]:
    """Three scores of a map for each photo.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` in [0, 1].
        masks: `(N, H, W)`, True on the thing.
        heat: `(N, H, W)`, not negative.
        target: a class for each.
        steps: of a curve.

    Returns:
        `(N,)`, the share of the map on the thing; `(N, steps + 1)`, the curve of deletion, and that of insertion.
    """
    curves = [deletion_curve(net, images, heat, target, steps=steps, insert=back) for back in (False, True)]
    return (heat * masks).sum((1, 2)) / heat.sum((1, 2)), *curves


def rank_correlations(maps: Tensor, others: Tensor) -> Tensor:
    """Spearman's rank correlation of each two maps, `(N,)`."""
    return torch.tensor([rank_correlation(a, b) for a, b in zip(maps, others, strict=True)])


def second_looks(net: Network, images: Tensor, target: list[int], first: dict[str, Tensor]) -> tuple[dict, dict]:
    """The maps once more, on nearly the same photos: with random weights, for another class, and for the same.

    All three columns see the same noisy photos, and SmoothGrad's other copies: they differ in what they are named for.

    Args:
        net: the classifier.
        images: `(N, 3, H, W)` in [0, 1].
        target: the class of each.
        first: what `network_maps` gave for them.

    Returns:
        The rank correlations with the first maps, as in `MapScores.sizes` and `MapScores.signs`.
    """
    noise = torch.randn(images.shape, generator=seeded(1))
    nearly = (images + NOISE * noise).clamp(0, 1)
    of_sizes, of_signs = {name: {} for name in first}, {name: {} for name in first if name not in NO_SIGN}
    for column, looks in COLUMNS.items():
        found = []
        for weights, shift in looks:
            one = net if weights < 0 else randomized(net, seed=weights)
            found.append(network_maps(one, nearly, target[shift:] + target[:shift], seed=1))
            print(column, weights, shift, flush=True)
        for name, heat in first.items():
            several = [rank_correlations(heat.abs(), maps[name].abs()) for maps in found]
            of_sizes[name][column] = torch.stack(several).mean(0)
            if name in of_signs:
                of_signs[name][column] = torch.stack([rank_correlations(heat, maps[name]) for maps in found]).mean(0)
    return of_sizes, of_signs


def measure(net: Network, names: list[str], images: Tensor, masks: Tensor) -> MapScores:
    """Everything, for photos and their outlines; the class is each photo's own prediction.

    Args:
        net: the classifier.
        names, images, masks: what `outlined_photos` returns.

    Returns:
        The measurement.
    """
    target = net(images).argmax(1).tolist()
    first = network_maps(net, images, target)
    black = integrated_gradients(net, images, target, steps=WAY).sum(1)
    ranked = sizes({name: heat for name, heat in first.items() if name not in ("gradient", "its mean gradient")})
    ranked |= {"integrated, black": black.abs()}
    ranked |= {"saliency, blurred": torch.stack([blur(heat, 4) for heat in ranked["saliency"]])}
    draws = [maps_without_network(images, seed=seed) for seed in (0, 1)]
    inside, deletion, insertion = {}, {}, {}
    for name, one in (ranked | draws[0]).items():
        several = [draw[name] for draw in draws] if name.startswith("dice") else [one]
        found = [three_scores(net, images, masks, heat, target) for heat in several]
        inside[name], deletion[name], insertion[name] = (torch.stack(x).mean(0) for x in zip(*found, strict=True))
        three = (x[name].mean().item() for x in (inside, deletion, insertion))
        print(f"{name:22}" + "".join(f"{number:8.3f}" for number in three), flush=True)
    return MapScores(names, inside, deletion, insertion, *second_looks(net, images, target, first))


def _numbers(found: dict) -> dict:
    return {
        name: _numbers(x) if isinstance(x, dict) else torch.round(x.double(), decimals=4).tolist()
        for name, x in found.items()
    }


def _tensors(found: dict) -> dict:
    return {name: _tensors(x) if isinstance(x, dict) else torch.tensor(x) for name, x in found.items()}


def save(found: MapScores, path: Path = FILE) -> None:
    """Write what was measured; `map_scores` reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {name: _numbers(part) for name, part in vars(found).items() if name != "photos"}
    said = {"command": "python -m course_utils.training.map_scores", "photos": found.photos} | parts
    path.write_text(json.dumps(said) + "\n", encoding="utf-8")


def map_scores(path: Path = FILE) -> MapScores:
    """The stored measurement."""
    said = json.loads(path.read_text(encoding="utf-8"))
    return MapScores(
        said["photos"], *(_tensors(said[x]) for x in ("inside", "deletion", "insertion", "sizes", "signs"))
    )


def main(path: Path = FILE) -> None:
    """Measure on the gallery's photos, and write the file."""
    net = load_network("efficientnet_lite0", device="cpu").to(memory_format=torch.channels_last)
    save(measure(net, *outlined_photos()), path)


if __name__ == "__main__":
    main()
