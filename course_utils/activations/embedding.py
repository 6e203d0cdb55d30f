"""The space of features: PCA by SVD, the affinities of t-SNE, and maps of pictures on a plane and on a grid."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.activations.neighbors import _check_rows, l2_distances
from course_utils.plots import new_figure, to_array
from course_utils.validate import check_choice, check_positive

INITS = ("pca", "random")


@dataclass(frozen=True)
class Pca:
    """Directions of largest variance.

    Attributes:
        mean: `(D,)`.
        components: `(k, D)`, orthonormal rows, the largest variance first.
        variances: `(k,)`, the variance of the data along each, with N - 1 in the denominator.
        ratio: `(k,)`, each variance as a share of the whole.
    """

    mean: Tensor
    components: Tensor
    variances: Tensor
    ratio: Tensor

    def project(self, x: Tensor) -> Tensor:
        """Coordinates `(N, k)` of rows `(N, D)`."""
        return (x - self.mean) @ self.components.T

    def reconstruct(self, coordinates: Tensor) -> Tensor:
        """Rows `(N, D)` from coordinates `(N, k)`; what the left-out directions held is lost."""
        return coordinates @ self.components + self.mean


def pca(x: Tensor, *, k: int | None = None) -> Pca:
    """Principal components by the singular value decomposition of the centered data, `X - mean = U S V^T`.

    The rows of `V^T` are the directions and `S^2 / (N - 1)` the variances; the D x D covariance matrix is never built.
    A direction has no sign of its own: each is turned so that its largest entry is positive, as in scikit-learn.

    Args:
        x: `(N, D)`, at least two rows.
        k: how many directions; None for all `min(N, D)`.

    Returns:
        `Pca`, on x's device.

    Raises:
        ValueError: fewer than two rows, or `k` larger than `min(N, D)`.

    Reference:
        Pearson: On lines and planes of closest fit to systems of points in space, 1901.
    """
    x = _check_rows(x, "x")
    if len(x) < 2:
        raise ValueError("PCA needs at least two rows; one point has no variance.")
    most = min(x.shape)
    k = most if k is None else k
    if not 1 <= k <= most:
        raise ValueError(f"k must be between 1 and {most}, the smaller side of the {tuple(x.shape)} data; not {k}.")
    mean = x.mean(0)
    _, s, vt = torch.linalg.svd(x - mean, full_matrices=False)
    largest = vt.gather(1, vt.abs().argmax(1, keepdim=True))
    vt = vt * torch.where(largest < 0, -1.0, 1.0).to(vt)
    variances = s.square() / (len(x) - 1)
    total = variances.sum()
    ratio = variances / total if total > 0 else torch.zeros_like(variances)
    return Pca(mean, vt[:k], variances[:k], ratio[:k])


def perplexity_of(p: Tensor) -> Tensor:
    """The perplexity `2^H` of each row, `H = -sum_j p_j log2 p_j`: how many neighbors the row effectively has. `(N,)`."""
    return torch.special.entr(p).sum(1).exp()


def affinities(x: Tensor, *, perplexity: float = 30.0, steps: int = 100) -> Tensor:
    """The conditional affinities of t-SNE: row i says how likely point i would choose each other point as its neighbor.

    `p_(j|i)` is proportional to `exp(-beta_i |x_i - x_j|^2)` with `p_(i|i) = 0`. The width of each point's Gaussian,
    `beta_i = 1 / (2 sigma_i^2)`, is found by bisection so that every row has the wanted perplexity: narrow where points
    are dense, wide where they are rare.

    Args:
        x: `(N, D)`.
        perplexity: the effective number of neighbors of each point.
        steps: of the bisection, which halves the interval of log beta each time.

    Returns:
        `(N, N)`, rows sum to 1, zero diagonal. A point with more exact copies of itself than `perplexity` can only
        share its row among them: its perplexity then is the number of copies.

    Raises:
        ValueError: `perplexity` does not lie between 1 and N - 1.

    Reference:
        van der Maaten & Hinton: Visualizing Data using t-SNE, JMLR 2008, equation 1.
    """
    x = _check_rows(x, "x")
    check_perplexity(perplexity, len(x))
    check_positive(steps=steps)
    exact = x.double() if x.device.type != "mps" else x
    squares = l2_distances(exact).square()
    squares.fill_diagonal_(math.inf)  # exp(-inf) = 0: no point is its own neighbor
    # Adding a constant to a row does not change its affinities; the nearest other point then has exp(0) = 1.
    squares = squares - squares.amin(1, keepdim=True)
    finite = squares.masked_fill(~torch.isfinite(squares), 0)
    scale = (finite.sum(1, keepdim=True) / (len(x) - 1)).clamp(min=torch.finfo(exact.dtype).tiny)
    low, high = torch.full_like(scale, -40.0), torch.full_like(scale, 40.0)  # of log(beta * scale)
    for _ in range(steps):
        middle = (low + high) / 2
        too_many = perplexity_of(_rows(squares, middle.exp() / scale))[:, None] > perplexity
        low, high = torch.where(too_many, middle, low), torch.where(too_many, high, middle)
    return _rows(squares, ((low + high) / 2).exp() / scale).to(x)


def _rows(squares: Tensor, beta: Tensor) -> Tensor:
    weights = torch.exp(-beta * squares)
    return weights / weights.sum(1, keepdim=True)


def joint(conditional: Tensor) -> Tensor:
    """The joint affinities `p_ij = (p_(j|i) + p_(i|j)) / 2N`: symmetric, and all together they sum to 1. `(N, N)`."""
    return (conditional + conditional.T) / (2 * len(conditional))


def map_affinities(points: Tensor) -> Tensor:
    """The affinities of a map, `q_ij` proportional to `1 / (1 + |y_i - y_j|^2)`, zero diagonal, sum 1.

    The heavy tail of this Student t distribution gives points that are only moderately alike room on the plane.

    Args:
        points: `(N, 2)`, places on the map.
    """
    weights = 1 / (1 + l2_distances(points).square())
    weights.fill_diagonal_(0)
    return weights / weights.sum()


def kl_divergence(p: Tensor, q: Tensor) -> float:
    """`sum_ij p_ij log(p_ij / q_ij)`, what t-SNE makes small; 0 if the map keeps every affinity."""
    q = q.clamp(min=torch.finfo(q.dtype).tiny)
    return float((torch.xlogy(p, p) - p * q.log()).sum())


def tsne(
    x: Tensor,
    *,
    perplexity: float = 30.0,
    init: str = "pca",
    seed: int = 0,
    steps: int = 1000,
    dimensions: int = 50,
) -> Tensor:
    """A map in which neighbors stay neighbors: scikit-learn's t-SNE, after PCA as the paper does it.

    Args:
        x: `(N, D)`.
        perplexity: the effective number of neighbors; must be smaller than N.
        init: where the points start: "pca" or "random".
        seed: of the random start and of the order of work.
        steps: of gradient descent, at least 250.
        dimensions: PCA to at most so many first.

    Returns:
        `(N, 2)` float on x's device. Its axes, its scale and the distances between far groups mean nothing.

    Raises:
        ValueError: `perplexity` too large for N, or fewer than 250 steps.

    Reference:
        van der Maaten & Hinton: Visualizing Data using t-SNE, JMLR 2008.
    """
    x = _check_rows(x, "x")
    check_perplexity(perplexity, len(x))
    check_choice("init", init, INITS)
    check_positive(dimensions=dimensions)
    if steps < 250:
        raise ValueError(f"steps must be at least 250 (the first 250 only gather the groups), not {steps}.")
    state = random.getstate()  # loading scikit-learn's t-SNE draws from Python's generator
    from sklearn.manifold import TSNE

    k = min(dimensions, *x.shape)
    data = pca(x, k=k).project(x) if k < x.shape[1] else x
    method = TSNE(perplexity=perplexity, init=init, random_state=seed, max_iter=steps, learning_rate="auto")
    try:
        return torch.from_numpy(method.fit_transform(data.float().cpu().numpy())).to(x)
    finally:
        random.setstate(state)


def check_perplexity(perplexity: float, count: int) -> None:
    """Raise unless a point among `count` can have so many neighbors."""
    if count < 3:
        raise ValueError(f"t-SNE needs at least 3 points, not {count}.")
    if not (1 <= perplexity < count - 1):
        raise ValueError(
            f"perplexity {perplexity:g} is impossible for {count} points: each has only {count - 1} others. "
            f"Choose at least 1 and less than {count - 1}; usual is 5 to {max(5, min(50, (count - 1) // 3))}."
        )


def fit_square(points: Tensor) -> Tensor:
    """Move and scale a map `(N, 2)` so that each axis fills [0, 1]."""
    points = _check_rows(points, "points")
    low, high = points.amin(0), points.amax(0)
    return (points - low) / torch.where(high > low, high - low, torch.ones_like(high))


def grid_cells(points: Tensor, *, rows: int | None = None, columns: int | None = None) -> Tensor:
    """Give each point of a map its own cell of a grid so that the points move as little as possible.

    The sum of squared moves is the smallest there is: an assignment problem, solved exactly by SciPy.

    Args:
        points: `(N, 2)`, `(x, y)` with y upwards, as on a plot.
        rows, columns: of the grid; None for nearly square.

    Returns:
        `(N, 2)` int64, `(row, column)` of each point, row 0 on top, all different.

    Raises:
        ValueError: fewer cells than points.
    """
    from scipy.optimize import linear_sum_assignment

    square = fit_square(points)
    count = len(square)
    if columns is None:
        columns = math.ceil(math.sqrt(count)) if rows is None else math.ceil(count / rows)
    rows = math.ceil(count / columns) if rows is None else rows
    if rows * columns < count:
        raise ValueError(f"{rows} x {columns} cells are too few for {count} points.")
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    cells = torch.stack([row.flatten(), column.flatten()], 1)
    places = torch.stack([(cells[:, 1] + 0.5) / columns, 1 - (cells[:, 0] + 0.5) / rows], 1)
    cost = torch.cdist(square.double().cpu(), places.double()).square().numpy()
    _, chosen = linear_sum_assignment(cost)
    return cells[torch.from_numpy(np.asarray(chosen))].to(points.device)


def label_agreement(x: Tensor, labels: Tensor | Sequence[int], *, k: int = 5) -> float:
    """The share of points whose `k` nearest others mostly carry their own label: is the space sorted by meaning?

    Args:
        x: `(N, D)`, rows of any space: pixels, features, places on a map.
        labels: `(N,)` integers.
        k: how many others vote.

    Returns:
        A number in [0, 1]; among equal votes the smaller label wins.
    """
    from course_utils.activations.neighbors import nearest

    labels = torch.as_tensor(labels).cpu()
    if labels.shape != (len(x),):
        raise ValueError(f"{len(x)} points but labels of shape {tuple(labels.shape)}.")
    indices, _ = nearest(l2_distances(x).cpu(), k, exclude_self=True)
    return (labels[indices].mode(1).values == labels).float().mean().item()


def show_scree(spectra: dict[str, Tensor], *, title: str | None = None, most: int = 40) -> Figure:
    """How much variance each direction holds, and how much the first ones hold together.

    Args:
        spectra: a name and the `Pca.ratio` of one or more spaces.
        title: one line above.
        most: directions to show.
    """
    figure, axes = new_figure(1, 2, width=7.5, aspect=0.72)
    for name, ratio in spectra.items():
        share = ratio.detach().cpu().numpy()[:most]
        axes[0, 0].plot(np.arange(1, len(share) + 1), share, marker=".", markersize=4, label=name)
        axes[0, 1].plot(np.arange(1, len(share) + 1), share.cumsum(), marker=".", markersize=4, label=name)
    axes[0, 0].set_ylabel("share of the variance", fontsize=9)
    axes[0, 1].set_ylabel("of the first ones together", fontsize=9)
    axes[0, 1].set_ylim(0, 1.02)
    for ax in axes[0]:
        ax.set_xlabel("direction", fontsize=9)
        ax.tick_params(labelsize=8)
        ax.grid(alpha=0.25)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    axes[0, 1].legend(fontsize=8)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def show_points(
    maps: dict[str, Tensor] | Tensor,
    labels: Sequence[int] | Tensor,
    *,
    names: Sequence[str] | None = None,
    columns: int | None = None,
    title: str | None = None,
    text: bool = False,
    width: float = 9.0,
) -> Figure:
    """Maps side by side, one dot per point, colored by label.

    Args:
        maps: a title and the points `(N, 2)` of each map, or one map.
        labels: `(N,)` integers.
        names: of the labels, for a legend.
        columns: maps side by side; None for at most 3.
        title: one line above.
        text: write the label in place of a dot (for digits).
        width: of the figure in inches.
    """
    maps = {"": maps} if isinstance(maps, Tensor) else maps
    labels = torch.as_tensor(labels).cpu().numpy()
    columns = columns or min(len(maps), 3)
    rows = math.ceil(len(maps) / columns)
    figure, axes = new_figure(rows, columns, width=min(width, 4.2 * columns), aspect=1.06)
    colors = _palette(int(labels.max()) + 1)
    for ax in axes.flat[len(maps) :]:
        ax.axis("off")
    for ax, (name, points) in zip(axes.flat, maps.items(), strict=False):
        places = points.detach().cpu().numpy()
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="lightgray")  # a frame, or two maps side by side look like one
        if text:
            for (x, y), label in zip(places, labels, strict=True):
                ax.text(x, y, str(label), color=colors[label], fontsize=6, ha="center", va="center", weight="bold")
            ax.update_datalim(places)  # text alone does not count, and an equal aspect would cut the map
            ax.margins(0.05)
            ax.autoscale_view()
        else:
            ax.scatter(*places.T, c=colors[labels], s=9, linewidths=0)
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_title(name, fontsize=9)
    if names is not None:
        from matplotlib.lines import Line2D

        dots = [Line2D([], [], marker="o", linestyle="", color=colors[i], label=n) for i, n in enumerate(names)]
        figure.legend(handles=dots, fontsize=7, loc="outside right center", frameon=False)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def show_map(
    images: Tensor, points: Tensor, *, size: float = 0.085, title: str | None = None, width: float = 8.0
) -> Figure:
    """Every picture at its place on a map.

    Args:
        images: `(N, 3, H, W)` or `(N, H, W)`.
        points: `(N, 2)`.
        size: of a picture, as a share of the map's width.
        title: one line above.
        width: of the figure in inches.
    """
    if len(images) != len(points):
        raise ValueError(f"{len(images)} images but {len(points)} points.")
    places = fit_square(points).cpu().numpy() * (1 - size) + size / 2
    figure, axes = new_figure(width=width, aspect=1.0 if title is None else 1.05)
    ax = axes[0, 0]
    for image, (x, y) in zip(images, places, strict=True):
        box = (x - size / 2, x + size / 2, y - size / 2, y + size / 2)
        ax.imshow(_small(image), extent=box, cmap="gray_r", interpolation="antialiased", zorder=2)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.axis("off")
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def show_grid(images: Tensor, cells: Tensor, *, title: str | None = None, width: float = 8.0, side: int = 48) -> Figure:
    """Every picture in its cell of a grid, edge to edge.

    Args:
        images: `(N, 3, H, W)` or `(N, H, W)`.
        cells: `(N, 2)`, `(row, column)` from `grid_cells`.
        title: one line above.
        width: of the figure in inches.
        side: pixels of one picture.
    """
    if len(images) != len(cells):
        raise ValueError(f"{len(images)} images but {len(cells)} cells.")
    rows, columns = (cells.amax(0) + 1).tolist()
    sheet = np.ones((rows * side, columns * side, 3), dtype=np.float32)
    for image, (row, column) in zip(images, cells.tolist(), strict=True):
        sheet[row * side : (row + 1) * side, column * side : (column + 1) * side] = _small(image, side)
    figure, axes = new_figure(width=width, aspect=rows / columns + (0.05 if title else 0))
    axes[0, 0].imshow(sheet, interpolation="antialiased")
    axes[0, 0].axis("off")
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _small(image: Tensor, side: int = 64) -> np.ndarray:
    image = image.expand(3, -1, -1) if image.ndim == 3 else image.expand(3, *image.shape)
    shrunk = torch.nn.functional.interpolate(image[None].float(), size=(side, side), mode="bilinear", antialias=True)
    return to_array(shrunk).clip(0, 1)


def _palette(count: int) -> np.ndarray:
    import matplotlib

    if count <= 10:
        return matplotlib.colormaps["tab10"](np.arange(10))[: max(count, 1)]
    return matplotlib.colormaps["gist_ncar"](np.linspace(0.03, 0.95, count))
