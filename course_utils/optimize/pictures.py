"""What an optimizer turns the knobs of: pixels, or frequencies of the picture.

A parameterization says three things: where the parameter `z` begins, which pictures belong to a `z`, and how far `z`
may go. What changes from one to the other is which way is downhill; the pictures are of the same kind.

Parameters are at least float32, also for a network in half precision: a Fourier transform and an optimizer need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from course_utils.networks.network import Network
from course_utils.validate import check_choice, precise

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
    """

    start: str | Tensor = "zero"
    noise: float = 10 / 255

    def begin(self, net: Network, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """The first parameter, `(N, 3, H, W)`.

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
        """The pictures of a parameter."""
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
    """

    start: str | Tensor = "noise"
    noise: float = 0.01
    decay: float = 1.25
    decorrelate: bool = True

    def begin(self, net: Network, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """The first parameter, `(N, 3, H, W // 2 + 1, 2)`: real and imaginary parts.

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
        """The pictures of a parameter, in (0, 1)."""
        spectrum = torch.view_as_complex(z * fall_off(*size, self.decay).to(z))
        colors = torch.fft.irfft2(spectrum, s=size, norm="ortho") / 4  # 4: lucid's, so that steps suit Adam
        if self.decorrelate and colors.shape[1] == 3:
            colors = (COLORS.to(z) @ colors.flatten(2)).view_as(colors)
        return colors.sigmoid()

    def limit(self, net: Network, z: Tensor) -> Tensor:
        """Every parameter has pictures in (0, 1)."""
        return z


@dataclass(frozen=True, eq=False)
class Smooth:
    """What is added to a picture, low frequencies amplified: one moves as far as `1 / frequency^smoothness`.

    Every picture can be reached, so the minimum is where it was. L-BFGS gets there in about half the steps, since broad
    areas no longer wait. The pictures are not cut off at 0 and 1: L-BFGS's model of the loss is a smooth one.

    Args:
        start: images `(N, 3, H, W)`, to which the parameter adds.
        smoothness: 0 for plain pixels.

    Reference:
        Olah, Mordvintsev, Schubert: Feature Visualization, Distill 2017, on preconditioning.
    """

    start: Tensor
    smoothness: float = 0.5

    def begin(self, net: Network, count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """Zeros, `(N, 3, H, W)`."""
        return torch.zeros_like(self.start, dtype=precise(self.start).dtype)

    def images(self, net: Network, z: Tensor, size: tuple[int, int]) -> Tensor:
        """The pictures of a parameter."""
        scale = fall_off(*size, self.smoothness)[..., 0].to(z)
        scale = scale / scale.square().mean().sqrt()
        # 255: a parameter of 1 is one step of an 8-bit pixel
        return self.start.detach() + torch.fft.irfft2(torch.fft.rfft2(z) * scale, s=size) / 255

    def limit(self, net: Network, z: Tensor) -> Tensor:
        """No limit."""
        return z


Picture = Pixels | Fourier | Smooth


@lru_cache(maxsize=8)
def fall_off(height: int, width: int, power: float) -> Tensor:
    """`1 / frequency ** power` for each coefficient of `rfft2`, `(H, W // 2 + 1, 1)`."""
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = torch.hypot(rows, columns).clamp(min=1 / max(height, width))
    return (frequency**-power)[:, :, None]
