"""Makes the stored paintings of lesson 14: other starts and layers for one photo, and a large picture.

python -m course_utils.training.paintings
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from course_utils.fun import style_transfer
from course_utils.fun.style_losses import STYLE_LAYERS, content_loss, style_loss
from course_utils.images import photo, resize, save_image, to_pil
from course_utils.networks import Network, load_network
from course_utils.stimuli.paintings import FOLDER, Painting
from course_utils.stimuli.styles import style_image


def plan(content: str, style: str, **options: object) -> Painting:
    """What is to be painted, without its picture: from the photo, with the usual layers, unless `options` say more."""
    usual = {"start": "content", "seed": 0, "content_layer": "relu4_2", "style_layers": list(STYLE_LAYERS)}
    return Painting(content, style, **{**usual, "content_loss": [], "style_loss": [], "picture": None, **options})


def variants() -> list[Painting]:
    """One photo and one style: three sets of style layers, two content layers, two starts, a second noise."""
    first = plan("astronaut", "waves", style_size=160, weight=10, steps=[80, 80])
    sets = [list(STYLE_LAYERS[:count]) for count in (1, 3, 5)]
    return [
        *(replace(first, style_layers=one) for one in sets),
        replace(first, content_layer="relu2_2"),
        *(replace(first, start="noise", style_layers=one) for one in sets),
        replace(first, start="noise", seed=1),
    ]


PLANS = {
    "layers": variants(),
    "large": [
        plan("cat", "woodcut", style_size=320, weight=30, steps=[30, 30, 24]),
    ],
}


def contents(one: Painting, side: int) -> Tensor:
    """The photo of a painting, `(1, 3, H, W)`: a square at 128 pixels, whole if it is larger."""
    return photo(one.content, side, crop=side <= 128)


def losses(net: Network, one: Painting, image: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor, tuple[float, float]]:
    """What is left of both losses.

    Args:
        net: the network.
        one: names the style and the layers.
        image: the photo `(1, 3, H, W)`.
        pictures: `(N, 3, H, W)`.

    Returns:
        `(N,)`, content losses, and `(N,)`, style losses, in their units; and the two units.
    """
    style = style_image(one.style, one.style_size)
    of_content = content_loss(net, image, layers=[one.content_layer])
    of_style = style_loss(net, [style], layers=one.style_layers)
    with torch.no_grad():
        units = of_content(net, resize(style, tuple(image.shape[2:]))).item(), of_style(net, image).item()
        left = [torch.stack([loss(net, p[None])[0] for p in pictures]) for loss in (of_content, of_style)]
    return left[0] / units[0], left[1] / units[1], units


def paint(net: Network, one: Painting, image: Tensor) -> Painting:
    """Carry a plan out: its picture, and the losses after half of the steps at the full size, and after all.

    Args:
        net: VGG-19, or another network with its layers.
        one: the plan.
        image: the photo `(1, 3, H, W)`.
    """
    _, _, (unit, other) = losses(net, one, image, image)
    last, best, half = sum(n + 1 for n in one.steps[:-1]), torch.inf, image

    def watch(step: int, picture: Tensor, loss: Tensor) -> None:
        nonlocal best, half
        if last <= step <= last + one.steps[-1] // 2 and loss.item() < best:
            best, half = loss.item(), picture

    whole = style_transfer(
        net,
        image,
        style_image(one.style, one.style_size),
        content_layers=[one.content_layer],
        style_layers=one.style_layers,
        style_weight=one.weight * unit / other,
        init=one.start,
        seed=one.seed,
        steps=one.steps,
        scales=len(one.steps),
        callback=watch,
        progress=False,
    )
    left = losses(net, one, image, torch.cat([half, whole]))[:2]
    said = [[float(f"{x:.4g}") for x in loss.tolist()] for loss in left]
    return replace(one, content_loss=said[0], style_loss=said[1], picture=whole[0])


def save(layers: Iterable[Painting], large: Iterable[Painting], folder: Path) -> None:
    """Write the pictures and one file of numbers, as `paintings` reads them.

    Args:
        layers: paintings of one size.
        large: paintings of any size, each with its own photo and style.
        folder: where to; it is made if needed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {"layers": list(layers), "large": list(large)}
    save_image(torch.cat([one.picture for one in kinds["layers"]], 2)[None], folder / "layers.png")
    for one in kinds["large"]:
        to_pil(one.picture).save(folder / f"{one.content}_{one.style}.jpg", quality=92)
    said = {kind: [asdict(replace(one, picture=None)) for one in made] for kind, made in kinds.items()}
    for one in [*said["layers"], *said["large"]]:
        del one["picture"]
    (folder / "paintings.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def main(folder: Path = FOLDER) -> None:
    """Paint everything, which takes about a quarter of an hour on an idle core, and write the files."""
    net, made = load_network("vgg19", device="cpu"), {}
    for kind, side in (("large", 320), ("layers", 128)):
        made[kind] = []
        for one in PLANS[kind]:
            made[kind].append(paint(net, one, contents(one, side)))
            done = made[kind][-1]
            print(kind, replace(done, picture=None), flush=True)
    save(made["layers"], made["large"], folder)


if __name__ == "__main__":
    main()
