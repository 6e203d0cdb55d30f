"""Inverts six layers of VGG-19 for the main figure of lesson 11, with trained and with random weights:

python -m course_utils.training.inversions
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.gradients import feature_error, invert, picture_error
from course_utils.images import photo, save_image
from course_utils.networks import Network, load_network, randomized
from course_utils.stimuli.inversions import FOLDER

SIDE = 96  # pixels
ROWS = (
    ("cat", "trained"),
    ("china", "trained"),
    ("cat", "noise 1"),
    ("cat", "random"),
)  # "noise 1": trained, another start
# the layers from shallow to deep, and how many looks at the features their searches take
STEPS = {"relu2_2": 100, "relu3_1": 150, "relu4_1": 300, "relu5_1": 400, "relu5_4": 500, "pooled": 200}


def with_pooling(net: Network) -> Network:
    """VGG's layers and then the mean of each channel over all positions, the layer "pooled": what `features` gives."""
    pooled = nn.Sequential()
    pooled.add_module("features", net.model.features)
    pooled.add_module("pooled", nn.AdaptiveAvgPool2d(1))
    mean, std = (one.flatten().tolist() for one in (net.mean, net.std))
    return Network(pooled, name=net.name, mean=mean, std=std, aliases=net.aliases, feature_layer="pooled")


def search(net: Network, image: Tensor, layer: str, steps: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Invert a layer, and keep the best picture after half of the steps, and after all.

    Args:
        net: the network.
        image: `(1, 3, H, W)` in [0, 1].
        layer: a dotted path or alias.
        steps: as in `invert`, even.
        seed: of the noise at the start.

    Returns:
        `(2, 3, H, W)`, the pictures, and `(2, 4)`: the feature error of each, and its `picture_error`.
    """
    best, half = torch.inf, image

    def watch(step: int, images: Tensor, values: Tensor) -> None:
        nonlocal best, half
        if values.item() < best and step <= steps // 2:
            best, half = values.item(), images

    whole = invert(net, image, layer, steps=steps, seed=seed, callback=watch, progress=False)
    pictures, error = torch.cat([half, whole]), feature_error(net, image, layer)
    with torch.no_grad():
        left = torch.cat([error(net, one[None]) for one in pictures])
    return pictures, torch.cat([left[:, None], picture_error(pictures, image)], 1)


def networks() -> dict[str, Network]:
    """VGG-19 as it was trained, and with He's random weights, each with the layer "pooled" at its end."""
    trained = with_pooling(load_network("vgg19", device="cpu"))
    trained.model.to(memory_format=torch.channels_last)  # a quarter faster
    return {"trained": trained, "random": randomized(trained, scale="he")}


def save(
    found: Sequence[Sequence[tuple[Tensor, Tensor]]],
    folder: Path,
    *,
    rows: Sequence[tuple[str, str]] = ROWS,
    steps: Mapping[str, int] = STEPS,
) -> None:
    """Write one sheet of pictures and one file of numbers, as `inversions` reads them.

    Args:
        found: for each row, and in it for each layer, what `search` returned.
        folder: where to; it is made if needed.
        rows: photo and weights of each.
        steps: of each layer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheet = torch.cat([torch.cat([pictures[-1] for pictures, _ in row], 2) for row in found], 1)
    save_image(sheet[None], folder / "inversions.png")
    numbers = [[[[float(f"{x:.4g}") for x in one] for one in left.tolist()] for _, left in row] for row in found]
    said = {
        "rows": [list(row) for row in rows],
        "layers": list(steps),
        "steps": list(steps.values()),
        "feature_errors": [[[one[0] for one in left] for left in row] for row in numbers],
        "errors": [[[one[1:] for one in left] for left in row] for row in numbers],
    }
    (folder / "inversions.json").write_text(json.dumps(said) + "\n", encoding="utf-8")


def main(folder: Path = FOLDER) -> None:
    """Invert everything, which takes about half an hour on an idle core, and write the files after each row."""
    nets, found = networks(), []
    for name, weights in ROWS:
        net, seed = nets["random" if weights == "random" else "trained"], int(weights == "noise 1")
        found.append([])
        for layer, steps in STEPS.items():
            found[-1].append(search(net, photo(name, SIDE), layer, steps, seed=seed))
            print(f"{name}, {weights}, {layer}: {found[-1][-1][1].tolist()}", flush=True)
        save(found, folder, rows=ROWS[: len(found)])


if __name__ == "__main__":
    main()
