"""Yosinski's regularizers: exact answers for each piece."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from course_utils.optimize.regularizers import (
    YOSINSKI,
    Blur,
    ClipSmallContribution,
    ClipSmallNorm,
    L2Decay,
    gaussian_blur,
)


def noise(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_decay_after_n_steps():
    z = noise(2, 3, 4, 4)
    out = z
    for step in range(5):
        out = L2Decay(0.3)(out, z, step)
    torch.testing.assert_close(out, z * 0.7**5)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.5])
def test_blur_is_scipys(sigma):
    images = noise(2, 3, 24, 20)
    expected = np.stack([[gaussian_filter(c, sigma, mode="mirror", truncate=5) for c in i] for i in images.numpy()])
    torch.testing.assert_close(gaussian_blur(images, sigma), torch.from_numpy(expected), atol=2e-4, rtol=0)
    constant = torch.full((1, 3, 9, 9), 0.3, dtype=torch.float64)
    torch.testing.assert_close(gaussian_blur(constant, sigma), constant)


def test_blur_on_pictures_smaller_than_the_filter():
    assert gaussian_blur(noise(1, 3, 3, 3), 2.0).shape == (1, 3, 3, 3)


def test_blur_acts_in_every_fourth_step_and_in_the_first():
    z = noise(1, 3, 8, 8)
    changed = [step for step in range(9) if not torch.equal(Blur(1.0, 4)(z, z, step), z)]
    assert changed == [0, 4, 8]


def test_small_norm_takes_whole_pixels_and_exactly_half():
    z = noise(2, 3, 8, 8)
    out = ClipSmallNorm(50)(z, z, 0)
    gone = (out == 0).all(1)
    assert gone.flatten(1).sum(1).tolist() == [32, 32]
    assert torch.equal((out == 0).any(1), gone)  # all three colors or none
    sizes = z.norm(dim=1)
    for index in range(2):  # each image on its own
        assert sizes[index][gone[index]].max() < sizes[index][~gone[index]].min()
    assert torch.equal(out[~gone[:, None].expand_as(out)], z[~gone[:, None].expand_as(z)])


def test_small_contribution_on_a_linear_model():
    """For S = w . z, pixels with w = 0 matter least, however large they are; ClipSmallNorm keeps just those."""
    z = noise(1, 3, 4, 4).abs() + 1
    w = torch.ones_like(z)
    w[..., :2, :] = 0
    z[..., :2, :] *= 100
    kept = ClipSmallContribution(50)(z, w, 0)
    assert (kept[..., :2, :] == 0).all() and torch.equal(kept[..., 2:, :], z[..., 2:, :])
    other = ClipSmallNorm(50)(z, w, 0)
    assert (other[..., 2:, :] == 0).all() and torch.equal(other[..., :2, :], z[..., :2, :])


def test_contribution_sums_the_colors_before_its_size():
    z = torch.ones(1, 3, 1, 2)
    gradient = torch.tensor([[5.0, -5.0, 0.0], [1.0, 1.0, 1.0]]).T[None, :, None]  # sums: 0 and 3
    out = ClipSmallContribution(50)(z, gradient, 0)
    assert out[0, :, 0, 0].tolist() == [0, 0, 0] and out[0, :, 0, 1].tolist() == [1, 1, 1]


def test_nothing_below_zero_percent():
    z = noise(1, 3, 5, 5)
    assert torch.equal(ClipSmallNorm(0)(z, z, 0), z)
    assert torch.equal(ClipSmallContribution(0)(z, z, 0), z)


def test_the_papers_order():
    order = [L2Decay, Blur, ClipSmallNorm, ClipSmallContribution]
    for pieces in YOSINSKI.values():
        places = [order.index(type(p)) for p in pieces]
        assert places == sorted(places)


def test_wrong_numbers_say_what_is_possible():
    with pytest.raises(ValueError, match="decay must lie between 0 and 1"):
        L2Decay(1.5)
    with pytest.raises(ValueError, match="sigma must be greater than 0"):
        Blur(0)
    with pytest.raises(ValueError, match="percent must lie between 0 and 100"):
        ClipSmallNorm(101)
