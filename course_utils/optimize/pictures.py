"""What an optimizer turns the knobs of: pixels, frequencies of the picture, or only the phases of its waves.

A parameterization says three things: where the parameter `z` begins, which pictures belong to a `z`, and how far `z`
may go. What changes from one to the other is which way is downhill; the pictures are of the same kind.

Parameters are at least float32, also for a network in half precision: a Fourier transform and an optimizer need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.networks.network import Network
from course_utils.networks.weights import own_weights
from course_utils.validate import check_choice, check_not_negative, check_number, check_positive, precise, shown

# Square root of the covariance of the colors of ImageNet pixels (lucid's numbers), largest column of length 1. Its
# columns: light and dark, red against blue, green against both.
COLORS = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLORS = COLORS / COLORS.norm(dim=0).max()


@dataclass(frozen=True, eq=False)
class Pixels:
    """The pixels themselves, counted from the network's mean color: there, 0 is what the network sees as nothing.

    Args:
        start: "zero" (the mean color), "noise", or images `(N, 3, H, W)` in [0, 1].
        noise: standard deviation of the noise. The default is Yosinski's, 10 of 255.

    Raises:
        ValueError, TypeError: a noise that is no number, or negative.
    """

    start: str | Tensor = "zero"
    noise: float = 10 / 255

    def __post_init__(self):
        check_not_negative(noise=self.noise)

    def begin(self, net: Network, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """The first parameter, `(N, 3, H, W)`.

        Args:
            net: the network that will see the pictures.
            count: how many pictures, where `start` does not say it.
            size: (height, width), where `start` does not say it.
            generator: of the noise.

        Raises:
            ValueError: an unknown start.
        """
        mean = precise(net.mean)
        if isinstance(self.start, Tensor):
            return self.start.detach().to(mean) - mean
        check_choice("start", self.start, ("zero", "noise"))
        shape = (count, net.channels, *size)
        if self.start == "zero":
            return torch.zeros(shape).to(mean)
        return (self.noise * torch.randn(shape, generator=generator, dtype=torch.float64)).to(mean)

    def images(self, net: Network, z: Tensor, size: tuple[int, int]) -> Tensor:
        """The pictures of a parameter.

        Args:
            net: the network that will see them.
            z: the parameter, as `begin` gives it.
            size: (height, width) of the pictures.
        """
        return z + net.mean

    def limit(self, net: Network, z: Tensor) -> Tensor:
        """The nearest parameter whose pictures lie in [0, 1]."""
        mean = precise(net.mean)
        return torch.minimum(torch.maximum(z, -mean), 1 - mean)


@dataclass(frozen=True, eq=False)
class Fourier:
    """Fourier coefficients, low frequencies scaled up as in photos, of three decorrelated colors.

    The picture is the same kind of thing as before. What changes is which way is uphill: a step now moves coarse and
    fine structure alike, where a step in pixels is nearly all fine noise.

    Args:
        start: "noise", or images `(N, 3, H, W)` in [0, 1]; black and white pixels hardly move, a pale picture is
            better.
        noise: standard deviation of the first coefficients.
        decay: coefficients are divided by `frequency ** decay`. Photos have about 1; a little more leaves less of the
            fine noise that only one network believes in, much more gives glaring colors.
        decorrelate: colors of photos (light, red against blue, green against both), else red, green and blue. A network
            that does not take three colors has its channels as they are.

    Raises:
        ValueError, TypeError: a noise that is no number, or negative; a decay that is none.
    """

    start: str | Tensor = "noise"
    noise: float = 0.01
    decay: float = 1.25
    decorrelate: bool = True

    def __post_init__(self):
        check_not_negative(noise=self.noise)
        check_number(decay=self.decay)

    def begin(self, net: Network, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """The first parameter, `(N, 3, H, W // 2 + 1, 2)`: real and imaginary parts.

        Args:
            net, count, size, generator: as in `Pixels.begin`.

        Raises:
            ValueError: an unknown start.
        """
        mean = precise(net.mean)
        if isinstance(self.start, Tensor):
            colors = self.start.detach().to(mean).clamp(0.02, 0.98).logit()
            if self.decorrelate and colors.shape[1] == 3:
                colors = (COLORS.to(colors).inverse() @ colors.flatten(2)).view_as(colors)
            spectrum = torch.view_as_real(torch.fft.rfft2(4 * colors, norm="ortho"))
            return spectrum / fall_off(*size, self.decay).to(spectrum)
        check_choice("start", self.start, ("noise",))
        shape = (count, net.channels, size[0], size[1] // 2 + 1, 2)
        return (self.noise * torch.randn(shape, generator=generator, dtype=torch.float64)).to(mean)

    def images(self, net: Network, z: Tensor, size: tuple[int, int]) -> Tensor:
        """The pictures of a parameter, in (0, 1).

        Args:
            net, z, size: as in `Pixels.images`.
        """
        spectrum = torch.view_as_complex(z * fall_off(*size, self.decay).to(z))
        colors = torch.fft.irfft2(spectrum, s=size, norm="ortho") / 4  # 4: lucid's, so that steps suit Adam
        if self.decorrelate and colors.shape[1] == 3:
            colors = (COLORS.to(z) @ colors.flatten(2)).view_as(colors)
        return colors.sigmoid()

    def limit(self, net: Network, z: Tensor) -> Tensor:
        """Every parameter has pictures in (0, 1)."""
        return z


@dataclass(frozen=True, eq=False)
class Phase:
    """Only the phases of the Fourier coefficients: where each wave lies. How high it is stays as in photos, on average.

    So nothing can pile up in the fine waves, or in the colors, and no regularizer is needed. The heights, and the
    colors, are those of the gallery's photos (`photo_spectrum`).

    Args:
        start: "noise", phases that are all equally likely; or images `(N, 3, H, W)` in [0, 1], of which only the phases
            are taken.
        contrast: 1 for that of photos.

    Raises:
        ValueError, TypeError: a contrast that is not greater than 0.

    Reference:
        Fel et al.: Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization,
        NeurIPS 2023.
    """

    start: str | Tensor = "noise"
    contrast: float = 1.0

    def __post_init__(self):
        check_positive(contrast=self.contrast)

    def begin(self, net: Network, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """The first parameter, `(N, 3, H, W // 2 + 1)`: phases from -pi to pi.

        Args:
            net, count, size, generator: as in `Pixels.begin`.

        Raises:
            ValueError: an unknown start.
        """
        mean = precise(net.mean)
        if isinstance(self.start, Tensor):
            colors = self.start.detach().to(mean).clamp(0.02, 0.98).logit() / 4 + 0.5
            middle, mixing = photo_colors(colors.shape[1])
            apart = mixing.to(mean).inverse() @ (colors - middle.to(mean)).flatten(2)
            return torch.fft.rfft2(apart.view_as(colors)).angle()
        check_choice("start", self.start, ("noise",))
        shape = (count, net.channels, size[0], size[1] // 2 + 1)
        return (torch.pi * (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1)).to(mean)

    def images(self, net: Network, z: Tensor, size: tuple[int, int]) -> Tensor:
        """The pictures of a parameter, in (0, 1).

        Args:
            net, z, size: as in `Pixels.images`.
        """
        heights, phases = photo_spectrum(*size, z.shape[1]).to(z), _mirrored(z, size[1])
        waves = torch.complex(heights * phases.cos(), heights * phases.sin())
        apart = torch.fft.irfft2(waves, s=size, norm="ortho")
        middle, mixing = photo_colors(z.shape[1])
        colors = middle.to(z) + self.contrast * (mixing.to(z) @ apart.flatten(2)).view_as(apart)
        return (4 * (colors - 0.5)).sigmoid()  # nearly `colors` itself, and never outside of (0, 1)

    def limit(self, net: Network, z: Tensor) -> Tensor:
        """Every parameter has pictures in (0, 1)."""
        return z


def _mirrored(phases: Tensor, width: int) -> Tensor:
    """The phases of a real picture: where a column holds a wave and its mirror image, one is minus the other."""
    return torch.where(_both(width).to(phases.device), (phases - phases.flip(2).roll(1, 2)) / 2, phases)


def _both(width: int) -> Tensor:
    """Which columns of `rfft2` hold each wave and its mirror image: the first and, if the width is even, the last."""
    columns = torch.arange(width // 2 + 1)
    return (columns == 0) | (2 * columns == width)


@dataclass(frozen=True, eq=False)
class Smooth:
    """What is added to a picture, low frequencies amplified: one moves as far as `1 / frequency^smoothness`.

    Every picture can be reached, so the minimum is where it was. L-BFGS gets there in about half the steps, since broad
    areas no longer wait. The pictures are not cut off at 0 and 1: L-BFGS's model of the loss is a smooth one.

    Args:
        start: images `(N, 3, H, W)`, to which the parameter adds.
        smoothness: 0 for plain pixels.

    Raises:
        ValueError, TypeError: a start that is no batch of images, or a smoothness that is no number.

    Reference:
        Olah, Mordvintsev, Schubert: Feature Visualization, Distill 2017, on preconditioning.
    """

    start: Tensor
    smoothness: float = 0.5

    def __post_init__(self):
        if not isinstance(self.start, Tensor):
            raise TypeError(f"Smooth adds to images (N, 3, H, W), so start must be these, not {shown(self.start)}.")
        check_number(smoothness=self.smoothness)

    def begin(self, net: Network, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """Zeros, `(N, 3, H, W)`.

        Args:
            net, count, size, generator: as in `Pixels.begin`; not needed here.
        """
        return torch.zeros_like(self.start, dtype=precise(self.start).dtype)

    def images(self, net: Network, z: Tensor, size: tuple[int, int]) -> Tensor:
        """The pictures of a parameter.

        Args:
            net, z, size: as in `Pixels.images`.
        """
        scale = fall_off(*size, self.smoothness)[..., 0].to(z)
        scale = scale / scale.square().mean().sqrt()
        # 255: a parameter of 1 is one step of an 8-bit pixel
        return self.start.detach() + torch.fft.irfft2(torch.fft.rfft2(z) * scale, s=size) / 255

    def limit(self, net: Network, z: Tensor) -> Tensor:
        """No limit."""
        return z


Picture = Pixels | Fourier | Phase | Smooth


@lru_cache(maxsize=8)
def fall_off(height: int, width: int, power: float) -> Tensor:
    """`1 / frequency ** power` for each coefficient of `rfft2`, `(H, W // 2 + 1, 1)`."""
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = torch.hypot(rows, columns).clamp(min=1 / max(height, width))
    return (frequency**-power)[:, :, None]


def photo_colors(channels: int = 3) -> tuple[Tensor, Tensor]:
    """The mean color of photos, and three directions of color that are independent there.

    Args:
        channels: of the pictures; if they are not three, each of them has the brightness of photos.

    Returns:
        `(1, channels, 1, 1)` and `(channels, channels)`, its columns as long as the colors' standard deviation.
    """
    measured = own_weights("photo_spectrum")
    middle, mixing = measured["mean"], measured["mixing"]
    if channels != 3:
        middle, mixing = middle.mean().expand(channels), mixing[:, 0].mean() * torch.eye(channels)
    return middle.view(1, channels, 1, 1), mixing


@lru_cache(maxsize=8)
def photo_spectrum(height: int, width: int, channels: int = 3) -> Tensor:
    """How high the waves of photos are, on average: the sizes of the coefficients of `rfft2(..., norm="ortho")`.

    The table was measured on the gallery's photos (`course_utils.training.photo_spectrum`), and is read at the
    frequencies of a picture of this size.

    Args:
        height, width: of the picture.
        channels: of the picture; if they are not three, all are like the first, light and dark.

    Returns:
        `(channels, height, width // 2 + 1)`; each color has mean 0 and variance 1, whatever the phases are.
    """
    table = own_weights("photo_spectrum")["log_sizes"].float()
    table = table if channels == 3 else table[:1].expand(channels, -1, -1)
    rows, columns = torch.fft.fftfreq(height).abs(), torch.fft.rfftfreq(width)
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], -1)  # (H, W // 2 + 1, 2): x, then y
    sizes = F.grid_sample(table[None], (4 * places - 1)[None], align_corners=True)[0].exp()  # 0 to 0.5 are -1 to 1
    sizes[:, 0, 0] = 0
    twice = 2 - _both(width).float()  # other columns stand for two waves: themselves and their mirror images
    variance = (sizes.square() * twice).sum((1, 2), keepdim=True) / (height * width)
    return sizes / variance.sqrt().clamp(min=torch.finfo(sizes.dtype).tiny)
