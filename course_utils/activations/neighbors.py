"""Nearest neighbors: which pictures are alike, for the pixels and for the network (Krizhevsky et al., 2012, figure 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.activations.distances import cosine_distances, l2_distances, nearest
from course_utils.hooks import features
from course_utils.networks.network import Network
from course_utils.validate import check_choice, check_images, check_whole

METRICS = ("l2", "cosine")


SPACES = ("features", "pixels")


@dataclass(frozen=True)
class Neighbors:
    """Attributes: indices `(N, k)` into the searched pictures, nearest first; distances `(N, k)`."""

    indices: Tensor
    distances: Tensor


def vectors(
    net: Network | None, images: Tensor, layer: str | None = None, *, space: str = "features", batch_size: int = 16
) -> Tensor:
    """One row per picture: its last-layer features (or those of `layer`), or its pixels.

    Args:
        net: the network; None is enough for pixels.
        images: `(N, 3, H, W)` in [0, 1].
        layer: of the features; None for the network's last.
        space: "features" or "pixels".
        batch_size: pictures at a time.

    Returns:
        `(N, D)` on the images' device.

    Raises:
        ValueError: no such layer or space, or features without a network.
    """
    check_choice("space", space, SPACES)
    check_whole(batch_size=batch_size)
    if space == "pixels":
        return check_images(None, images, gray=True).flatten(1)
    if net is None:
        raise ValueError('space="features" needs a network; without one there are only space="pixels".')
    return features(net, images, layer=layer, batch_size=batch_size)


def neighbors(
    net: Network | None,
    images: Tensor,
    layer: str | None = None,
    *,
    queries: Tensor | None = None,
    k: int = 5,
    space: str = "features",
    metric: str = "l2",
    batch_size: int = 16,
) -> Neighbors:
    """The `k` pictures of a set that are nearest to each query.

    Args:
        net: the network whose features say what is near; None is enough for pixels.
        images: `(M, 3, H, W)` in [0, 1], the set that is searched.
        layer: of the features; None for the network's last.
        queries: `(N, 3, H, W)`; None asks for each picture of the set, which is then not its own neighbor.
        k: how many.
        space: "features" or "pixels".
        metric: "l2" or "cosine".
        batch_size: pictures at a time.

    Returns:
        `Neighbors`: numbers of pictures and their distances, nearest first.

    Raises:
        ValueError: `k` is larger than the number of pictures to find, queries of another size, or as in `vectors`.

    Reference:
        Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep CNNs, NIPS 2012, section 6.1.
    """
    check_choice("metric", metric, METRICS)
    check_whole(k=k)
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


def recall_at_k(distances: Tensor, objects: Tensor | Sequence[int], k: int = 5) -> Tensor:
    """Of all other pictures of the same object, the share that is among the `k` nearest.

    With 6 pictures of each object and `k=5`, a perfect space reaches 1: the five nearest are the five others.

    Args:
        distances: `(N, N)` between the pictures of a set.
        objects: `(N,)`, which object each picture shows.
        k: how many neighbors are looked at.

    Returns:
        `(N,)` in [0, 1], one per picture; its mean is the recall of the space.

    Raises:
        ValueError: the numbers do not fit, or an object has only one picture.
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
