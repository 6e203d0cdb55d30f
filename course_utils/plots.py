"""Figures of the course. Every function returns a Matplotlib figure that is shown once, as the last line of a cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from torch import Tensor

from course_utils.validate import check_number, check_positive, check_whole, precise, to_numpy

WIDTH = 9.0  # inches, the width of a notebook's output
DPI = 80  # small pictures: a notebook stays under 600 kB
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")  # beside colors
DASHES = ("-", "--", "-.", ":")
HATCHES = ("", "///", "...", "xxx", "\\\\\\")
_SHORT = {"solid": "-", "dashed": "--", "dashdot": "-.", "dotted": ":"}  # names of dashes
TOLD_APART = "told apart"  # the gid of what a drawing tells apart in another way, such as by its place


class _DescribedFigure(Figure):
    """A figure that tells a notebook what is seen in it: exported pages give this text to readers who do not see it.

    What differs in its color only differs in something else, too, for readers who do not tell colors apart.
    """

    def draw(self, renderer: object) -> None:
        _tell_apart(self)
        super().draw(renderer)

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        alt = describe_figure(self)
        return {}, {"image/png": {"alt": alt}} if alt else {}  # Matplotlib itself gives the picture


def describe_figure(figure: Figure) -> str:
    """What is written in a figure, for readers who do not see it.

    Args:
        figure: any figure of Matplotlib.

    Returns:
        Its titles and labels, the values of its bars, where its named lines begin and end; at most about 500 letters.
    """
    words = [figure.get_suptitle()]
    for ax in figure.axes:
        said = [ax.get_title(), ax.get_ylabel(), ax.get_xlabel(), *(text.get_text() for text in ax.texts)]
        for bars in (one for one in ax.containers if isinstance(one, BarContainer)):
            lying = bars.orientation == "horizontal"
            names = [label.get_text() for label in (ax.get_yticklabels() if lying else ax.get_xticklabels())]
            values = [bar.get_width() if lying else bar.get_height() for bar in bars]
            said += [f"{name} {short(value)}" for name, value in zip(names, values, strict=False)]
        for line in (one for one in ax.lines if not one.get_label().startswith("_")):
            values = [float(value) for value in line.get_ydata(orig=False) if np.isfinite(value)]
            said += [f"{line.get_label()} from {short(values[0])} to {short(values[-1])}"] if len(values) > 1 else []
        words += said
    text = " ".join(", ".join(_without_counting(filter(None, words))).split())
    return text if len(text) < 500 else text[:500].rsplit(" ", 1)[0] + " …"


def _tell_apart(figure: Figure) -> None:
    """Give lines, frames and bars of one axes that differ in color only other markers, dashes or hatches.

    A color has the same ones in all axes of the figure, and in its legends. Nothing else is changed, and what differs
    already stays as it is. The figures of `new_figure` do it by themselves whenever they are drawn.

    Args:
        figure: any figure of Matplotlib.
    """
    drawn = [(ax, one) for ax in figure.axes for one in [*ax.lines, *ax.patches] if _has_color(one)]
    used: dict[tuple, set[str]] = {}
    for _, one in drawn:
        used.setdefault(_look(one), set()).add(_color_of(one))
    changed: dict[tuple, tuple[str, str]] = {}
    for ax in figure.axes:
        first: dict[tuple, str] = {}
        for one in (one for where, one in drawn if where is ax):
            was, color = _look(one), _color_of(one)
            if first.setdefault(was, color) == color or (was, color) in changed:
                continue
            for way, value in _other_looks(one):
                other = tuple(sorted({**dict(was), way: value}.items()))
                if used.get(other, {color}) <= {color}:
                    changed[was, color] = way, value
                    used.setdefault(other, set()).add(color)
                    break
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend() is not None)]
    shown = [one for legend in legends for one in legend.legend_handles if _has_color(one)]
    # a bar of a legend has no size of its own
    for one in [*(one for _, one in drawn), *shown]:
        if found := changed.get((_look(one), _color_of(one))):
            one.set(**dict([found]))


def _has_color(one: Artist) -> bool:
    """Whether a drawing has a color that could be the only difference."""
    if one.get_gid() == TOLD_APART:
        return False
    if isinstance(one, Line2D):
        return len(one.get_xdata(orig=False)) > 0 and (one.get_linestyle(), one.get_marker()) != ("None", "None")
    return isinstance(one, Patch)


def _look(one: Line2D | Patch) -> tuple[tuple[str, object], ...]:
    """What a line or a patch looks like, but for its color and size."""
    if isinstance(one, Line2D):
        found = {"linestyle": one.get_linestyle(), "marker": one.get_marker(), "fillstyle": one.get_fillstyle()}
    elif one.get_fill():
        return (("hatch", one.get_hatch() or ""),)
    else:
        style = one.get_linestyle()
        found = {"linestyle": _SHORT.get(style, style), "frame": True}
    return tuple(sorted((found | {"linewidth": one.get_linewidth()}).items()))


def _color_of(one: Line2D | Patch) -> str:
    """The color that a line or a patch is known by, as "#rrggbb"."""
    if isinstance(one, Line2D):
        return to_hex(one.get_color())
    return to_hex(one.get_facecolor() if one.get_fill() else one.get_edgecolor())


def _other_looks(one: Line2D | Patch) -> list[tuple[str, str]]:
    if isinstance(one, Patch) and one.get_fill():
        return [("hatch", value) for value in HATCHES]
    if isinstance(one, Line2D) and one.get_marker() not in ("None", "", " ", None):
        return [("marker", value) for value in MARKERS if one.get_marker() != "." or value != "o"]
    return [("linestyle", value) for value in DASHES]


def _without_counting(words: Iterable[str]) -> Iterator[str]:
    """The words, with "0 to 63" in place of 0, 1, 2 and so on: what numbered pictures have above them."""
    run: list[str] = []
    for word in [*words, ""]:
        if run and word.isdecimal() and int(word) == int(run[-1]) + 1:
            run.append(word)
            continue
        yield from [f"{run[0]} to {run[-1]}"] if len(run) > 3 else run
        run = [word] if word.isdecimal() else []
        yield from [] if run or not word else [word]


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = WIDTH,
    aspect: float = 1.0,
    title: str | None = None,
    **options: object,
) -> tuple[Figure, np.ndarray]:
    """A figure of `rows` x `columns` axes, each `aspect` times as high as wide.

    Args:
        rows, columns: how many axes below each other and side by side.
        width: of the figure in inches.
        aspect: height by width of one of the axes.
        title: one line above; None or "" for none.
        options: others of `matplotlib.pyplot.subplots`.

    Returns:
        `(figure, axes)`, axes as an array `(rows, columns)`. It is closed for pyplot, so that a notebook shows it
        once: where it is returned, not where it was made.

    Raises:
        ValueError, TypeError: no rows or columns, or a width that is not greater than 0.
    """
    check_whole(rows=rows, columns=columns)
    check_number(width=width)
    check_positive(width=width)
    size = (width, width / columns * aspect * rows)
    look = {"figsize": size, "dpi": DPI, "layout": "constrained", "FigureClass": _DescribedFigure}
    figure, axes = plt.subplots(rows, columns, squeeze=False, **look, **options)
    plt.close(figure)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure, axes


def to_array(image: Tensor) -> np.ndarray:
    """A tensor `(1, C, H, W)`, `(C, H, W)` or `(H, W)` as an array for `imshow`: `(H, W, 3)` or `(H, W)`.

    Raises:
        ValueError: another number of dimensions, or more than one picture.
    """
    image = precise(torch.as_tensor(image).detach()).cpu()
    if image.ndim == 4 and image.shape[0] == 1:
        image = image[0]
    if image.ndim == 3:
        image = image[0] if image.shape[0] == 1 else image.permute(1, 2, 0)
    if image.ndim not in (2, 3):
        raise ValueError(f"an image has shape (3, H, W) or (H, W), not {tuple(image.shape)}.")
    return image.numpy()


def show_images(
    images: Tensor | Sequence[Tensor],
    titles: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    title: str | None = None,
    width: float | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    cmap: str = "gray",
) -> Figure:
    """Pictures side by side.

    Args:
        images: `(N, 3, H, W)`, `(N, H, W)`, or a list of single pictures; color in [0, 1], others on a gray scale.
        titles: one line above each.
        columns: how many side by side; None for at most 6.
        title: one line above all.
        width: of the figure in inches.
        vmin, vmax: black and white of gray pictures; None for each picture's own smallest and largest value.
        cmap: Matplotlib's color map for pictures without colors.

    Raises:
        ValueError: no images, a shape that is no picture, or columns or a width that are not greater than 0.
    """
    arrays = [to_array(image) for image in images]
    if not arrays:
        raise ValueError("there are no images to show.")
    columns = min(len(arrays), 6) if columns is None else columns
    check_whole(columns=columns)
    rows = math.ceil(len(arrays) / columns)
    aspect = max(a.shape[0] / a.shape[1] for a in arrays) + (0.13 if titles is not None else 0.02)
    width = min(WIDTH, 2.6 * columns) if width is None else width
    figure, axes = new_figure(rows, columns, width=width, aspect=aspect, title=title)
    for ax in axes.flat:
        ax.axis("off")
    for index, (ax, array) in enumerate(zip(axes.flat, arrays, strict=False)):
        if array.ndim == 3:
            ax.imshow(array.clip(0, 1), interpolation="nearest" if max(array.shape[:2]) < 64 else "antialiased")
        else:
            top = vmax
            if vmax is None and cmap != "gray":  # one extreme pixel should not darken a heat map
                top = np.percentile(array, 99.7) or None
            ax.imshow(
                array,
                cmap=cmap,
                vmin=vmin,
                vmax=top,
                interpolation="nearest" if max(array.shape) < 64 else "antialiased",
            )
        if titles is not None and index < len(titles):
            ax.set_title(str(titles[index]), fontsize=9)
    return figure


def short(value: float) -> str:
    """A number with three digits, without a power of ten: 0.0123, 4.79, 4,790."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def heat_range(heat: Tensor, *, percentile: float = 99.5) -> float:
    """The value that a heat map shows as its brightest: a high percentile, so that one pixel does not darken the rest.

    Raises:
        ValueError, TypeError: a percentile that is no number from 0 to 100.
    """
    check_number(percentile=percentile)
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile must lie between 0 and 100, not {percentile}.")
    heat = torch.as_tensor(heat).detach().float().abs().flatten()
    top = torch.quantile(heat, percentile / 100).item() if heat.numel() < 2**24 else heat.max().item()
    return top or heat.max().item() or 1.0


def show_heat(
    image: Tensor | Sequence[Tensor],
    heat: Tensor | Sequence[Tensor],
    titles: Sequence[str] | None = None,
    *,
    title: str | None = None,
    signed: bool = False,
    alpha: float = 0.6,
) -> Figure:
    """A photo, a heat map, and the map laid over the photo; one row for each pair.

    Args:
        image: `(1, 3, H, W)`, or a batch `(N, 3, H, W)`.
        heat: `(H, W)` or `(N, H, W)`; any range, brightest at its 99.5th percentile.
        titles: one for each row, or none.
        title: one line above all.
        signed: red for positive, blue for negative, white for zero; else black to yellow.
        alpha: how strongly the map covers the photo.

    Raises:
        ValueError: not one map for each photo, or an alpha outside of [0, 1].
    """
    images = image if torch.as_tensor(image[0]).ndim == 3 else [image[0]]
    heats = [heat] if torch.as_tensor(heat).ndim == 2 else list(heat)
    check_number(alpha=alpha)
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}.")
    if len(images) != len(heats):
        raise ValueError(f"{len(images)} images but {len(heats)} maps.")
    photo = to_array(images[0])
    extra = 0.1 if titles is not None else 0.01
    figure, axes = new_figure(len(heats), 3, width=7.2, aspect=photo.shape[0] / photo.shape[1] + extra, title=title)
    for row, (one, warm) in enumerate(zip(images, heats, strict=True)):
        array, values = to_array(one), to_numpy(torch.as_tensor(warm))
        top = heat_range(torch.as_tensor(values))
        scale = {"cmap": "RdBu_r", "vmin": -top, "vmax": top} if signed else {"cmap": "inferno", "vmin": 0, "vmax": top}
        gray = np.repeat(array.mean(-1, keepdims=True), 3, axis=-1) if array.ndim == 3 else array
        strength = (np.abs(values) / top).clip(0, 1)
        axes[row, 0].imshow(array.clip(0, 1))
        axes[row, 1].imshow(values, **scale)
        axes[row, 2].imshow(0.35 + 0.65 * gray.clip(0, 1), cmap="gray", vmin=0, vmax=1)
        axes[row, 2].imshow(
            values,
            **scale,
            alpha=strength**0.7 * min(1.0, alpha + 0.3),
            extent=(-0.5, array.shape[1] - 0.5, array.shape[0] - 0.5, -0.5),
        )
        if titles is not None:
            axes[row, 0].set_title(str(titles[row]), fontsize=9)
        for ax in axes[row]:
            ax.axis("off")
    return figure


def show_bars(
    rows: Sequence[tuple[str, float]], *, title: str | None = None, width: float = 5.0, label: str = "probability"
) -> Figure:
    """Horizontal bars, such as the most probable classes, first on top.

    Args:
        rows: `(name, value)` for each bar.
        title: one line above.
        width: of the figure in inches.
        label: what the values are.
    """
    names, values = [r[0] for r in rows], [r[1] for r in rows]
    figure, axes = new_figure(width=width, aspect=0.09 * len(rows) + 0.08)
    ax = axes[0, 0]
    ax.barh(range(len(rows)), values, color="#3b6ea5")
    ax.set_yticks(range(len(rows)), names, fontsize=9)
    ax.invert_yaxis()
    ax.set_xlabel(label, fontsize=9)
    ax.tick_params(axis="x", labelsize=8)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for index, value in enumerate(values):
        ax.text(value, index, f" {value:.3g}", va="center", fontsize=8)
    ax.margins(x=0.15)
    if title:
        ax.set_title(title, fontsize=10)
    return figure


def show_predictions(images: Tensor, predictions: Sequence[Sequence[tuple[str, float]]], *, k: int = 3) -> Figure:
    """Photos with the classes and probabilities of `net.predict` beneath each.

    Args:
        images: `(N, 3, H, W)` in [0, 1].
        predictions: for each photo its `(class, probability)` pairs, best first.
        k: how many of them are shown.

    Raises:
        ValueError, TypeError: `k` is no whole number greater than 0.
    """
    check_whole(k=k)
    columns = min(len(images), 4)
    rows = math.ceil(len(images) / columns)
    figure, axes = new_figure(rows, columns, width=2.4 * columns, aspect=1.12 + 0.07 * k)
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, tops in zip(axes.flat, images, predictions, strict=False):
        ax.imshow(to_array(image).clip(0, 1))
        lines = [f"{p:4.0%}  {name}" for name, p in tops[:k]]
        ax.text(0, 1.02 * image.shape[-2], "\n".join(lines), va="top", fontsize=9, family="monospace")
    return figure
