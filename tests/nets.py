"""Networks for tests that need to know every number."""

import torch
import torchvision

from course_utils.networks import Network


def without_normalization(net: Network) -> Network:
    """The same network for images as they are: mean 0 and standard deviation 1."""
    return Network(net.model, name=net.name, categories=net.categories, input_size=net.input_size)


def of_torchvision(name: str) -> Network:
    """A classifier of torchvision with random weights and 7 classes, in float64: for comparisons to the last digits."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Network(getattr(torchvision.models, name)(num_classes=7).double(), name=name)
