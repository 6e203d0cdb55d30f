"""What a filter of the second layer sees, as a color picture: its weights multiplied with those of the first layer."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import conv_transpose2d

from course_utils.validate import check_whole


def expanded_weights(first: Tensor, second: Tensor, *, stride: int = 1) -> Tensor:
    """Two layers of filters as one: for each filter of the second layer the color picture that it takes in.

    Filter `o` of the second layer adds up answers of the first layer's filters `i` at places `(u, v)`, with the weights
    `second[o, i, u, v]`. So put picture `first[i]` at each of these places, times that weight, and add everything. This
    is exact for a network without nonlinearities; with a ReLU between the layers it is what the filter would see if no
    unit were silent.

    Args:
        first: `(C, 3, k, k)`, the first layer.
        second: `(O, C, m, m)`, the second layer.
        stride: how many pixels apart two neighboring units of the second layer's input look (2 after a pooling by 2).

    Returns:
        `(O, 3, s, s)` with `s = (m - 1) stride + k`, signed; `show_filters` draws it.

    Raises:
        ValueError: layers that do not follow each other, or a stride below 1.

    Reference:
        Voss et al.: Visualizing Weights, Distill 2021 (there: expanded weights).
    """
    check_whole(stride=stride)
    if first.ndim != 4 or second.ndim != 4 or second.shape[1] != first.shape[0]:
        raise ValueError(
            f"the second layer takes in the channels of the first: weights (C, 3, k, k) and (O, C, m, m), "
            f"not {tuple(first.shape)} and {tuple(second.shape)}."
        )
    return conv_transpose2d(second, first, stride=stride)
