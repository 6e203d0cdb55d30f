"""A style of one's own for a network that holds others: its shared weights stay, one new row of gamma and beta learns.

Dumoulin et al., A Learned Representation for Artistic Style, ICLR 2017: a new style is added to a trained network by
training its rows only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.fun.fast_style import mixture, style_rows
from course_utils.fun.instance_norm import BatchNorm
from course_utils.fun.style_net import StyleNet
from course_utils.networks.weights import save_weights
from course_utils.validate import shown


@torch.inference_mode(False)  # rows made in a caller's inference mode could never learn
def new_style(
    net: StyleNet, name: str, *, start: str | Mapping[str, float] | Sequence[float] | Tensor | None = None
) -> StyleNet:
    """A network with one style, which is still to be learned: train it, then `add_style(net, it)`.

    All weights are copies of the network's. The shared ones are frozen. The row of the style, in every layer a gamma
    and a beta (and the style's color matrix and shift), has a gradient: these few thousand numbers learn.

    Args:
        net: from `load_style_net()`, or one that you trained.
        name: of the new style.
        start: from which mixture of the network's styles the row begins, as in `stylize`; None for equal shares.

    Returns:
        A `StyleNet` with `styles == (name,)`, in eval mode.

    Raises:
        ValueError: no name, a start that does not exist, or a network with batch norm.
    """
    _check_rows(net)
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"name must be the name of the new style, such as 'coral'; not {shown(name)}.")
    mix = mixture(net, [1.0] * len(net.styles) if start is None else start)[0]
    one = deepcopy(net).requires_grad_(False)
    _replace_rows(one, [nn.Parameter(torch.tensordot(mix, row.detach(), 1)[None]) for row in style_rows(net)])
    one.styles = (name,)
    return one.eval()


@torch.inference_mode(False)
def add_style(net: StyleNet, one: StyleNet) -> StyleNet:
    """A copy of the network with one style more, which can be painted and mixed like the others.

    Args:
        net: the network; it stays as it is.
        one: from `new_style(net, ...)`, trained.

    Returns:
        A `StyleNet` with `styles == (*net.styles, *one.styles)`, in eval mode, without gradients.

    Raises:
        ValueError: a style that the network has, one of another network (its shared weights differ), or batch norm.
    """
    _check_rows(net)
    _check_rows(one)
    if both := set(net.styles) & set(one.styles):
        raise ValueError(f"the network has a style {min(both)!r} already: give the new one another name.")
    if not _shared_are_equal(net, one):
        raise ValueError(
            "the new style belongs to another network: the weights that all styles share are not the same."
        )
    more = deepcopy(net)
    pairs = zip(style_rows(net), style_rows(one), strict=True)
    _replace_rows(more, [nn.Parameter(torch.cat([a.detach(), b.detach().to(a)])) for a, b in pairs])
    more.styles = (*net.styles, *one.styles)
    return more.requires_grad_(False).eval()


def save_style_net(net: StyleNet, path: str | Path) -> str:
    """Write a network for styles with instance norm, in half precision; `load_style_net(path)` reads it.

    Args:
        net: the network, with all of its styles.
        path: of the file (.safetensors); a file that is there is replaced.

    Returns:
        The file's sha256.

    Raises:
        ValueError: a network with batch norm.
    """
    _check_rows(net)
    halves = {name: value.half() for name, value in net.state_dict().items()}
    return save_weights(halves, Path(path), about={"styles": json.dumps(list(net.styles))})


def _check_rows(net: StyleNet) -> None:
    if not isinstance(net, StyleNet):
        raise TypeError(f"net must be a StyleNet, not {type(net).__name__}.")
    if any(isinstance(module, BatchNorm) for module in net.modules()):
        raise ValueError("a network with batch norm has no rows of single styles.")


def _shared(net: StyleNet) -> dict[str, Tensor]:
    own = {id(row) for row in style_rows(net)}
    return {name: p for name, p in net.named_parameters() if id(p) not in own}


def _shared_are_equal(net: StyleNet, one: StyleNet) -> bool:
    here, there = _shared(net), _shared(one)
    return here.keys() == there.keys() and all(
        p.shape == there[name].shape and torch.equal(p, there[name].to(p)) for name, p in here.items()
    )


def _replace_rows(net: StyleNet, rows: list[nn.Parameter]) -> None:
    new = {id(old): row for old, row in zip(style_rows(net), rows, strict=True)}
    for module in net.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if id(parameter) in new:
                setattr(module, name, new[id(parameter)])
