"""How a network that paints is trained: what goes in, what judges, and what the gradient changes."""

from __future__ import annotations

from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots

WIDE, HIGH = 100, 39  # of the drawing, in its own units
SIDE = 15  # of a picture
BLUE, GRAY, RED = "#dbe7f3", "#e6e6e6", "#b2182b"
LINE = "#35506b"


def show_style_training(photo: Tensor, painting: Tensor, style: Tensor) -> Figure:
    """Photo, network, painting, VGG-19 and the two losses with arrows; the gradient's way back is dashed.

    Args:
        photo, painting, style: `(1, 3, H, W)` in [0, 1].
    """
    figure, axes = plots.new_figure(width=9, aspect=HIGH / WIDE)
    ax = axes[0, 0]
    ax.set(xlim=(0, WIDE), ylim=(HIGH, 0), aspect="equal")
    ax.axis("off")

    def picture(image: Tensor, x: float, y: float, name: str) -> None:
        array = plots.to_array(image)
        high = SIDE * array.shape[0] / array.shape[1]
        ax.imshow(array.clip(0, 1), extent=(x - SIDE / 2, x + SIDE / 2, y + high / 2, y - high / 2))
        ax.text(x, y - high / 2 - 0.7, name, ha="center", va="bottom", fontsize=9)

    def box(x: float, y: float, text: str, color: str) -> None:
        look = {"boxstyle": "round,pad=0.5", "facecolor": color, "edgecolor": LINE}
        ax.text(x, y, text, ha="center", va="center", fontsize=9, bbox=look)

    def arrow(start: tuple[float, float], end: tuple[float, float], color: str, line: str) -> None:
        look = {"arrowstyle": "-|>", "color": color, "linewidth": 1.4, "linestyle": line, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", xy=end, xytext=start, arrowprops=look)

    picture(photo, 9, 13, "photo $p$")
    picture(painting, 46, 13, r"painting $f_\theta(p)$")
    picture(style, 65, 30.5, "style $s$")
    box(27, 13, "network $f_\\theta$\nlearns", BLUE)
    box(65, 13, "VGG-19\nstays as it is", GRAY)
    box(89, 7, "content loss\nfeatures as of $p$", GRAY)
    box(89, 19, "style loss\nGram matrices as of $s$", GRAY)
    ax.plot((9, 9, 65), (5.5, 2, 2), color=LINE, linewidth=1.4)  # the judge sees the photo, too
    for start, end in (
        ((17, 12), (21.5, 12)),
        ((32.5, 12), (38, 12)),
        ((54, 12), (58.5, 12)),
        ((65, 2), (65, 10.2)),
        ((65, 19.6), (65, 15.8)),
        ((71.5, 11), (79, 7)),
        ((71.5, 14), (77, 18)),
    ):
        arrow(start, end, LINE, "-")
    for start, end in (
        ((79, 8.7), (71.5, 12.6)),
        ((77, 20), (71.5, 16)),
        ((58.5, 14.2), (54, 14.2)),
        ((38, 14.2), (32.5, 14.2)),
    ):
        arrow(start, end, RED, "--")
    ax.text(
        33,
        24,
        "dashed: the gradient on its way back,\nthrough VGG-19 and the painting to $\\theta$",
        color=RED,
        ha="center",
        fontsize=9,
    )
    return figure
