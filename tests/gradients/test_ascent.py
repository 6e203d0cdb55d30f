"""The loop: known ends of the ascent, batches, seeds, interruption, and what it leaves behind."""

import numpy as np
import pytest
import torch

from course_utils.exercises.tiny import tiny_net
from course_utils.gradients.ascent import PHASES, facet_starts, visualize
from course_utils.optimize.objectives import channel, class_score, direction
from course_utils.optimize.pictures import Fourier, Phase, Pixels
from course_utils.optimize.regularizers import Blur, ClipSmallContribution, ClipSmallNorm, L2Decay
from course_utils.optimize.transforms import CROPS, ROBUST, Crop, Jitter, Noise, transform
from tests.nets import without_normalization


def linear(seed=0):
    net = without_normalization(tiny_net("linear", seed=seed, height=6, width=8).double())
    net.mean.fill_(0.5)
    return net


def weights(net, target):
    return net.model[1].weight[target].view(3, 6, 8)


QUIET = {"progress": False, "transforms": ()}


def test_one_step_of_ascent_on_a_linear_score_is_the_weights():
    net = linear()
    got = visualize(net, 2, image=Pixels(), optimizer="ascent", lr=0.01, steps=1, size=(6, 8), **QUIET)
    w = weights(net, 2)
    expected = 0.5 + 0.01 * w / w.abs().mean()
    torch.testing.assert_close(got[0], expected)
    assert (got - 0.5).abs().mean().item() == pytest.approx(0.01)


@pytest.mark.parametrize("optimizer, lr", [("ascent", 0.02), ("adam", 0.02)])
def test_ascent_on_a_linear_score_ends_at_the_corner(optimizer, lr):
    """The largest score of pictures in [0, 1] has 1 where the weight is positive and 0 elsewhere."""
    net = linear()
    got = visualize(net, 1, image=Pixels(), optimizer=optimizer, lr=lr, steps=300, size=(6, 8), **QUIET)
    w = weights(net, 1)
    sure = w.abs() > 0.2 * w.abs().mean()  # a weight near 0 takes longer
    assert sure.float().mean() > 0.8
    assert torch.equal(got[0][sure], (w > 0).double()[sure])


def test_decay_ends_where_push_and_pull_are_equal():
    """z <- (1 - d)(z + lr u) has the fixed point z = lr u (1 - d) / d; the last step has no decay: one more lr u."""
    net = linear()
    w = weights(net, 0)
    u = w / w.abs().mean()
    got = visualize(
        net,
        0,
        image=Pixels(),
        optimizer="ascent",
        lr=1e-3,
        steps=400,
        regularizers=[L2Decay(0.1)],
        size=(6, 8),
        **QUIET,
    )
    torch.testing.assert_close(got[0], 0.5 + 1e-3 * u * 0.9 / 0.1 + 1e-3 * u, atol=1e-9, rtol=0)


def test_regularizers_act_in_the_given_order_and_not_in_the_last_step():
    net, calls = linear(), []

    def spy(name):
        return lambda z, gradient, step: calls.append((name, step)) or z

    visualize(net, 0, image=Pixels(), steps=3, regularizers=[spy("a"), spy("b")], size=(6, 8), **QUIET)
    assert calls == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_pixels_see_the_gradient_of_the_objective_before_the_step():
    net, seen = linear(), []
    spy = lambda z, gradient, step: seen.append(gradient.clone()) or z  # noqa: E731
    visualize(net, 3, image=Pixels(), steps=2, regularizers=[spy], size=(6, 8), **QUIET)
    torch.testing.assert_close(seen[0][0], weights(net, 3))


@pytest.mark.parametrize("image", [Pixels(), Pixels("noise"), Fourier(), Phase()])
@pytest.mark.parametrize("optimizer", ["adam", "ascent"])
def test_the_objective_goes_up(image, optimizer):
    net = without_normalization(tiny_net("conv", seed=0))
    values = []
    out = visualize(
        net, [0, 1, 2], image=image, optimizer=optimizer, lr=0.02, steps=30, size=16, progress=False,
        transforms=(Jitter(1),), callback=lambda step, images, value: values.append(value),
    )  # fmt: skip
    assert out.shape == (3, 3, 16, 16) and out.min() >= 0 and out.max() <= 1
    values = torch.stack(values)
    assert (values[-3:].mean(0) > values[:3].mean(0)).all()


@pytest.mark.parametrize("optimizer", ["adam", "ascent"])
@pytest.mark.parametrize(
    "regularizers", [(), (L2Decay(0.01), Blur(0.8, 2), ClipSmallNorm(10), ClipSmallContribution(10))]
)
def test_a_batch_is_its_images_one_by_one(optimizer, regularizers):
    net = tiny_net("conv", seed=4).double()
    options = {
        "image": Pixels(), "optimizer": optimizer, "steps": 6, "lr": 0.02, "size": 12, "progress": False,
        "regularizers": regularizers, "transforms": ROBUST,
    }  # fmt: skip
    together = visualize(net, [3, 0, 2], **options)
    for index, target in enumerate([3, 0, 2]):
        torch.testing.assert_close(visualize(net, [target], **options)[0], together[index], atol=1e-8, rtol=0)


def test_an_image_without_a_gradient_stays_as_it_is():
    net = tiny_net("conv", seed=0)
    dead = channel(f"{net.layers[0]}:0") * 0.0
    out = visualize(net, dead, image=Pixels(), optimizer="ascent", steps=3, size=8, **QUIET)
    torch.testing.assert_close(out, net.mean.expand_as(out))


def test_seeds_repeat_and_differ():
    net = tiny_net("conv", seed=0)
    one, same, other = (visualize(net, 1, steps=3, size=10, seed=s, progress=False) for s in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_sizes():
    net = tiny_net("conv", seed=0)
    assert visualize(net, 0, steps=1, size=(9, 14), progress=False).shape == (1, 3, 9, 14)
    assert visualize(net, 0, steps=1, progress=False).shape[2:] == (net.input_size, net.input_size)
    start = torch.rand(2, 3, 7, 11)
    assert visualize(net, 0, image=Fourier(start), steps=1, progress=False).shape == (2, 3, 7, 11)
    with pytest.raises(ValueError, match=r"size \(5, 5\) is not that of the starting images, \(7, 11\)"):
        visualize(net, 0, image=Pixels(start), size=5, steps=1, progress=False)
    with pytest.raises(ValueError, match="2 starting images, but .* about 3 images"):
        visualize(net, [0, 1, 2], image=Pixels(start), steps=1, progress=False)


def test_ctrl_c_returns_what_is_there():
    net = tiny_net("conv", seed=0)

    def stop(step, images, values):
        if step == 4:
            raise KeyboardInterrupt

    options = {"image": Pixels(), "size": 8, "lr": 0.01, **QUIET}
    broken = visualize(net, 0, steps=50, callback=stop, **options)
    torch.testing.assert_close(broken, visualize(net, 0, steps=4, **options))
    ended = visualize(net, 0, steps=50, callback=lambda step, images, values: step == 4, **options)
    torch.testing.assert_close(ended, broken)


def test_wrong_arguments():
    net = tiny_net("conv", seed=0)
    with pytest.raises(ValueError, match="regularizers act on pixels"):
        visualize(net, 0, regularizers=[L2Decay()], progress=False)
    with pytest.raises(ValueError, match="steps must be greater than 0"):
        visualize(net, 0, steps=0, progress=False)
    with pytest.raises(ValueError, match="optimizer must be one of"):
        visualize(net, 0, optimizer="sgd", progress=False)
    with pytest.raises(ValueError, match="out of range"):
        visualize(net, 5, size=8, progress=False)


def test_nothing_is_left_behind():
    net = tiny_net("conv", seed=0, inplace=True)
    net.train()
    net.model[0].weight.requires_grad_()
    start = torch.rand(1, 3, 8, 8)
    before, parameters = start.clone(), [p.clone() for p in net.parameters()]
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    visualize(net, 0, image=Pixels(start), steps=2, progress=False)
    with pytest.raises(ValueError):
        visualize(net, 77, image=Pixels(start), steps=2, progress=False)
    assert torch.equal(start, before) and start.grad is None
    assert net.training and net.model[0].weight.requires_grad and net.model[0].weight.grad is None
    assert all(torch.equal(a, b) for a, b in zip(parameters, net.parameters(), strict=True))
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in net.modules())
    assert torch.equal(states[0], torch.get_rng_state()) and (states[1] == np.random.get_state()[1]).all()


def test_a_direction_is_found():
    net = tiny_net("conv", seed=3)
    layer = net.layers[3]
    vector = torch.randn(8, generator=torch.Generator().manual_seed(0))
    objective = direction(layer, vector)
    out = visualize(net, objective, steps=40, size=12, progress=False, lr=0.1)
    gray = torch.full((1, 3, 12, 12), 0.5)
    assert objective(net, out).item() > objective(net, gray).item() + 0.05


def test_facets_of_three_planted_groups():
    """Images of three colors with noise: each facet's mean is one of the colors."""
    net = tiny_net("conv", seed=0)
    colors = torch.tensor([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [0.2, 0.2, 0.9]])
    groups = torch.tensor([0] * 12 + [1] * 8 + [2] * 5)
    noise = 0.05 * torch.rand(25, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    images = colors[groups][:, :, None, None] + noise
    layer = net.layers[3]
    state = np.random.get_state()[1].copy()
    starts, members = facet_starts(net, images, count=3, nearest=6, layer=layer)
    assert [sorted({int(groups[i]) for i in m}) for m in members] == [[0], [1], [2]]  # largest cluster first
    assert [len(m) for m in members] == [6, 6, 5]
    for start, member in zip(starts, members, strict=True):
        torch.testing.assert_close(start, images[member].mean(0))
    again, _ = facet_starts(net, images, count=3, nearest=6, layer=layer)
    assert torch.equal(starts, again) and (state == np.random.get_state()[1]).all()
    out = visualize(net, channel(f"{layer}:2"), image=Pixels(starts), steps=2, progress=False)
    assert out.shape == starts.shape
    with pytest.raises(ValueError, match="4 facets need at least 4 images; there are 3"):
        facet_starts(net, images[:3], count=4, layer=layer)
    with pytest.raises(ValueError, match="too much alike for 3 facets"):
        facet_starts(net, images[:1].expand(9, -1, -1, -1), count=3, layer=layer)


def test_class_names():
    net = tiny_net("conv", seed=0)
    with pytest.raises(ValueError, match="no classifier|no class"):
        visualize(net, class_score("lion"), steps=1, size=8, progress=False)


@pytest.mark.parametrize("transforms", [(), (Jitter(2),), ROBUST], ids=["no transforms", "Jitter", "ROBUST"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pixels_with_adam_are_plain_adam_on_the_pixels(transforms, layout):
    """The picture may lie in memory as photos do, by pixels, or by channels: the numbers are those of torch's Adam."""
    net = tiny_net("conv", seed=4).double()
    start = torch.rand(2, 3, 10, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    image = Pixels(start.contiguous(memory_format=layout))
    got = visualize(net, [2, 0], image=image, transforms=transforms, steps=20, lr=0.01, progress=False)
    x, generator = start.clone().requires_grad_(), torch.Generator().manual_seed(0)
    adam = torch.optim.Adam([x], lr=0.01, maximize=True)
    for _ in range(20):
        scores = net(transform(x, transforms, generator))[[0, 1], [2, 0]]
        (x.grad,) = torch.autograd.grad(scores.sum(), x)
        adam.step()
        x.data.clamp_(0, 1)
    torch.testing.assert_close(got, x.detach())


def test_a_class_of_a_real_network_from_its_mean_color(lite):
    """Once this ended at a score of 0.06 where plain Adam ends at 34: the fused Adam went through another order of memory."""
    got = visualize(lite, 130, image=Pixels(), transforms=(), steps=20, lr=0.01, size=96, progress=False)
    x = lite.mean.expand(1, 3, 96, 96).clone().requires_grad_()
    adam = torch.optim.Adam([x], lr=0.01, maximize=True)
    for _ in range(20):
        (x.grad,) = torch.autograd.grad(lite(x)[:, 130].sum(), x)
        adam.step()
        x.data.clamp_(0, 1)
    ours, plain = (lite(one)[0, 130].item() for one in (got, x.detach()))
    assert plain > 10 and ours == pytest.approx(plain, rel=0.1)  # float32: roundings grow


def test_a_network_that_takes_one_size_says_so():
    net = linear()
    with pytest.raises(ValueError, match="takes only pictures of one size.*Pad"):
        visualize(net, 1, size=(6, 8), steps=2, progress=False)


def test_phases_with_adam_are_plain_adam_on_the_phases():
    """Two pieces a step, with noise: the numbers are those of torch's Adam on the mean of both scores."""
    net, transforms = tiny_net("conv", seed=4).double(), (Crop(0.5, 0.9), Noise(0.05))
    options = {"image": Phase(), "transforms": transforms, "views": 2, "steps": 10, "lr": 0.2, "size": (10, 13)}
    got = visualize(net, [2, 0], progress=False, seed=3, **options)
    draws = torch.Generator().manual_seed(3)
    z = Phase().begin(net, 2, (10, 13), draws).requires_grad_()
    adam = torch.optim.Adam([z], lr=0.2, maximize=True)
    for _ in range(10):
        images = Phase().images(net, z, (10, 13))
        score = sum(net(transform(images, transforms, draws))[[0, 1], [2, 0]].sum() for _ in range(2)) / 2
        (z.grad,) = torch.autograd.grad(score, z)
        adam.step()
    torch.testing.assert_close(got, Phase().images(net, z, (10, 13)).detach())


def test_the_preset_is_a_call():
    options = {**PHASES, "steps": 2, "size": 32, "progress": False}
    one, same, other = (visualize(tiny_net("conv", seed=0), [1, 2], seed=s, **options) for s in (0, 0, 1))
    assert one.shape == (2, 3, 32, 32) and torch.equal(one, same) and not torch.equal(one, other)
    assert PHASES["transforms"] is CROPS
