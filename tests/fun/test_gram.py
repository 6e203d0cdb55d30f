"""Gram matrices and their losses by arithmetic."""

import numpy as np
import pytest
import torch

from course_utils.fun.gram import gram_loss, gram_matrix


def features(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize(
    "normalize, expected",
    [
        (None, [[14.0, 38.0], [38.0, 126.0]]),
        ("positions", [[3.5, 9.5], [9.5, 31.5]]),
        ("size", [[1.75, 4.75], [4.75, 15.75]]),
    ],
)
def test_gram_matrix_of_eight_numbers(normalize, expected):
    assert gram_matrix(torch.arange(8.0).view(1, 2, 2, 2), normalize=normalize).tolist() == [expected]


def test_gram_matrix_keeps_images_apart_and_is_the_mean_product():
    maps = features(3, 5, 4, 7)
    expected = torch.einsum("nihw,njhw->nij", maps, maps) / 28
    torch.testing.assert_close(gram_matrix(maps), expected)


def test_gram_matrix_is_symmetric_without_negative_eigenvalues():
    gram = gram_matrix(features(2, 6, 2, 2))  # fewer positions than channels: rank 4
    assert torch.equal(gram, gram.transpose(1, 2))
    eigenvalues = torch.linalg.eigvalsh(gram)
    assert eigenvalues.min() > -1e-12
    assert (eigenvalues > 1e-9).sum(1).tolist() == [4, 4]


def test_gram_matrix_does_not_know_where():
    maps = features(1, 5, 6, 4)
    shuffled = maps.flatten(2)[:, :, torch.randperm(24, generator=torch.Generator().manual_seed(0))].view(1, 5, 6, 4)
    torch.testing.assert_close(gram_matrix(shuffled), gram_matrix(maps), rtol=0, atol=1e-12)
    torch.testing.assert_close(gram_matrix(maps.transpose(2, 3)), gram_matrix(maps), rtol=0, atol=1e-12)
    # but it does know which channels go together: another order in one channel changes it
    maps[:, 0] = maps[:, 0].flip(1)
    assert (gram_matrix(maps) - gram_matrix(shuffled)).abs().max() > 0.01


def test_gram_matrix_gradient():
    maps = features(1, 3, 2, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda m: gram_matrix(m, normalize="size"), maps)


@pytest.mark.parametrize(
    "given, options, error, message",
    [
        (torch.zeros(2, 3, 4), {}, ValueError, "features\\[None\\]"),
        (torch.zeros(1, 3, 0, 4), {}, ValueError, "no empty dimension"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.int64), {}, TypeError, "not torch.int64"),
        ([[1.0]], {}, TypeError, "not list"),
        (torch.zeros(1, 3, 4, 4), {"normalize": "channels"}, ValueError, "'positions', 'size'; not 'channels'"),
    ],
)
def test_gram_matrix_bad_input(given, options, error, message):
    with pytest.raises(error, match=message):
        gram_matrix(given, **options)


@pytest.mark.parametrize("channels, height, width", [(2, 3, 5), (6, 4, 4)])
def test_gram_losses_are_what_the_programs_compute(channels, height, width):
    now, wanted = features(1, channels, height, width), features(1, channels, height, width, seed=1)
    n, m = channels, height * width
    raw, raw_wanted = gram_matrix(now, normalize=None), gram_matrix(wanted, normalize=None)
    by_size, by_size_wanted = gram_matrix(now, normalize="size"), gram_matrix(wanted, normalize="size")
    by_place, by_place_wanted = gram_matrix(now), gram_matrix(wanted)

    paper = (raw - raw_wanted).square().sum() / (4 * n**2 * m**2)
    deep_textures = ((raw - raw_wanted) / m).square().sum() / n**2 / 4
    cs231n = (by_size - by_size_wanted).square().sum()
    pystiche = torch.nn.functional.mse_loss(by_place, by_place_wanted)
    johnson = torch.nn.functional.mse_loss(by_size, by_size_wanted)

    def ours(convention):
        return gram_loss(by_place, by_place_wanted, convention=convention)[0]

    exact = {"rtol": 1e-12, "atol": 0}
    torch.testing.assert_close(ours("gatys"), paper, **exact)
    torch.testing.assert_close(ours("gatys"), deep_textures, **exact)
    torch.testing.assert_close(ours("cs231n"), cs231n, **exact)
    torch.testing.assert_close(ours("pystiche"), pystiche, **exact)
    torch.testing.assert_close(ours("johnson"), johnson, **exact)
    torch.testing.assert_close(cs231n, 4 * paper, **exact)
    torch.testing.assert_close(pystiche, 4 * paper, **exact)
    torch.testing.assert_close(johnson, 4 * paper / n**2, **exact)


def test_gram_loss_compares_each_image_with_one_target():
    grams, target = gram_matrix(features(3, 4, 5, 5)), gram_matrix(features(1, 4, 9, 2, seed=1))
    losses = gram_loss(grams, target)
    assert losses.shape == (3,)
    assert torch.equal(losses[1], gram_loss(grams[1:2], target)[0])
    assert gram_loss(target, target).item() == 0


def test_gram_loss_bad_input():
    gram = torch.zeros(2, 4, 4)
    with pytest.raises(ValueError, match="must have shape"):
        gram_loss(gram, torch.zeros(3, 4, 4))
    with pytest.raises(ValueError, match="'gatys', 'cs231n', 'pystiche', 'johnson'; not 'lua'"):
        gram_loss(gram, gram, convention="lua")
