"""Inversion on networks where the answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import layer_outputs, tiny_net
from course_utils.gradients.inversion import feature_error, invert
from course_utils.networks import Network
from course_utils.optimize.objectives import tv_norm


def images(count=1, seed=0, size=(12, 16)):
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.uniform(0.2, 0.8, (count, 3, 4, 4)))
    return nn.functional.interpolate(coarse, size=size, mode="bilinear", align_corners=False)


@pytest.fixture
def conv():
    return tiny_net("conv", seed=3)


@pytest.fixture
def mirror():
    """A network whose first layer tells everything: the identity."""
    model = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.ReLU()).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(3)[:, :, None, None])
    return Network(model, name="mirror")


class Errors(list):
    """A callback that keeps what is minimized."""

    def __call__(self, step, images, values):
        self.append(values.item())


def test_feature_error(mirror):
    wanted, x = torch.zeros(2, 3, 1, 2, dtype=torch.float64), torch.zeros(2, 3, 1, 2, dtype=torch.float64)
    wanted[0, 0, 0], wanted[1, 1, 0, 0] = torch.tensor([0.3, 0.4]), 1.0
    error = feature_error(mirror, wanted, "0")
    assert error(mirror, x).tolist() == [1, 1] and error(mirror, wanted).tolist() == [0, 0] and error.count == 2
    x[0], x[1, 0, 0, 1] = wanted[0], 1.0
    assert error(mirror, x).tolist() == [0, 2]
    assert feature_error(mirror, x, "0", features=wanted)(mirror, x).tolist() == [0, 2]


@pytest.mark.parametrize("parameterization", ["fourier", "pixels"])
@pytest.mark.parametrize("size", [(12, 16), (11, 13), (9, 7)])
def test_the_identity_is_inverted_exactly(mirror, parameterization, size):
    x = images(size=size)
    result = invert(mirror, x, "0", steps=80, parameterization=parameterization, progress=False)
    assert feature_error(mirror, x, "0")(mirror, result).item() < 1e-3
    torch.testing.assert_close(result, x, atol=0.03, rtol=0)


@pytest.mark.parametrize("options", [{}, {"optimizer": "adam", "steps": 150}, {"parameterization": "pixels"}])
def test_the_error_falls_and_belongs_to_the_picture(conv, options):
    x, errors = images(2), Errors()
    result = invert(conv, x, "1", progress=False, callback=errors, **options)
    steps = options.get("steps", 60) + 1
    assert len(errors) == 2 * steps
    left = feature_error(conv, x, "1")(conv, result)
    for i in range(2):
        way = errors[i * steps : (i + 1) * steps]
        assert left[i] < 0.05 * way[0] and len(way) == steps
        if "parameterization" not in options:  # pixels beyond 0 and 1 are cut off at the end
            assert left[i].item() == pytest.approx(min(way), rel=0.05)
    maps = layer_outputs(conv, torch.cat([x, result]), ["1"])["1"]
    torch.testing.assert_close(left, (maps[2:] - maps[:2]).square().sum((1, 2, 3)) / maps[:2].square().sum((1, 2, 3)))
    assert result.min() >= 0 and result.max() <= 1


def test_each_picture_is_found_as_if_it_were_alone(conv):
    x = images(2)
    both = invert(conv, x, "1", steps=5, progress=False)
    alone = invert(conv, x[1:], "1", steps=5, progress=False)
    torch.testing.assert_close(both[1:], alone)


def test_gray_networks_are_inverted_too():
    net, errors = tiny_net("conv", seed=2, channels=1), Errors()
    invert(net, images()[:, :1], "1", progress=False, callback=errors)
    assert min(errors) < 0.05 * errors[0]


def test_features_can_be_given_instead_of_a_picture(conv):
    x = images()
    maps = layer_outputs(conv, x, ["3"])["3"]
    a = invert(conv, x, "3", steps=4, progress=False)
    b = invert(conv, torch.zeros_like(x), "3", features=maps, steps=4, progress=False)
    assert torch.equal(a, b)
    two = invert(conv, torch.zeros_like(x), "3", features=maps.repeat(2, 1, 1, 1), steps=4, progress=False)
    assert torch.equal(two, torch.cat([a, a]))  # as many pictures as features


@pytest.mark.parametrize("parameterization", ["fourier", "pixels"])
def test_a_start_is_where_it_starts(conv, parameterization):
    x, start, errors = images(seed=0), images(seed=1), Errors()
    result = invert(conv, x, "1", init=start, steps=2, lr=1e-9, parameterization=parameterization, progress=False)
    torch.testing.assert_close(result, start, atol=1e-6, rtol=0)
    same = invert(conv, x, "1", init=x, steps=3, parameterization=parameterization, callback=errors, progress=False)
    assert errors[0] < 1e-12 and torch.allclose(same, x, atol=1e-6)


def test_seeds_repeat_and_differ(conv):
    x = images()
    run = lambda seed: invert(conv, x, "3", steps=3, seed=seed, progress=False)  # noqa: E731
    assert torch.equal(run(1), run(1)) and not torch.equal(run(1), run(2))


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_total_variation_smooths(conv, beta):
    x = images()
    rough = invert(conv, x, "1", steps=30, parameterization="pixels", progress=False)
    smooth = invert(conv, x, "1", steps=30, parameterization="pixels", tv_weight=3.0, beta=beta, progress=False)
    assert tv_norm(smooth, beta) < 0.5 * tv_norm(rough, beta)
    assert torch.isfinite(smooth).all()


def test_a_constant_start_with_beta_1_gives_no_nan(conv):
    gray, errors = torch.full((1, 3, 12, 16), 0.5, dtype=torch.float64), Errors()
    result = invert(conv, images(), "1", init=gray, tv_weight=1.0, beta=1.0, steps=5, callback=errors, progress=False)
    assert torch.isfinite(result).all() and np.isfinite(errors).all()


def test_an_interruption_returns_the_best_so_far(conv):
    errors = []

    def ctrl_c(step, images, values):
        errors.append(values.item())
        if step == 7:  # in the first picture
            raise KeyboardInterrupt

    x = images(2)
    result = invert(conv, x, "1", steps=50, callback=ctrl_c, progress=False)
    assert result.shape == (2, 3, 12, 16) and len(errors) == 8
    left = feature_error(conv, x, "1")(conv, result)
    assert left[0].item() == pytest.approx(min(errors)) and left[1] > 0.5 * errors[0]  # the second is as it starts


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, x: invert(net, x, "9"), "has no layer '9'"),
        (lambda net, x: invert(net, x, "1", tv_weight=-1), "tv_weight must not be negative"),
        (lambda net, x: invert(net, x, "1", beta=0), "beta must be greater than 0"),
        (lambda net, x: invert(net, x, "1", steps=0), "steps must be greater than 0"),
        (lambda net, x: invert(net, x, "1", optimizer="sgd"), "optimizer must be one of 'lbfgs', 'adam'"),
        (lambda net, x: invert(net, x, "1", parameterization="wavelets"), "parameterization must be one of"),
        (lambda net, x: invert(net, x, "1", init="gray"), "init must be one of 'noise'"),
        (lambda net, x: invert(net, x, "1", init=x[:, :, 1:]), "init has shape"),
        (lambda net, x: invert(net, x, "1", features=x), r"features of 1 have shape \(N, 6, 12, 16\)"),
        (lambda net, x: invert(net, x, "1", features=torch.full((1, 6, 12, 16), torch.nan)), "NaN or infinity"),
        (lambda net, x: invert(net, x[0], "1"), "Add the batch dimension"),
    ],
)
def test_wrong_input_is_named(conv, call, message):
    with pytest.raises(ValueError, match=message):
        call(conv, images())
