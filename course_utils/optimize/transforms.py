"""Small random changes of the picture before each step, so that what is drawn survives them.

Shift, scale and rotation are one matrix each. Their product is applied at once: the picture is resampled once, which is
faster and blurs less than one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.validate import check_not_negative, check_number, check_positive, check_whole, shown


@dataclass(frozen=True)
class Pad:
    """A border of `pixels` on each side, of gray level `value`; what moves in from outside is gray too.

    Raises:
        ValueError, TypeError: a border that is no whole number, or negative; a gray level that is no number.
    """

    pixels: int = 12
    value: float = 0.5

    def __post_init__(self):
        check_whole(least=0, pixels=self.pixels)
        check_number(value=self.value)


@dataclass(frozen=True)
class Jitter:
    """A shift by up to `pixels` in each direction.

    Raises:
        ValueError, TypeError: a shift that is no number, or negative.
    """

    pixels: float = 8

    def __post_init__(self):
        check_not_negative(pixels=self.pixels)

    def matrix(self, draw: Tensor) -> Tensor:
        """`(3, 3)`, from a pixel of the result to a pixel of the picture, for two numbers from -1 to 1."""
        return torch.tensor([[1, 0, self.pixels * draw[0]], [0, 1, self.pixels * draw[1]], [0, 0, 1]])


@dataclass(frozen=True)
class Roll:
    """A shift by up to `pixels` whole pixels in each direction, in a circle: what leaves comes back opposite.

    Raises:
        ValueError, TypeError: a shift that is no whole number, or negative.
    """

    pixels: int = 16

    def __post_init__(self):
        check_whole(least=0, pixels=self.pixels)

    def rolled(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """`(N, C, H, W)`, all moved by the same draw."""
        shift = torch.randint(-self.pixels, self.pixels + 1, (2,), generator=generator).tolist()
        return images.roll(shift, (2, 3))


@dataclass(frozen=True)
class Scale:
    """Larger or smaller by a factor between `low` and `high`, about the middle.

    Raises:
        ValueError, TypeError: factors that are not greater than 0, or not in their order.
    """

    low: float = 0.9
    high: float = 1.1

    def __post_init__(self):
        check_positive(low=self.low, high=self.high)
        if self.low > self.high:
            raise ValueError(f"low must not exceed high; not {self.low}, {self.high}.")

    def matrix(self, draw: Tensor) -> Tensor:
        """`(3, 3)`, from a pixel of the result to a pixel of the picture, for two numbers from -1 to 1."""
        factor = self.low + (self.high - self.low) * (draw[0].item() + 1) / 2
        return torch.diag(torch.tensor([1 / factor, 1 / factor, 1.0]))


@dataclass(frozen=True)
class Rotate:
    """A rotation by up to `degrees` to either side, about the middle.

    Raises:
        ValueError, TypeError: an angle that is no number, or negative.
    """

    degrees: float = 10

    def __post_init__(self):
        check_not_negative(degrees=self.degrees)

    def matrix(self, draw: Tensor) -> Tensor:
        """`(3, 3)`, from a pixel of the result to a pixel of the picture, for two numbers from -1 to 1."""
        angle = math.radians(self.degrees * draw[0].item())
        cos, sin = math.cos(angle), math.sin(angle)
        return torch.tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


@dataclass(frozen=True)
class CenterBias:
    """The picture as it is, but its gradient is weakened away from the middle: one object there, not many all over.

    The weight is a Gaussian whose standard deviation is `width` times the side.

    Raises:
        ValueError, TypeError: a width that is not greater than 0.
    """

    width: float = 0.3

    def __post_init__(self):
        check_positive(width=self.width)

    def masked(self, images: Tensor) -> Tensor:
        """The same `(N, C, H, W)`, with another gradient."""
        rows, columns = (torch.linspace(-0.5, 0.5, n) for n in images.shape[2:])
        distance = rows[:, None] ** 2 + columns[None] ** 2
        mask = torch.exp(-distance / (2 * self.width**2)).to(images)
        return images * mask + (images * (1 - mask)).detach()


@dataclass(frozen=True)
class Crop:
    """A random square piece, resized: objects must be there at many sizes and places.

    Args:
        smallest, largest: of its side, as shares of the picture's shorter side.
        size: side of what the network sees, in pixels; None for the picture's shorter side.

    Raises:
        ValueError, TypeError: shares that are not greater than 0, in their order and at most 1; no whole number of
            pixels.
    """

    smallest: float = 0.5
    largest: float = 1.0
    size: int | None = None

    def __post_init__(self):
        check_positive(smallest=self.smallest, largest=self.largest)
        if not self.smallest <= self.largest <= 1:
            raise ValueError(f"smallest must not exceed largest, nor largest 1; not {self.smallest}, {self.largest}.")
        if self.size is not None:
            check_whole(size=self.size)

    def seen(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """What the network sees, `(N, C, H', W')`, all of the same draw."""
        shorter = min(images.shape[2:])
        share, down, right = torch.rand(3, generator=generator).tolist()
        side = max(1, round(shorter * (self.smallest + (self.largest - self.smallest) * share)))
        top, left = (int(at * (length - side + 1)) for at, length in zip((down, right), images.shape[2:], strict=True))
        piece = images[:, :, top : top + side, left : left + side]
        return F.interpolate(piece, size=[self.size or shorter] * 2, mode="bilinear", antialias=True)


@dataclass(frozen=True)
class Noise:
    """Gaussian noise on every number, of standard deviation `deviation`: what is drawn must stand out of it.

    Raises:
        ValueError, TypeError: a negative deviation.
    """

    deviation: float = 0.1

    def __post_init__(self):
        check_not_negative(deviation=self.deviation)

    def seen(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """What the network sees, `(N, C, H', W')`, all of the same draw."""
        noise = torch.randn(images.shape[1:], generator=generator).to(images)  # of a batch: the same for all
        return images + self.deviation * noise


Transform = Pad | Jitter | Roll | Scale | Rotate | CenterBias | Crop | Noise
CROPS = (Crop(0.5, 1.0, size=160), Noise(0.1))
ROBUST = (Pad(8), Jitter(16), Scale(0.75, 1.25), Rotate(15))


def transform(images: Tensor, transforms: Sequence[Transform], generator: torch.Generator) -> Tensor:
    """Apply transforms to a batch; all its images get the same draw.

    Args:
        images: `(N, C, H, W)`.
        transforms: any of `Pad`, `Jitter`, `Roll`, `Scale`, `Rotate`, `CenterBias`, `Crop` and `Noise`; shift, scale
            and rotation in their order, after `Roll` and `CenterBias`; then `Crop` and `Noise` in their order.
        generator: of the random draws, on the CPU.

    Returns:
        `(N, C, H', W')`, larger than before by what `Pad` adds, or of the size that `Crop` says.

    Raises:
        TypeError: something that is not a transform.
    """
    matrix, moved, border, outside, last = torch.eye(3), False, 0, None, []
    for one in transforms:
        if hasattr(type(one), "seen"):  # of its type: `Crop` itself, without parentheses, is no transform
            last.append(one)
        elif isinstance(one, CenterBias):
            images = one.masked(images)
        elif isinstance(one, Roll):
            images = one.rolled(images, generator)
        elif isinstance(one, Pad):
            border, outside = border + one.pixels, one.value
        elif hasattr(type(one), "matrix"):
            # From a pixel of the result to a pixel of the picture, so a later transform is multiplied from the right.
            matrix = matrix @ one.matrix(2 * torch.rand(2, generator=generator) - 1)
            moved = True
        else:
            raise TypeError(
                f"a transform is one of Pad(), Jitter(), Roll(), Scale(), Rotate(), CenterBias(), Crop(), Noise(); "
                f"not {shown(one)}."
            )
    images = _resampled(images, matrix if moved else None, border, outside)
    for one in last:
        images = one.seen(images, generator)
    return images


def _resampled(images: Tensor, matrix: Tensor | None, border: int, outside: float | None) -> Tensor:
    """The pictures moved by a matrix, with a border on each side; `outside` is its gray level, None mirrors."""
    if matrix is None:
        return F.pad(images, [border] * 4, value=outside) if border else images
    count, channels, height, width = images.shape
    size = (height + 2 * border, width + 2 * border)
    # affine_grid counts from -1 to 1 across the picture; the matrix counts pixels from the middle.
    pixels = torch.diag(torch.tensor([size[1] / 2, size[0] / 2, 1.0]))
    shares = torch.diag(torch.tensor([2 / width, 2 / height, 1.0]))
    theta = (shares @ matrix @ pixels)[None, :2].to(images)
    grid = F.affine_grid(theta, [1, channels, *size], align_corners=False)
    # One picture with N * C channels: the weights of the resampling are computed once for all.
    flat = images.reshape(1, count * channels, height, width)
    if outside is None:
        flat = F.grid_sample(flat, grid, padding_mode="reflection", align_corners=False)
    else:
        flat = F.grid_sample(flat - outside, grid, padding_mode="zeros", align_corners=False) + outside
    return flat.view(count, channels, *size)
