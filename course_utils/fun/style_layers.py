"""What `StyleNet` is built of: a convolution with a norm that knows the styles, and a residual block of two."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.fun.instance_norm import NORMS


class Layer(nn.Module):
    """Enlarged twice or not; reflection padding, convolution, norm and (unless it ends a residual block) ReLU."""

    def __init__(self, styles, inputs, outputs, side, *, norm, stride=1, up=False, relu=True):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, side, stride, bias=False)  # the norm would take a bias away
        self.norm = NORMS[norm](styles, outputs)
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
