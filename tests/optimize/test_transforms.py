"""Transforms: exact shifts and rotations, one resampling, and the gradient mask."""

import math

import pytest
import torch

from course_utils.optimize.transforms import (
    CROPS,
    ROBUST,
    CenterBias,
    Crop,
    Jitter,
    Noise,
    Pad,
    Rotate,
    Scale,
    transform,
)


@pytest.fixture
def draws(monkeypatch):
    """Let the transforms draw these numbers from [-1, 1] instead of random ones."""
    numbers = []

    def rand(count, generator=None):
        return (torch.tensor([numbers.pop(0) for _ in range(count)]) + 1) / 2

    monkeypatch.setattr(torch, "rand", rand)
    return numbers


def picture(height=8, width=8, seed=0):
    values = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.sigmoid()


def generator():
    return torch.Generator().manual_seed(0)


def test_no_transforms_give_the_picture():
    images = picture()
    assert transform(images, (), generator()) is images


def test_pad_alone():
    out = transform(picture(), [Pad(2, 0.25)], generator())
    assert out.shape == (2, 3, 12, 12)
    assert torch.equal(out[..., 2:-2, 2:-2], picture()) and (out[..., 0] == 0.25).all()


def test_jitter_shifts_whole_pixels(draws):
    draws[:] = [1.0, -0.5]  # two columns and minus one row
    images = picture()
    out = transform(images, [Pad(0, 0.5), Jitter(2)], generator())
    torch.testing.assert_close(out[..., 1:, :-2], images[..., :-1, 2:])
    torch.testing.assert_close(out[..., 0, :], torch.full_like(out[..., 0, :], 0.5))


@pytest.mark.parametrize("turn, sign", [(1.0, 1), (-1.0, -1)])
def test_rotation_by_a_right_angle(draws, turn, sign):
    draws[:] = [turn, 0.0]
    images = picture()
    out = transform(images, [Rotate(90)], generator())
    torch.testing.assert_close(out, torch.rot90(images, sign, (2, 3)), atol=1e-6, rtol=0)


def test_rotation_of_a_wide_picture_keeps_right_angles(draws):
    draws[:] = [1.0, 0.0]  # 90 degrees: the middle square turns as a square
    images = picture(8, 12)
    out = transform(images, [Pad(0), Rotate(90)], generator())
    torch.testing.assert_close(out[..., 2:10], torch.rot90(images[..., 2:10], 1, (2, 3)), atol=1e-6, rtol=0)


def test_scale_enlarges_about_the_middle(draws):
    draws[:] = [1.0, 0.0]
    side = 16
    offsets = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    ramp = (0.5 + offsets / 100).expand(1, 3, side, side)
    out = transform(ramp, [Pad(0), Scale(1.0, 2.0)], generator())
    expected = (0.5 + offsets / 200).expand(1, 3, side, side)
    torch.testing.assert_close(out, expected, atol=1e-6, rtol=0)


def test_transforms_are_one_matrix_in_their_order(draws):
    """Shift then turn: what the shift brought to the right goes up with the turn."""
    dot = torch.zeros(1, 3, 9, 9, dtype=torch.float64)
    dot[..., 4, 4] = 1
    draws[:] = [-1.0, 0.0, 1.0, 0.0]  # the dot moves 2 to the right, then a quarter turn against the clock
    out = transform(dot, [Pad(0, 0.0), Jitter(2), Rotate(90)], generator())
    assert out[0, 0].argmax().item() == 2 * 9 + 4
    draws[:] = [1.0, 0.0, -1.0, 0.0]
    out = transform(dot, [Pad(0, 0.0), Rotate(90), Jitter(2)], generator())
    assert out[0, 0].argmax().item() == 4 * 9 + 6


def test_draws_lie_in_the_stated_ranges():
    source = generator()
    shifts, factors, angles = [], [], []
    for _ in range(300):
        draw = 2 * torch.rand(2, generator=source) - 1
        shifts += Jitter(5).matrix(draw)[:2, 2].tolist()
        factors.append(1 / Scale(0.8, 1.3).matrix(draw)[0, 0].item())
        rotation = Rotate(10).matrix(draw)
        angles.append(math.degrees(math.atan2(rotation[1, 0], rotation[0, 0])))
    assert -5 <= min(shifts) < -4.5 and 4.5 < max(shifts) <= 5
    assert 0.799 <= min(factors) < 0.82 and 1.28 < max(factors) <= 1.301
    assert -10.01 <= min(angles) < -9 and 9 < max(angles) <= 10.01


def test_a_seed_repeats_and_a_batch_gets_one_draw():
    images = picture(20, 20)
    out = transform(images, ROBUST, generator())
    assert torch.equal(out, transform(images, ROBUST, generator()))
    torch.testing.assert_close(out[1:], transform(images[1:], ROBUST, generator()))
    assert not torch.equal(out, transform(images, ROBUST, torch.Generator().manual_seed(1)))


def test_center_bias_keeps_the_picture_and_masks_the_gradient():
    images = picture(9, 9).requires_grad_()
    out = transform(images, [CenterBias(0.2)], generator())
    torch.testing.assert_close(out, images)
    (gradient,) = torch.autograd.grad(out.sum(), images)
    assert gradient[0, 0, 4, 4].item() == pytest.approx(1)
    assert gradient[0, 0, 4, 0].item() == pytest.approx(math.exp(-0.25 / (2 * 0.04)))
    assert gradient[0, 0, 0, 0] < gradient[0, 0, 0, 4] < gradient[0, 0, 2, 4]


def test_something_else_is_refused():
    with pytest.raises(TypeError, match="a transform is one of Pad"):
        transform(picture(), [3], generator())


def test_a_crop_of_the_whole_is_the_picture(draws):
    draws[:] = [0.3, -0.2, 0.7]
    torch.testing.assert_close(transform(picture(), [Crop(1.0, 1.0)], generator()), picture())


def test_a_crop_is_a_piece_at_its_place(draws):
    draws[:] = [1.0, -1.0, 0.999]  # largest, at the top, at the right
    images = picture(8, 12)
    out = transform(images, [Crop(0.25, 0.5, size=4)], generator())
    torch.testing.assert_close(out, images[..., :4, 8:])
    draws[:] = [-1.0, 0.999, -1.0]  # smallest, at the bottom, at the left
    out = transform(images, [Crop(0.25, 0.5, size=2)], generator())
    torch.testing.assert_close(out, images[..., 6:, :2])


@pytest.mark.parametrize("size, expected", [(None, 7), (5, 5), (20, 20)])
def test_crops_have_one_size_and_move_over_the_whole_picture(size, expected):
    source, images = generator(), torch.arange(63.0).view(1, 1, 7, 9).expand(2, 3, 7, 9)
    seen = [transform(images, [Crop(0.3, 0.9, size)], source) for _ in range(200)]
    assert all(one.shape == (2, 3, expected, expected) for one in seen)
    middles = torch.tensor([one[0, 0].mean() for one in seen])
    assert middles.min() < 12 and middles.max() > 50 and len(middles.unique()) > 30


def test_noise_has_its_size_and_is_the_same_for_a_batch():
    images = picture(40, 40)
    out = transform(images, [Noise(0.2)], generator()) - images
    assert out.std().item() == pytest.approx(0.2, rel=0.05) and abs(out.mean().item()) < 0.02
    torch.testing.assert_close(out[0], out[1])
    assert torch.equal(transform(images, [Noise(0)], generator()), images)


def test_crops_come_after_what_moves_the_picture(draws):
    draws[:] = [1.0, -0.5, 1.0, -1.0, -1.0]  # shifted by two columns and minus one row; the upper left half
    images = picture()
    out = transform(images, [Crop(0.5, 0.5, size=4), Pad(0, 0.5), Jitter(2)], generator())
    torch.testing.assert_close(out[..., 1:, :], images[..., :3, 2:6])


def test_crops_repeat_by_seed_and_pass_the_gradient():
    images = picture(20, 24).requires_grad_()
    one, same = (transform(images, CROPS, generator()) for _ in range(2))
    assert torch.equal(one, same) and one.shape[2:] == (CROPS[0].size,) * 2
    (gradient,) = torch.autograd.grad(one.sum(), images)
    assert gradient.any() and gradient.isfinite().all()


@pytest.mark.parametrize("wrong", [{"smallest": 0}, {"smallest": 0.8, "largest": 0.5}, {"largest": 1.5}, {"size": 0}])
def test_wrong_crops(wrong):
    with pytest.raises(ValueError, match="must"):
        Crop(**wrong)
    with pytest.raises(ValueError, match="deviation must not be negative"):
        Noise(-0.1)
    with pytest.raises(TypeError, match="size must be a whole number"):
        Crop(size=2.5)
