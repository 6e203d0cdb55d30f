"""Networks: one door, `load_network`, to every trained network of the course."""

from course_utils.networks.network import Network, frozen
from course_utils.networks.randomize import randomized
from course_utils.networks.zoo import OFFLINE, best_device, cached_checkpoint, load_network, torchvision_names

__all__ = [
    "OFFLINE",
    "Network",
    "best_device",
    "cached_checkpoint",
    "frozen",
    "load_network",
    "randomized",
    "torchvision_names",
]
