"""Integrated gradients and gradient times input: by hand, against Captum, and the axiom of completeness."""

from copy import deepcopy

import captum.attr
import pytest
import torch
from torch import nn

from course_utils.gradients import gradient_times_input, integrated_gradients
from course_utils.networks import Network
from tests.nets import of_torchvision


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "squeezenet1_1", "tiny"])
def test_they_equal_captum(name, lite, tiny, eagle):
    net = {"efficientnet_lite0": deepcopy(lite).double(), "tiny": tiny}.get(name) or of_torchvision(name)
    images = torch.cat([eagle, eagle.flip(3)])[:, :, 20:96, 10:110].to(net.mean)
    images, target = (images[:, :, ::8, ::8] if name == "tiny" else images), torch.tensor([2, 1])
    half = torch.full_like(images, 0.5)
    for baseline, given in ((0.0, torch.zeros_like(images)), (half, half)):
        oracle = captum.attr.IntegratedGradients(net).attribute(
            images.clone(), given, target, n_steps=5, method="riemann_middle"
        )
        ours = integrated_gradients(net, images, target, baseline=baseline, steps=5, batch_size=3)
        assert (ours - oracle).abs().max() <= 1e-6 * oracle.abs().max()
    oracle = captum.attr.InputXGradient(net).attribute(images.clone().requires_grad_(), target).detach()
    assert (gradient_times_input(net, images, target) - oracle).abs().max() <= 1e-6 * oracle.abs().max()


def test_by_hand():
    """S = relu(a + b - 1): from black to (1, 1) the ReLU opens half-way, so the gradient is 1 on half of the way."""
    linear, head = nn.Linear(2, 1).double(), nn.Linear(1, 1, bias=False).double()
    linear.weight.data, linear.bias.data = torch.ones(1, 2).double(), torch.tensor([-1.0]).double()
    head.weight.data = torch.ones(1, 1).double()
    net = Network(nn.Sequential(nn.Flatten(), linear, nn.ReLU(), head), name="hand", mean=[0.0], std=[1.0])
    image = torch.ones(1, 1, 1, 2).double()
    assert torch.allclose(integrated_gradients(net, image, 0, steps=4), torch.full_like(image, 0.5))
    assert torch.allclose(gradient_times_input(net, image, 0), torch.ones_like(image))  # their sum is 2, the score 1
    assert not integrated_gradients(net, image, 0, baseline=image).any()


@pytest.mark.parametrize("baseline", [0.0, "blur", "gray"])
def test_the_parts_add_up_to_the_difference_of_the_scores(lite, eagle, baseline):
    from course_utils.engines.baselines import baseline_images

    with torch.no_grad():
        whole = (lite(eagle) - lite(baseline_images(eagle, baseline)))[0, 22]
    errors = [
        abs(integrated_gradients(lite, eagle, 22, baseline=baseline, steps=n).sum() - whole) / whole for n in (4, 64)
    ]
    assert errors[1] < 0.05 and errors[1] < errors[0]


def test_the_way_to_the_photo_is_divided_whatever_the_batch(tiny):
    images = torch.rand(2, 3, 12, 10).double()
    assert torch.allclose(
        integrated_gradients(tiny, images, 1, steps=7, batch_size=2), integrated_gradients(tiny, images, 1, steps=7)
    )
    with pytest.raises(ValueError, match="steps"):
        integrated_gradients(tiny, images, 1, steps=0)
