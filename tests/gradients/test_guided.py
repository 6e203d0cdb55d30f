"""The three ReLU rules: the papers' example, Captum's fixture, Captum itself, and the cases where hooks go wrong."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.engines.relu_rules import relu_rule
from course_utils.exercises.tiny import tiny_net
from course_utils.gradients.guided import as_picture, backprop
from course_utils.networks.network import Network

RULES = ("gradient", "deconvnet", "guided")

# Springenberg et al. 2015, figure 1
FORWARD = torch.tensor([[1.0, -1, 5], [2, -5, -7], [-3, 2, 4]])
INCOMING = torch.tensor([[-2.0, 3, -1], [6, -3, 1], [2, -1, 3]])
WORKED = {
    "gradient": [[-2, 0, -1], [6, 0, 0], [0, -1, 3]],
    "deconvnet": [[0, 3, 0], [6, 0, 1], [2, 0, 3]],
    "guided": [[0, 0, 0], [6, 0, 0], [0, 0, 3]],
}

FORMS = {
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU in place": nn.ReLU(inplace=True),
    "F.relu": F.relu,
    "F.relu in place": lambda x: F.relu(x, inplace=True),
    "F.relu_": F.relu_,
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "x.relu": lambda x: x.relu(),
    "x.relu_": lambda x: x.relu_(),
    "clamp": lambda x: x.clamp(min=0),
    "torch.clamp": lambda x: torch.clamp(x, 0),
    "clamp_": lambda x: x.clamp_(min=0),
    "clamp_min": lambda x: x.clamp_min(0),
    "ReLU6": nn.ReLU6(),
    "ReLU6 in place": nn.ReLU6(inplace=True),
    "F.relu6": F.relu6,
    "F.relu6 in place": lambda x: F.relu6(x, inplace=True),
    "hardtanh": lambda x: F.hardtanh(x, 0, 6),
    "hardtanh_": lambda x: F.hardtanh_(x, 0.0, 6.0),
    "Hardtanh": nn.Hardtanh(0.0, 6.0),
}


class Functional(nn.Module):
    """A function as a network's module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def as_net(model: nn.Module, channels: int = 1) -> Network:
    """A network without normalization."""
    return Network(model.double(), name="test", mean=[0.0] * channels, std=[1.0] * channels)


def numbers_in_units(values):  # pictures lie in [0, 1], so the fixtures' integers travel as value / 100
    return values.double()[None, None] / 100


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("form", FORMS)
def test_worked_example_in_every_form_of_the_relu(rule, form):
    x = FORWARD.double().requires_grad_()
    with relu_rule(rule) as relus:
        y = FORMS[form](x * 1.0)
    (got,) = torch.autograd.grad(y, x, INCOMING.double())
    assert got.tolist() == WORKED[rule]
    assert relus.count == 1
    assert torch.equal(y, FORWARD.clamp(min=0).double())


@pytest.mark.parametrize("form", ["ReLU6", "F.relu6", "hardtanh"])
def test_relu6_closes_above_six(form):
    x = torch.tensor([-1.0, 3.0, 7.0], requires_grad=True)
    expected = {"gradient": [0, 2, 0], "deconvnet": [2, 2, 2], "guided": [0, 2, 0]}
    for rule in RULES:
        with relu_rule(rule):
            y = FORMS[form](x * 1.0)
        assert torch.autograd.grad(y, x, torch.full((3,), 2.0))[0].tolist() == expected[rule], rule
        assert y.tolist() == [0, 3, 6]


def one_conv(inplace: bool) -> Network:
    """Captum's BasicModel_ConvNet_One_Conv, reading pixels in hundredths."""
    conv, linear = nn.Conv2d(1, 2, 3), nn.Linear(8, 4)
    with torch.no_grad():
        conv.weight.fill_(1)
        conv.bias.copy_(torch.tensor([-50.0, -75.0]))
        linear.weight.copy_(torch.tensor([[1.0] * 5 + [-1.0] * 3] * 4))
        linear.bias.zero_()
    hundred = Functional(lambda x: x * 100)
    return as_net(
        nn.Sequential(hundred, conv, nn.ReLU(inplace), Functional(lambda x: x.view(-1, 8)), linear, nn.ReLU(inplace))
    )


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(
    "rule, expected",
    [
        ("gradient", [[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]),
        ("guided", [[0, 1, 1, 1], [1, 3, 3, 2], [1, 3, 3, 2], [1, 2, 2, 1]]),
        ("deconvnet", [[2, 3, 3, 1], [3, 5, 5, 2], [3, 5, 5, 2], [1, 2, 2, 1]]),
    ],
)
def test_captums_convolution_fixture(rule, expected, inplace):
    net = one_conv(inplace)
    images = numbers_in_units(torch.arange(16.0).view(4, 4))
    assert net(images)[0, 0].item() == pytest.approx(54)
    got = backprop(net, images, 0, rule=rule)
    torch.testing.assert_close(got[0, 0] / 100, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("options", [{}, {"inplace": True}, {"six": True}])
def test_captum_on_random_networks(seed, options):
    attr = pytest.importorskip("captum.attr")
    net = tiny_net("conv", seed=seed, **options).double()
    plain = tiny_net("conv", seed=seed, **{**options, "inplace": False}).double()
    images = torch.rand(3, 3, 9, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    target = torch.tensor([0, 3, 1])
    torch.testing.assert_close(
        backprop(net, images, target), attr.Saliency(plain).attribute(images, target, abs=False), rtol=0, atol=1e-6
    )
    if "six" in options:  # Captum changes nn.ReLU only and would return the plain gradient
        return
    for rule, oracle in (("guided", attr.GuidedBackprop), ("deconvnet", attr.Deconvolution)):
        expected = oracle(plain).attribute(images, target)
        assert expected.abs().max() > 0
        torch.testing.assert_close(backprop(net, images, target, rule=rule), expected, rtol=0, atol=1e-6)


def test_captum_for_a_unit_of_a_layer():
    attr = pytest.importorskip("captum.attr")
    net = tiny_net("conv", seed=5).double()
    images = torch.rand(2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layer = net.layers[4]
    for rule, oracle in (("guided", attr.NeuronGuidedBackprop), ("deconvnet", attr.NeuronDeconvolution)):
        expected = oracle(net, net.layer(layer)).attribute(images, (2, 1, 3))
        torch.testing.assert_close(backprop(net, images, f"{layer}:2", rule=rule, position=(1, 3)), expected)


@pytest.mark.parametrize("form", ["nn.ReLU", "F.relu", "torch.relu", "x.relu"])
def test_skip_branch(form):
    """y = sum w * (relu(x) - x): the ReLU's branch is rectified, the skip branch passes -w as it is."""
    relu = FORMS[form]
    weights = torch.tensor([[2.0, -3.0], [4.0, -5.0]], dtype=torch.float64)
    skip = Functional(lambda x: ((relu(x) - x) * weights).sum((1, 2, 3))[:, None])
    net = as_net(nn.Sequential(Functional(lambda x: x - 0.5), skip))
    images = torch.tensor([[0.9, 0.9], [0.1, 0.1]], dtype=torch.float64)[None, None]  # x > 0 in the first row
    on = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    expected = {
        "gradient": weights * on - weights,
        "deconvnet": weights.clamp(min=0) - weights,
        "guided": weights.clamp(min=0) * on - weights,
    }
    for rule in RULES:
        assert torch.equal(backprop(net, images, 0, rule=rule)[0, 0], expected[rule]), rule
    naive = (weights * on - weights).clamp(min=0)  # what a hook on the shared tensor gives
    assert not torch.equal(naive, expected["guided"])


def test_one_module_used_twice():
    relu = nn.ReLU()
    model = nn.Sequential(nn.Conv2d(1, 3, 3), relu, nn.Conv2d(3, 3, 3), relu, nn.Flatten(), nn.Linear(3 * 4, 2))
    twice = as_net(model)
    layers = [nn.ReLU() if isinstance(m, nn.ReLU) else m for m in model]
    once = as_net(nn.Sequential(*layers))
    images = torch.rand(1, 1, 6, 6, dtype=torch.float64)
    for rule in RULES:
        assert torch.equal(backprop(twice, images, 1, rule=rule), backprop(once, images, 1, rule=rule))
    assert not torch.allclose(backprop(twice, images, 1, rule="guided"), backprop(twice, images, 1))


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_rule_is_the_derivative(seed):
    net = tiny_net("conv", seed=seed).double()
    images = torch.rand(1, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    step = torch.zeros_like(images)
    step[0, 1, 2, 3] = 1e-6
    slope = (net((images + step).clamp(0, 2)) - net(images - step))[0, 2] / 2e-6
    assert backprop(net, images, 2)[0, 1, 2, 3].item() == pytest.approx(slope.item(), rel=1e-6)


@pytest.mark.parametrize("inplace", [False, True])
def test_in_place_networks_give_the_same(inplace):
    images = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    plain, other = tiny_net("conv", seed=1).double(), tiny_net("conv", seed=1, inplace=inplace).double()
    for rule in RULES:
        for target in (1, f"{plain.layers[1]}:3", f"{plain.layers[0]}:3" if rule == "gradient" else 2):
            assert torch.equal(backprop(plain, images, target, rule=rule), backprop(other, images, target, rule=rule))


@pytest.mark.parametrize("form", [f for f in FORMS if "in place" in f or f.endswith("_")])
def test_code_that_goes_on_with_the_tensor_it_changed_in_place(form):
    x = FORWARD.double().requires_grad_()
    with relu_rule("guided"):
        y = x * 1.0
        FORMS[form](y)
        z = y * 2
    assert torch.equal(y, FORWARD.clamp(min=0).double())
    (got,) = torch.autograd.grad(z, x, INCOMING.double() / 2)
    assert got.tolist() == WORKED["guided"]


def test_positions():
    net = tiny_net("conv", seed=2).double()
    layer = net.layers[1]
    images = torch.rand(2, 3, 7, 9, dtype=torch.float64)
    with torch.no_grad():
        maps = net.model[1](net.model[0](net.normalize(images)))[:, 4]
    points = [divmod(int(m.argmax()), 9) for m in maps]
    strongest = backprop(net, images, f"{layer}:4")
    assert torch.equal(strongest, backprop(net, images, f"{layer}:4", position=points))
    support = strongest.abs().amax(1) > 0
    for one, (row, column) in zip(support, points, strict=True):  # a 3 x 3 convolution sees one pixel around
        rows, columns = np.nonzero(one.numpy())
        assert abs(rows - row).max() <= 1 and abs(columns - column).max() <= 1
    center = backprop(net, images, f"{layer}:4", position="center")
    assert torch.equal(center, backprop(net, images, f"{layer}:4", position=(3, 4)))


def test_a_batch_is_its_images_one_by_one():
    net = tiny_net("conv", seed=3).double()
    images = torch.rand(3, 3, 8, 8, dtype=torch.float64)
    for target in (None, [0, 1, 2], f"{net.layers[4]}:1"):
        together = backprop(net, images, target, rule="guided")
        for index in range(3):
            one = [target[index]] if isinstance(target, list) else target
            torch.testing.assert_close(
                backprop(net, images[index : index + 1], one, rule="guided"), together[index : index + 1]
            )


def by_hand() -> Network:
    """Three units behind ReLUs over two pixels: y1 = relu(2 a), y2 = relu(a - b), y3 = relu(y1 - 3 y2), then a pooling."""
    first, second = nn.Conv2d(1, 2, (1, 2), bias=False), nn.Conv2d(2, 1, 1, bias=False)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[2.0, 0.0], [1.0, -1.0]]).view(2, 1, 1, 2))
        second.weight.copy_(torch.tensor([1.0, -3.0]).view(1, 2, 1, 1))
    return as_net(nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Flatten(), nn.Linear(1, 2)))


@pytest.mark.parametrize(
    "pixels, activation, one",
    [
        # y1 = 0.8, y2 = 0, y3 = 0.8. The deconvnet stops the signal -3 to y2; so does the closed ReLU of y2
        ((0.4, 0.5), 0.8, {"gradient": (2, 0), "deconvnet": (2, 0), "guided": (2, 0)}),
        # y1 = 1, y2 = 0.1, y3 = 0.7: only the gradient goes through y2
        ((0.5, 0.4), 0.7, {"gradient": (-1, 3), "deconvnet": (2, 0), "guided": (2, 0)}),
        # y1 = 1.8, y2 = 0.8, so y3 is off: from 1 the deconvnet draws, and from the activation 0 nothing does
        ((0.9, 0.1), 0.0, {"gradient": (0, 0), "deconvnet": (2, 0), "guided": (0, 0)}),
    ],
)
def test_it_starts_from_one_or_from_the_activation(pixels, activation, one):
    net, images = by_hand(), torch.tensor(pixels, dtype=torch.float64).view(1, 1, 1, 2)
    for rule, expected in one.items():
        expected = torch.tensor(expected, dtype=torch.float64)
        torch.testing.assert_close(backprop(net, images, "3:0", rule=rule)[0, 0, 0], expected)
        from_activation = backprop(net, images, "3:0", rule=rule, start="activation")[0, 0, 0]
        torch.testing.assert_close(from_activation, activation * expected)


def test_each_image_starts_from_its_own_activation():
    net = tiny_net("conv", seed=4).double()
    images = torch.rand(3, 3, 9, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    every = net(images).detach()
    target = torch.stack([every[0].argmin(), every[1].argmax(), every[2].argmin()])
    scores = every.gather(1, target[:, None])
    assert scores[0] < 0 < scores[1]  # a score has no ReLU: the sign counts
    plain = backprop(net, images, target)
    torch.testing.assert_close(backprop(net, images, target, start="activation"), scores[:, :, None, None] * plain)


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_no_relu_raises(rule):
    linear = tiny_net("linear", seed=0, height=4, width=4)
    images = torch.rand(1, 3, 4, 4)
    with pytest.raises(ValueError, match=f"{rule} changes ReLUs, and there is none between the image and the class"):
        backprop(linear, images, 0, rule=rule)
    conv = tiny_net("conv", seed=0)
    with pytest.raises(ValueError, match="none between the image and unit"):
        backprop(conv, images, f"{conv.layers[0]}:1", rule=rule)
    smooth = as_net(nn.Sequential(nn.Conv2d(1, 2, 3), nn.SiLU(), nn.LeakyReLU(), nn.Flatten(), nn.Linear(8, 2)))
    with pytest.raises(ValueError, match="changes ReLUs"):
        backprop(smooth, torch.rand(1, 1, 4, 4), 0, rule=rule)
    assert backprop(linear, images, 0).abs().sum() > 0


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_a_scripted_network_is_named_as_the_reason(rule):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net, x = Network(torch.jit.script(model), name="scripted"), torch.rand(1, 3, 8, 8)
    with pytest.raises(ValueError, match="torch.jit.script; give it before"):
        backprop(net, x, 1, rule=rule)
    assert torch.equal(backprop(net, x, 1), backprop(Network(model, name="plain"), x, 1))


def test_wrong_arguments_say_what_is_possible():
    net = tiny_net("conv", seed=0)
    images = torch.rand(2, 3, 8, 8)
    unit = f"{net.layers[4]}:0"
    with pytest.raises(ValueError, match="rule must be one of 'gradient', 'deconvnet', 'guided'"):
        backprop(net, images, 0, rule="guide")
    with pytest.raises(ValueError, match="has no layer"):
        backprop(net, images, "nowhere:3")
    with pytest.raises(ValueError, match="channels 0 to 7"):
        backprop(net, images, f"{net.layers[4]}:8")
    with pytest.raises(ValueError, match="outside the layer's map of 4x4"):
        backprop(net, images, unit, position=(0, 4))
    with pytest.raises(ValueError, match="one for each of the 2 images"):
        backprop(net, images, unit, position=[(0, 1)] * 3)
    with pytest.raises(ValueError, match="position must be one of"):
        backprop(net, images, unit, position="middle")
    with pytest.raises(ValueError, match="start must be one of 'one', 'activation'"):
        backprop(net, images, 0, start="two")
    with pytest.raises(ValueError, match="out of range"):
        backprop(net, images, 99)


def test_nothing_is_left_behind():
    net = tiny_net("conv", seed=0, inplace=True)
    net.train()
    net.model[0].weight.requires_grad_()
    images = torch.rand(1, 3, 8, 8, requires_grad=True)
    before, weights = images.detach().clone(), [p.clone() for p in net.parameters()]
    state = torch.get_rng_state()
    backprop(net, images, None, rule="guided")
    with pytest.raises(ValueError):
        backprop(net, images, 99, rule="guided")
    assert torch.equal(images, before) and images.grad is None and images.requires_grad
    assert net.training and net.model[0].weight.requires_grad and net.model[0].weight.grad is None
    assert all(torch.equal(a, b) for a, b in zip(weights, net.parameters(), strict=True))
    assert all(not m._forward_hooks and not m._forward_pre_hooks and not m._backward_hooks for m in net.modules())
    assert torch.equal(state, torch.get_rng_state())
    x = torch.tensor([1.0], requires_grad=True)
    assert torch.autograd.grad(F.relu(x), x, torch.tensor([-1.0]))[0].item() == -1  # the rule ended with the call


def test_efficientnet_has_relu6s_that_are_reached():
    from course_utils.networks import load_network

    net = load_network("efficientnet_lite0", device="cpu")
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with relu_rule("guided") as relus, torch.enable_grad():
        net(images.requires_grad_())
    activations = [m for m in net.modules() if isinstance(m, nn.ReLU6)]
    assert relus.count == len(activations) > 30
    plain, guided = backprop(net, images, 5), backprop(net, images, 5, rule="guided")
    assert not torch.allclose(plain, guided)


def test_as_picture():
    gradients = torch.tensor([[-2.0, 0.0], [1.0, 2.0]]).expand(1, 3, 2, 2)
    picture = as_picture(gradients, percentile=100)
    assert picture[0, 0].tolist() == [[0.0, 0.5], [0.75, 1.0]]
    assert as_picture(torch.zeros(1, 3, 4, 4)).unique().tolist() == [0.5]
    spike = torch.zeros(1, 3, 50, 50)
    spike[0, 0, 0, 0] = 7  # fewer pixels than the cut-off share are not 0: it must not divide by 0
    assert as_picture(spike)[0, 0, 0, 0] == 1
