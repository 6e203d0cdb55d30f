"""Fast style transfer: a network (style_net.py) repaints a picture in one pass, and it holds eight styles at once.

The network is trained on the loss of lesson 14 (`python -m course_utils.training.styles`); what an optimization finds
for one picture, it has learned for all. Johnson et al., Perceptual Losses for Real-Time Style Transfer, ECCV 2016.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.errors import WeightsError
from course_utils.fun.instance_norm import ConditionalInstanceNorm
from course_utils.fun.style_net import STYLE_NAMES, StyleNet
from course_utils.networks.network import frozen
from course_utils.networks.weights import own_weights
from course_utils.validate import check_choice, check_images, check_shares


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
