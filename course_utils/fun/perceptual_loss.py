"""The loss that a network for fast style transfer is trained on: that of lesson 14, for every picture of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from course_utils.fun.gram import gram_loss, gram_matrix, texture_grams
from course_utils.fun.style_losses import CONTENT_LAYERS, STYLE_LAYERS
from course_utils.hooks import forward_to
from course_utils.networks.network import Network
from course_utils.validate import check_list, check_weights


class PerceptualLoss(nn.Module):
    """Content and style loss of lesson 14, for a batch in which every picture has its own photo and its own style.

    Args:
        net: VGG-19, or another network.
        styles: `(1, 3, h, w)` pictures, in the order of the style numbers.
        style_weights: one for each style.
        content_layers, style_layers: as in `style_transfer`.

    Raises:
        ValueError: not one weight for each style, a negative one, or all 0.
        TypeError: one name instead of a list, or weights that are no numbers.
    """

    def __init__(
        self,
        net: Network,
        styles: Sequence[Tensor],
        *,
        style_weights: Sequence[float],
        content_layers: Sequence[str] = CONTENT_LAYERS,
        style_layers: Sequence[str] = STYLE_LAYERS,
    ):
        super().__init__()
        style_weights = check_weights(style_weights, len(styles), "style_weights", "styles")
        self.net = net
        self.content_layers = check_list("content_layers", content_layers, "names")
        self.style_layers = check_list("style_layers", style_layers, "names")
        seen = [texture_grams(net, style, self.style_layers) for style in styles]
        self.grams = {layer: torch.cat([one[layer] for one in seen]) for layer in self.style_layers}
        self.weights = torch.tensor(style_weights)

    @torch.no_grad()
    def content(self, photos: Tensor) -> dict[str, Tensor]:
        """The features that repainted pictures are to keep."""
        return forward_to(self.net, photos, self.content_layers)

    def forward(self, pictures: Tensor, content: Mapping[str, Tensor], numbers: Tensor) -> Tensor:
        """`content + style_weight * style` of every picture.

        Args:
            pictures: `(N, 3, H, W)`.
            content: from `content(photos)`, one row for each picture.
            numbers: `(N,)`, the style of each.

        Returns:
            `(N,)`, in the units of `style_transfer`.
        """
        seen = forward_to(self.net, pictures, list(dict.fromkeys([*self.content_layers, *self.style_layers])))
        grams = {layer: gram_matrix(seen[layer]) for layer in self.style_layers}
        totals = []
        for i, number in enumerate(numbers.tolist()):  # the losses of lesson 14 are means over their batch
            kept = sum(mse_loss(seen[name][i], content[name][i]) for name in self.content_layers)
            of_style = {name: self.grams[name][number : number + 1] for name in self.style_layers}
            painted = sum(
                gram_loss(grams[name][i : i + 1], one, convention="johnson")[0] for name, one in of_style.items()
            )
            totals.append(kept + self.weights[number] * painted)
        return torch.stack(totals)
