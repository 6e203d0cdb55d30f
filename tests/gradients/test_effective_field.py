"""The effective receptive field: known shapes, and nothing outside of the receptive field."""

import math

import pytest
import torch
from torch import nn

from course_utils.activations import receptive_field
from course_utils.gradients import effective_field
from course_utils.networks.network import Network


def uniform(layers: int, kernel: int) -> Network:
    """Convolutions whose weights are all 1: every path from a pixel counts once."""
    model = nn.Sequential(*(nn.Conv2d(3 if i == 0 else 1, 1, kernel, bias=False) for i in range(layers)))
    for weights in model.parameters():
        nn.init.ones_(weights)
    return Network(model, name="uniform", mean=[0.0] * 3, std=[1.0] * 3)


@pytest.mark.parametrize("layers", [1, 3, 6])
def test_uniform_layers_give_pascals_triangle(layers):
    field = effective_field(uniform(layers, 2), torch.rand(2, 3, 11, 13), str(layers - 1))
    row = torch.tensor([math.comb(layers, i) for i in range(layers + 1)], dtype=field.dtype)
    top, left = (11 - layers) // 2, (13 - layers) // 2
    expected = torch.zeros(11, 13)
    expected[top : top + layers + 1, left : left + layers + 1] = row[:, None] * row
    assert torch.allclose(field, expected)


def test_the_spread_grows_with_the_root_of_the_depth():
    """The variance of n uniform kernels of 3 pixels is n times that of one, 2/3."""
    for layers in (2, 8):
        field = effective_field(uniform(layers, 3), torch.rand(1, 3, 31, 31), str(layers - 1))
        across = field.sum(0) / field.sum()
        middle = (torch.arange(31) * across).sum()
        assert (((torch.arange(31) - middle) ** 2) * across).sum().item() == pytest.approx(layers * 2 / 3, rel=1e-4)


def test_it_is_the_mean_size_of_each_photos_gradient():
    torch.manual_seed(0)
    net = Network(nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3)), name="tiny")
    images = torch.rand(5, 3, 12, 10)
    by_hand = torch.zeros(12, 10)
    for image in images:
        image = image[None].clone().requires_grad_()
        net(image)[0, 2, 4, 3].backward()
        by_hand += image.grad[0].abs().mean(0) / 5
    assert torch.allclose(effective_field(net, images, "2", channel=2, batch_size=2), by_hand, atol=1e-7)


def test_nothing_outside_of_the_receptive_field():
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 4, 3, padding=1))
    net = Network(model, name="tiny")
    field = effective_field(net, torch.rand(20, 3, 48, 40), "3")
    rows, columns = model(torch.zeros(1, 3, 48, 40)).shape[2:]
    top, left, bottom, right = receptive_field(net, "3", size=(48, 40)).box(rows // 2, columns // 2)
    outside = field.clone()
    outside[top:bottom, left:right] = 0
    assert not outside.any() and (field[top:bottom, left:right] > 0).float().mean() > 0.9


def test_what_it_refuses():
    net = Network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), name="tiny")
    images = torch.rand(2, 3, 8, 8)
    with pytest.raises(ValueError, match="no feature maps"):
        effective_field(net, images, "1")
    with pytest.raises(ValueError, match="channels 0 to 3"):
        effective_field(net, images, "0", channel=4)
    with pytest.raises(ValueError, match="has no layer"):
        effective_field(net, images, "nope")
