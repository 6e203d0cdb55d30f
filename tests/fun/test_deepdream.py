import pytest
import torch
from torch import nn

from course_utils.exercises.tiny import tiny_net
from course_utils.fun.deepdream import deepdream
from course_utils.fun.dream import dream, dream_gradient, dream_step
from course_utils.hooks import forward_to, smallest_size
from course_utils.networks import Network
from course_utils.optimize.octaves import octave_zooms, scaled, stretch


def small_net(seed=0, *, channels=(3, 6, 8)):
    torch.manual_seed(seed)
    a, b, c = channels
    model = nn.Sequential(
        nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(b, c, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)
    ).double()  # fmt: skip
    return Network(model, name="small", mean=[0.4, 0.5, 0.6], std=[0.5, 0.5, 0.5])


@pytest.fixture
def images():
    return torch.rand(2, 3, 20, 25, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_seeding_backward_with_the_activation_is_the_gradient_of_half_the_sum_of_squares(images):
    net = small_net()
    pixels = images.clone().requires_grad_()
    half_sum = forward_to(net, pixels, ["4"])["4"].square().sum() / 2
    (expected,) = torch.autograd.grad(half_sum, pixels)
    torch.testing.assert_close(dream_gradient(net, images, "4"), expected, rtol=1e-12, atol=1e-12)


def test_one_channel(images):
    net = small_net()
    pixels = images.clone().requires_grad_()
    half_sum = forward_to(net, pixels, ["4"])["4"][:, 3].square().sum() / 2
    (expected,) = torch.autograd.grad(half_sum, pixels)
    torch.testing.assert_close(dream_gradient(net, images, "4:3"), expected, rtol=1e-12, atol=1e-12)


def test_the_mean_change_of_a_step_is_the_step_size(images):
    inside = 0.3 + 0.4 * images  # nothing is cut off
    moved = dream_step(small_net(), inside, "4", step_size=0.01)
    torch.testing.assert_close((moved - inside).abs().mean((1, 2, 3)), torch.full((2,), 0.01, dtype=torch.float64))


def test_a_step_goes_uphill(images):
    net = small_net()
    moved = dream_step(net, images, "4", step_size=1e-4)
    before, after = (forward_to(net, x, ["4"])["4"].square().sum((1, 2, 3)) for x in (images, moved))
    assert (after > before).all()


def test_zero_gradient_changes_nothing():
    net = small_net()
    with torch.no_grad():
        net.layer("0").weight.zero_()
        net.layer("0").bias.fill_(-1)  # the ReLU lets nothing through
    black = torch.zeros(1, 3, 16, 16, dtype=torch.float64)
    assert torch.equal(deepdream(net, black, layer="4", octaves=2, steps=2, progress=False), black)


def test_zero_steps_return_the_input(images):
    assert torch.equal(deepdream(small_net(), images, layer="4", steps=0, progress=False), images)


def test_jitter_without_a_step_returns_the_input(images):
    result = deepdream(small_net(), images, layer="4", octaves=1, step_size=0, jitter=5, progress=False)
    torch.testing.assert_close(result, images)


def test_one_octave_without_jitter_is_plain_ascent(images):
    net = small_net()
    expected = images
    for _ in range(3):
        expected = dream_step(net, expected, "4", step_size=0.02)
    result = deepdream(net, images, layer="4", octaves=1, steps=3, jitter=0, step_size=0.02, progress=False)
    torch.testing.assert_close(result, expected)


def test_octaves_carry_the_detail_and_not_the_blur(images):
    net = small_net()
    small = scaled((20, 25), octave_zooms((20, 25), 2, 1.4)[0])
    base = stretch(images, small)
    detail = dream_step(net, base, "4", step_size=0.02) - base
    start = images + stretch(detail, (20, 25))
    expected = dream_step(net, start, "4", step_size=0.02)
    result = deepdream(net, images, layer="4", octaves=2, steps=1, jitter=0, step_size=0.02, progress=False)
    torch.testing.assert_close(result, expected)


def test_octave_sizes():
    sizes = lambda size, *how: [scaled(size, zoom) for zoom in octave_zooms(size, *how)]  # noqa: E731
    assert sizes((300, 450), 4, 1.4) == [(109, 164), (153, 230), (214, 321), (300, 450)]
    assert sizes((30, 45), 4, 1.4, 16) == [(21, 32), (30, 45)]
    assert sizes((6, 6), 3, 1.4, 16) == [(6, 6)]


def test_images_of_a_batch_do_not_see_each_other(images):
    net = small_net()
    together = deepdream(net, images, layer="4", octaves=2, steps=2, jitter=3, progress=False)
    alone = deepdream(net, images[1:], layer="4", octaves=2, steps=2, jitter=3, progress=False)
    torch.testing.assert_close(together[1:], alone)


def test_seed(images):
    net = small_net()
    a, b, c = (deepdream(net, images, layer="4", steps=2, octaves=1, seed=s, progress=False) for s in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_a_guide_replaces_each_position_by_its_best_match(images):
    net, guide = small_net(), images[1:, :, :12, :14]
    vectors = forward_to(net, guide, ["4"])["4"][0].flatten(1).T
    pixels = images[:1].clone().requires_grad_()
    activation = forward_to(net, pixels, ["4"])["4"]
    seed = torch.zeros_like(activation)
    for y in range(activation.shape[2]):
        for x in range(activation.shape[3]):
            here = activation[0, :, y, x].detach()
            seed[0, :, y, x] = vectors[int((vectors @ here).argmax())]
    (expected,) = torch.autograd.grad(activation, pixels, seed)
    torch.testing.assert_close(dream_gradient(net, images[:1], "4", guide=vectors), expected)
    dreamed = deepdream(
        net, images[:1], layer="4", guide=guide, octaves=1, steps=1, jitter=0, step_size=0.01, progress=False
    )
    torch.testing.assert_close(dreamed, dream_step(net, images[:1], "4", step_size=0.01, guide=vectors))


def test_interrupted_it_returns_the_dream_so_far(images):
    net, options = small_net(), {"layer": "4", "jitter": 0, "progress": False}

    def ctrl_c(step, images, values):
        if step == at:
            raise KeyboardInterrupt

    at = 3  # in the second octave
    stopped = deepdream(net, images, octaves=2, steps=2, callback=ctrl_c, **options)
    assert stopped.shape == images.shape and not torch.equal(stopped, images)
    at = 2  # now in the first octave, after two steps: what was dreamed is brought to the full size
    early = deepdream(net, images, octaves=3, steps=5, callback=ctrl_c, **options)
    small = stretch(images, scaled((20, 25), 1.4**2))
    dreamed = deepdream(net, small, octaves=1, steps=2, **options)
    torch.testing.assert_close(early, (images + stretch(dreamed - small, (20, 25))).clamp(0, 1))


def test_the_dream_is_a_mean_of_half_squares_and_has_the_gradient_of_the_recipe(images):
    net = small_net()
    maps = forward_to(net, images, ["4"])["4"]
    torch.testing.assert_close(dream("4")(net, images), maps.square().mean((1, 2, 3)) / 2)
    torch.testing.assert_close(dream("4:3")(net, images), maps[:, 3].square().mean((1, 2)) / 2)
    vectors = maps[1].flatten(1).T
    for layer, guide, count in (("4", None, maps[0].numel()), ("4:3", None, maps[0, 0].numel())):
        pixels = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(dream(layer, guide=guide)(net, pixels).sum(), pixels)
        torch.testing.assert_close(gradient * count, dream_gradient(net, images, layer, guide=guide))
    pixels = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(dream("4", guide=vectors)(net, pixels).sum(), pixels)
    torch.testing.assert_close(gradient * 2 * maps[0].numel(), dream_gradient(net, images, "4", guide=vectors))


@pytest.mark.parametrize("layer, guided", [("7", False), ("7:2", False), ("7", True)])
def test_a_layer_without_positions_dreams_too(images, layer, guided):
    net, seen = tiny_net("conv", seed=0), []
    guide = images[1:] if guided else None
    options = {
        "octaves": 1,
        "steps": 4,
        "callback": lambda step, images, values: seen.append(values),
        "progress": False,
    }
    dreamed = deepdream(net, images, layer, guide=guide, **options)
    assert dreamed.shape == images.shape and not torch.equal(dreamed, images)
    assert (seen[-1] > seen[0]).all()


@pytest.mark.parametrize("color", [0.0, 1.0, 0.37])
def test_one_color_stays_finite_and_in_range(color):
    flat = torch.full((1, 3, 9, 11), color, dtype=torch.float64)
    result = deepdream(small_net(), flat, layer="4", steps=3, progress=False)
    assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1


def test_smallest_size():
    net = small_net()
    assert [smallest_size(net, [layer]) for layer in ("1", "4", "5")] == [1, 2, 4]
    with pytest.raises(
        ValueError, match=r"images of 3x9 pixels are too small for 5 of small: the smallest size is 4x4"
    ):
        deepdream(net, torch.rand(1, 3, 3, 9), layer="5")


def test_bad_settings(images):
    net = small_net()
    with pytest.raises(ValueError, match="octave_scale must be greater than 1"):
        deepdream(net, images, layer="4", octave_scale=1.0)
    with pytest.raises(ValueError, match="octaves must be greater than 0"):
        deepdream(net, images, layer="4", octaves=0)
    with pytest.raises(ValueError, match="has channels 0 to 7"):
        deepdream(net, images, layer="4:8", progress=False)
    with pytest.raises(ValueError, match="a whole layer"):
        deepdream(net, images, layer="4:1", guide=images[:1])
    with pytest.raises(ValueError, match="guide must be one image"):
        deepdream(net, images, layer="4", guide=images)
    with pytest.raises(ValueError, match="no layer"):
        deepdream(net, images, layer="relu9_9")


def test_several_layers_grow_by_their_logarithms(images):
    net = small_net()
    each = [dream(layer)(net, images) for layer in ("1", "4:3")]
    torch.testing.assert_close(dream(["1", "4:3"])(net, images), each[0].log() + each[1].log())
    one, alone = (deepdream(net, images, layer, octaves=2, steps=3, progress=False) for layer in (["4"], "4"))
    torch.testing.assert_close(one, alone)  # a logarithm changes the length of a gradient, not its direction
    both = deepdream(net, images, ["1", "4"], octaves=2, steps=3, progress=False)
    assert not torch.equal(both, alone)
    assert (dream(["1", "4"])(net, both) > dream(["1", "4"])(net, images)).all()


def test_a_silent_layer_among_several_has_no_gradient():
    net = small_net()
    with torch.no_grad():
        net.layer("3").weight.zero_()
        net.layer("3").bias.fill_(-1)
    flat = torch.full((1, 3, 12, 12), 0.4, dtype=torch.float64)
    dreamed, alone = (deepdream(net, flat, layer, octaves=1, steps=2, progress=False) for layer in (["1", "4"], "1"))
    torch.testing.assert_close(dreamed, alone)


def test_several_layers_need_images_as_large_as_the_deepest_does():
    with pytest.raises(ValueError, match="too small for"):
        deepdream(small_net(), torch.rand(1, 3, 3, 9), layer=["1", "5"])
    for layer, guide, words in (([], None, "empty"), (["1", "4"], torch.rand(1, 3, 9, 9), "one whole layer")):
        with pytest.raises(ValueError, match=words):
            deepdream(small_net(), torch.rand(1, 3, 9, 9), layer=layer, guide=guide, progress=False)
