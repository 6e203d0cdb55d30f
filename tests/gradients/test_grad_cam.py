"""Grad-CAM: Captum as oracle, the class activation map where both must agree, and layers that have no map."""

import captum.attr
import pytest
import torch
from torch import nn

from course_utils import tiny_net
from course_utils.activations import evidence_map
from course_utils.gradients import grad_cam
from course_utils.networks import Network
from tests.nets import of_torchvision


@pytest.mark.parametrize(
    "name, layer",
    [("efficientnet_lite0", "bn2.act"), ("resnet18", "layer4"), ("squeezenet1_1", "features.9"), ("tiny", "3")],
)
def test_it_equals_captum(name, layer, lite, tiny, eagle):
    net = {"efficientnet_lite0": lite, "tiny": tiny}.get(name) or of_torchvision(name)
    wide = torch.cat([eagle, eagle.flip(3)])[:, :, 20:132, 10:170].to(net.mean)
    images, target = (wide[:, :, ::8, ::8] if name == "tiny" else wide), torch.tensor([2, 1])
    for relu in (True, False):
        oracle = captum.attr.LayerGradCam(net, net.layer(layer)).attribute(
            images.clone(), target, relu_attributions=relu, attr_dim_summation=True
        )[:, 0]
        ours = grad_cam(net, images, layer, target, relu=relu)
        assert ours.shape == oracle.shape and oracle.abs().max() > 0
        assert (ours - oracle).abs().max() <= 1e-6 * oracle.abs().max()


def test_by_hand():
    conv = nn.Conv2d(1, 2, 1, bias=False).double()
    conv.weight.data = torch.tensor([1.0, 2.0]).double().view(2, 1, 1, 1)
    head = nn.Linear(8, 1, bias=False).double()
    head.weight.data = torch.tensor([[1.0, 1, 1, 1, 0, 0, 0, -4]]).double()
    net = Network(nn.Sequential(conv, nn.Flatten(), head), name="hand", mean=[0.0], std=[1.0])
    image = torch.tensor([[[[0.5, 0.25], [1.0, 0.0]]]]).double()
    # w_0 = mean(1, 1, 1, 1) = 1 and w_1 = mean(0, 0, 0, -4) = -1; A_0 = x and A_1 = 2 x, so the sum is -x
    assert torch.allclose(grad_cam(net, image, "0", 0, relu=False), -image[:, 0])
    assert torch.equal(grad_cam(net, image, "0", 0), torch.zeros(1, 2, 2).double())


def test_where_a_mean_and_a_linear_layer_follow_it_is_the_evidence_map(lite, eagle):
    evidence, _ = evidence_map(lite, eagle, "bn2.act", "bald eagle")
    assert torch.allclose(grad_cam(lite, eagle, "bn2.act", "bald eagle", relu=False), evidence, atol=1e-5)


def test_an_in_place_relu_behind_the_layer_changes_nothing(pictures):
    plain, inplace = tiny_net("conv", seed=3), tiny_net("conv", seed=3, inplace=True)
    assert torch.equal(grad_cam(plain, pictures, "0", 1), grad_cam(inplace, pictures, "0", 1))


def test_the_default_target_is_the_prediction_and_memory_layout_does_not_matter(tiny, pictures):
    predicted = tiny(pictures).argmax(1)
    found = grad_cam(tiny, pictures, "3")
    assert torch.equal(found, grad_cam(tiny, pictures, "3", predicted))
    channels_last = pictures.to(memory_format=torch.channels_last)
    assert torch.allclose(found, grad_cam(tiny, channels_last, "3"), atol=1e-12)


def test_it_works_for_a_caller_without_gradients(tiny, pictures):
    want = grad_cam(tiny, pictures, "3", 0)
    with torch.no_grad():
        assert torch.equal(grad_cam(tiny, pictures, "3", 0), want)


def test_layers_without_a_map_are_named(tiny, lite, eagle, pictures):
    with pytest.raises(ValueError, match=r"layer classifier has no feature maps \(N, C, h, w\)"):
        grad_cam(lite, eagle, "classifier")
    with pytest.raises(ValueError, match="has no layer 'nowhere'"):
        grad_cam(tiny, pictures, "nowhere")
    with pytest.raises(ValueError, match="out of range"):
        grad_cam(tiny, pictures, "3", 99)


class Reused(nn.Module):
    """One convolution that runs twice, and one that never runs."""

    def __init__(self):
        super().__init__()
        self.twice, self.never, self.head = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.twice(self.twice(x)).mean((2, 3)))


@pytest.mark.parametrize("layer, message", [("never", "never runs"), ("twice", "runs 2 times")])
def test_a_layer_that_does_not_run_once_is_refused(layer, message, pictures):
    with pytest.raises(ValueError, match=message):
        grad_cam(Network(Reused().double(), name="reused"), pictures, layer)
