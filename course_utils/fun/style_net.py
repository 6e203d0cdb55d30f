"""The network of fast style transfer: convolutions that all styles share, and norms that know the styles.

Johnson et al., Perceptual Losses for Real-Time Style Transfer, ECCV 2016 (the network); Ulyanov et al., Instance
Normalization, 2016; Dumoulin et al., A Learned Representation for Artistic Style, ICLR 2017 (one pair of rows gamma,
beta for each style).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.fun.instance_norm import NORM_LAYERS
from course_utils.validate import check_choice

STYLE_NAMES = ("night", "glass", "waves", "mosaic", "ink", "geometry", "dots", "woodcut")
WIDTHS = (24, 48, 96)
BLOCKS = 8
LEAST = 16  # pixels of the shorter side: at a quarter of the size, reflection still has something to reflect
OVERSHOOT = 0.05  # how far the soft limit of a pixel lies beyond black and white, so that both can be reached


class Layer(nn.Module):
    """Enlarged twice or not; reflection padding, convolution, norm and (unless it ends a residual block) ReLU."""

    def __init__(self, styles, inputs, outputs, side, *, norm, stride=1, up=False, relu=True):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, side, stride, bias=False)  # the norm would take a bias away
        self.norm = NORM_LAYERS[norm](styles, outputs)
        self.up, self.relu = up, relu

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        if self.up:  # repeats every pixel: a transposed convolution would leave a checkerboard
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        margin = self.convolution.kernel_size[0] // 2
        x = self.norm(self.convolution(F.pad(x, (margin,) * 4, mode="reflect")), mix)
        return F.relu(x, inplace=True) if self.relu else x


class Block(nn.Module):
    """A residual block: what two layers add to their input."""

    def __init__(self, styles, channels, *, norm):
        super().__init__()
        self.one = Layer(styles, channels, channels, 3, norm=norm)
        self.two = Layer(styles, channels, channels, 3, norm=norm, relu=False)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        return x + self.two(self.one(x, mix), mix)


class StyleNet(nn.Module):
    """Pictures in, repainted pictures out, in one pass: to a quarter of the size, residual blocks, and back.

    Slimmer than Johnson et al.'s network (32, 64, 128 channels), with three things that save training: the features on
    the way down are added on the way up; the last layer says what to *change* about the photo (after a color matrix of
    the style), so that an untrained network returns its input; and all convolutions are shared by all styles, which own
    only rows of `gamma` and `beta` and a color matrix.

    Args:
        styles: the names of the styles, in the order of the rows.
        widths: channels at the full, the half and the quarter size.
        blocks: number of residual blocks.
        norm: "instance", or "batch" (for comparison; it cannot tell styles apart).

    Attributes:
        styles: the names.

    Raises:
        ValueError: no styles, or no such norm.
    """

    def __init__(
        self,
        styles: Sequence[str] = STYLE_NAMES,
        *,
        widths: Sequence[int] = WIDTHS,
        blocks: int = BLOCKS,
        norm: str = "instance",
    ):
        super().__init__()
        check_choice("norm", norm, list(NORM_LAYERS))
        if not styles or isinstance(styles, str):
            raise ValueError("styles must be a list of one or more names.")
        self.styles = tuple(styles)
        count, (full, half, quarter) = len(self.styles), widths
        self.first = Layer(count, 3, full, 5, norm=norm)
        self.down_1 = Layer(count, full, half, 3, norm=norm, stride=2)
        self.down_2 = Layer(count, half, quarter, 3, norm=norm, stride=2)
        self.blocks = nn.ModuleList(Block(count, quarter, norm=norm) for _ in range(blocks))
        self.up_1 = Layer(count, quarter, half, 3, norm=norm, up=True)
        self.up_2 = Layer(count, half, full, 3, norm=norm, up=True)
        self.last = nn.Conv2d(full, 3, 5)
        self.color = nn.Parameter(torch.eye(3).repeat(count, 1, 1))  # (styles, 3, 3)
        self.shift = nn.Parameter(torch.zeros(count, 3))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, images: Tensor, mix: Tensor | None = None) -> Tensor:
        """Repaint pictures.

        Args:
            images: `(N, 3, H, W)` in [0, 1], both sides at least 16 pixels.
            mix: `(N, styles)`, the share of each style; a row with a single 1 is a single style. A network with one
                style needs none.

        Returns:
            `(N, 3, H, W)` in [0, 1]. Where the limits 0 and 1 cut something off, the gradient passes as if they did
            not.

        Raises:
            ValueError: pictures that are too small, or no mix for several styles.
        """
        if mix is None:
            if len(self.styles) > 1:
                raise ValueError(f"this network has {len(self.styles)} styles: say in which mix of them it paints.")
            mix = torch.ones(len(images), 1).to(images)
        height, width = images.shape[2:]
        if min(height, width) < LEAST:
            raise ValueError(f"images of {height}x{width} pixels are too small; the smallest size is {LEAST}x{LEAST}.")
        x = F.pad(images, (0, -width % 4, 0, -height % 4), mode="reflect")
        a = self.first(2 * x - 1, mix)
        b = self.down_1(a, mix)
        c = self.down_2(b, mix)
        for block in self.blocks:
            c = block(c, mix)
        d = self.up_2(self.up_1(c, mix) + b, mix) + a
        change = self.last(F.pad(d, (2, 2, 2, 2), mode="reflect"))
        raw = torch.logit((x + OVERSHOOT) / (1 + 2 * OVERSHOOT))
        colors = torch.einsum("ns,sij,njhw->nihw", mix, self.color, raw) + (mix @ self.shift)[:, :, None, None]
        soft = torch.sigmoid(colors + change) * (1 + 2 * OVERSHOOT) - OVERSHOOT
        out = soft + (soft.clamp(0, 1) - soft).detach()
        return out[:, :, :height, :width]
