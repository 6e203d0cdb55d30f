"""Total variation by hand; inversion on networks where the answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import layer_outputs, tiny_net
from course_utils.gradients import inversion
from course_utils.gradients.inversion import feature_error, invert, tv_norm
from course_utils.networks import Network


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


def test_feature_error():
    wanted = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    assert feature_error(torch.zeros(2, 2), wanted).tolist() == [1, 1]
    assert feature_error(torch.tensor([[3.0, 4.0], [0.0, 1.0]]), wanted).tolist() == [0, 2]


@pytest.mark.parametrize("parameterization", ["fourier", "pixels"])
@pytest.mark.parametrize("size", [(12, 16), (11, 13), (9, 7)])
def test_the_identity_is_inverted_exactly(mirror, parameterization, size):
    x = images(size=size)
    result = invert(mirror, x, "0", steps=80, parameterization=parameterization, progress=False)
    assert result.error.item() < 1e-3
    torch.testing.assert_close(result.images, x, atol=0.03, rtol=0)


@pytest.mark.parametrize("options", [{}, {"optimizer": "adam", "steps": 150}, {"parameterization": "pixels"}])
def test_the_error_falls_and_belongs_to_the_picture(conv, options):
    x = images(2)
    result = invert(conv, x, "1", progress=False, **options)
    assert (result.fall > 0.95).all(), result.fall
    assert result.errors.shape == (2, options.get("steps", 60) + 1)
    maps = layer_outputs(conv, torch.cat([x, result.images]), ["1"])["1"]
    torch.testing.assert_close(result.error, feature_error(maps[2:], maps[:2]))
    assert result.images.min() >= 0 and result.images.max() <= 1


def test_each_picture_is_found_as_if_it_were_alone(conv):
    x = images(2)
    both = invert(conv, x, "1", steps=5, progress=False)
    alone = invert(conv, x[1:], "1", steps=5, progress=False)
    torch.testing.assert_close(both.images[1:], alone.images)


def test_gray_networks_are_inverted_too():
    net = tiny_net("conv", seed=2, channels=1)
    x = images()[:, :1]
    assert (invert(net, x, "1", progress=False).fall > 0.95).all()


def test_features_can_be_given_instead_of_a_picture(conv):
    x = images()
    maps = layer_outputs(conv, x, ["3"])["3"]
    a = invert(conv, x, "3", steps=4, progress=False)
    b = invert(conv, maps, "3", size=(12, 16), steps=4, progress=False)
    assert torch.equal(a.images, b.images)


@pytest.mark.parametrize("parameterization", ["fourier", "pixels"])
def test_a_start_is_where_it_starts(conv, parameterization):
    x, start = images(seed=0), images(seed=1)
    result = invert(conv, x, "1", init=start, steps=2, lr=1e-9, parameterization=parameterization, progress=False)
    torch.testing.assert_close(result.images, start, atol=1e-6, rtol=0)
    same = invert(conv, x, "1", init=x, steps=3, parameterization=parameterization, progress=False)
    assert same.errors[0, 0] < 1e-12 and torch.allclose(same.images, x, atol=1e-6)


def test_seeds_repeat_and_differ(conv):
    x = images()
    run = lambda seed: invert(conv, x, "3", steps=3, seed=seed, progress=False).images  # noqa: E731
    assert torch.equal(run(1), run(1)) and not torch.equal(run(1), run(2))


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_total_variation_smooths(conv, beta):
    x = images()
    rough = invert(conv, x, "1", steps=30, parameterization="pixels", progress=False)
    smooth = invert(conv, x, "1", steps=30, parameterization="pixels", tv_weight=3.0, beta=beta, progress=False)
    assert tv_norm(smooth.images, beta) < 0.5 * tv_norm(rough.images, beta)
    assert torch.isfinite(smooth.images).all()


def test_a_constant_start_with_beta_1_gives_no_nan(conv):
    gray = torch.full((1, 3, 12, 16), 0.5, dtype=torch.float64)
    result = invert(conv, images(), "1", init=gray, tv_weight=1.0, beta=1.0, steps=5, progress=False)
    assert torch.isfinite(result.images).all() and torch.isfinite(result.errors).all()


def test_an_interruption_returns_the_best_so_far(conv, monkeypatch):
    calls, real = [], inversion.forward_to

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 10:  # in the first picture, after the features of both were taken
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(inversion, "forward_to", interrupted)
    result = invert(conv, images(2), "1", steps=50, progress=False)
    assert result.images.shape == (2, 3, 12, 16) and result.errors.shape == (2, 8)
    assert result.fall[0] > 0 and result.fall[1] <= 0.01


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
        (lambda net, x: invert(net, x, "1", size=(12, 16)), r"features of 1 have shape \(N, 6, 12, 16\)"),
        (lambda net, x: invert(net, x[0], "1"), "Add the batch dimension"),
    ],
)
def test_wrong_input_is_named(conv, call, message):
    with pytest.raises(ValueError, match=message):
        call(conv, images())
