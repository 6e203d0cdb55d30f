"""The loop: known answers, torch's and SciPy's optimizers, best and last, every way to end it, and what it leaves behind."""

import numpy as np
import pytest
import torch
from scipy.optimize import Bounds, minimize

from course_utils import fun, gradients
from course_utils.exercises.tiny import tiny_net
from course_utils.optimize.descend import Watch, _End, descend
from course_utils.optimize.objectives import IMAGES, Objective, as_objective, class_score
from course_utils.optimize.pictures import Fourier, Pixels, Smooth
from course_utils.optimize.transforms import Crop, transform
from tests.nets import without_normalization

OPTIMIZERS = {"adam": 0.05, "ascent": 0.01, "lbfgs": 1.0, "lbfgsb": 1.0}


@pytest.fixture
def net():
    net = tiny_net("conv", seed=3).double()
    net.mean.fill_(0.4)
    return net


def picture(seed=0, count=1, height=5, width=7):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, height, width, generator=generator, dtype=torch.float64)


def bowl(goal, curvature=1.0):
    """`1/2 c (x - goal)^2`, summed: the answer is the goal."""
    value = lambda net, seen: (curvature * (seen[IMAGES] - goal) ** 2).flatten(1).sum(1) / 2  # noqa: E731
    return Objective(value, layers=[IMAGES], name="bowl")


class Values(list):
    """A callback that keeps what it is told."""

    def __init__(self, end=10**9):
        self.end, self.images = end, []

    def __call__(self, step, images, values):
        assert step == len(self)
        self.append(values)
        self.images.append(images)
        return step >= self.end


# --- answers that are known ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer, lr", OPTIMIZERS.items())
@pytest.mark.parametrize("start", [Pixels, Smooth], ids=str)
def test_the_bottom_of_a_bowl(net, optimizer, lr, start):
    goal = 0.1 + 0.8 * picture(1)
    steps = 40 if "lbfgs" in optimizer else 400
    if start is Smooth:
        lr = lr * (1 if "lbfgs" in optimizer else 100)  # a parameter of 1 is one step of an 8-bit pixel
    found = descend(net, bowl(goal), start(picture(0)), steps=steps, optimizer=optimizer, lr=lr)
    torch.testing.assert_close(found.images, goal, atol=0.01, rtol=0)
    assert found.values.shape[1] == 1 and not found.stopped


def test_maximize_turns_the_bowl_over(net):
    for optimizer, lr in OPTIMIZERS.items():
        same = [
            descend(net, loss, Pixels(picture(0)), steps=5, optimizer=optimizer, lr=lr, maximize=up)
            for loss, up in ((bowl(picture(1)), False), (-bowl(picture(1)), True))
        ]
        assert torch.equal(same[0].images, same[1].images)
        torch.testing.assert_close(same[0].values, -same[1].values)


def test_one_step_of_ascent_by_hand(net):
    start, goal = 0.5 * torch.ones(2, 3, 2, 2, dtype=torch.float64), picture(1, 2, 2, 2)
    goal[1] = 0.5  # this one is there: no gradient, no change
    found = descend(net, bowl(goal), Pixels(start), steps=1, optimizer="ascent", lr=0.01, best=False)
    gradient = start - goal
    moved = 0.5 - 0.01 * gradient[0] / gradient[0].abs().mean()
    torch.testing.assert_close(found.images[0], moved)
    torch.testing.assert_close(found.images[1], start[1])


def test_the_box_is_kept(net):
    """The smallest bowl in [0, 1] of a goal outside is its nearest point. L-BFGS goes outside, and is cut off at the end."""
    goal, seen = 3 * picture(1) - 1, []
    loss = Objective(lambda net, s: seen.append(s[IMAGES].detach()) or bowl(goal).value(net, s), layers=[IMAGES])
    for optimizer, inside in (("lbfgsb", True), ("adam", True), ("ascent", True), ("lbfgs", False)):
        seen.clear()
        found = descend(net, loss, Pixels(picture(0)), steps=200, optimizer=optimizer, lr=OPTIMIZERS[optimizer])
        torch.testing.assert_close(found.images, goal.clamp(0, 1), atol=0.01, rtol=0)
        lowest, highest = min(x.min() for x in seen), max(x.max() for x in seen)
        assert (lowest >= -1e-9 and highest <= 1 + 1e-9) == inside


# --- other people's optimizers ----------------------------------------------------------------------------------------------


def layouts(images):
    return {
        "contiguous": images.clone(memory_format=torch.contiguous_format),
        "channels_last": images.clone(memory_format=torch.channels_last),
        "a photo's": images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
        "every second pixel": images.repeat_interleave(2, dim=3)[..., ::2],
    }


@pytest.mark.parametrize("layout", layouts(picture()))
@pytest.mark.parametrize("count", [1, 2])
def test_adam_is_torchs_adam_on_the_pixels(net, layout, count):
    start = layouts(picture(0, count))[layout]
    found = descend(net, class_score(2), Pixels(start), steps=20, optimizer="adam", lr=0.01, maximize=True, best=False)
    x = picture(0, count).requires_grad_()
    adam = torch.optim.Adam([x], lr=0.01)
    for _ in range(20):
        (x.grad,) = torch.autograd.grad(-net(x)[:, 2].sum(), x)
        adam.step()
        x.data.clamp_(0, 1)
    torch.testing.assert_close(found.images, x.detach())


def test_lbfgs_is_torchs(net):
    goal, curvature = picture(1), 1 + 9 * picture(2)
    found = descend(net, bowl(goal, curvature), Pixels(picture(0)), steps=6, optimizer="lbfgs", best=True)
    z, seen = (picture(0) - 0.4).requires_grad_(), []

    def closure():
        loss = bowl(goal, curvature).value(net, {IMAGES: z + 0.4}).sum()
        (z.grad,) = torch.autograd.grad(loss, z)
        seen.append(loss.item())
        return loss

    options = {"max_iter": 6, "max_eval": 12, "history_size": 50, "tolerance_grad": 0, "tolerance_change": 0}
    torch.optim.LBFGS([z], line_search_fn="strong_wolfe", **options).step(closure)
    count = min(len(seen), 7)
    assert found.values[:count, 0].tolist() == pytest.approx(seen[:count]) and count == 7


def test_lbfgsb_is_scipys(net):
    goal, curvature = 2 * picture(1) - 0.5, 1 + 9 * picture(2)
    found = descend(net, bowl(goal, curvature), Pixels(picture(0)), steps=6, optimizer="lbfgsb", lr=0.05)
    seen = []

    def compute(x):
        away = x - (goal - 0.4).numpy().ravel()
        c = curvature.numpy().ravel()
        seen.append((c * away**2).sum() / 2)
        return 0.05 * seen[-1], 0.05 * c * away

    z = (picture(0) - 0.4).numpy().ravel()
    options = {"maxiter": 6, "maxfun": 12, "maxcor": 20, "ftol": 0, "gtol": 0}
    minimize(compute, z, jac=True, method="L-BFGS-B", bounds=Bounds(-0.4, 0.6), options=options)
    count = min(len(seen), 7)
    assert found.values[:count, 0].tolist() == pytest.approx(seen[:count]) and count >= 6


def test_views_are_the_mean_over_draws_of_the_transforms(net):
    """One step by hand, with the same draws: the gradient is the mean of those of the views."""
    start, looks = picture(0, 2, 9, 9), Values()
    options = {"steps": 1, "optimizer": "ascent", "lr": 0.01, "transforms": (Crop(0.4, 0.8),), "best": False}
    found = descend(net, class_score(2), Pixels(start), views=3, watch=Watch(looks), **options)
    draws, x = torch.Generator().manual_seed(0), start.clone().requires_grad_()
    values = sum(net(transform(x, options["transforms"], draws))[:, 2] for _ in range(3)) / 3
    (g,) = torch.autograd.grad(values.sum(), x)
    torch.testing.assert_close(looks[0], values.detach())
    torch.testing.assert_close(found.images, (start - 0.01 * g / g.abs().mean((1, 2, 3), keepdim=True)).clamp(0, 1))


# --- best, last, and how often it looks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer, lr", OPTIMIZERS.items())
def test_it_looks_once_before_each_step_and_once_after_the_last(net, optimizer, lr):
    watched = Values()
    options = {"steps": 5, "optimizer": optimizer, "lr": lr, "watch": Watch(watched)}
    loss = bowl(0.2 + 0.6 * picture(1), 1 + 9 * picture(2))
    found = descend(net, loss, Pixels(0.2 + 0.6 * picture(0)), **options)
    assert len(watched) == 6
    torch.testing.assert_close(found.values, torch.stack(watched))
    best = int(found.values[:, 0].argmin())
    torch.testing.assert_close(found.images, watched.images[best])
    assert loss(net, found.images).item() == pytest.approx(found.values.min().item())


def test_the_best_of_each_picture_and_the_last_of_all(net):
    goal, watched = picture(1, 3), Values()
    goal[1] = 0.5
    start = picture(0, 3)
    start[1] = 0.5  # the second is best at the start
    options = {"steps": 6, "optimizer": "ascent", "lr": 0.12}
    found = descend(net, bowl(goal), Pixels(start), watch=Watch(watched), **options)
    best = found.values.argmin(0)
    assert best[1] == 0 and len(set(best.tolist())) > 1
    for i, step in enumerate(best.tolist()):
        torch.testing.assert_close(found.images[i], watched.images[step][i])
    last = descend(net, bowl(goal), Pixels(start), best=False, **options)
    assert len(last.values) == 6
    torch.testing.assert_close(last.images, watched.images[6])


def test_a_loss_that_becomes_nan_ends_it_and_is_not_the_best(net):
    looks, whole = [], bowl(picture(1), 1 + 9 * picture(2))

    def value(net, seen):
        looks.append(1)
        return whole.value(net, seen) * (float("nan") if len(looks) == 4 else 1)

    for optimizer, lr in OPTIMIZERS.items():
        looks.clear()
        loss = Objective(value, layers=[IMAGES])
        found = descend(net, loss, Pixels(0.2 + 0.6 * picture(0)), steps=50, optimizer=optimizer, lr=lr)
        assert len(found.values) == 4 and found.images.isfinite().all() and not found.stopped
        if optimizer != "lbfgs":  # which may go beyond 0 and 1, and is cut off
            assert whole(net, found.images).item() == pytest.approx(found.values[:3].min().item())


# --- how it ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer, lr", OPTIMIZERS.items())
@pytest.mark.parametrize("best", [True, False])
def test_a_callback_and_ctrl_c_end_it_alike(net, optimizer, lr, best):
    looks = []

    def value(net, seen):
        looks.append(1)
        if len(looks) == interrupt:
            raise KeyboardInterrupt
        return class_score(1).value(net, seen)

    loss = Objective(value, layers=class_score(1).layers)
    options = {"steps": 30, "optimizer": optimizer, "lr": lr, "best": best}
    interrupt, watched = 0, Values(end=3)
    ended = descend(net, loss, Pixels(picture(0)), watch=Watch(watched), **options)
    looks.clear()
    interrupt = 5  # in the objective of the fifth look
    broken = descend(net, loss, Pixels(picture(0)), **options)
    assert ended.stopped and broken.stopped and len(ended.values) == len(broken.values) == 4
    assert torch.equal(ended.values, broken.values)
    if best:
        assert torch.equal(ended.images, broken.images)
    else:  # the callback ends it before the step, Ctrl-C came after
        torch.testing.assert_close(ended.images, watched.images[3])


def test_once_stopped_every_later_descent_returns_its_start(net):
    watch = Watch(Values(end=2))
    first = descend(net, class_score(1), Pixels(picture(0)), steps=9, watch=watch)
    assert first.stopped and len(first.values) == 3 and watch.step == 3
    later = descend(net, class_score(1), Pixels(picture(1)), steps=9, watch=watch)
    assert later.stopped and later.values.shape == (0, 1)
    torch.testing.assert_close(later.images, picture(1))


def test_steps_count_on(net):
    watch = Watch(Values())  # which asserts that they do
    for _ in range(3):
        descend(net, class_score(1), Pixels(picture(0)), steps=2, watch=watch)
    assert watch.step == 9 and not watch.stopped


def test_a_callback_may_write_into_what_it_is_shown(net):
    def careless(step, images, values):
        images.fill_(0.3)
        values.fill_(-100)

    options = {"steps": 5, "optimizer": "lbfgs"}
    for start in (Pixels(picture(0)), Smooth(picture(0)), Fourier(picture(0))):
        watched = descend(net, class_score(1), start, watch=Watch(careless), **options)
        alone = descend(net, class_score(1), start, **options)
        assert torch.equal(watched.images, alone.images) and torch.equal(watched.values, alone.values)


# --- what does not count, and what is left ------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer, lr", OPTIMIZERS.items())
def test_the_layout_of_memory_does_not_count(net, optimizer, lr):
    for start in (Pixels, Smooth, Fourier):
        found = [
            descend(net, class_score(1), start(x), steps=6, optimizer=optimizer, lr=lr).images
            for x in layouts(picture(0)).values()
        ]
        assert all(torch.allclose(one, found[0], atol=1e-9) for one in found[1:])


METHODS = {
    "visualize": lambda net, x: gradients.visualize(net, 1, image=Pixels(x), steps=4, lr=0.02, progress=False),
    "visualize, Fourier": lambda net, x: gradients.visualize(net, 1, image=Fourier(x), steps=4, progress=False),
    "visualize, ascent": lambda net, x: gradients.visualize(
        net,
        1,
        image=Pixels(x),
        optimizer="ascent",
        regularizers=gradients.YOSINSKI[4],
        lr=0.02,
        steps=4,
        progress=False,
    ),
    "invert": lambda net, x: gradients.invert(net, x, "3", init=0.3 + 0.4 * x.flip(3), steps=4, progress=False),
    "invert, pixels": lambda net, x: gradients.invert(
        net, x, "3", parameterization="pixels", optimizer="adam", tv_weight=0.1, steps=4, progress=False
    ),
    "deepdream": lambda net, x: fun.deepdream(net, x, "3", octaves=2, steps=2, progress=False),
    "deepdream, guided": lambda net, x: fun.deepdream(net, x, "3", guide=x.flip(3), octaves=2, steps=2, progress=False),
    "synthesize_texture": lambda net, x: fun.synthesize_texture(net, x, layers=["1"], steps=4, progress=False),
    "style_transfer": lambda net, x: fun.style_transfer(
        net, x, x.flip(3), content_layers=["4"], style_layers=["1"], steps=4, preserve_color="match", progress=False
    ),
    "style_transfer, Adam": lambda net, x: fun.style_transfer(
        net, x, x.flip(3), content_layers=["4"], style_layers=["1"], steps=4, optimizer="adam", progress=False
    ),
}


@pytest.fixture(params=METHODS, ids=str)
def method(request):
    return METHODS[request.param]


def test_the_layout_of_a_photo_does_not_count(net, method):
    found = [method(net, x) for x in layouts(picture(0, 1, 12, 14)).values()]
    assert not torch.equal(found[0], picture(0, 1, 12, 14))
    assert all(torch.allclose(one, found[0], atol=1e-9) for one in found[1:])


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_caller_without_gradients(net, method, mode):
    with mode():
        inside = method(net, picture(0, 1, 12, 14))  # a picture made in there is an inference tensor
    assert torch.equal(inside, method(net, picture(0, 1, 12, 14))) and not inside.is_inference()


@pytest.mark.parametrize("dtype, close", [(torch.float16, 0.03), (torch.bfloat16, 0.15)])
def test_networks_in_half_precision(method, dtype, close):
    whole, half = (without_normalization(tiny_net("conv", seed=3)).to(one) for one in (torch.float32, dtype))
    x = picture(0, 1, 12, 14).float()
    expected, got = method(whole, x), method(half, x)
    assert got.isfinite().all() and not torch.equal(got.float(), x)
    assert (got.float() - expected).abs().mean() < close


def test_a_start_that_wants_gradients(net, method):
    x = picture(0, 1, 12, 14).requires_grad_()
    assert torch.equal(method(net, x), method(net, x.detach())) and x.grad is None


def test_an_error_in_the_objective_reaches_the_caller_and_leaves_nothing(net):
    net.train().requires_grad_(True)
    start = picture(0)
    state = torch.get_rng_state(), np.random.get_state()[1].copy()

    def value(net, seen):
        assert not net.training
        raise RuntimeError("broken on purpose")

    for optimizer in OPTIMIZERS:
        with pytest.raises(RuntimeError, match="broken on purpose"):
            descend(net, Objective(value, layers=["3"]), Pixels(start), steps=3, optimizer=optimizer)
    assert net.training and all(p.requires_grad and p.grad is None for p in net.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert torch.equal(start, picture(0)) and torch.equal(state[0], torch.get_rng_state())
    assert (state[1] == np.random.get_state()[1]).all() and torch.is_grad_enabled()


def test_what_ends_it_inside_never_reaches_the_caller(net):
    assert not issubclass(_End, (KeyboardInterrupt, StopIteration))
    for optimizer, lr in OPTIMIZERS.items():
        descend(net, class_score(1), Pixels(picture(0)), steps=1, optimizer=optimizer, lr=lr)


@pytest.mark.parametrize("short", [1, "3:1", [1, 2], ["3:1", "3:2"]], ids=str)
def test_a_class_or_a_unit_stands_for_its_objective(net, short):
    got, expected = (descend(net, one, Pixels(), size=8, steps=2).images for one in (short, as_objective(short)))
    assert torch.equal(got, expected) and len(got) == (2 if isinstance(short, list) else 1)


def test_wrong_settings(net):
    with pytest.raises(ValueError, match="optimizer must be one of 'adam', 'ascent', 'lbfgs', 'lbfgsb'; not 'sgd'"):
        descend(net, class_score(1), Pixels(), steps=3, optimizer="sgd")
    with pytest.raises(ValueError, match="steps must be greater than 0"):
        descend(net, class_score(1), Pixels(), steps=0)
    with pytest.raises(ValueError, match="views must be greater than 0"):
        descend(net, class_score(1), Pixels(), steps=1, views=0)
    with pytest.raises(ValueError, match="lr must be greater than 0"):
        descend(net, class_score(1), Pixels(), steps=1, lr=0)
    with pytest.raises(ValueError, match="2 starting images, but class .* is about 3 images"):
        descend(net, class_score([0, 1, 2]), Pixels(picture(0, 2)), steps=1)
