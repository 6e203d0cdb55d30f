"""Objectives: what they read, how they add, and that they run no further than they must."""

import numpy as np
import pytest
import torch

from course_utils.exercises.tiny import tiny_net
from course_utils.hooks import layer_outputs
from course_utils.optimize.objectives import (
    as_objective,
    channel,
    class_score,
    direction,
    neuron,
    total_variation,
    tv_norm,
)


@pytest.fixture
def net():
    return tiny_net("conv", seed=1).double()


@pytest.fixture
def images():
    return torch.rand(3, 3, 8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_class_score(net, images):
    scores = net(images)
    assert torch.equal(class_score(2)(net, images), scores[:, 2])
    assert torch.equal(class_score([0, 4, 2])(net, images), scores[[0, 1, 2], [0, 4, 2]])
    assert class_score(2).count is None and class_score([0, 4, 2]).count == 3


def test_channel_neuron_and_direction(net, images):
    layer = net.layers[3]
    maps = layer_outputs(net, images, [layer])[layer]  # (3, 8, 4, 3)
    close = torch.testing.assert_close
    close(channel(f"{layer}:5")(net, images), maps[:, 5].mean((1, 2)))
    close(
        channel([f"{layer}:5", f"{layer}:0", f"{layer}:1"])(net, images),
        maps[[0, 1, 2], [5, 0, 1]].mean((1, 2)),
    )
    close(neuron(f"{layer}:5")(net, images), maps[:, 5, 2, 1])
    close(neuron(f"{layer}:5", position=(0, 2))(net, images), maps[:, 5, 0, 2])
    vector = torch.zeros(8)
    vector[[2, 7]] = torch.tensor([3.0, 4.0])
    close(direction(layer, vector)(net, images), (0.6 * maps[:, 2] + 0.8 * maps[:, 7]).mean((1, 2)))
    close(direction(layer, vector, position=(1, 1))(net, images), 0.6 * maps[:, 2, 1, 1] + 0.8 * maps[:, 7, 1, 1])
    close(
        direction(layer, torch.eye(8)[[1, 0, 3]])(net, images),
        torch.stack([maps[0, 1].mean(), maps[1, 0].mean(), maps[2, 3].mean()]),
    )


def test_units_of_several_layers_in_one_pass(net, images):
    first, second = net.layers[0], net.layers[3]
    seen = layer_outputs(net, images, [first, second])
    got = channel([f"{first}:1", f"{second}:2", f"{first}:3"])(net, images)
    expected = torch.stack([seen[first][0, 1].mean(), seen[second][1, 2].mean(), seen[first][2, 3].mean()])
    torch.testing.assert_close(got, expected)


def test_algebra(net, images):
    a, b = class_score(1), channel(f"{net.layers[3]}:2")
    torch.testing.assert_close((2 * a - b)(net, images), 2 * a(net, images) - b(net, images))
    torch.testing.assert_close((-(a + b) * 0.5)(net, images), -0.5 * (a(net, images) + b(net, images)))
    for half in (a / 2, a / torch.tensor(2), torch.tensor(0.5) * a, a * np.float32(0.5)):
        torch.testing.assert_close(half(net, images), a(net, images) / 2)
    assert (class_score([1, 2]) + b).count == 2
    assert "2 * (class 1)" in (2 * a + b).name
    with pytest.raises(ValueError, match="about 2 images and class .* about 3"):
        class_score([1, 2]) + class_score([1, 2, 3])
    with pytest.raises(TypeError):
        a + 1
    with pytest.raises(TypeError):
        a * b
    with pytest.raises(TypeError):
        1 / a


def test_the_network_runs_no_further_than_needed(net, images):
    ran = []
    handle = net.layer(net.layers[-1]).register_forward_hook(lambda *_: ran.append(1))
    channel(f"{net.layers[1]}:0")(net, images)
    assert not ran
    (channel(f"{net.layers[1]}:0") + class_score(0))(net, images)
    assert ran == [1]
    handle.remove()


def test_as_objective_reads_numbers_names_and_units():
    assert as_objective(3).name == "class 3"
    assert as_objective("lion").name == "class lion"
    assert as_objective("a:3").name == "channel a:3"
    assert as_objective(["a:3", "b:4"]).count == 2
    assert as_objective([1, 2, 3]).count == 3
    one = class_score(1)
    assert as_objective(one) is one
    with pytest.raises(ValueError, match="empty list"):
        as_objective([])


def test_wrong_units_say_what_is_possible(net, images):
    with pytest.raises(ValueError, match='"layer:channel"'):
        channel(net.layers[3])(net, images)
    with pytest.raises(ValueError, match="channels 0 to 7"):
        channel(f"{net.layers[3]}:8")(net, images)
    with pytest.raises(ValueError, match="has no layer"):
        channel("nowhere:1")(net, images)
    with pytest.raises(ValueError, match="outside the map of 4x3"):
        neuron(f"{net.layers[3]}:1", position=(4, 0))(net, images)
    with pytest.raises(ValueError, match="8 channels, but vector has 4"):
        direction(net.layers[3], torch.ones(4))(net, images)
    with pytest.raises(ValueError, match="not be 0"):
        direction(net.layers[3], torch.zeros(8))
    with pytest.raises(ValueError, match="out of range"):
        class_score(5)(net, images)
    with pytest.raises(ValueError, match="2 classes for 3 images"):
        class_score([1, 2])(net, images)


# --- total variation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("beta", "want"), [(1, 4 + 2 * 2**0.5), (2, 8), (3, 4 + 4 * 2**0.5)])
def test_total_variation_of_the_identity_matrix(beta, want):
    # worked by hand: every 1 differs from its right and lower neighbor, but for the last one
    assert tv_norm(torch.eye(3, dtype=torch.float64), beta).item() == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("beta", [0.5, 1, 1.5, 2, 3])
def test_total_variation_of_a_step_is_its_length_for_every_beta(beta):
    step = torch.zeros(4, 4)
    step[:, 2:] = 1
    assert tv_norm(step, beta).item() == 4
    assert tv_norm(step.T, beta).item() == 4
    batch = torch.stack([step, torch.zeros(4, 4)])[:, None].expand(2, 3, 4, 4)
    assert tv_norm(batch, beta).tolist() == [12, 0]  # one number an image, channels added


def test_total_variation_for_beta_2_is_the_sum_of_squared_differences():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 5, 7)))
    want = [(i[:, 1:] - i[:, :-1]).square().sum() + (i[:, :, 1:] - i[:, :, :-1]).square().sum() for i in x]
    torch.testing.assert_close(tv_norm(x, 2), torch.stack(want))


@pytest.mark.parametrize("beta", [0.5, 1, 1.5, 2])
def test_the_gradient_of_a_constant_picture_is_zero_and_no_nan(beta):
    x = torch.full((1, 3, 5, 6), 0.4, requires_grad=True)
    value = tv_norm(x, beta).sum()
    (gradient,) = torch.autograd.grad(value, x)
    assert value.item() == 0 and torch.equal(gradient, torch.zeros_like(x))


@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0, 3.0])
def test_the_gradient_of_the_total_variation(beta):
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 2, 4, 5))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tv_norm(x, beta), x)


def test_the_objective_is_total_variation_per_pixel(net, images):
    torch.testing.assert_close(total_variation(1.5)(net, images), tv_norm(images, 1.5) / (8 * 6))
    both = (class_score(2) - 0.3 * total_variation())(net, images)
    torch.testing.assert_close(both, net(images)[:, 2] - 0.3 * tv_norm(images) / (8 * 6))


def test_total_variation_needs_no_network(net, images):
    ran = []
    handle = net.layer(net.layers[0]).register_forward_hook(lambda *_: ran.append(1))
    total_variation()(net, images)
    handle.remove()
    assert not ran
