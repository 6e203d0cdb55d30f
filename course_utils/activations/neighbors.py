"""Nearest neighbors: which pictures are alike, for the pixels and for the network (Krizhevsky et al., 2012, figure 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.hooks import features
from course_utils.images import gallery, load_image, resize
from course_utils.networks.network import Network
from course_utils.plots import WIDTH, new_figure, to_array
from course_utils.validate import check_choice, check_images, check_positive

METRICS = ("l2", "cosine")
SPACES = ("features", "pixels")
VARIANTS = ("whole", "left", "right", "flipped", "cropped", "recolored")


def l2_distances(a: Tensor, b: Tensor | None = None) -> Tensor:
    """All Euclidean distances between the rows of `a` and the rows of `b`, without a loop over rows.

    `|a - b|^2 = |a|^2 - 2 a.b + |b|^2`: one matrix product instead of N x M differences. The price is a difference of
    large numbers: for rows that are alike it can come out below zero, and the root of that is NaN. So the mean is
    taken away first (it changes no distance and makes the numbers small), the sum is kept in double precision, and
    what is still negative is set to 0.

    Args:
        a: `(N, D)`.
        b: `(M, D)`; None for `a` itself.

    Returns:
        `(N, M)`, not negative, on a's device; exactly 0 between a row and itself when b is None.
    """
    a, other = _check_rows(a, "a"), a if b is None else b
    other = _check_rows(other, "b", a)
    first, second = (x.cpu() if x.device.type == "mps" else x for x in (a, other))  # MPS has no double precision
    squares = torch.zeros((len(first), len(second)), dtype=torch.float64, device=first.device)
    # Blocks of columns, not of rows: a copy of all pixels in double precision would need gigabytes.
    for x, y in zip(first.split(16384, 1), second.split(16384, 1), strict=True):
        center = y.double().mean(0)
        x, y = x.double() - center, y.double() - center
        squares += x.square().sum(1)[:, None] - 2 * x @ y.T + y.square().sum(1)[None]
    if b is None:
        squares.fill_diagonal_(0)
    return squares.clamp(min=0).sqrt().to(a)


def cosine_distances(a: Tensor, b: Tensor | None = None) -> Tensor:
    """All cosine distances `1 - a.b / (|a| |b|)` between rows: 0 for one direction, 1 for a right angle, 2 for opposite.

    The length of the vectors does not count. A row of zeros has no direction; its distance to everything is 1, as in
    scikit-learn.

    Args:
        a: `(N, D)`.
        b: `(M, D)`; None for `a` itself.

    Returns:
        `(N, M)` in [0, 2], on a's device; exactly 0 between a row and itself when b is None.
    """
    a, other = _check_rows(a, "a"), a if b is None else b
    other = _check_rows(other, "b", a)
    one, two = (x / x.norm(dim=1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny) for x in (a, other))
    distances = (1 - one @ two.T).clamp(0, 2)
    if b is None:
        distances.fill_diagonal_(0)
    return distances


def nearest(distances: Tensor, k: int, *, exclude_self: bool = False) -> tuple[Tensor, Tensor]:
    """The `k` smallest distances of each row; among equal ones the lower index comes first, so that the answer is unique.

    Args:
        distances: `(N, M)`.
        k: how many.
        exclude_self: leave out entry `(i, i)`: a picture is not its own neighbor. Needs `N == M`.

    Returns:
        `(indices, distances)`, both `(N, k)`, nearest first.

    Raises:
        ValueError: `k` is larger than the number of candidates, or the distances contain NaN.
    """
    if not isinstance(distances, Tensor) or distances.ndim != 2:
        given = tuple(distances.shape) if isinstance(distances, Tensor) else type(distances).__name__
        raise ValueError(f"distances must be a tensor of shape (N, M), not {given}.")
    rows, columns = distances.shape
    if exclude_self and rows != columns:
        raise ValueError(f"exclude_self needs the same pictures on both sides; this table is {rows}x{columns}.")
    candidates = columns - int(exclude_self)
    if isinstance(k, bool) or k != int(k) or not 1 <= k <= candidates:
        without = " without the picture itself" if exclude_self else ""
        raise ValueError(f"k must be a whole number from 1 to {candidates}, the size of the set{without}; not {k}.")
    if torch.isnan(distances).any():
        raise ValueError("distances contain NaN; the root of a negative square makes one (clamp it to 0 first).")
    order = distances.argsort(dim=1, stable=True)
    if exclude_self:
        own = torch.arange(rows, device=order.device)[:, None]
        order = order[order != own].view(rows, candidates)
    order = order[:, : int(k)]
    return order, distances.gather(1, order)


@dataclass(frozen=True)
class Neighbors:
    """Attributes: indices `(N, k)` into the searched pictures, nearest first; distances `(N, k)`."""

    indices: Tensor
    distances: Tensor


def vectors(
    net: Network | None, images: Tensor, *, space: str = "features", layer: str | None = None, batch_size: int = 16
) -> Tensor:
    """One row per picture: its last-layer features (or those of `layer`), or its pixels.

    Args:
        net: the network; None is enough for pixels.
        images: `(N, 3, H, W)` in [0, 1].
        space: "features" or "pixels".
        layer: of the features; None for the network's last.
        batch_size: pictures at a time.

    Returns:
        `(N, D)` on the images' device.
    """
    check_choice("space", space, SPACES)
    check_positive(batch_size=batch_size)
    if space == "pixels":
        return check_images(None, images).flatten(1)
    if net is None:
        raise ValueError('space="features" needs a network; without one there are only space="pixels".')
    return features(net, images, layer=layer, batch_size=batch_size)


def neighbors(
    net: Network | None,
    images: Tensor,
    queries: Tensor | None = None,
    *,
    k: int = 5,
    space: str = "features",
    metric: str = "l2",
    layer: str | None = None,
    batch_size: int = 16,
) -> Neighbors:
    """The `k` pictures of a set that are nearest to each query.

    Args:
        net: the network whose features say what is near; None is enough for pixels.
        images: `(M, 3, H, W)` in [0, 1], the set that is searched.
        queries: `(N, 3, H, W)`; None asks for each picture of the set, which is then not its own neighbor.
        k: how many.
        space: "features" or "pixels".
        metric: "l2" or "cosine".
        layer: of the features; None for the network's last.
        batch_size: pictures at a time.

    Reference:
        Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep CNNs, NIPS 2012, section 6.1.
    """
    check_choice("metric", metric, METRICS)
    candidates = len(images) - (queries is None) if isinstance(images, Tensor) and images.ndim == 4 else None
    if candidates is not None and not 1 <= k <= max(candidates, 1):
        raise ValueError(f"k must be a whole number from 1 to {candidates}, the pictures there are to find; not {k}.")
    options = {"space": space, "layer": layer, "batch_size": batch_size}
    found = vectors(net, images, **options)
    asked = None if queries is None else vectors(net, queries, **options)
    if asked is not None and asked.shape[1] != found.shape[1]:
        raise ValueError(
            f"pictures of {tuple(images.shape[2:])} and queries of {tuple(queries.shape[2:])} differ in size."
        )
    measure = l2_distances if metric == "l2" else cosine_distances
    table = measure(found) if asked is None else measure(asked, found)
    return Neighbors(*nearest(table, k, exclude_self=queries is None))


@dataclass(frozen=True)
class Crops:
    """Several pictures of each object.

    Attributes:
        images: `(N, 3, size, size)` in [0, 1].
        objects: `(N,)` int64, which object each picture shows.
        variants: N names from `VARIANTS`.
        names: the objects' names.
    """

    images: Tensor
    objects: Tensor
    variants: list[str]
    names: list[str]


def crop_set(
    names: Sequence[str] | None = None, *, variants: Sequence[str] = VARIANTS, size: int = 224, shift: float = 0.22
) -> Crops:
    """The elephant experiment with gallery photos: the same object left, right, flipped, cropped and recolored.

    Args:
        names: gallery photos; None for all of them.
        variants: which of "whole" (the middle), "left" and "right" (the object stands left or right of the middle),
            "flipped" (a mirror image), "cropped" (the inner two thirds, enlarged), "recolored" (red becomes green, green
            blue, blue red).
        size: side of the pictures in pixels.
        shift: how far left and right lie from the middle, as a share of the width.

    Returns:
        `Crops`, object by object in the order of `variants`.
    """
    for variant in variants:
        check_choice("variant", variant, VARIANTS)
    if not 0 <= shift <= 0.5:
        raise ValueError(f"shift must be between 0 and 0.5, not {shift}.")
    check_positive(size=size)
    known = gallery()
    photos = [known(name) for name in (known.names if names is None else names)]
    if not photos or not variants:
        raise ValueError("a crop set needs at least one photo and one variant.")
    images = []
    for one in photos:
        # Loaded wider than needed: moving the window then brings in what the photo really shows there.
        step = round(shift * size)
        wide = load_image(one.path, (size, size + 2 * step))
        whole = wide[..., step : step + size]
        inner = round(size / 6)
        made = {
            "whole": whole,
            "left": wide[..., 2 * step :],
            "right": wide[..., :size],
            "flipped": whole.flip(3),
            "cropped": resize(whole[..., inner : size - inner, inner : size - inner], size),
            "recolored": whole[:, [2, 0, 1]],
        }
        images += [made[variant] for variant in variants]
    objects = torch.arange(len(photos)).repeat_interleave(len(variants))
    return Crops(torch.cat(images), objects, list(variants) * len(photos), [p.name for p in photos])


def recall_at_k(distances: Tensor, objects: Tensor | Sequence[int], k: int = 5) -> Tensor:
    """Of all other pictures of the same object, the share that is among the `k` nearest.

    With 6 pictures of each object and `k=5`, a perfect space reaches 1: the five nearest are the five others.

    Args:
        distances: `(N, N)` between the pictures of a set.
        objects: `(N,)`, which object each picture shows.
        k: how many neighbors are looked at.

    Returns:
        `(N,)` in [0, 1], one per picture; its mean is the recall of the space.
    """
    objects = torch.as_tensor(objects, device=distances.device)
    if objects.shape != distances.shape[:1]:
        raise ValueError(f"{len(distances)} pictures but {tuple(objects.shape)} objects.")
    indices, _ = nearest(distances, k, exclude_self=True)
    others = (objects[:, None] == objects[None]).sum(1) - 1
    if (others == 0).any():
        alone = objects[others == 0][0].item()
        raise ValueError(f"object {alone} has only one picture, so there is no other one to find.")
    return (objects[indices] == objects[:, None]).sum(1) / others


def show_neighbors(
    images: Tensor,
    indices: Tensor,
    queries: Sequence[int] | None = None,
    *,
    query_images: Tensor | None = None,
    objects: Tensor | Sequence[int] | None = None,
    framed: Sequence[bool] | Tensor | None = None,
    distances: Tensor | None = None,
    labels: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    width: float = WIDTH,
) -> Figure:
    """Each row: a picture, then its neighbors, nearest first; framed green if they show the same object, else red.

    Args:
        images: `(M, 3, H, W)`, the searched set.
        indices: `(N, k)` from `neighbors`.
        queries: which rows of `indices` to show; None for all.
        query_images: the pictures asked for, if they are not the set itself.
        objects: `(M,)`, which object each picture shows; without it there are no frames. The queries are the set itself.
        framed: M booleans in place of `objects`, if all queries show the same: True for green.
        distances: `(N, k)`; written above the pictures.
        labels: one line per shown row, above its query.
        names: M names, written above the neighbors if there are no distances.
        title: one line above all.
        width: of the figure in inches.
    """
    rows = list(range(len(indices))) if queries is None else list(queries)
    k = indices.shape[1]
    aspect = images.shape[2] / images.shape[3] + (0.14 if distances is not None or labels or names else 0.03)
    figure, axes = new_figure(len(rows), k + 1, width=width, aspect=aspect)
    asked = images if query_images is None else query_images
    for place, row in enumerate(rows):
        axes[place, 0].imshow(to_array(asked[row]).clip(0, 1))
        axes[place, 0].set_title(labels[place] if labels else "asked for", fontsize=8, pad=3)
        for rank, (ax, index) in enumerate(zip(axes[place, 1:], indices[row].tolist(), strict=True)):
            ax.imshow(to_array(images[index]).clip(0, 1))
            if distances is not None:
                ax.set_title(f"{distances[row, rank].item():.3g}", fontsize=7, pad=2)
            elif names is not None:
                ax.set_title(names[index], fontsize=7, pad=2)
            if objects is not None or framed is not None:
                same = bool(framed[index]) if framed is not None else int(objects[index]) == int(objects[row])
                for side in ax.spines.values():
                    side.set(color="#2a9d3a" if same else "#d1453b", linewidth=3)
        for number, ax in enumerate(axes[place]):
            ax.set_xticks([])
            ax.set_yticks([])
            if number == 0 or (objects is None and framed is None):
                ax.axis("off")
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def show_distances(
    distances: Tensor, objects: Tensor | Sequence[int] | None = None, *, title: str | None = None, width: float = 4.0
) -> Figure:
    """A table of distances as a picture: dark is near. Pictures of one object lie together in blocks on the diagonal."""
    table = distances.detach().float().cpu().numpy()
    figure, axes = new_figure(width=width, aspect=1.08)
    off = table[~torch.eye(len(table), dtype=torch.bool).numpy()] if table.shape[0] == table.shape[1] else table
    axes[0, 0].imshow(table, cmap="magma", vmin=off.min(), vmax=off.max())
    axes[0, 0].axis("off")
    if objects is not None:
        cuts = torch.nonzero(torch.diff(torch.as_tensor(objects)))[:, 0].tolist()
        for cut in cuts:
            axes[0, 0].axhline(cut + 0.5, color="white", linewidth=0.3)
            axes[0, 0].axvline(cut + 0.5, color="white", linewidth=0.3)
    if title:
        axes[0, 0].set_title(title, fontsize=9)
    return figure


def _check_rows(x: Tensor, name: str, other: Tensor | None = None) -> Tensor:
    if not isinstance(x, Tensor) or x.ndim != 2:
        given = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"{name} must be a tensor of shape (N, D), one row per picture; not {given}. Try flatten(1).")
    if not x.is_floating_point():
        raise TypeError(f"{name} must be floating point, not {x.dtype}.")
    if x.numel() == 0:
        raise ValueError(f"{name} is empty (shape {tuple(x.shape)}).")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} contains NaN or infinity.")
    if other is not None and x.shape[1] != other.shape[1]:
        raise ValueError(f"rows of {other.shape[1]} and of {x.shape[1]} numbers cannot be compared.")
    return x.detach() if other is None else x.detach().to(other)
