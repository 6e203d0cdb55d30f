"""Parameterizations: there and back, exact limits, colors."""

import pytest
import torch

from course_utils.exercises.tiny import tiny_net
from course_utils.optimize.pictures import COLORS, Fourier, Phase, Pixels, Smooth, photo_colors, photo_spectrum


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
    for one in (Pixels("noise"), Fourier(), Phase()):
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
    for one in (
        Pixels(),
        Pixels("noise"),
        Pixels(start),
        Fourier(),
        Fourier(start),
        Smooth(start),
        Phase(),
        Phase(start),
    ):
        z = one.begin(half, 2, (6, 6), generator())
        assert z.dtype == torch.float32 and one.images(half, z, (6, 6)).dtype == torch.float32
        assert one.limit(half, z).dtype == torch.float32


def test_a_start_may_want_gradients(net):
    start = photos(5, 6).requires_grad_()
    for one in (Pixels(start), Fourier(start), Smooth(start), Phase(start)):
        z = one.begin(net, 2, (5, 6), generator())
        assert not z.requires_grad and not one.images(net, z, (5, 6)).requires_grad


# --- only phases -----------------------------------------------------------------------------------------------------------

ODD_AND_EVEN = [(8, 8), (7, 9), (12, 5), (5, 12), (1, 6), (2, 1)]


def waves(images, contrast=1.0):
    """The coefficients of the independent colors that `Phase` made a picture of."""
    middle, mixing = (one.double() for one in photo_colors(images.shape[1]))
    colors = images.logit() / 4 + 0.5 - middle
    return torch.fft.rfft2((mixing.inverse() @ colors.flatten(2)).view_as(colors) / contrast, norm="ortho")


@pytest.mark.parametrize("size", ODD_AND_EVEN, ids=str)
@pytest.mark.parametrize("contrast", [1.0, 0.5])
def test_the_waves_of_a_phase_picture_are_as_high_as_those_of_photos(net, size, contrast):
    phase = Phase(contrast=contrast)
    z = phase.begin(net, 2, size, generator())
    assert z.shape == (2, 3, size[0], size[1] // 2 + 1) and -torch.pi <= z.min() and z.max() <= torch.pi
    images = phase.images(net, z, size)
    assert images.shape == (2, 3, *size) and images.min() > 0 and images.max() < 1
    heights = photo_spectrum(*size).double()
    torch.testing.assert_close(waves(images, contrast).abs(), heights.expand(2, -1, -1, -1), atol=1e-5, rtol=1e-5)
    other = phase.images(net, 5 * z - 1, size)  # whatever the phases are
    assert not torch.allclose(other, images) or size == (2, 1)
    torch.testing.assert_close(waves(other, contrast).abs(), heights.expand(2, -1, -1, -1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (12, 5)])
def test_the_colors_of_a_phase_picture_have_variance_1(net, size):
    z = Phase().begin(net, 1, size, generator())
    apart = torch.fft.irfft2(waves(Phase().images(net, z, size)), s=size, norm="ortho")
    torch.testing.assert_close(apart.mean((2, 3)), torch.zeros(1, 3, dtype=torch.float64), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        apart.var((2, 3), correction=0), torch.ones(1, 3, dtype=torch.float64), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("size", [(6, 8), (7, 5)])
def test_the_gradient_of_phases_is_that_of_a_plain_version(net, size):
    """A picture as a sum of cosines, wave by wave, and PyTorch's gradient of it."""
    height, width = size
    z = Phase().begin(net, 1, size, generator())
    wanted = photos(*size)[:1]
    heights, (middle, mixing) = photo_spectrum(*size).double(), photo_colors()
    rows, columns = torch.arange(height)[:, None].double(), torch.arange(width)[None].double()

    def plain(phases):
        apart = torch.zeros(1, 3, height, width, dtype=torch.float64)
        for v in range(height):
            for u in range(width // 2 + 1):
                alone = u == 0 or 2 * u == width  # the wave's mirror image stands in the same column
                phase = (phases[..., v, u] - phases[..., -v % height, u]) / 2 if alone else phases[..., v, u]
                angle = 2 * torch.pi * (v * rows / height + u * columns / width)
                wave = heights[:, v, u, None, None] * torch.cos(angle + phase[..., None, None])
                apart = apart + (1 if alone else 2) * wave / (height * width) ** 0.5
        colors = middle.double() + torch.einsum("ij,njhw->nihw", mixing.double(), apart)
        return (4 * (colors - 0.5)).sigmoid()

    results = []
    for make in (plain, lambda phases: Phase().images(net, phases, size)):
        phases = z.clone().requires_grad_()
        images = make(phases)
        results.append((images.detach(), torch.autograd.grad((images - wanted).square().sum(), phases)[0]))
    torch.testing.assert_close(results[1], results[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (12, 5)])
def test_phases_of_a_picture_are_found_again(net, size):
    """A picture with the heights of photos comes back from its phases; of another only the phases are taken."""
    made = Phase().images(net, Phase().begin(net, 2, size, generator()), size)
    z = Phase(made).begin(net, 2, size, generator())
    kept = (made > 0.03).all() and (made < 0.97).all()  # the darkest and the lightest are cut off on the way back
    if kept:
        torch.testing.assert_close(Phase().images(net, z, size), made, atol=1e-4, rtol=0)
    start = photos(*size)
    again = waves(Phase().images(net, Phase(start).begin(net, 2, size, generator()), size))
    turned = (again.angle() - waves(start.clamp(0.02, 0.98)).angle())[..., 1 : (size[1] + 1) // 2]
    torch.testing.assert_close(turned.cos(), torch.ones_like(turned), atol=1e-4, rtol=0)


def test_the_spectrum_of_photos_falls_and_is_read_at_the_same_frequencies():
    small, large = photo_spectrum(64, 64), photo_spectrum(128, 192)
    assert small.shape == (3, 64, 33) and large.shape == (3, 128, 97)
    assert (small[:, 0, 1:32:6].diff() < 0).all() and (small[:, 1:32:6, 0].diff() < 0).all()
    assert not small[:, 0, 0].any() and torch.equal(small[:, 1:32], small[:, 33:].flip(1))
    ratio = large[:, 4:60:8, 6:90:12] / small[:, 2:30:4, 2:30:4]  # the same frequencies
    assert (ratio / ratio.mean((1, 2), keepdim=True) - 1).abs().max() < 1e-4


def test_phases_repeat_by_seed_and_a_gray_network_has_them_too():
    gray = tiny_net("conv", channels=1).double()
    first, second = (Phase().begin(gray, 2, (6, 5), generator()) for _ in range(2))
    assert torch.equal(first, second) and first.shape == (2, 1, 6, 3)
    assert not torch.equal(first, Phase().begin(gray, 2, (6, 5), torch.Generator().manual_seed(1)))
    images = Phase().images(gray, first, (6, 5))
    assert images.shape == (2, 1, 6, 5) and images.dtype == torch.float64
    assert Phase(photos(6, 5)[:, :1]).begin(gray, 2, (6, 5), generator()).shape == (2, 1, 6, 3)


def test_wrong_phases(net):
    with pytest.raises(ValueError, match="start must be one of 'noise'"):
        Phase("zero").begin(net, 1, (4, 4), generator())
    for wrong in (0, -1.0):
        with pytest.raises(ValueError, match="contrast must be greater than 0"):
            Phase(contrast=wrong)
