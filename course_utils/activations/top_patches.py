"""Maximally activating patches: which parts of which photos make a channel answer most.

`plain_top_patches` sorts all answers of one channel; `top_patches` keeps the best of all channels while images stream
by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from course_utils.activations.feature_maps import feature_maps
from course_utils.engines.patch_pass import patches_over
from course_utils.engines.top_k import TopPatches
from course_utils.networks.network import Network
from course_utils.validate import check_whole

if TYPE_CHECKING:
    from distributed import Client


def plain_top_patches(
    net: Network,
    images: Tensor,
    layer: str,
    channel: int,
    *,
    k: int = 9,
    per_image: int | None = 1,
    photos: Sequence[int] | None = None,
    batch_size: int = 16,
) -> list[tuple[float, int, int, int]]:
    """The k places, over all images, where one channel answers most: sort all its answers.

    Args:
        net: the network.
        images: `(N, 3, H, W)` RGB in [0, 1].
        layer: a dotted path or alias, with feature maps.
        channel: which one.
        k: how many places.
        per_image: how many of them may lie in one image; None for any number.
        photos: for crops, the number of the photo from which each image was cut; `per_image` then counts for the photo.
        batch_size: images at a time.

    Returns:
        `(answer, image, row, column)` of each, best first; of equal answers the one that comes first.

    Raises:
        ValueError: no such layer or channel, or a layer without maps.
    """
    check_whole(k=k)
    check_whole(least=0, channel=channel)
    maps = feature_maps(net, images, layer, batch_size=batch_size)
    if not channel < maps.shape[1]:
        raise ValueError(f"layer {layer} has channels 0 to {maps.shape[1] - 1}, not {channel}.")
    maps = maps[:, channel]
    count, height, width = maps.shape
    places = [(n, y, x) for n in range(count) for y in range(height) for x in range(width)]
    answers = sorted(zip(maps.flatten().tolist(), places, strict=True), key=lambda one: -one[0])
    best, taken = [], Counter()
    for answer, (n, y, x) in answers:
        photo = n if photos is None else photos[n]
        if per_image is None or taken[photo] < per_image:
            taken[photo] += 1
            best.append((answer, n, y, x))
    return best[:k]


def top_patches(
    net: Network,
    images: Iterable | Tensor | str | Path,
    layer: str,
    *,
    channels: Sequence[int] | None = None,
    k: int = 9,
    per_image: int | None = 1,
    photos: Sequence[int] | Tensor | None = None,
    window: int | None = None,
    batch_size: int = 16,
    size: int = 224,
    progress: bool = True,
    client: Client | None = None,
    checkpoint: str | Path | None = None,
    chunk: int | None = None,
) -> TopPatches:
    """The k places, over all images, where each channel of a layer answers most.

    One pass; memory grows with channels x k, not with the number of images. Only where a channel beats its k-th best
    value so far is anything more than a maximum computed.

    Args:
        net: the network.
        images: `(N, 3, H, W)` in [0, 1]; or anything that gives such batches, single images `(3, H, W)` or paths of
            files, in any mix of sizes (a list, a generator, a DataLoader with or without labels); or a folder, whose
            broken files are skipped.
        layer: a dotted path or alias, with feature maps `(N, C, H, W)`.
        channels: which channels; None for all.
        k: how many patches for each channel.
        per_image: how many of them may come from one image; None for any number (neighbors then crowd in).
        photos: if the images are crops, the number of the photo from which each was cut, such as `Tiles.photos`.
            `per_image` then counts for the photo: crops of one photo do not fill a row.
        window: cut patches of so many pixels a side from the middle of the receptive field; None for the whole field. A
            deep field is often larger than the photo, and most of the effect comes from its middle (`effective_field`).
        batch_size: images at a time.
        size: side to which the pictures of a folder are cut.
        progress: whether to show a bar. An interrupted run returns what it has.
        client: of Dask's workers (`course_utils.cluster.workers`), which share the images and read files themselves;
            None for this process. The result is the same, to the bit, on processors of one kind.
        checkpoint: a file from which the same call goes on, if this one does not come to its end.
        chunk: how many images a worker gets at a time; None for 256 files.

    Returns:
        A `TopPatches`. With fewer than k answers, the rest of a row has value -inf and image -1.

    Raises:
        ValueError: no images, no such layer or channel, a layer without feature maps, k larger than the number of
            images (or photos) if `per_image` is 1 and that number is known, or not one number in
            `photos` for each image.
        CourseError: a worker that cannot take part, a scheduler that is gone, or another run's checkpoint.

    Reference:
        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014 (the patches beside the
        deconvnet).
    """
    options = {"channels": channels, "k": k, "per_image": per_image, "photos": photos, "window": window}
    options |= {"batch_size": batch_size, "size": size, "progress": progress}
    over = patches_over(net, images, layer, **options, client=client, checkpoint=checkpoint, chunk=chunk)
    over.warn(images)
    if over.found is None:
        raise ValueError("there are no images to look at.")
    return over.found
