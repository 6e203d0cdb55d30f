"""Feature maps as gray tiles: one layer, many layers, one channel on many photos, two groups of photos."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.activations.feature_maps import check_maps, scale_maps, tile
from course_utils.hooks import layer_outputs
from course_utils.networks.network import Network
from course_utils.plots import WIDTH, heat_range, new_figure, to_array
from course_utils.validate import check_choice, check_whole, to_numpy


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

    Raises:
        ValueError: maps of another shape, or an unknown scaling.
    """
    maps = maps[0] if maps.ndim == 4 and len(maps) == 1 else maps
    sheet = to_array(tile(scale_maps(check_maps(maps, 3)[:count], scaling=scaling), columns=columns))
    figure, axes = new_figure(width=width, aspect=sheet.shape[0] / sheet.shape[1] + (0.06 if title else 0), title=title)
    axes[0, 0].imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    axes[0, 0].axis("off")
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
        by: "peak" shows the maps with the largest values, "spread" those that vary most (after a ReLU6 many peaks
            are 6).
        scaling: "own" stretches each map by itself, "shared" each row together.
        title: one line above.
        width: of the figure in inches.

    Raises:
        ValueError: more than one image, no such layer, one without maps, or an unknown choice.
    """
    check_choice("by", by, ("peak", "spread"))
    if len(image) != 1:
        raise ValueError(f"show_layers takes one image; this batch has {len(image)}.")
    check_whole(k=k)
    outputs = layer_outputs(net, image, layers)
    for layer, maps in outputs.items():
        if maps.ndim != 4:
            raise ValueError(f"layer {layer} has no feature maps: its output has shape {tuple(maps.shape)}.")
    figure, axes = new_figure(len(layers), k + 1, width=width, aspect=1.13, title=title)
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
    """One channel over many photos: each is dark and gray where the channel is silent, and as it is where it answers.

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

    Raises:
        ValueError: no maps, or another number of maps than of photos.
    """
    check_whole(columns=columns)
    maps = check_maps(maps, 3)
    if len(maps) != len(images):
        raise ValueError(f"{len(images)} images but {len(maps)} maps.")
    peak = maps.amax((1, 2))
    places = (peak.argsort(descending=True, stable=True) if order else torch.arange(len(maps))).tolist()[:count]
    top = heat_range(maps, percentile=99.95)
    rows = math.ceil(len(places) / columns)
    aspect = images.shape[2] / images.shape[3]
    figure, axes = new_figure(rows, columns, width=width, aspect=aspect + 0.16, title=title)
    for ax in axes.flat:
        ax.axis("off")
    big = torch.nn.functional.interpolate(
        maps[:, None].float(), size=images.shape[2:], mode="bilinear", align_corners=False
    )[:, 0]
    for ax, place in zip(axes.flat, places, strict=False):
        light = (to_numpy(big[place]) / top).clip(0, 1)[..., None]
        picture = to_array(images[place].expand(3, -1, -1))  # gray pictures have one channel
        gray = 0.4 * picture.mean(-1, keepdims=True)
        ax.imshow((gray + light * (picture - gray)).clip(0, 1))
        name = f"{titles[place]}  " if titles is not None else ""
        value = peak[place].item()
        ax.set_title(f"{name}{value:,.0f}" if value >= 10 else f"{name}{value:.2g}", fontsize=8, pad=3)
        if marked is not None and bool(marked[place]):
            ax.add_patch(_frame(images.shape[2:]))
    return figure


def _frame(size, color: str = "#ff9a1f", linewidth: float = 4):
    from matplotlib.patches import Rectangle

    return Rectangle((-0.5, -0.5), size[1], size[0], fill=False, edgecolor=color, linewidth=linewidth)


def show_separation(
    responses: Tensor, group: Sequence[bool] | Tensor, titles: Sequence[str], *, title: str | None = None, k: int = 12
) -> Figure:
    """One channel's response to each photo as bars, highest first; the group in orange and hatched.

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
    hatch = ["///" if bool(group[i]) else "" for i in order]
    ax.barh(range(len(order)), [responses[i].item() for i in order], color=colors, hatch=hatch)
    ax.set_yticks(range(len(order)), [titles[i] for i in order], fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("largest value of the map", fontsize=8)
    ax.tick_params(axis="x", labelsize=8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if title:
        ax.set_title(title, fontsize=10)
    return figure
