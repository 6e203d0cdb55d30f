"""Parameterizations: there and back, exact limits, colors."""

import pytest
import torch

from course_utils.exercises.tiny import tiny_net
from course_utils.optimize.pictures import COLORS, Fourier, Pixels, Smooth


@pytest.fixture
def net():
    net = tiny_net("conv", seed=0).double()
    net.mean.fill_(0.4)
    return net


def generator():
    return torch.Generator().manual_seed(0)


def photos(height, width):
    return 0.05 + 0.9 * torch.rand(2, 3, height, width, dtype=torch.float64, generator=generator())


def test_pixels_start_at_the_mean_color_or_noise_or_a_picture(net):
    zero = Pixels().begin(net, 2, (5, 6), generator())
    assert zero.shape == (2, 3, 5, 6) and not zero.any()
    assert (Pixels().images(net, zero, (5, 6)) == 0.4).all()
    noise = Pixels("noise").begin(net, 2, (50, 60), generator())
    assert noise.std().item() == pytest.approx(10 / 255, rel=0.03)
    start = photos(5, 6)
    z = Pixels(start).begin(net, 2, (5, 6), generator())
    torch.testing.assert_close(Pixels().images(net, z, (5, 6)), start)


def test_pixels_are_limited_to_the_range_of_pictures(net):
    z = torch.tensor([-2.0, -0.1, 0.3, 2.0], dtype=torch.float64).view(1, 1, 1, 4).expand(1, 3, 1, 4)
    images = Pixels().images(net, Pixels().limit(net, z), (1, 4))
    torch.testing.assert_close(images[0, 0, 0], torch.tensor([0.0, 0.3, 0.7, 1.0], dtype=torch.float64))


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (12, 5)])
@pytest.mark.parametrize("decorrelate", [True, False])
def test_fourier_there_and_back(net, size, decorrelate):
    start = photos(*size)
    fourier = Fourier(start, decorrelate=decorrelate)
    z = fourier.begin(net, 2, size, generator())
    assert z.shape == (2, 3, size[0], size[1] // 2 + 1, 2)
    torch.testing.assert_close(fourier.images(net, z, size), start, atol=1e-6, rtol=1e-5)


def test_fourier_noise_is_faint_and_mostly_coarse(net):
    images = Fourier().images(net, Fourier().begin(net, 1, (64, 64), generator()), (64, 64))
    assert images.shape == (1, 3, 64, 64)
    assert images.min() > 0.3 and images.max() < 0.7
    power = torch.fft.rfft2(images - images.mean((2, 3), keepdim=True)).abs().square().sum((0, 1))
    assert power[1:4, :4].mean() > 20 * power[28:36, 28:].mean()


def test_a_low_coefficient_moves_the_picture_more_than_a_high_one(net):
    z = torch.zeros(1, 3, 16, 9, 2, dtype=torch.float64)
    moved = []
    for frequency in (1, 2, 4, 8):
        one = z.clone()
        one[0, 0, 0, frequency if frequency < 8 else 7, 0] = 0.01
        moved.append((Fourier(decay=1.0).images(net, one, (16, 16)) - 0.5).norm().item())
    assert moved == sorted(moved, reverse=True)
    assert moved[0] / moved[1] == pytest.approx(2, rel=0.02) and moved[0] / moved[2] == pytest.approx(4, rel=0.02)


def test_decorrelated_colors(net):
    z = torch.zeros(1, 3, 8, 5, 2, dtype=torch.float64)
    z[0, 0, 0, 0, 0] = 1  # the first color is light and dark: red, green and blue move together
    red, green, blue = Fourier().images(net, z, (8, 8))[0, :, 0, 0].tolist()
    assert min(red, green, blue) > 0.5 and max(red, green, blue) - min(red, green, blue) < 0.01
    z[0, 0, 0, 0, 0], z[0, 1, 0, 0, 0] = 0, 1  # the second is red against blue
    red, green, blue = Fourier().images(net, z, (8, 8))[0, :, 0, 0].tolist()
    assert red > 0.5 > blue and green == 0.5
    assert COLORS.norm(dim=0).max().item() == pytest.approx(1)


def test_starts_repeat_by_seed_and_leave_the_global_state(net):
    state = torch.get_rng_state()
    for one in (Pixels("noise"), Fourier()):
        a, b = (one.begin(net, 2, (6, 6), generator()) for _ in range(2))
        assert torch.equal(a, b)
    assert torch.equal(state, torch.get_rng_state())


def test_wrong_starts(net):
    with pytest.raises(ValueError, match="start must be one of 'zero', 'noise'"):
        Pixels("gray").begin(net, 1, (4, 4), generator())
    with pytest.raises(ValueError, match="start must be one of 'noise'"):
        Fourier("zero").begin(net, 1, (4, 4), generator())


def test_fourier_of_gray_pictures_has_no_colors_to_decorrelate():
    gray, start = tiny_net("conv", channels=1).double(), photos(6, 5)[:, :1]
    z = Fourier(start).begin(gray, 2, (6, 5), generator())
    torch.testing.assert_close(Fourier().images(gray, z, (6, 5)), start, atol=1e-6, rtol=1e-5)
    assert Fourier().begin(gray, 2, (6, 5), generator()).shape == (2, 1, 6, 3, 2)


def test_smooth_adds_to_a_picture_and_reaches_every_one(net):
    start, size = photos(16, 20), (16, 20)
    smooth, plain = Smooth(start), Smooth(start, smoothness=0.0)
    z = smooth.begin(net, 2, size, generator())
    assert z.shape == start.shape and not z.any()
    torch.testing.assert_close(smooth.images(net, z, size), start)
    z = torch.randn(2, 3, *size, dtype=torch.float64, generator=generator())
    torch.testing.assert_close(plain.images(net, z, size), start + z / 255)  # 0: pixels, in steps of 8 bits
    change = torch.fft.rfft2(smooth.images(net, z, size) - start) / torch.fft.rfft2(z / 255)
    scale = change.real[0, 0]
    assert change.imag.abs().max() < 1e-9 and (scale > 0).all()
    assert scale[0, 0] == scale.max() and scale[8, 10] < scale[1, 1]
    assert scale[0, 1] / scale[0, 4] == pytest.approx(2, rel=1e-3)  # a fourth of the frequency moves twice as far
    assert scale.square().mean().item() == pytest.approx(1, rel=1e-5)


def test_parameters_of_half_precision_are_float32():
    half, start = tiny_net("conv", seed=0).half(), photos(6, 6).half()
    for one in (Pixels(), Pixels("noise"), Pixels(start), Fourier(), Fourier(start), Smooth(start)):
        z = one.begin(half, 2, (6, 6), generator())
        assert z.dtype == torch.float32 and one.images(half, z, (6, 6)).dtype == torch.float32
        assert one.limit(half, z).dtype == torch.float32


def test_a_start_may_want_gradients(net):
    start = photos(5, 6).requires_grad_()
    for one in (Pixels(start), Fourier(start), Smooth(start)):
        z = one.begin(net, 2, (5, 6), generator())
        assert not z.requires_grad and not one.images(net, z, (5, 6)).requires_grad
