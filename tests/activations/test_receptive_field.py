"""Receptive fields: published numbers, and the plain version, which uses no formula."""

import copy

import pytest
import torch
import torchvision
from torch import nn

from course_utils.activations import plain_receptive_field, receptive_field
from course_utils.networks.network import Network
from course_utils.networks.vgg import vgg_aliases


def wrap(model, name="net", size=224, channels=3, aliases=None):
    return Network(model, name=name, mean=[0.0] * channels, std=[1.0] * channels, input_size=size, aliases=aliases)


@pytest.fixture(scope="module")
def vgg16():
    model = nn.Sequential()
    model.add_module("features", torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"]))
    return wrap(model, "vgg16", aliases=vgg_aliases(model.features))


def test_vgg16(vgg16):
    known = {
        "conv1_2": 5,
        "pool1": 6,
        "conv2_2": 14,
        "pool2": 16,
        "conv3_3": 40,
        "pool3": 44,
        "conv4_3": 92,
        "pool4": 100,
        "conv5_3": 196,
    }
    for layer, side in known.items():
        assert receptive_field(vgg16, layer, size=64).size == (side, side), layer
    last = receptive_field(vgg16, "pool5")
    assert (last.size, last.stride) == ((212, 212), (32, 32))
    # The center of the first field, counted in pixel edges, is 16.0: half a stride.
    assert last.start[0] + last.size[0] / 2 == 16.0
    assert last.box(0, 6) == (0, 192 - 90, 122, 224)


def test_alexnet():
    net = wrap(torchvision.models.AlexNet(num_classes=2), "alexnet")
    known = {"features.0": (11, 4), "features.2": (19, 8), "features.3": (51, 8), "features.5": (67, 16)}
    known |= {"features.6": (99, 16), "features.8": (131, 16), "features.10": (163, 16), "features.12": (195, 32)}
    for layer, (side, stride) in known.items():
        field = receptive_field(net, layer, size=96)
        assert (field.size, field.stride) == ((side, side), (stride, stride)), layer
    assert receptive_field(net, "classifier.6").box(0, 0) == (0, 0, 224, 224)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 3, stride=2, padding=1)
        self.wide = nn.Conv2d(2, 2, 5, padding=4, dilation=2)
        self.narrow = nn.Conv2d(2, 2, 1)
        self.last = nn.Conv2d(4, 2, 2, stride=2)

    def forward(self, x):
        x = self.stem(x)
        x = nn.functional.relu(self.wide(x)) + self.narrow(x)
        return self.last(torch.cat([x, self.narrow(x)], 1))


class Same(nn.Module):
    """TensorFlow's padding: more on the right and bottom than on the left and top."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 2, 3, stride=2), nn.Conv2d(2, 2, 5, stride=2, groups=2)

    def forward(self, x):
        x = self.one(nn.functional.pad(x, (0, 1, 1, 2)))
        return self.two(nn.functional.pad(x, (3, 1, 1, 2)))


ARCHITECTURES = {
    "dilation": nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2), nn.Conv2d(2, 2, 3, dilation=3, padding=2)),
    "stride": nn.Sequential(nn.Conv2d(1, 2, 5, 2, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(2, 2, 3, padding=1)),
    "asymmetric": Same(),
    "oblong": nn.Sequential(nn.Conv2d(1, 2, (1, 5), (1, 2), (0, 2)), nn.AvgPool2d((3, 2)), nn.Conv2d(2, 2, (3, 1))),
    "residual": Residual(),
    "batch norm": nn.Sequential(
        nn.Conv2d(1, 4, 3, 2, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU6(),
        nn.Conv2d(4, 4, 5, 1, 2, groups=4),
        nn.MaxPool2d(2),
    ),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_equals_the_plain_version(name):
    model, size = ARCHITECTURES[name], (29, 26)
    layer = [n for n, _ in model.named_children()][-1]
    net = wrap(copy.deepcopy(model), channels=1)
    before = copy.deepcopy(net.state_dict())
    field = receptive_field(net, layer, size=size)
    for y in range(len(field.rows)):
        for x in range(len(field.columns)):
            assert plain_receptive_field(net, layer, y, x, size=size) == field.box(y, x)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize(
    "name, layer",
    [("resnet18", "layer3.0"), ("squeezenet1_1", "features.7"), ("mobilenet_v3_small", "features.1.block.0")],
)
def test_real_networks_equal_the_plain_version(name, layer):
    net = wrap(torchvision.models.get_model(name, num_classes=2), name)
    field = receptive_field(net, layer, size=(70, 76))
    for y, x in ((0, 0), (len(field.rows) // 2, len(field.columns) - 1), (len(field.rows) - 1, 1)):
        assert plain_receptive_field(net, layer, y, x, size=(70, 76)) == field.box(y, x)


def test_the_plain_version_by_hand():
    net = wrap(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)), channels=1)
    assert plain_receptive_field(net, "2", 0, 0, size=8) == (0, 0, 3, 3)
    assert plain_receptive_field(net, "2", 1, 2, size=8) == (1, 3, 5, 7)


def test_real_residual_network_with_dynamic_padding():
    timm = pytest.importorskip("timm")
    net = wrap(timm.create_model("tf_efficientnet_lite0"), "lite0")
    stem = receptive_field(net, "conv_stem")
    assert (stem.size, stem.stride, stem.start) == ((3, 3), (2, 2), (0, 0))  # TensorFlow pads 0 left and 1 right at 224
    assert receptive_field(net, "conv_stem", size=225).start == (-1, -1)  # ... and 1 on both sides at 225
    assert receptive_field(net, "global_pool").size == (224, 224)


@pytest.mark.parametrize(
    "model, words",
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Upsample(scale_factor=2)), "upsample_nearest2d"),
        (nn.Sequential(nn.ConvTranspose2d(1, 2, 3, stride=2)), "convolution"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(model, words):
    layer = [n for n, _ in model.named_children()][-1]
    with pytest.raises(ValueError, match=words):
        receptive_field(wrap(model, channels=1), layer, size=16)


def test_branches_with_different_strides_are_refused():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.last = nn.Conv2d(1, 1, 2, 2), nn.Conv2d(1, 1, 9), nn.Conv2d(1, 1, 1)

        def forward(self, x):
            return self.last(self.a(x) + self.b(x))

    with pytest.raises(ValueError, match="different strides"):
        receptive_field(wrap(Two(), channels=1), "last", size=16)


def test_unknown_layer(vgg16):
    with pytest.raises(ValueError, match="has no layer"):
        receptive_field(vgg16, "conv9_9")


def test_the_middle_of_a_field_is_as_large_everywhere():
    net = Network(nn.Sequential(nn.Conv2d(3, 2, 9, stride=2, padding=4), nn.Conv2d(2, 2, 3, padding=1)), name="tiny")
    field = receptive_field(net, "1", size=(30, 40))
    small = field.middle(6)
    assert (small.size, small.stride, small.start) == (field.size, field.stride, field.start)
    assert small.box(7, 9) == (11, 15, 17, 21)  # the field of row 7 lies around pixel 14, that of column 9 around 18
    for y in range(15):
        for x in range(20):
            top, left, bottom, right = small.box(y, x)
            assert (bottom - top, right - left) == (6, 6) and top >= 0 and bottom <= 30 and left >= 0 and right <= 40
    assert small.box(0, 0) == (0, 0, 6, 6) and small.box(14, 19) == (24, 34, 30, 40)
    assert field.middle(99).box(3, 3) == (0, 0, 30, 40)
