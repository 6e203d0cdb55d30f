"""Instance norm by torch's own, the style network on small random weights, and the shipped weights."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from course_utils import photo
from course_utils.errors import WeightsError
from course_utils.fun import fast_style, load_style_net, stylize
from course_utils.fun.fast_style import mixture, style_rows
from course_utils.fun.instance_norm import BatchNorm, ConditionalInstanceNorm, instance_norm
from course_utils.fun.perceptual_loss import PerceptualLoss
from course_utils.fun.style_net import LEAST, STYLE_NAMES, StyleNet
from course_utils.hooks import forward_to
from course_utils.networks import load_network, weights
from course_utils.stimuli import style_names
from course_utils.training.styles import STYLE_WEIGHTS, style_picture


def numbers(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def images(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(size=shape))


def shaken(net, seed=0):
    """A network as if trained: every weight moved, so that nothing is 0 or 1 by chance."""
    draw = np.random.default_rng(seed)
    for p in net.parameters():
        p.data += torch.from_numpy(draw.normal(0, 0.2, tuple(p.shape))).to(p)
    return net.eval()


@pytest.fixture
def net():
    return shaken(StyleNet(["a", "b", "c"], widths=(4, 6, 8), blocks=2).double())


@pytest.fixture(scope="module")
def trained():
    return load_style_net()


def test_instance_norm_is_torchs():
    x, gamma, beta = 3 + 2 * numbers(3, 4, 5, 7), numbers(4, seed=1), numbers(4, seed=2)
    ours = instance_norm(x, gamma, beta)
    assert torch.allclose(ours, F.instance_norm(x, weight=gamma, bias=beta, eps=1e-5), atol=1e-12)


def test_instance_norm_with_rows_is_instance_norm_of_each_picture():
    x, gamma, beta = numbers(3, 4, 5, 7), numbers(3, 4, seed=1), numbers(3, 4, seed=2)
    alone = [F.instance_norm(x[i : i + 1], weight=gamma[i], bias=beta[i], eps=1e-5) for i in range(3)]
    assert torch.allclose(instance_norm(x, gamma, beta), torch.cat(alone), atol=1e-12)


def test_equal_rows_are_plain_instance_norm():
    norm = ConditionalInstanceNorm(3, 4).double()
    gamma, beta = numbers(4, seed=1), numbers(4, seed=2)
    norm.gamma.data[:], norm.beta.data[:] = gamma, beta
    x, mix = numbers(5, 4, 6, 7), torch.softmax(numbers(5, 3, seed=3), 1)
    assert torch.allclose(norm(x, mix), F.instance_norm(x, weight=gamma, bias=beta, eps=1e-5), atol=1e-12)


def test_instance_norm_takes_contrast_and_brightness_out_and_batch_norm_does_not():
    x, mix = numbers(2, 4, 9, 9), torch.ones(2, 1, dtype=torch.float64)
    faint = torch.cat([x[:1], 0.3 * x[:1] + 5])
    one, other = ConditionalInstanceNorm(1, 4).double()(faint, mix)
    assert torch.allclose(one, other, atol=1e-3)  # eps keeps them from being equal
    one, other = BatchNorm(1, 4).double()(faint, mix)
    assert not torch.allclose(one, other, atol=0.5)


def test_an_untrained_network_returns_its_input():
    x = images(2, 3, 20, 25)
    fresh = StyleNet(["a", "b"]).double()
    for style in ("a", [0.3, 0.7]):
        assert torch.allclose(stylize(fresh, x, style), x, atol=1e-12)


def test_one_hot_mixing_is_the_single_style(net):
    """The same picture comes from a network that holds this style only."""
    x = images(2, 3, 21, 24)
    for k, name in enumerate(net.styles):
        single = StyleNet([name], widths=(4, 6, 8), blocks=2).double()
        rows = {id(p) for p in style_rows(net)}
        single.load_state_dict({n: p.data[k : k + 1] if id(p) in rows else p.data for n, p in net.named_parameters()})
        expected = stylize(single, x, name)
        one_hot = [float(j == k) for j in range(3)]
        for style in (name, one_hot, torch.tensor(one_hot), {name: 5.0}):
            assert torch.allclose(stylize(net, x, style), expected, atol=1e-12)
    assert (stylize(net, x, "a") - stylize(net, x, "b")).abs().max() > 0.01


def test_mixing_is_linear_in_the_rows_and_changes_the_picture(net):
    x = images(1, 3, 16, 20)
    between = stylize(net, x, {"a": 1, "b": 3})
    merged = deepcopy(net)
    for p in style_rows(merged):
        p.data[:] = 0.25 * p.data[0] + 0.75 * p.data[1]
    assert torch.allclose(between, stylize(merged, x, "c"), atol=1e-12)


def test_rows_of_a_style_get_no_gradient_from_batches_of_another(net):
    mix = F.one_hot(torch.tensor([0, 2]), 3).double()
    net(images(2, 3, 16, 16), mix).square().sum().backward()
    assert len(style_rows(net)) == 2 + 2 * (3 + 2 * 2 + 2)  # color and shift; gamma and beta of every layer
    for p in style_rows(net):
        assert p.grad[1].abs().max() == 0
        assert p.grad[0].abs().max() > 0 and p.grad[2].abs().max() > 0


@pytest.mark.parametrize("size", [(16, 16), (17, 19), (18, 33), (31, 20)])
def test_odd_sizes_come_back_at_their_own_size(net, size):
    x = images(2, 3, *size)
    out = stylize(net, x, "b")
    assert out.shape == x.shape and out.min() >= 0 and out.max() <= 1 and not out.requires_grad
    assert torch.allclose(
        out[1:], stylize(net, x[1:], "b"), atol=1e-12
    )  # a picture's neighbors in the batch do nothing


def test_padding_draws_no_frame_and_enlarging_no_checkerboard():
    """A picture of one color keeps one color. (With batch norm: instance norm would enlarge rounding errors of flat features.)"""
    net = shaken(StyleNet(["a"], widths=(4, 6, 8), blocks=2, norm="batch").double())
    out = stylize(net, torch.full((1, 3, 24, 28), 0.4, dtype=torch.float64), "a")
    assert (out - out.mean((2, 3), keepdim=True)).abs().max() < 1e-9
    assert (out - 0.4).abs().max() > 0.01


@pytest.mark.parametrize("height, width", [(LEAST - 1, 40), (40, 3), (1, 1)])
def test_too_small_pictures_are_named(net, height, width):
    with pytest.raises(ValueError, match=f"{height}x{width} pixels are too small; the smallest size is 16x16"):
        stylize(net, images(1, 3, height, width), "a")


@pytest.mark.parametrize(
    "style, message",
    [
        ("d", "style must be one of 'a', 'b', 'c'; not 'd'"),
        ({"a": 1, "z": 1}, "not 'z'"),
        ([1, 2], r"style \(of a, b, c\) has 2 numbers for 3 styles"),
        ([1, -1, 1], "must not be negative"),
        ([0, 0, 0], "not all 0"),
        ([float("nan"), 1, 1], "must not be negative"),
    ],
)
def test_styles_that_do_not_exist(net, style, message):
    with pytest.raises(ValueError, match=message):
        stylize(net, images(1, 3, 16, 16), style)


def test_weights_are_shares(net):
    assert mixture(net, [1, 1, 2]).tolist() == [[0.25, 0.25, 0.5]]
    assert mixture(net, {"c": 1, "a": 3}).tolist() == [[0.75, 0.0, 0.25]]


def test_unknown_norm_and_no_styles():
    with pytest.raises(ValueError, match="norm must be one of 'instance', 'batch'"):
        StyleNet(["a"], norm="layer")
    with pytest.raises(ValueError, match="list of one or more names"):
        StyleNet([])


def test_the_names_are_those_of_the_style_pictures():
    assert list(STYLE_NAMES) == style_names() == list(STYLE_WEIGHTS)


def test_each_style_of_the_shipped_network_is_its_own(trained, monkeypatch):
    """In every style's loss the picture painted in that style is the best of the eight, and far better than the photo."""
    image = photo("china", 128, crop=False)
    loss = PerceptualLoss(
        load_network("vgg19", device="cpu"),
        [style_picture(name) for name in STYLE_NAMES],
        style_weights=list(STYLE_WEIGHTS.values()),
    )
    pictures = torch.cat([image, *(stylize(trained, image, name) for name in STYLE_NAMES)])
    content = {name: value.expand(9, -1, -1, -1) for name, value in loss.content(image).items()}
    with torch.no_grad():
        seen = forward_to(loss.net, pictures, [*loss.content_layers, *loss.style_layers])
        monkeypatch.setattr(
            "course_utils.fun.perceptual_loss.forward_to", lambda *_: seen
        )  # eight losses look at the same pictures
        table = torch.stack([loss(pictures, content, torch.full((9,), n)) for n in range(8)])  # (styles, pictures)
    assert table[:, 1:].argmin(1).tolist() == list(range(8))
    own = table[:, 1:].diagonal() / table[:, 0]
    assert own.max() < 0.6, dict(zip(STYLE_NAMES, own.tolist(), strict=True))


def test_the_shipped_file_is_small_and_half_precision_is_enough(trained):
    file = weights.FOLDER / "styles.safetensors"
    assert file.stat().st_size <= 8e6
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in trained.parameters())
    assert not trained.training


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_damaged_weights_are_named(monkeypatch, tmp_path, damage):
    data = (weights.FOLDER / "styles.safetensors").read_bytes()
    if damage != "missing":
        half = len(data) // 2
        broken = data[:half] if damage == "cut" else data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
        (tmp_path / "styles.safetensors").write_bytes(broken)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    fast_style._stored.cache_clear()
    with pytest.raises(WeightsError, match=r"styles\.safetensors .*git checkout"):
        load_style_net()
