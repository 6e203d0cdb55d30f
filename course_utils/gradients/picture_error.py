"""How far a picture is from a photo, in three parts: coarse brightness, fine brightness, and color."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.validate import check_images, check_whole, precise

PARTS = ("luma coarse", "luma fine", "chroma")
LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue are to the eye (ITU-R BT.601)


def picture_error(pictures: Tensor, photos: Tensor, *, square: int = 8) -> Tensor:
    """How far pictures are from photos in three parts of them, relative to the size of each part in the photo.

    The luma of a pixel is its brightness, `0.299 R + 0.587 G + 0.114 B`. *Luma coarse* is the mean luma of each square
    of 8 x 8 pixels, *luma fine* is what the luma of each pixel differs from it, and *chroma* is what is left of a color
    when its luma is taken away from red, green and blue. The three add up to the picture.

    The error of a part is the root mean square of the difference, divided by the spread of the part in the photo (its
    root mean square when each channel's mean is taken away). 0 is the photo itself; 1 is what a picture gets that
    knows nothing but the mean: one even color, the photo's mean, has the errors 1, 1, 1. More than 1 is worse.

    Args:
        pictures: `(N, 3, H, W)` RGB in [0, 1].
        photos: what they should be, as many or one, of the same size.
        square: side of the squares in pixels; those at the right and at the bottom may be cut.

    Returns:
        `(N, 3)`, the errors in the order of `PARTS`. A part that varies less than 1/255 in the photo, as the chroma of
        a gray one, counts as 1/255.

    Raises:
        ValueError: no pictures, others than in color, a side that is none, or photos of another size or number.
    """
    pictures, photos = (
        precise(check_images(None, one, name=name)) for one, name in ((pictures, "pictures"), (photos, "photos"))
    )
    check_whole(square=square)
    if photos.shape[1:] != pictures.shape[1:] or len(photos) not in (1, len(pictures)):
        raise ValueError(
            f"photos have shape {tuple(photos.shape)}, and pictures {tuple(pictures.shape)}; they must have the same "
            "size, and there must be as many photos as pictures, or one."
        )
    errors = []
    for found, wanted in zip(_parts(pictures, square), _parts(photos.to(pictures), square), strict=True):
        spread = _rms(wanted - wanted.mean((2, 3), keepdim=True)).clamp_min(1 / 255)
        errors.append(_rms(found - wanted) / spread)
    return torch.stack(errors, 1)


def _parts(images: Tensor, square: int) -> tuple[Tensor, Tensor, Tensor]:
    """Luma coarse and luma fine, `(N, 1, H, W)`, and chroma, `(N, 3, H, W)`. Their sum are the images."""
    luma = (images * images.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)
    means = torch.nn.functional.avg_pool2d(luma, square, ceil_mode=True)  # a cut square's mean is that of its pixels
    coarse = means.repeat_interleave(square, 2).repeat_interleave(square, 3)[:, :, : luma.shape[2], : luma.shape[3]]
    return coarse, luma - coarse, images - luma


def _rms(values: Tensor) -> Tensor:
    """Root mean square of each, `(N,)`."""
    return values.square().flatten(1).mean(1).sqrt()
