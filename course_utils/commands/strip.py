"""`python -m course_utils.commands.strip`: the README's strip of pictures, docs/strip.jpg, made by the course itself."""

from __future__ import annotations

import io
from collections.abc import Callable

import torch
from matplotlib import colormaps
from PIL import Image
from torch import Tensor

from course_utils import gradients
from course_utils.commands import ROOT, need_clone
from course_utils.commands.tour import Networks
from course_utils.filters import filter_weights, filters_as_images
from course_utils.hooks import layer_outputs
from course_utils.images import photo
from course_utils.plots import heat_range, new_figure, to_array

PHOTO = "cat"  # CC0
MAX_BYTES = 200_000


def colored(heat: Tensor, cmap: str = "inferno") -> Tensor:
    """A map `(H, W)` as a color picture `(3, H, W)`."""
    values = (heat.detach().cpu() / heat_range(heat)).clamp(0, 1).numpy()
    return torch.from_numpy(colormaps[cmap](values)[:, :, :3]).permute(2, 0, 1).float()


def first_filters(nets: Networks, image: Tensor) -> Tensor:
    """The 16 first filters of the course's own network, 7 x 7 pixels each, as a mosaic 4 x 4."""
    tiles = torch.nn.functional.pad(filters_as_images(filter_weights(nets["cifar_net"])), (0, 1, 0, 1), value=1.0)
    return tiles.unflatten(0, (4, 4)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)


def feature_map(nets: Networks, image: Tensor) -> Tensor:
    maps = layer_outputs(nets.vgg, image, ["relu3_4"])["relu3_4"][0]
    best = maps[maps.amax((1, 2)).argsort(descending=True)[:16]]
    best = torch.nn.functional.pad(best / best.amax((1, 2), keepdim=True), (0, 2, 0, 2), value=1.0)
    return best.unflatten(0, (4, 4)).permute(0, 2, 1, 3).flatten(2, 3).flatten(0, 1)


def covered(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.activations.occlusion import occlusion

    heat = occlusion(nets.classifier, image, window=48, stride=12, progress=False)[:1]
    smooth = torch.nn.functional.interpolate(heat[None], size=image.shape[2:], mode="bicubic")[0, 0]
    signed = (0.5 + 0.5 * smooth / heat_range(heat[0])).clamp(0, 1).numpy()
    color = torch.from_numpy(colormaps["RdBu_r"](signed)[:, :, :3]).permute(2, 0, 1).float()
    return 0.4 * image[0].mean(0) + 0.6 * color


def guided(nets: Networks, image: Tensor) -> Tensor:
    return gradients.as_picture(gradients.backprop(nets.vgg, image, "relu5_1:151", rule="guided"))[0]


def wanted(nets: Networks, image: Tensor) -> Tensor:
    classes = ["goldfish", "bald eagle", "zebra", "daisy"]  # the four of lesson 09, drawn in one pass
    return gradients.visualize(nets.classifier, classes, size=144, steps=96, progress=False)[-1]


def teapot(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.gradients.fooling import fool

    return fool(nets.classifier, image, "teapot", progress=False).images[0]


def inverted(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.gradients.inversion import invert

    small = torch.nn.functional.interpolate(image, size=(160, 160), mode="bilinear", antialias=True)
    return invert(nets.vgg, small, "relu5_1", steps=50, progress=False)[0]


def dream(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.fun.deepdream import deepdream

    return deepdream(nets.vgg, image, "relu4_4", octaves=4, steps=8, progress=False)[0]


def painted(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.fun import style_transfer
    from course_utils.stimuli import style_image

    return style_transfer(nets.vgg, image, style_image("night", 224), style_weight=100, progress=False)[0]


def one_pass(nets: Networks, image: Tensor) -> Tensor:
    from course_utils.fun import load_style_net, stylize

    return stylize(load_style_net(), image, "mosaic")[0]


PICTURES: tuple[tuple[str, Callable[[Networks, Tensor], Tensor]], ...] = (
    ("a photo", lambda nets, image: image[0]),
    ("filters", first_filters),
    ("feature maps", feature_map),
    ("occlusion", covered),
    ("saliency", lambda nets, image: colored(gradients.smoothgrad(nets.classifier, image)[0])),
    ("guided backprop", guided),
    ("wanted: a daisy", wanted),
    ('"a teapot"', teapot),
    ("rebuilt from features", inverted),
    ("DeepDream", dream),
    ("style transfer", painted),
    ("mosaic, in one pass", one_pass),
)


def make_strip() -> Image.Image:
    """All pictures side by side, each with a name."""
    nets, image = Networks(), photo(PHOTO)
    columns = min(len(PICTURES), 6)
    rows = -(-len(PICTURES) // columns)
    figure, axes = new_figure(rows, columns, width=12, aspect=1.13)
    for ax in axes.flat:
        ax.axis("off")
    for ax, (name, draw) in zip(axes.flat, PICTURES, strict=False):
        array = to_array(draw(nets, image)).clip(0, 1)
        ax.imshow(array, cmap="gray", interpolation="nearest" if max(array.shape) < 100 else "antialiased")
        ax.set_title(name, fontsize=10)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return Image.open(buffer).convert("RGB")


def main() -> None:
    """Write docs/strip.jpg, in the best quality that stays small."""
    need_clone("python -m course_utils.commands.strip")
    path = ROOT / "docs" / "strip.jpg"
    path.parent.mkdir(exist_ok=True)
    strip = make_strip()
    for quality in range(90, 40, -5):
        strip.save(path, quality=quality, optimize=True)
        if path.stat().st_size < MAX_BYTES:
            break
    print(f"{path}: {strip.width} x {strip.height}, {path.stat().st_size / 1000:.0f} kB, quality {quality}")


if __name__ == "__main__":
    main()
