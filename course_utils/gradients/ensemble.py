"""Several classifiers attacked at once, so that what is found fits more than one of them (Liu et al., 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_utils.images import resize
from course_utils.networks.network import Network
from course_utils.validate import check_list


class Ensemble(nn.Module):
    """Several classifiers as one: the score of a class is the mean of its log-probabilities in the networks.

    Every attack takes it in the place of a network. With `of="score"` the attack climbs the mean of the
    log-probabilities: it goes down the sum of the networks' losses. (Liu et al. take the loss of the mean probability.
    That hardly asks the other networks once one is fooled: the sum of the losses does.)

    Args:
        nets: classifiers with the same classes. Each sees the images at its own size.

    Raises:
        ValueError: no networks, one without classes, or different classes.

    Reference:
        Liu, Chen, Liu, Song: Delving into Transferable Adversarial Examples and Black-box Attacks, ICLR 2017.

    >>> from course_utils import load_network, pgd, photo
    >>> nets = [load_network("efficientnet_lite0"), load_network("efficientnet_lite2")]
    >>> options = {"steps": 5, "targeted": True, "of": "score", "progress": False}
    >>> attacked = pgd(Ensemble(nets), photo("bald_eagle"), "toaster", **options)
    >>> [net.predict(resize(attacked, net.input_size), k=1)[0][0][0] for net in nets]
    ['toaster', 'toaster']
    """

    channels = 3

    def __init__(self, nets: Sequence[Network]):
        super().__init__()
        self.nets = nn.ModuleList(check_list("nets", nets, "networks"))
        kinds = {tuple(net.categories or ()) for net in self.nets}
        if len(kinds) != 1 or not all(kinds):
            raise ValueError("give one network or more, all classifiers with the same classes.")
        self.name = " + ".join(net.name for net in self.nets)
        self.categories = self.nets[0].categories

    def forward(self, images: Tensor) -> Tensor:
        """The mean log-probabilities `(N, classes)`."""
        seen = (
            resize(images, net.input_size) if images.shape[2:] != (net.input_size,) * 2 else images for net in self.nets
        )
        return torch.stack([net(x).log_softmax(1) for net, x in zip(self.nets, seen, strict=True)]).mean(0)

    def class_index(self, category: int | str) -> int:
        """The index of a class given by its name (or by its index)."""
        return self.nets[0].class_index(category)
