"""Measures the colors and the waves of photos, which `Phase` keeps while it draws (lesson 09):

python -m course_utils.training.photo_spectrum
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from course_utils.images import gallery, photo
from course_utils.networks.weights import FOLDER, save_weights

SIDE, STEP = 192, 32  # pixels: of a piece, and between two pieces
NO_PHOTOS = {"hubble", "retina", "brick", "grass", "gravel", "camera", "coins", "text", "page"}  # gray, or no scene


def pieces(side: int = SIDE, step: int = STEP) -> Tensor:
    """Square pieces of the gallery's color photos, four of each, `(N, 3, side, side)` in [0, 1]."""
    whole = torch.cat([photo(name, side + step) for name in gallery().names if name not in NO_PHOTOS])
    corners = [(top, left) for top in (0, step) for left in (0, step)]
    return torch.cat([whole[:, :, top : top + side, left : left + side] for top, left in corners])


def measure_spectrum(photos: Tensor) -> dict[str, Tensor]:
    """The colors and the spectrum of photos.

    Args:
        photos: `(N, 3, S, S)` in [0, 1], S even.

    Returns:
        `mean` `(3,)`, the mean color; `mixing` `(3, 3)`, its columns are three directions of color that are
        independent in the photos, the strongest first, each as long as its standard deviation; `log_sizes`
        `(3, S // 2 + 1, S // 2 + 1)`, for each of them the logarithm of the mean size of the Fourier coefficients
        with rows and columns of frequency 0 to 0.5 (downward and upward waves together).
    """
    colors = photos.movedim(1, -1).flatten(0, 2).double()
    mean = colors.mean(0)
    directions, variances, _ = torch.linalg.svd(torch.cov(colors.T))
    directions = directions * directions.sum(0).sign()  # the first one points to white
    mixing = directions * variances.sqrt()
    apart = torch.einsum("ij,njhw->nihw", mixing.inverse(), photos.double() - mean[:, None, None])
    apart = apart - apart.mean((2, 3), keepdim=True)  # the mean color of a photo is none of its waves
    window = torch.hann_window(photos.shape[2], dtype=torch.float64)
    apart = apart * window[:, None] * window  # or the borders count as edges
    sizes = torch.fft.rfft2(apart, norm="ortho").abs().mean(0)
    half = photos.shape[2] // 2 + 1
    sizes = (sizes[:, :half] + sizes.flip(1).roll(1, 1)[:, :half]) / 2
    sizes[:, 0, 0] = (
        sizes[:, 0, 1] + sizes[:, 1, 0]
    ) / 2  # never used as it is: what lies beside it is read there, too
    return {"mean": mean.float(), "mixing": mixing.float(), "log_sizes": sizes.log().half()}


def main(folder: Path = FOLDER) -> str:
    """Measure the gallery's photos and write the file; returns its sha256."""
    return save_weights(measure_spectrum(pieces()), folder / "photo_spectrum.safetensors")


if __name__ == "__main__":
    print(main())
