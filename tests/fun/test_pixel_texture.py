"""Efros-Leung against a version with loops only, Wei-Levoy against what it promises, and bad input."""

import sys

import numpy as np
import pytest
import torch

from course_utils.engines import neighborhoods
from course_utils.fun import copy_pixels, plain_efros_leung
from course_utils.fun.efros_leung import efros_leung, efros_leung_sources, window_weights
from course_utils.fun.wei_levoy import wei_levoy, wei_levoy_sources

quiet = {"progress": False}
sources_of = {efros_leung: efros_leung_sources, wei_levoy: wei_levoy_sources}


def random_sample(height=14, width=13, *, seed=0, colors=6):
    """A sample of few colors, so that ties and close matches are common."""
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colors, 3))
    picture = palette[rng.integers(0, colors, (height, width))]
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


def periodic_sample(height, width, period_y, period_x):
    tile = torch.randperm(period_y * period_x * 3, generator=torch.Generator().manual_seed(0)).view(
        3, period_y, period_x
    )
    y, x = torch.arange(height) % period_y, torch.arange(width) % period_x
    return (tile[:, y][:, :, x].float() * 2 / 255)[None]


def pixels_of(image):
    return {tuple(p) for p in image[0].flatten(1).T.tolist()}


def is_periodic(image, period_y, period_x):
    same_y = torch.equal(image[:, :, period_y:], image[:, :, :-period_y])
    return same_y and torch.equal(image[..., period_x:], image[..., :-period_x])


@pytest.mark.parametrize(
    "window, seed, tolerance, max_error",
    [(5, 0, 0.1, 0.3), (5, 1, 0.1, 0.3), (3, 2, 0.0, 0.3), (7, 3, 0.5, 0.3), (5, 4, 0.1, 0.01)],
)
def test_efros_leung_equals_the_plain_version(window, seed, tolerance, max_error):
    # Few colors: many ties. Then every pixel another color, so that the picture says where each pixel comes from.
    for colors in (6, 3000):
        sample = random_sample(11, 10, seed=seed, colors=colors)
        options = {"window": window, "seed": seed, "tolerance": tolerance, "max_error": max_error}
        fast = efros_leung(sample, (9, 8), **options, **quiet)
        assert torch.equal(fast, plain_efros_leung(sample, (9, 8), **options))


@pytest.mark.parametrize("method", [efros_leung, wei_levoy])
def test_every_pixel_is_copied_from_where_it_says(method):
    sample = torch.rand(1, 3, 20, 22, generator=torch.Generator().manual_seed(1))  # not on the 256 levels of a file
    options = {"window": 5} if method is efros_leung else {"window": 5, "levels": 2}
    image, sources = (one(sample, (17, 15), **options, **quiet) for one in (method, sources_of[method]))
    assert image.shape == (1, 3, 17, 15) and sources.shape == (17, 15, 2)
    assert pixels_of(image) <= pixels_of(sample)
    assert torch.equal(image, sample[:, :, sources[..., 0], sources[..., 1]])
    assert torch.equal(image, method(sample, (17, 15), **options, **quiet))
    other = method(sample, (17, 15), seed=1, **options, **quiet)
    assert not torch.equal(image, other)


def test_efros_leung_continues_a_periodic_sample_exactly():
    sample = periodic_sample(16, 18, 4, 5)
    image = efros_leung(sample, (15, 14), window=5, tolerance=0, **quiet)
    assert is_periodic(image, 4, 5)
    assert pixels_of(image) == pixels_of(sample)


def test_wei_levoy_equals_a_search_through_all_neighborhoods():
    sample = torch.randint(0, 256, (1, 3, 12, 13), generator=torch.Generator().manual_seed(2)).float() / 255
    options = {"window": 5, "levels": 1, "eps": 0, "dimensions": 36, "seed": 3}
    sources = wei_levoy_sources(sample, (9, 10), **options, **quiet)

    pixels, rng = (sample[0].permute(1, 2, 0).double() * 255).round().numpy(), np.random.default_rng(3)
    start = [rng.integers(0, side, (9, 10)) for side in (12, 13)]
    out, expected = pixels[start[0], start[1]], np.zeros((9, 10, 2), int)
    seen = [(-2, dx) for dx in range(-2, 3)] + [(-1, dx) for dx in range(-2, 3)] + [(0, -2), (0, -1)]
    for y, x in sorted(((y, x) for y in range(9) for x in range(10)), key=lambda p: p[1] + 3 * p[0]):
        best = np.inf
        for sy in range(2, 12):
            for sx in range(2, 13 - 2 - 1):  # the last column of an odd sample has no place in a halved one
                error = sum(((out[(y + a) % 9, (x + b) % 10] - pixels[sy + a, sx + b]) ** 2).sum() for a, b in seen)
                if error < best:
                    best, expected[y, x] = error, (sy, sx)
        out[y, x] = pixels[tuple(expected[y, x])]
    assert np.array_equal(sources.numpy(), expected)


@pytest.mark.parametrize("method", [efros_leung, wei_levoy])
@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_one_color_stays_one_color(method, level):
    sample = torch.full((1, 3, 20, 20), level)
    image = method(sample, 12, window=3, **quiet)
    assert torch.equal(image, torch.full((1, 3, 12, 12), level))


def test_the_smallest_size_is_the_seed_itself():
    sample = random_sample()
    sources = efros_leung_sources(sample, 3, window=5, **quiet)
    assert torch.equal(sources - sources[0, 0], torch.stack(torch.meshgrid(*[torch.arange(3)] * 2, indexing="ij"), -1))


def test_the_window_weights_are_a_gaussian():
    weights = window_weights(11).reshape(11, 11)
    assert weights[5, 5] == 65536
    sigma = 11 / 6.4
    assert weights[5, 7] == round(65536 * np.exp(-4 / (2 * sigma**2)))
    assert np.array_equal(weights, weights.T) and np.array_equal(weights, weights[::-1])


def test_a_wider_window_keeps_longer_structure():
    # stripes of period 8: window 3 cannot see a stripe's width, window 11 can
    sample = ((torch.arange(24) // 4) % 2).float().expand(1, 3, 24, 24).clone()
    narrow = efros_leung(sample, 18, window=3, **quiet)
    wide = efros_leung(sample, 18, window=11, tolerance=0, **quiet)

    def off(image):
        return (image[..., 4:] - (1 - image[..., :-4])).abs().mean().item()

    assert off(wide) == 0
    assert off(narrow) > 0.2


def test_waves_keep_the_order_of_pixels_that_see_each_other():
    rng, half = np.random.default_rng(0), 2
    ring = rng.permutation(np.argwhere(rng.random((12, 12)) < 0.4)) + half
    waves = neighborhoods.waves(ring, half, (16, 16))
    assert sorted(np.concatenate(waves).tolist()) == list(range(len(ring)))
    number = np.empty(len(ring), int)
    for count, wave in enumerate(waves):
        number[wave] = count
    for later in range(len(ring)):
        for earlier in range(later):
            if np.abs(ring[later] - ring[earlier]).max() <= half:
                assert number[earlier] < number[later]


def test_the_leaning_scan_comes_after_what_it_sees():
    order, ends = neighborhoods.leaning_scan(9, 11, 2)
    number = np.empty((9, 11), int)
    for count, (start, end) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
        number[order[start:end, 0], order[start:end, 1]] = count
    for y in range(9):
        for x in range(11):
            for dy, dx in neighborhoods.causal_offsets(5):
                if y + dy >= 0 and 0 <= x + dx < 11:
                    assert number[y + dy, x + dx] < number[y, x]


def test_the_causal_neighborhood_is_the_half_that_is_written():
    assert neighborhoods.causal_offsets(3).tolist() == [[-1, -1], [-1, 0], [-1, 1], [0, -1]]
    assert len(neighborhoods.causal_offsets(5)) == 12


@pytest.mark.parametrize("method, where", [(efros_leung, "waves"), (wei_levoy, "leaning_scan")])
def test_an_interrupt_returns_what_is_there(method, where, monkeypatch):
    module = sys.modules[method.__module__]
    original, calls = getattr(module, where), []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(module, where, interrupted)
    sample = random_sample(24, 24)
    sources = sources_of[method](sample, (13, 14), window=5, **quiet)
    image = copy_pixels(sample, sources)
    assert image.shape == (1, 3, 13, 14)
    filled = sources[..., 0] >= 0
    assert filled.any() and pixels_of(image[:, :, filled][:, :, None]) <= pixels_of(sample)
    assert (image[:, :, ~filled] == 0.5).all()
    assert filled.all() == (method is wei_levoy)


@pytest.mark.parametrize("method", [efros_leung, wei_levoy])
@pytest.mark.parametrize(
    "sample, options, message",
    [
        (torch.zeros(2, 3, 40, 40), {}, "one image, not a batch of 2"),
        (torch.zeros(3, 40, 40), {}, "images\\[None\\]"),
        (torch.full((1, 3, 40, 40), 2.0), {}, "must lie in"),
        (torch.full((1, 3, 40, 40), torch.nan), {}, "NaN"),
        (torch.zeros(1, 3, 40, 40), {"window": 4}, "odd number from 3, not 4"),
        (torch.zeros(1, 3, 40, 40), {"window": 1}, "odd number from 3, not 1"),
        (torch.zeros(1, 3, 40, 8), {"window": 9}, "9x9 does not fit in a sample of 40x8"),
        (torch.zeros(1, 3, 40, 40), {"size": 2}, "size must be at least 3"),
    ],
)
def test_bad_input(method, sample, options, message):
    with pytest.raises(ValueError, match=message):
        method(sample, **options, **quiet)


@pytest.mark.parametrize(
    "method, options, message",
    [
        (efros_leung, {"tolerance": -0.1}, "tolerance must not be negative"),
        (efros_leung, {"max_error": 0}, "max_error must be greater than 0"),
        (wei_levoy, {"eps": -1}, "eps must not be negative"),
        (wei_levoy, {"levels": 0}, "levels must be greater than 0"),
        (wei_levoy, {"levels": 4}, "4 levels with window 5 need a sample of 48x48, not 40x40"),
    ],
)
def test_bad_options(method, options, message):
    with pytest.raises(ValueError, match=message):
        method(torch.zeros(1, 3, 40, 40), **options, **quiet)
