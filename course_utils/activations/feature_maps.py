"""Feature maps: every channel of a layer as a small gray picture, and what single channels answer to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.hooks import layer_outputs
from course_utils.images import resize
from course_utils.networks.network import Network
from course_utils.networks.weights import package_file
from course_utils.plots import WIDTH, heat_range, new_figure, to_array
from course_utils.validate import check_choice, check_positive

SCALINGS = ("shared", "own")


def feature_maps(net: Network, images: Tensor, layer: str, *, batch_size: int | None = None) -> Tensor:
    """What a layer puts out: one small gray picture per channel.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1].
        layer: its dotted path or alias, such as "relu3_1".
        batch_size: images at a time; None for all at once.

    Returns:
        `(N, C, h, w)` on the images' device, in the layer's own units. After a ReLU nothing is negative.

    Raises:
        ValueError: no such layer, or a layer without width and height (its output is one vector per image).
    """
    maps = layer_outputs(net, images, [layer], batch_size=batch_size)[layer]
    if maps.ndim != 4:
        raise ValueError(
            f"layer {layer!r} of {net.name} has no maps: its output has shape {tuple(maps.shape)}, without width and "
            "height. Choose a layer before the pooling; for vectors use features()."
        )
    return maps


def scale_maps(maps: Tensor, *, scaling: str = "shared") -> Tensor:
    """Turn feature maps into gray pictures: 0 is black, 1 is white.

    Args:
        maps: `(C, h, w)`, the channels of one image (or one channel of many images).
        scaling: "shared" takes one black and one white for all, so that brightness can be compared between pictures.
            "own" stretches each picture from its own smallest to its own largest value: every detail becomes visible,
            and a channel that whispers looks as loud as one that shouts.

    Returns:
        `(C, h, w)` in [0, 1]. A constant picture has nothing to stretch and is black under "own".
    """
    check_choice("scaling", scaling, SCALINGS)
    maps = _check_maps(maps, 3)
    over = (0, 1, 2) if scaling == "shared" else (1, 2)
    low, high = maps.amin(over, keepdim=True), maps.amax(over, keepdim=True)
    span = high - low
    return (maps - low) / torch.where(span > 0, span, torch.ones_like(span))


def tile(pictures: Tensor, *, columns: int | None = None, gap: int = 1, fill: float = 0.35) -> Tensor:
    """Lay gray pictures out as one picture, row by row.

    Args:
        pictures: `(C, h, w)`.
        columns: how many side by side; None for nearly square.
        gap: pixels between them.
        fill: the gray of the gaps and of empty places.

    Returns:
        `(rows * (h + gap) - gap, columns * (w + gap) - gap)`.
    """
    pictures = _check_maps(pictures, 3)
    count, height, width = pictures.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    check_positive(columns=columns)
    if gap < 0:
        raise ValueError(f"gap must not be negative, got {gap}.")
    rows = math.ceil(count / columns)
    sheet = pictures.new_full((rows, columns, height + gap, width + gap), fill)
    sheet.flatten(0, 1)[:count, :height, :width] = pictures
    sheet = sheet.permute(0, 2, 1, 3).reshape(rows * (height + gap), columns * (width + gap))
    return sheet[: rows * (height + gap) - gap, : columns * (width + gap) - gap]


@dataclass(frozen=True)
class Channels:
    """What the channels of a layer did over a set of images; C channels, N images.

    Attributes:
        peak: `(N, C)`, the largest value of each map.
        mean: `(N, C)`, the mean of each map.
        dead: `(C,)` bool; the channel had one and the same value everywhere in every image.
        selectivity: `(C,)` in [0, 1]: 0 for a channel that answers alike to every image, 1 for one that answers to a
            single image; 0 for dead channels.
    """

    peak: Tensor
    mean: Tensor
    dead: Tensor
    selectivity: Tensor

    def strongest(self, image: int = 0, k: int = 8) -> Tensor:
        """The `k` channels with the highest peak in one image, strongest first; ties by the lower number. `(k,)` int64."""
        count, channels = self.peak.shape
        if not -count <= image < count:
            raise ValueError(f"there is no image {image}; there are {count}.")
        if not 1 <= k <= channels:
            raise ValueError(f"k must be between 1 and {channels}, the number of channels; not {k}.")
        return self.peak[image].argsort(descending=True, stable=True)[:k]


def channels(net: Network, images: Tensor, layer: str, *, batch_size: int = 16) -> Channels:
    """Measure every channel of a layer over many images: peaks, means, dead and selective channels.

    The maps themselves are not kept, so that many images fit.

    Args:
        net, images, layer: as in `feature_maps`.
        batch_size: images at a time.
    """
    check_positive(batch_size=batch_size)
    peaks, means, low, high = [], [], [], []
    for part in images.split(batch_size) if isinstance(images, Tensor) and images.ndim and len(images) else [images]:
        maps = feature_maps(net, part, layer)
        peaks.append(maps.amax((2, 3)))
        means.append(maps.mean((2, 3)))
        low.append(maps.amin((0, 2, 3)))
        high.append(maps.amax((0, 2, 3)))
    peak, mean = torch.cat(peaks), torch.cat(means)
    dead = torch.stack(low).amin(0) == torch.stack(high).amax(0)
    chosen = torch.where(dead, torch.zeros_like(dead, dtype=peak.dtype), selectivity(peak))
    return Channels(peak, mean, dead, chosen)


def selectivity(responses: Tensor) -> Tensor:
    """How few images a channel answers to: `(1 - (mean r)^2 / mean(r^2)) / (1 - 1/N)`.

    Args:
        responses: `(N, C)`, one number per image and channel; negative ones count as no response.

    Returns:
        `(C,)` in [0, 1]: 0 if all images give the same response (or none does), 1 if exactly one image gives any.

    Reference:
        Vinje & Gallant: Sparse coding and decorrelation in primary visual cortex, Science 2000 (lifetime sparseness).
    """
    if responses.ndim != 2 or len(responses) < 2:
        raise ValueError(f"responses must have shape (N, C) with N >= 2; this one has shape {tuple(responses.shape)}.")
    r = responses.clamp(min=0).double() if responses.device.type != "mps" else responses.clamp(min=0)
    r = r / r.amax(0).clamp(min=torch.finfo(r.dtype).tiny)  # the measure has no unit; this avoids underflow of squares
    power = r.square().mean(0)
    share = torch.where(power > 0, r.mean(0).square() / power.clamp(min=1e-30), torch.ones_like(power))
    return ((1 - share) / (1 - 1 / len(r))).clamp(0, 1).to(responses.dtype)


def separation(responses: Tensor, group: Sequence[bool] | Tensor) -> Tensor:
    """How well each channel tells a group of images from the others: the area under the ROC curve.

    It is the probability that a random image of the group gives a higher response than a random other one; an equal
    response counts one half.

    Args:
        responses: `(N, C)`, such as `channels(...).peak`.
        group: N booleans, True for the images of the group.

    Returns:
        `(C,)` in [0, 1]: 1 if every image of the group lies above all others, 0.5 for a channel that does not care.
    """
    group = torch.as_tensor(group, device=responses.device)
    if group.dtype != torch.bool:
        raise TypeError(f"group must hold booleans, one per image, not {group.dtype}.")
    if responses.ndim != 2 or group.shape != responses.shape[:1]:
        raise ValueError(
            f"responses must be (N, C) and group (N,); these are {tuple(responses.shape)}, {tuple(group.shape)}."
        )
    if group.all() or not group.any():
        raise ValueError("group must hold at least one True and one False, or there is nothing to tell apart.")
    inside, outside = responses[group][:, None], responses[~group][None]
    wins = (inside > outside).to(responses.dtype) + (inside == outside).to(responses.dtype) / 2
    return wins.mean((0, 1))


def show_maps(
    maps: Tensor,
    *,
    scaling: str = "shared",
    count: int | None = None,
    columns: int | None = None,
    title: str | None = None,
    width: float = 6.5,
) -> Figure:
    """All channels of a layer for one image as a grid of gray pictures.

    Args:
        maps: `(C, h, w)` or `(1, C, h, w)`.
        scaling: as in `scale_maps`.
        count: show only the first so many channels; None for all.
        columns: how many side by side.
        title: one line above.
        width: of the figure in inches.
    """
    maps = maps[0] if maps.ndim == 4 and len(maps) == 1 else maps
    sheet = to_array(tile(scale_maps(_check_maps(maps, 3)[:count], scaling=scaling), columns=columns))
    figure, axes = new_figure(width=width, aspect=sheet.shape[0] / sheet.shape[1] + (0.06 if title else 0))
    axes[0, 0].imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    axes[0, 0].axis("off")
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def show_layers(
    net: Network,
    image: Tensor,
    layers: Sequence[str],
    *,
    k: int = 8,
    by: str = "peak",
    scaling: str = "own",
    title: str | None = None,
    width: float = WIDTH,
) -> Figure:
    """From edges to objects: the photo, and the `k` strongest maps of each layer, one row per layer.

    Args:
        net: the network.
        image: `(1, 3, H, W)`.
        layers: from the first to the last.
        k: maps per layer.
        by: "peak" shows the maps with the largest values, "spread" those that vary most (after a ReLU6 many peaks are 6).
        scaling: "own" stretches each map by itself, "shared" each row together.
        title: one line above.
        width: of the figure in inches.
    """
    check_choice("by", by, ("peak", "spread"))
    if len(image) != 1:
        raise ValueError(f"show_layers takes one image; this batch has {len(image)}.")
    outputs = layer_outputs(net, image, list(layers))
    figure, axes = new_figure(len(layers), k + 1, width=width, aspect=1.13)
    for row, layer in enumerate(layers):
        maps = outputs[layer][0]
        strength = maps.amax((1, 2)) if by == "peak" else maps.std((1, 2), correction=0)
        best = strength.argsort(descending=True, stable=True)[:k]
        pictures = scale_maps(maps[best], scaling=scaling)
        label = f"{layer}\n{maps.shape[1]} x {maps.shape[2]}"
        if row == 0:
            axes[row, 0].imshow(to_array(image).clip(0, 1))
            axes[row, 0].set_title(label, fontsize=7)
        else:  # inside of the empty place, where no long name can run into the numbers of the maps
            axes[row, 0].text(0.5, 0.5, label, fontsize=7, ha="center", va="center", transform=axes[row, 0].transAxes)
        for ax, picture, channel in zip(axes[row, 1:], pictures, best.tolist(), strict=False):
            ax.imshow(to_array(picture), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            ax.set_title(f"{channel}", fontsize=6, pad=2)
        for ax in axes[row]:
            ax.axis("off")
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def show_channel(
    images: Tensor,
    maps: Tensor,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 6,
    order: bool = True,
    count: int | None = None,
    title: str | None = None,
    marked: Sequence[bool] | Tensor | None = None,
    width: float = WIDTH,
) -> Figure:
    """One channel over many photos: each photo is dark and gray where the channel is silent, and as it is where it answers.

    Args:
        images: `(N, 3, H, W)`.
        maps: `(N, h, w)`, the channel's map for each photo; all share one scale, so that photos can be compared.
        titles: one line per photo; the peak is added.
        columns: photos side by side.
        order: the strongest peak first.
        count: how many photos; None for all.
        title: one line above.
        marked: N booleans; these photos get an orange frame.
        width: of the figure in inches.
    """
    maps = _check_maps(maps, 3)
    if len(maps) != len(images):
        raise ValueError(f"{len(images)} images but {len(maps)} maps.")
    peak = maps.amax((1, 2))
    places = (peak.argsort(descending=True, stable=True) if order else torch.arange(len(maps))).tolist()[:count]
    top = heat_range(maps, percentile=99.95)
    rows = math.ceil(len(places) / columns)
    aspect = images.shape[2] / images.shape[3]
    figure, axes = new_figure(rows, columns, width=width, aspect=aspect + 0.16)
    for ax in axes.flat:
        ax.axis("off")
    big = torch.nn.functional.interpolate(
        maps[:, None].float(), size=images.shape[2:], mode="bilinear", align_corners=False
    )[:, 0]
    for ax, place in zip(axes.flat, places, strict=False):
        light = (big[place].cpu().numpy() / top).clip(0, 1)[..., None]
        picture = to_array(images[place])
        gray = 0.4 * picture.mean(-1, keepdims=True)
        ax.imshow((gray + light * (picture - gray)).clip(0, 1))
        name = f"{titles[place]}  " if titles is not None else ""
        value = peak[place].item()
        ax.set_title(f"{name}{value:,.0f}" if value >= 10 else f"{name}{value:.2g}", fontsize=8, pad=3)
        if marked is not None and bool(marked[place]):
            ax.add_patch(_frame(images.shape[2:]))
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _frame(size, color: str = "#ff9a1f", linewidth: float = 4):
    from matplotlib.patches import Rectangle

    return Rectangle((-0.5, -0.5), size[1], size[0], fill=False, edgecolor=color, linewidth=linewidth)


def show_separation(
    responses: Tensor, group: Sequence[bool] | Tensor, titles: Sequence[str], *, title: str | None = None, k: int = 12
) -> Figure:
    """One channel's response to each photo as bars, highest first; the group in orange.

    Args:
        responses: `(N,)`, one number per photo.
        group: N booleans.
        titles: names of the photos.
        title: one line above.
        k: how many photos, from the highest.
    """
    order = responses.argsort(descending=True, stable=True).tolist()[:k]
    figure, axes = new_figure(width=5.0, aspect=0.05 * len(order) + 0.12)
    ax = axes[0, 0]
    colors = ["#ff9a1f" if bool(group[i]) else "#7f8a99" for i in order]
    ax.barh(range(len(order)), [responses[i].item() for i in order], color=colors)
    ax.set_yticks(range(len(order)), [titles[i] for i in order], fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("largest value of the map", fontsize=8)
    ax.tick_params(axis="x", labelsize=8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if title:
        ax.set_title(title, fontsize=10)
    return figure


def write_word(images: Tensor, word: str, *, height: float = 0.18, place: tuple[float, float] = (0.5, 0.5)) -> Tensor:
    """Write a word in white on black into photos: a cause that we plant ourselves.

    Args:
        images: `(N, 3, H, W)` in [0, 1].
        word: what to write.
        height: of the letters, as a share of the image height.
        place: the middle of the word, (down, right) as shares of the image.

    Returns:
        `(N, 3, H, W)`, a copy.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not word.strip():
        raise ValueError("word is empty; give at least one letter.")
    font = ImageFont.load_default(size=max(6, round(height * images.shape[2])))
    left, top, right, bottom = font.getbbox(word)
    picture = Image.new("L", (min(right - left + 8, images.shape[3]), min(bottom - top + 8, images.shape[2])))
    ImageDraw.Draw(picture).text((4 - left, 4 - top), word, fill=255, font=font)
    patch = torch.from_numpy(np.array(picture)).to(images) / 255
    return paste(images, patch.expand(3, -1, -1), place=place)


def face_patches(count: int = 50, *, size: int = 96) -> tuple[Tensor, Tensor]:
    """Small gray pictures, half of them faces: the LFW subset that scikit-image ships (200 patches of 25 x 25 pixels).

    Args:
        count: how many, at most 200; half of them faces.
        size: side in pixels to which they are enlarged.

    Returns:
        `(count, 3, size, size)` in [0, 1], and `(count,)` bool, True for a face.
    """
    if not 2 <= count <= 200:
        raise ValueError(f"count must be from 2 to 200, the patches there are; not {count}.")
    patches = torch.from_numpy(np.load(package_file("skimage", "data/lfw_subset.npy"))).float()
    chosen = torch.linspace(0, 199, count).round().long()  # the first 100 are faces
    return resize(patches[chosen, None].repeat(1, 3, 1, 1), size), chosen < 100


def paste(images: Tensor, patch: Tensor, *, place: tuple[float, float] = (0.5, 0.5)) -> Tensor:
    """Copies of photos with a patch put in.

    Args:
        images: `(N, 3, H, W)`.
        patch: `(3, h, w)`, not larger than the images.
        place: the middle of the patch, (down, right) as shares of the image; moved inwards where it would stick out.
    """
    height, width = images.shape[2:]
    h, w = patch.shape[1:]
    if h > height or w > width:
        raise ValueError(f"a patch of {h}x{w} does not fit in images of {height}x{width}.")
    top = min(max(round(place[0] * height - h / 2), 0), height - h)
    left = min(max(round(place[1] * width - w / 2), 0), width - w)
    out = images.clone()
    out[:, :, top : top + h, left : left + w] = patch.to(images)
    return out


def _check_maps(maps: Tensor, ndim: int) -> Tensor:
    if not isinstance(maps, Tensor) or maps.ndim != ndim:
        given = tuple(maps.shape) if isinstance(maps, Tensor) else type(maps).__name__
        raise ValueError(f"maps must be a tensor of shape (C, h, w), the channels of one image; not {given}.")
    if maps.numel() == 0:
        raise ValueError(f"there are no maps (shape {tuple(maps.shape)}).")
    if not torch.isfinite(maps).all():
        raise ValueError("maps contain NaN or infinity.")
    return maps.detach()
