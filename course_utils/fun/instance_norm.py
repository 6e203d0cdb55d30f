"""Instance normalization with scales and shifts for each style (Ulyanov et al., 2016; Dumoulin et al., 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def instance_norm(features: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-5) -> Tensor:
    """Give every channel of every picture its own mean 0 and variance 1, then the scale `gamma` and the shift `beta`.

    Batch norm takes mean and variance over the whole batch, and at test time those of the training; then a picture's
    own contrast stays in. Here it is taken out.

    Args:
        features: `(N, C, H, W)`.
        gamma, beta: `(C,)`, or `(N, C)` with a row for each picture.
        eps: added to the variance (the mean of the squared differences, not divided by `H * W - 1`).

    Returns:
        `(N, C, H, W)`.

    Reference:
        Ulyanov, Vedaldi, Lempitsky: Instance Normalization, 2016.
    """
    variance, mean = torch.var_mean(features, dim=(2, 3), keepdim=True, correction=0)
    normal = (features - mean) * (variance + eps).rsqrt()
    return normal * gamma.reshape(-1, gamma.shape[-1], 1, 1) + beta.reshape(-1, beta.shape[-1], 1, 1)


class ConditionalInstanceNorm(nn.Module):
    """Instance norm whose `gamma` and `beta` are a mixture of rows, one row for each style.

    Args:
        styles: number of styles (rows).
        channels: number of channels (columns).
    """

    def __init__(self, styles: int, channels: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(styles, channels))
        self.beta = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, features: Tensor, mix: Tensor) -> Tensor:
        """`features` `(N, C, H, W)`, `mix` `(N, styles)`: the share of every style in every picture."""
        return instance_norm(features, mix @ self.gamma, mix @ self.beta)


class BatchNorm(nn.BatchNorm2d):
    """Batch norm in the place of conditional instance norm, for comparison: it knows no styles."""

    def __init__(self, styles: int, channels: int):
        super().__init__(channels)

    def forward(self, features: Tensor, mix: Tensor) -> Tensor:
        return super().forward(features)


NORM_LAYERS = {"instance": ConditionalInstanceNorm, "batch": BatchNorm}
