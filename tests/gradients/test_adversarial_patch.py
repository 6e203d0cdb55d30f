"""The patch lies where its place says, and one that is made on a known network is the known best."""

import pytest
import torch

from course_utils import tiny_net
from course_utils.gradients import adversarial_patch, random_places, stick_on
from tests.nets import without_normalization


def images(count=3, height=24, width=32, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, height, width, generator=draws, dtype=torch.float64)


def place(down, right, side, turn=0.0):
    return torch.tensor([[down, right, side, turn]], dtype=torch.float64)


def white(size=8):
    return torch.ones(1, 3, size, size, dtype=torch.float64)


def test_a_disc_of_the_right_size_at_the_right_place():
    black = torch.zeros(1, 3, 24, 32, dtype=torch.float64)
    on = stick_on(black, white(), place(0.0, 1.0, 0.5))[0, 0]
    rows, columns = on.nonzero().unbind(1)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 11, 20, 31)  # 12 pixels, in the corner
    assert abs(on.sum() - torch.pi * 6**2) < 6 and ((on == 0) | (on > 1 - 1e-9)).all()
    middle = stick_on(black, white(), place(0.5, 0.5, 0.5))[0, 0]
    assert torch.equal(middle, middle.flip(0)) and torch.equal(middle, middle.flip(1)) and middle[12, 16] > 1 - 1e-9


def test_outside_of_the_disc_nothing_changes():
    x = images()
    places = random_places(3, seed=2)
    inside = stick_on(torch.zeros_like(x), white(), places) > 0.5
    on = stick_on(x, white(), places)
    assert torch.equal(on[~inside], x[~inside]) and on[inside].min() > 1 - 1e-9


def test_a_quarter_turn_is_clockwise():
    patch = white()
    patch[:, :, :4, :4] = 0  # the upper left quarter is black
    gray = torch.full((1, 3, 24, 24), 0.5, dtype=torch.float64)
    upright = stick_on(gray, patch, place(0.5, 0.5, 1.0))[0, 0]
    turned = stick_on(gray, patch, place(0.5, 0.5, 1.0, 90.0))[0, 0]
    assert upright[5, 5] == 0 and upright[5, 18] > 0.99 and upright[18, 5] > 0.99
    torch.testing.assert_close(turned, upright.rot90(-1))


def test_places_keep_to_their_bounds_and_repeat():
    places = random_places(500, side=(0.2, 0.4), angle=10, seed=1)
    down, right, side, turn = places.unbind(1)
    assert down.min() >= 0 and down.max() <= 1 and right.std() > 0.2
    assert 0.2 <= side.min() < 0.22 and 0.38 < side.max() <= 0.4
    assert -10 <= turn.min() < -9 and 9 < turn.max() <= 10
    assert torch.equal(places, random_places(500, side=(0.2, 0.4), angle=10, seed=1))
    assert not torch.equal(places, random_places(500, side=(0.2, 0.4), angle=10, seed=2))


def test_the_gradient_goes_to_the_patch_inside_of_the_disc_only():
    patch = torch.rand(1, 3, 9, 9, dtype=torch.float64, requires_grad=True)
    stick_on(images(), patch, random_places(3)).sum().backward()
    assert (patch.grad[0, 0, 4] > 0).all()
    assert patch.grad[0, 0, 0, 0] == 0  # a corner


def test_on_a_network_that_looks_for_red_the_patch_becomes_red():
    net = without_normalization(tiny_net("linear", seed=1, height=24, width=32))
    weights = net.model[1].weight
    weights.data.zero_()
    weights.data[2].view(3, 24, 32)[0] = 1.0
    weights.data[2].view(3, 24, 32)[1] = -1.0
    patch = adversarial_patch(net, images(), 2, size=12, steps=60, lr=0.1, progress=False)
    middle = patch[0, :, 3:9, 3:9]
    assert (middle[0] > 0.99).all() and (middle[1] < 0.01).all() and (middle[2] == 0.5).all()


def test_what_is_learned_on_some_photos_raises_the_class_on_others():
    net = tiny_net("conv", seed=3)
    patch = adversarial_patch(net, images(6), 1, size=12, steps=40, progress=False)
    others, places = images(8, seed=5), random_places(8, seed=6)
    loss = [
        torch.nn.functional.cross_entropy(net(stick_on(others, p, places)), torch.ones(8, dtype=torch.long))
        for p in (patch, images(1, 12, 12, seed=7))
    ]
    assert loss[0] < loss[1]


def test_it_repeats_and_can_be_ended():
    net, x = tiny_net("conv", seed=3), images()
    options = {"size": 12, "steps": 4, "progress": False}
    whole = adversarial_patch(net, x, "class 1", **options)
    assert torch.equal(whole, adversarial_patch(net, x, 1, **options))
    seen = []
    ended = adversarial_patch(net, x, 1, callback=lambda step, patch, loss: seen.append(patch) or step == 2, **options)
    assert len(seen) == 3 and torch.equal(ended, seen[2]) and not torch.equal(ended, whole)
    assert whole.min() >= 0 and whole.max() <= 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, x: stick_on(x, white(), random_places(2)), "one for each image"),
        (lambda net, x: random_places(2, side=(0.5, 0.2)), "side must be two shares"),
        (lambda net, x: random_places(0), "count must be greater than 0"),
        (lambda net, x: adversarial_patch(net, x, 9, progress=False), "target 9 is out of range"),
        (lambda net, x: adversarial_patch(net, x, 1, size=0), "size must be greater than 0"),
        (lambda net, x: adversarial_patch(net, x, None, progress=False), "needs a class to reach"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(tiny_net("conv"), images())


@pytest.mark.parametrize("side", [float("nan"), (0.3,), (0.3, float("nan")), "ab", (0.5, 0.3), (0, 0.5), 0.3])
def test_a_side_that_is_none_is_refused(side):
    with pytest.raises(ValueError, match="side must be two shares"):
        random_places(2, side=side)


def test_what_cannot_be_stuck_on_is_refused():
    """A place that is NaN would end Python itself in the backward pass."""
    images, patch = torch.zeros(2, 3, 8, 8), torch.zeros(1, 3, 4, 4)
    places = random_places(2)
    places[1, 0] = torch.nan
    with pytest.raises(ValueError, match="finite"):
        stick_on(images, patch, places)
    with pytest.raises(ValueError, match=r"\(1, 3, S, S\)"):
        stick_on(images, torch.zeros(1, 4, 4, 4), random_places(2))
    with pytest.raises(ValueError, match="angle"):
        random_places(2, angle=float("nan"))
