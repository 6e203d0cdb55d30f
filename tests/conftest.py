"""Networks and photos that many tests share; loaded once."""

import pytest
import torch

from course_utils import load_network, photo, tiny_net


@pytest.fixture(scope="session")
def lite():
    return load_network("efficientnet_lite0", device="cpu")


@pytest.fixture(scope="session")
def vgg():
    return load_network("vgg19", device="cpu")


@pytest.fixture(scope="session")
def cifar():
    return load_network("cifar_net", device="cpu")


@pytest.fixture(scope="session")
def eagle():
    return photo("bald_eagle")


@pytest.fixture
def tiny():
    return tiny_net("conv", seed=3)


@pytest.fixture
def pictures():
    """Two small pictures that are not square, float64."""
    return torch.rand(2, 3, 9, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
