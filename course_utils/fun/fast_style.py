"""Fast style transfer: a network that repaints a picture in one pass, and that holds eight styles at once.

The network is trained on the loss of lesson 14 (`python -m course_utils.training.styles`); what an optimization finds
for one picture, it has learned for all. Johnson et al., Perceptual Losses for Real-Time Style Transfer, ECCV 2016 (the
network and the training); Ulyanov et al., Instance Normalization, 2016; Dumoulin et al., A Learned Representation for
Artistic Style, ICLR 2017 (one pair of rows gamma, beta for each style).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.errors import WeightsError
from course_utils.fun.instance_norm import NORMS, ConditionalInstanceNorm
from course_utils.fun.style_layers import Block, Layer
from course_utils.networks.network import frozen
from course_utils.networks.weights import own_weights
from course_utils.validate import check_choice, check_images, check_shares

STYLE_NAMES = ("night", "glass", "waves", "mosaic", "ink", "geometry", "dots", "woodcut")


WIDTHS = (24, 48, 96)


BLOCKS = 8


LEAST = 16  # pixels of the shorter side: at a quarter of the size, reflection still has something to reflect


OVERSHOOT = 0.05  # how far the soft limit of a pixel lies beyond black and white, so that both can be reached


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
        check_choice("norm", norm, list(NORMS))
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


def style_rows(net: StyleNet) -> list[nn.Parameter]:
    """The weights that belong to single styles; their first dimension is the style."""
    own = [net.color, net.shift]
    return own + [p for m in net.modules() if isinstance(m, ConditionalInstanceNorm) for p in (m.gamma, m.beta)]


@cache
def _stored() -> dict[str, Tensor]:
    return own_weights("styles")


def load_style_net(path: str | Path | None = None, *, device: str | torch.device = "cpu") -> StyleNet:
    """The course's network for eight styles (`net.styles`), trained by `course_utils.training.styles`, or one of yours.

    Args:
        path: a file of `save_style_net`; None for the course's own.
        device: where the network is to be.

    Raises:
        WeightsError: its file is missing, changed or damaged, or is no file of `save_style_net`.
    """
    names, weights = (STYLE_NAMES, _stored()) if path is None else _read(Path(path))
    widths = [len(weights[f"{layer}.convolution.weight"]) for layer in ("first", "down_1", "down_2")]
    blocks = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    with torch.random.fork_rng(devices=[]):  # its first weights are random, and at once overwritten
        net = StyleNet(names, widths=widths, blocks=blocks)
    net.load_state_dict({name: value.float() for name, value in weights.items()})
    return net.eval().requires_grad_(False).to(device)


def _read(path: Path) -> tuple[list[str], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            names = json.loads((file.metadata() or {})["styles"])
            return names, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dictionary)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}).") from None
    except (SafetensorError, KeyError, ValueError):
        raise WeightsError(f"{path} is damaged, or it is no file that save_style_net wrote.") from None


def mixture(net: StyleNet, style: str | Mapping[str, float] | Sequence[float] | Tensor) -> Tensor:
    """The shares of the styles as a row `(1, styles)` of numbers that add up to 1.

    Args:
        style: a name of `net.styles`, a dictionary from names to weights, or one weight for each style. Weights are
            used as shares of their sum.

    Raises:
        ValueError: an unknown name, a wrong number of weights, a negative one, or all 0.
    """
    if isinstance(style, str):
        style = {style: 1.0}
    if isinstance(style, Mapping):
        for name in style:
            check_choice("style", name, net.styles)
        style = [style.get(name, 0.0) for name in net.styles]
    weights = torch.as_tensor(style).flatten().tolist()
    shares = check_shares(weights, len(net.styles), f"style (of {', '.join(net.styles)})")
    return torch.tensor([shares], dtype=torch.float64).to(net.color)


def stylize(net: StyleNet, images: Tensor, style: str | Mapping[str, float] | Sequence[float] | Tensor) -> Tensor:
    """Repaint pictures in one pass.

    Args:
        net: from `load_style_net()`, or one that you trained.
        images: `(N, 3, H, W)` RGB in [0, 1], both sides at least 16 pixels; any size.
        style: as in `mixture`: a name, a dictionary from names to weights, or one weight for each style.

    Returns:
        `(N, 3, H, W)` in [0, 1], without gradients, on the images' device.

    Raises:
        ValueError: pictures that are too small or no pictures, or a style that does not exist.
    """
    ready = check_images(net, images)
    mix = mixture(net, style)
    with frozen(net), torch.no_grad():
        return net(ready, mix.expand(len(ready), -1)).to(images.device)
