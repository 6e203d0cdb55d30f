"""On which axis a layer has its channels: the second, as everywhere in the course, or the last, as in transformers."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from course_utils.networks.network import Network


class ChannelAxes(TorchFunctionMode):
    """Follows, while a network runs, on which axis of its tensors the channels lie.

    Convolutions have them on axis 1, as everything in the course. Linear layers and layer norms have them on the last
    axis, so transformers and some newer networks go back and forth: Swin's layers put out `(N, H, W, C)`, those of a
    ViT `(N, patches, C)`. Shapes do not tell which is which; the operations do.

    To look at every operation takes time. A network without layer norms and attention, and with no more linear layers
    than a classifier has, is not followed: its channels are on axis 1.

    Args:
        net: the network that will run.
    """

    _SECOND = ("conv1d", "conv2d", "conv3d", "conv_transpose2d", "batch_norm", "group_norm", "instance_norm")
    _MOVES = ("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis")
    _SHAPES = ("view", "reshape", "flatten", "unflatten")
    _MOVING = ("LayerNorm", "LayerNorm2d", "RMSNorm", "Permute", "Attention")  # kinds of modules
    _PRODUCTS = ("matmul", "__matmul__", "bmm")
    # the first of their results has its channels last
    _LAST = ("multi_head_attention_forward", "_native_multi_head_attention", "lstm", "gru", "rnn_tanh", "rnn_relu")
    _PARTS = ("cat", "chunk", "split", "tensor_split", "unsafe_chunk", "unsafe_split")

    def __init__(self, net: nn.Module):
        super().__init__()
        self._axes = WeakTensorKeyDictionary()  # tensor -> axis, as long as it lives
        self._moved = False  # whether a tensor had its channels elsewhere than on axis 1
        modules = list(net.modules())
        moving = any(isinstance(m, nn.MultiheadAttention) or type(m).__name__.endswith(self._MOVING) for m in modules)
        self._follows = moving or sum(isinstance(module, nn.Linear) for module in modules) > 3

    def __enter__(self) -> ChannelAxes:
        return super().__enter__() if self._follows else self

    def __exit__(self, *error) -> None:
        if self._follows:
            super().__exit__(*error)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        several = isinstance(out, (tuple, list))
        for number, one in enumerate(out if several else [out]):
            if isinstance(one, Tensor) and one.ndim > 2:
                if several and name in self._LAST:
                    axis = one.ndim - 1 if number == 0 else None
                else:
                    axis = self._after(name, func, args, kwargs, one)
                if axis is not None:
                    self._axes[one] = axis
                    self._moved |= axis != 1
        return out

    def _after(self, name: str, func, args: tuple, kwargs: dict, out: Tensor) -> int | None:
        """The axis of the channels in the result of a call, or None if that is not known."""
        if name in self._SECOND:
            return 1
        if name == "linear" or name == "layer_norm" and len(kwargs.get("normalized_shape") or args[1]) == 1:
            return out.ndim - 1
        found = [(one, self._axes[one]) for one in _tensors(args) if one in self._axes]
        if not found:
            return None
        before, axis = found[0]
        last = axis == before.ndim - 1
        if name in self._MOVES:  # where the channels go, a tensor without content shows
            marked = torch.empty([2 if i == axis else 1 for i in range(before.ndim)], device="meta")
            return list(func(marked, *args[1:], **kwargs).shape).index(2)
        if name in self._SHAPES:  # the channels stay where they are, or are taken apart
            if last and out.shape[-1] == before.shape[-1]:
                return out.ndim - 1
            return 1 if axis == 1 and out.shape[:2] == before.shape[:2] else None
        if name in self._PRODUCTS:
            return out.ndim - 1 if last and before is args[0] else None
        same = name in self._PARTS or out.ndim == before.ndim and out.shape[axis] == before.shape[axis]
        return axis if same and out.ndim == before.ndim else None

    def of(self, tensor: Tensor) -> int:
        """The axis of a tensor's channels: 1 as long as the network has moved none.

        Raises:
            ValueError: the network has moved its channels, and where those of this tensor are is not known.
        """
        if tensor.ndim > 2 and self._moved and tensor not in self._axes:
            raise ValueError(
                f"on which axis of its output {tuple(tensor.shape)} this layer has its channels is not known; "
                "choose a layer before or after it."
            )
        return self._axes.get(tensor, 1)

    def first(self, tensor: Tensor) -> Tensor:
        """The tensor with its channels on axis 1: `(N, C, H, W)`, or `(N, C, patches)`."""
        axis = self.of(tensor)
        return tensor.movedim(axis, 1) if axis != 1 else tensor


def _tensors(args: tuple) -> Iterator[Tensor]:
    """The tensors among the arguments of a call, also those in a list, as `cat` takes them."""
    for one in args:
        if isinstance(one, Tensor):
            yield one
        elif isinstance(one, (tuple, list)):
            yield from (part for part in one if isinstance(part, Tensor))


def one_tensor(net: Network, layer: str, output: object) -> Tensor:
    """What a layer put out, if that is one tensor of any shape.

    Args:
        net, layer: for the message.
        output: what its hook was given.

    Returns:
        The output.

    Raises:
        TypeError: it is no tensor; recurrent and attention layers put out several.
    """
    if not isinstance(output, Tensor):
        raise TypeError(
            f"layer {layer!r} of {net.name} puts out a {type(output).__name__}, not one tensor; "
            "choose a layer inside of it or after it."
        )
    return output
