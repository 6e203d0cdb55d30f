"""Networks for tests that need to know every number."""

from course_utils.networks import Network


def without_normalization(net: Network) -> Network:
    """The same network for images as they are: mean 0 and standard deviation 1."""
    return Network(net.model, name=net.name, categories=net.categories, input_size=net.input_size)
