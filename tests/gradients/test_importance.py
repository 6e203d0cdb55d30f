"""Channel importance on networks where the answer can be computed by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import tiny_net
from course_utils.engines.ablation import ablated, rest_of
from course_utils.gradients.importance import channel_importance
from course_utils.gradients.pruning import pruning_curve
from course_utils.hooks import forward_to
from course_utils.networks import Network


def images(count=4, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(0, 1, (count, 3, 8, 10)))


@pytest.fixture
def conv():
    return tiny_net("conv", seed=3)


class Skip(nn.Module):
    """A network with a path around the layer."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Conv2d(3, 3, 3, padding=1)
        self.head = nn.Linear(3, 4)

    def forward(self, x):
        return self.head((x + self.inner(x)).mean((2, 3)))


@pytest.fixture
def skip():
    torch_state = torch.get_rng_state()
    torch.manual_seed(0)
    net = Network(Skip().double(), name="skip", categories=list("abcd"))
    torch.set_rng_state(torch_state)
    return net


def by_hand(net, x, layer, classes, channel):
    """The rise of the loss when the filter itself is cut out of the weights."""
    module = net.layer(layer)
    weight, bias = module.weight.clone(), module.bias.clone()
    loss = lambda: nn.functional.cross_entropy(net(x), classes, reduction="none")  # noqa: E731
    with torch.no_grad():
        before = loss()
        module.weight[channel] = 0
        module.bias[channel] = 0
        after = loss()
        module.weight.copy_(weight)
        module.bias.copy_(bias)
    return after - before


@pytest.mark.parametrize("name", ["conv", "skip"])
def test_ablation_equals_cutting_the_filter_out_of_the_weights(name, request):
    net = request.getfixturevalue(name)
    layer, x, classes = ("3" if name == "conv" else "inner"), images(), torch.tensor([0, 1, 2, 3])
    values = channel_importance(net, x, layer, classes, batch_size=3, progress=False)
    want = torch.stack([by_hand(net, x, layer, classes, c) for c in range(len(values))])
    torch.testing.assert_close(values, want.abs().mean(1), rtol=1e-6, atol=1e-9)
    signed = channel_importance(net, x, layer, classes, signed=True, progress=False)
    torch.testing.assert_close(signed, want.mean(1), rtol=1e-6, atol=1e-9)
    assert not torch.allclose(signed.abs(), values)


def test_the_shortcut_is_taken_only_where_it_is_right(conv, skip):
    for net, layer, possible in ((conv, "3", True), (skip, "inner", False)):
        x = images()
        with torch.no_grad():
            maps = forward_to(net, x, [layer])[layer]
            assert (rest_of(net, layer, x, maps, net(x)) is not None) == possible


def test_taylor_is_the_first_order_of_ablation():
    # behind the layer only a linear score with a tiny weight: the first order is all there is
    head = nn.Linear(2, 2).double()
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1e-4, 2e-4], [-1e-4, 3e-4]]))
        head.bias.zero_()
    net = Network(nn.Sequential(nn.Conv2d(3, 2, 1).double(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head), name="net")
    x, classes = images(), torch.tensor([0, 1, 1, 0])
    exact = channel_importance(net, x, "0", classes, progress=False)
    first = channel_importance(net, x, "0", classes, by="taylor", progress=False)
    torch.testing.assert_close(first, exact, rtol=1e-2, atol=1e-12)


class Twice(nn.Module):
    """The same layer in two places."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.last = nn.Conv2d(3, 5, 3), nn.Conv2d(5, 5, 3, padding=1), nn.Linear(5, 4)

    def forward(self, x):
        x = torch.relu_(self.again(self.first(x)))
        return self.last(torch.tanh(self.again(x)).mean((2, 3)))


def test_taylor_of_a_layer_that_runs_twice_is_the_slope_of_both():
    torch.manual_seed(0)
    net, x = Network(Twice(), name="twice").double(), torch.rand(3, 3, 9, 9, dtype=torch.float64)
    found = channel_importance(net, x, "again", [0, 1, 2], by="taylor", signed=True, batch_size=2)

    def loss(channel, gate):
        factors = torch.ones(5, dtype=torch.float64)
        factors[channel] = gate
        handle = net.layer("again").register_forward_hook(lambda m, i, out: out * factors.view(1, -1, 1, 1))
        try:
            return nn.functional.cross_entropy(net(x), torch.tensor([0, 1, 2]))
        finally:
            handle.remove()

    slopes = torch.stack([(loss(c, 1 - 1e-5) - loss(c, 1 + 1e-5)) / 2e-5 for c in range(5)])
    torch.testing.assert_close(found, slopes, rtol=1e-6, atol=1e-9)
    ablation = channel_importance(net, x, "again", [0, 1, 2], signed=True, progress=False)
    torch.testing.assert_close(ablation[0], loss(0, 0) - loss(0, 1))


def test_activation_is_the_mean_size(conv):
    x = images()
    values = channel_importance(conv, x, "0", by="activation", progress=False)
    torch.testing.assert_close(values, conv.layer("0")(conv.normalize(x)).abs().mean((0, 2, 3)))


def test_ablated_channels_are_zero_inside_the_block_only(conv):
    x, clean = images(), conv(images())
    with ablated(conv, "3", [1, 6]) as cut:
        maps = forward_to(cut, x, ["4"])["4"]
    assert maps[:, [1, 6]].abs().max() == 0 and maps[:, [0, 2]].abs().max() > 0
    assert torch.equal(conv(x), clean)
    with ablated(conv, "3", []) as cut:
        assert torch.equal(cut(x), clean)


def test_a_channel_that_nothing_reads_does_not_matter(conv):
    with torch.no_grad():
        conv.layer("3").weight[:, 4] = 0  # the next convolution ignores channel 4
    values = channel_importance(conv, images(), "1", progress=False)
    assert values[4] == 0 and values.abs().sum() > 0


def test_pruning_curve(conv):
    x = images(6)
    classes = conv(x).argmax(1)
    accuracies, losses = pruning_curve(conv, x, "3", classes, range(8), shares=(0, 0.5, 1))
    assert accuracies[0] == 1.0
    with ablated(conv, "3", [0, 1, 2, 3]) as cut:
        assert losses[1] == pytest.approx(nn.functional.cross_entropy(cut(x), classes).item())
    # with no channel left, all images look the same
    assert accuracies[2] == pytest.approx((classes == conv.layer("7").bias.argmax()).double().mean().item(), abs=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, x: channel_importance(net, x, "3", by="luck"), "by must be one of"),
        (lambda net, x: channel_importance(net, x, "99"), "has no layer '99'"),
        (lambda net, x: pruning_curve(net, x, "3", 0, [0, 0, 1]), "order must hold every channel once"),
        (lambda net, x: pruning_curve(net, x, "3", 0, range(8), shares=(2,)), "shares must lie in"),
    ],
)
def test_wrong_input_is_named(conv, call, message):
    with pytest.raises(ValueError, match=message):
        call(conv, images())


def test_a_channel_out_of_range_is_named(conv):
    with pytest.raises(ValueError, match="3 has channels 0 to 7"), ablated(conv, "3", [8]) as cut:
        cut(images())
    assert not conv.layer("3")._forward_hooks
