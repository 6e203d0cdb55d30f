"""Texture synthesis on a tiny network: the loss by arithmetic, and the sample's Gram matrices reached."""

import numpy as np
import pytest
import torch

from course_utils.exercises.tiny import tiny_net
from course_utils.fun.gram import texture_grams
from course_utils.fun.texture import synthesize_texture, texture_loss
from course_utils.networks import load_network

LAYERS = ["1", "4"]  # the two ReLUs of the tiny network
quiet = {"progress": False}


def features(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def test_texture_loss_by_arithmetic():
    net, sample = tiny_net("conv", seed=1), features(1, 3, 7, 6, seed=1).sigmoid()
    images, targets = features(2, 3, 8, 9).sigmoid(), texture_grams(net, sample, LAYERS)
    assert texture_loss(net, sample, LAYERS)(net, sample).item() == 0
    expected = []
    for image in images.split(1):
        first = net.model[1](net.model[0](net.normalize(image)))
        second = net.model[4](net.model[3](net.model[2](first)))
        total = 0
        for weight, maps, name in ((0.7, first, "1"), (0.2, second, "4")):
            flat = maps[0].flatten(1)
            gram, target = flat @ flat.T / flat.shape[1], targets[name][0]
            total += weight * ((gram - target) ** 2).sum() / (target**2).sum()
        expected.append(total)
    loss = texture_loss(net, sample, LAYERS, layer_weights=[0.7, 0.2])
    torch.testing.assert_close(loss(net, images), torch.stack(expected))


class Losses(list):
    """A callback that keeps the losses."""

    def __call__(self, step, images, values):
        self.append(values.item())


def test_synthesis_reaches_the_samples_gram_matrices():
    net, sample, losses = tiny_net("conv", seed=2), features(1, 3, 10, 10).sigmoid(), Losses()
    image = synthesize_texture(net, sample, (6, 9), layers=LAYERS, steps=80, init="noise", callback=losses, **quiet)
    assert image.shape == (1, 3, 6, 9) and image.dtype == sample.dtype
    assert image.min() >= 0 and image.max() <= 1
    assert min(losses) < 1e-3 * losses[0] and len(losses) == 81
    assert texture_loss(net, sample, LAYERS)(net, image).item() == pytest.approx(min(losses))
    repeated = synthesize_texture(net, sample, (6, 9), layers=LAYERS, steps=80, init="noise", **quiet)
    assert torch.equal(image, repeated)
    other = synthesize_texture(net, sample, (6, 9), layers=LAYERS, steps=20, seed=1, **quiet)
    assert not torch.equal(image, other)


def first_picture(shape, **options):
    """Where the search starts."""
    seen, sample = [], features(1, 3, *shape).sigmoid()
    keep = lambda step, image, value: seen.append(image)  # noqa: E731
    synthesize_texture(tiny_net("conv"), sample, layers=["1"], steps=1, callback=keep, **options, **quiet)
    assert len(seen) == 2 and not torch.equal(seen[0], seen[1])
    return seen[0].float()


def test_it_starts_with_the_noise():
    noise = (0.5 + 0.1 * torch.randn((1, 3, 8, 8), generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    torch.testing.assert_close(first_picture((8, 8), init="noise"), noise)


@pytest.mark.parametrize("shape", [(64, 64), (40, 67), (5, 9)])
def test_smooth_noise_has_the_same_contrast_and_no_fine_detail(shape):
    smooth, rough = (first_picture(shape, init=init) for init in ("smooth", "noise"))
    assert smooth.shape == (1, 3, *shape)
    assert smooth.std().item() == pytest.approx(0.1, rel=0.1)
    assert not torch.equal(smooth, first_picture(shape, init="smooth", seed=1))
    if min(shape) > 8:
        steps = [one.diff(dim=3).square().mean().sqrt().item() for one in (smooth, rough)]
        assert steps[0] < steps[1] / 5  # from one pixel to the next


def test_it_starts_with_a_picture():
    given = features(1, 3, 6, 9, seed=5).sigmoid().float()
    torch.testing.assert_close(first_picture((8, 8), size=(6, 9), init=given), given)


def test_every_picture_on_the_way_lies_in_the_box():
    """The search itself keeps to it: a loss that pulls pixels out of [0, 1] meets pictures with values at the border."""
    net, sample, seen = tiny_net("conv", seed=2), features(1, 3, 10, 10).mul(9).sigmoid(), []
    synthesize_texture(net, sample, layers=LAYERS, steps=20, callback=lambda s, image, v: seen.append(image), **quiet)
    last = texture_loss(net, sample, LAYERS)(net, seen[-1]).item()
    values = Losses()
    synthesize_texture(net, sample, layers=LAYERS, steps=20, callback=values, **quiet)
    assert last == pytest.approx(values[-1])  # so nothing was cut off for the eye
    assert (seen[-1] == 0).any() or (seen[-1] == 1).any()


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_one_color_gives_no_nan(level):
    net, losses = tiny_net("conv", seed=3), Losses()
    for parameter in net.parameters():  # without biases a black sample has Gram matrices of zeros
        if parameter.ndim == 1:
            parameter.zero_()
    sample = torch.full((1, 3, 8, 8), level)
    image = synthesize_texture(net, sample, layers=LAYERS, steps=10, callback=losses, **quiet)
    assert image.isfinite().all()
    assert np.isfinite(losses).all()


def test_gray_networks_have_textures_too():
    net, sample, losses = tiny_net("conv", seed=2, channels=1), features(1, 1, 10, 10).sigmoid(), Losses()
    image = synthesize_texture(net, sample, layers=LAYERS, steps=30, callback=losses, **quiet)
    assert image.shape == sample.shape and min(losses) < 0.1 * losses[0]


def test_synthesis_on_vgg19():
    net, losses = load_network("vgg19"), Losses()
    sample = features(1, 3, 20, 20).sigmoid().float()
    image = synthesize_texture(net, sample, 24, steps=12, callback=losses, **quiet)
    assert image.shape == (1, 3, 24, 24) and losses[-1] < losses[0]


def test_an_interrupt_returns_the_best_so_far():
    losses = []

    def ctrl_c(step, images, values):
        losses.append(values.item())
        if step == 5:
            raise KeyboardInterrupt

    net, sample = tiny_net("conv", seed=2), features(1, 3, 10, 10).sigmoid()
    image = synthesize_texture(net, sample, layers=LAYERS, callback=ctrl_c, **quiet)
    assert len(losses) == 6
    assert texture_loss(net, sample, LAYERS)(net, image).item() == pytest.approx(min(losses))


def test_synthesis_leaves_nothing_behind():
    net, sample = tiny_net("conv").train(), features(1, 3, 8, 8).sigmoid().requires_grad_()
    net.requires_grad_(True)
    state = torch.get_rng_state(), np.random.get_state()[1].copy()
    before = sample.detach().clone()
    synthesize_texture(net, sample, layers=["1"], steps=3, **quiet)
    assert torch.equal(torch.get_rng_state(), state[0]) and np.array_equal(np.random.get_state()[1], state[1])
    assert torch.equal(sample, before) and sample.grad is None
    assert all(p.grad is None and p.requires_grad for p in net.parameters()) and net.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


@pytest.mark.parametrize(
    "sample, options, message",
    [
        (torch.zeros(2, 3, 8, 8), {}, "one image, not a batch of 2"),
        (torch.zeros(1, 3, 8, 8), {"layers": []}, "layers is empty"),
        (torch.zeros(1, 3, 8, 8), {"layers": ["nine"]}, "no layer 'nine'"),
        (torch.zeros(1, 3, 8, 8), {"layer_weights": [1.0]}, "1 numbers for 2 layers"),
        (torch.zeros(1, 3, 8, 8), {"init": "white"}, "init must be"),
        (torch.zeros(1, 3, 8, 8), {"init": torch.zeros(1, 3, 9, 8)}, "the result's size 8x8"),
        (torch.zeros(1, 3, 8, 8), {"steps": 0}, "steps must be greater than 0"),
        (torch.zeros(1, 3, 1, 8), {}, "sample of 1x8 pixels are too small"),
        (torch.zeros(1, 3, 8, 8), {"size": 1}, "the smallest size is 2x2"),
    ],
)
def test_synthesis_bad_input(sample, options, message):
    with pytest.raises(ValueError, match=message):
        synthesize_texture(tiny_net("conv"), sample, **{"layers": LAYERS, **options}, **quiet)
