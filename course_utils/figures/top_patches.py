"""The patches that make a channel answer most, in rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.activations import TopPatches
from course_utils.engines.streaming import wanted_images


def show_patches(
    result: TopPatches,
    images: Iterable | Tensor | str | Path,
    *,
    channels: Sequence[int] | None = None,
    places: bool = False,
    title: str | None = None,
    size: int = 224,
) -> Figure:
    """One row of patches for each channel, strongest first.

    Args:
        result: from `top_patches`.
        images: the same images again.
        channels: some of the watched channels; None for the first 8.
        places: show the whole photos, with a frame around each patch.
        title: one line above all.
        size: as in `top_patches`.
    """
    channels = list(channels) if channels is not None else result.channels[:8].tolist()
    rows = [result.channels.tolist().index(c) for c in channels]
    figure, axes = plots.new_figure(len(rows), result.k, aspect=1.06, title=title)
    if places:
        wanted = {n for row in rows for n in result.images[row].tolist()}
        photos = {number: image[0] for number, image in wanted_images(images, wanted, size)}
    else:
        patches = result.cut(images, channels=channels, size=size)
    for line, (row, channel) in enumerate(zip(rows, channels, strict=True)):
        for rank in range(result.k):
            ax, number = axes[line, rank], int(result.images[row, rank])
            ax.set_xticks([])
            ax.set_yticks([])
            for side in ax.spines.values():
                side.set_visible(False)
            if number < 0:
                continue
            if places:
                top, left, bottom, right = result.boxes[row, rank].tolist()
                ax.imshow(plots.to_array(photos[number]))
                _draw_box(ax, (top, left, bottom, right), COLORS[0])
            else:
                patch = plots.to_array(patches[line][rank])
                ax.imshow(patch, interpolation="nearest" if max(patch.shape[:2]) < 40 else "antialiased")
            ax.set_title(plots.short(float(result.values[row, rank])), fontsize=7, pad=2)
        axes[line, 0].set_ylabel(str(channel), fontsize=8)
    return figure


COLORS = ("#ffd500", "#ff5a36", "#39c5ff", "#58e06f", "#ff6ad5", "#ffffff")


def show_boxes(
    image: Tensor, boxes: Sequence[Sequence[int]], names: Sequence[str], *, title: str | None = None, heat: bool = False
) -> Figure:
    """Boxes in one picture, such as the receptive fields of several layers.

    Args:
        image: `(1, 3, H, W)`, `(3, H, W)`, or a map `(H, W)`.
        boxes: `(top, left, bottom, right)` for each, in pixels; bottom and right are one after the last.
        names: what each is, for the list beside the picture.
        title: one line above.
        heat: draw a map in colors, black for 0 and yellow for its 99.5th percentile.

    Raises:
        ValueError: not one name for each box, or no picture.
    """
    if len(boxes) != len(names):
        raise ValueError(f"{len(boxes)} boxes but {len(names)} names.")
    array = plots.to_array(image)
    figure, axes = plots.new_figure(width=6.4, aspect=0.66 * array.shape[0] / array.shape[1], title=title)
    ax = axes[0, 0]
    if heat:
        ax.imshow(array, cmap="inferno", vmin=0, vmax=plots.heat_range(image))
    else:
        ax.imshow(array, cmap="gray")
    ax.axis("off")
    for number, (box, name) in enumerate(zip(boxes, names, strict=True)):
        _draw_box(ax, box, COLORS[number % len(COLORS)], name)
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), fontsize=9, labelcolor="black", facecolor="0.6")
    return figure


def _draw_box(ax: Axes, box: Sequence[int], color: str, name: str | None = None) -> None:
    from matplotlib.patches import Rectangle

    top, left, bottom, right = (float(edge) for edge in box)
    frame = {"fill": False, "edgecolor": color, "linewidth": 1.8, "label": name}
    ax.add_patch(Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, **frame))
