"""What single places of a layer see, cut out of the pictures: all of one size, and never stretched."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.engines.fields import ReceptiveField
from course_utils.validate import check_not_negative


def field_crops(images: Tensor, field: ReceptiveField, places: Tensor | Sequence, *, fill: float = 0.5) -> Tensor:
    """Cut the receptive field of one place out of each image.

    All crops have the field's size. Where a field reaches over the border of the image, the crop is filled up: so the
    neuron stands in the middle of each crop, and no crop is stretched.

    Args:
        images: `(N, C, H, W)`, any range: photos, or what was sent back to their pixels.
        field: of the layer, from `receptive_field(net, layer, size=(H, W))`.
        places: `(N, 2)`, row and column in the layer's map for each image, or one `(row, column)` for all.
        fill: the value outside of the image: 0.5 is the gray that the course gives to 0 in signed pictures.

    Returns:
        `(N, C, h, w)` with the field's height and width; the images themselves if every place sees all of them.

    Raises:
        ValueError: no such images, a field for images of another size, or not one place for each image inside of the
            map.

    Reference:
        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014 (figure 2 shows such patches).
    """
    check_not_negative(fill=fill)
    if not isinstance(images, Tensor) or images.ndim != 4:
        given = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(f"images must be a tensor of shape (N, C, H, W), not {given}.")
    if tuple(images.shape[2:]) != tuple(field.image):
        raise ValueError(f"the field is for images of {field.image}; these are {tuple(images.shape[2:])}.")
    images, points = images.detach(), torch.as_tensor(places)
    points = points.expand(len(images), 2) if points.ndim == 1 and points.numel() == 2 else points
    if points.shape != (len(images), 2) or points.is_floating_point():
        raise ValueError(f"places must be (row, column), or one for each of the {len(images)} images; not {places!r}.")
    if not field.rows:
        return images
    (height, width), bottom_right = field.size, images.shape[2:]
    crops = images.new_full((*images.shape[:2], height, width), fill)
    for number, point in enumerate(points.tolist()):
        if not (0 <= point[0] < len(field.rows) and 0 <= point[1] < len(field.columns)):
            raise ValueError(f"place {tuple(point)} is outside the map of {len(field.rows)}x{len(field.columns)}.")
        spans = []
        for axis, side in enumerate(bottom_right):
            first = field.start[axis] + point[axis] * field.stride[axis]
            begin, end = max(0, first), min(side, first + field.size[axis])
            spans.append((slice(begin, end), slice(begin - first, end - first)))
        (rows, into_rows), (columns, into_columns) = spans
        crops[number, :, into_rows, into_columns] = images[number, :, rows, columns]
    return crops
