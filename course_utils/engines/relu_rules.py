"""Three rules for what a ReLU sends back, put in the place of every ReLU that runs in a block."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course_utils.validate import check_choice

RULES = ("gradient", "deconvnet", "guided")


class RuledRelu(torch.autograd.Function):
    """`f = min(max(x, 0), top)`, whose backward pass follows one of the three rules."""

    @staticmethod
    def forward(ctx, x: Tensor, rule: str, top: float, inplace: bool) -> Tensor:
        ctx.rule = rule
        ctx.save_for_backward((x > 0) & (x < top))
        if inplace:  # networks may go on with x itself, so it must change
            ctx.mark_dirty(x)
            return x.clamp_(0, top)
        return x.clamp(0, top)

    @staticmethod
    def backward(ctx, R: Tensor):
        (on,) = ctx.saved_tensors
        if ctx.rule == "gradient":
            R = R * on
        elif ctx.rule == "deconvnet":
            R = R.clamp(min=0)
        else:
            R = R.clamp(min=0) * on
        return R, None, None, None


class relu_rule(TorchFunctionMode):
    """Inside this block every ReLU passes gradients back by `rule`; the forward pass stays as it is.

        with relu_rule("guided") as relus:
            score = net(pixels)[:, 130].sum()
        relus.count                                   # how many ReLUs a gradient will meet

    It changes the operation, not the module or a hook on it. So it reaches `nn.ReLU`, in place or not, used once or
    many times, `F.relu`, `torch.relu`, `x.relu()`, `x.clamp(min=0)` and the ReLU6 in all its forms, and it sees only
    the gradient that comes through the ReLU, not what other branches send to the same tensor. It does not reach code
    that was compiled with `torch.jit.script`.

    Args:
        rule: "gradient", "deconvnet" or "guided"; see `backprop`.

    Raises:
        ValueError: no such rule.

    Attributes:
        count: the ReLUs that ran on values which depend on the image.
    """

    def __init__(self, rule: str = "guided"):
        check_choice("rule", rule, RULES)
        super().__init__()
        self.rule = rule
        self.count = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        relu = as_relu(func, args, kwargs)
        if relu is None:
            return func(*args, **kwargs)
        x, top, inplace = relu
        if not (torch.is_grad_enabled() and x.requires_grad):
            return func(*args, **kwargs)
        self.count += 1
        return RuledRelu.apply(x, self.rule, top, inplace)


_PLAIN = {F.relu, torch.relu, Tensor.relu}


_PLAIN_INPLACE = {F.relu_, torch.relu_, Tensor.relu_}


_CLAMPS = {torch.clamp, Tensor.clamp, torch.clip, Tensor.clip, torch.clamp_min, Tensor.clamp_min}


_CLAMPS_INPLACE = {torch.clamp_, Tensor.clamp_, torch.clip_, Tensor.clip_, torch.clamp_min_, Tensor.clamp_min_}


def as_relu(func, args: tuple, kwargs: dict) -> tuple[Tensor, float, bool] | None:
    """`(x, top, inplace)` if a call of PyTorch computes a ReLU (or one that is cut off at `top`), else None."""

    def given(index, name, default=None):
        return args[index] if len(args) > index else kwargs.get(name, default)

    x, infinity = given(0, "input", args[0] if args else None), float("inf")
    if func in _PLAIN:
        return x, infinity, bool(given(1, "inplace", False))
    if func in _PLAIN_INPLACE:
        return x, infinity, True
    if func is F.relu6:
        return x, 6.0, bool(given(1, "inplace", False))
    if func in (F.hardtanh, F.hardtanh_):
        low, top = given(1, "min_val", -1.0), given(2, "max_val", 1.0)
        return (x, float(top), func is F.hardtanh_ or bool(given(3, "inplace", False))) if low == 0 else None
    if func in _CLAMPS or func in _CLAMPS_INPLACE:
        low, top = given(1, "min"), given(2, "max")
        if isinstance(low, (int, float)) and low == 0 and (top is None or isinstance(top, (int, float))):
            return x, infinity if top is None else float(top), func in _CLAMPS_INPLACE
    return None
