"""Pictures made for an experiment."""

import pytest
import torch

from course_utils.stimuli import lined_tiles, object_masks, same_spectrum, shuffled_tiles
from course_utils.stimuli.objects import OBJECT_BOXES


def test_every_outline_lies_in_its_box_and_fills_a_good_part_of_it():
    names, masks = object_masks()
    assert masks.shape == (len(names), 224, 224) and masks.dtype == torch.bool
    for name, mask in zip(names, masks, strict=True):
        top, left, bottom, right = OBJECT_BOXES[name]
        outside = mask.clone()
        outside[top:bottom, left:right] = False
        assert not outside.any()
        assert 0.25 < mask.sum() / ((bottom - top) * (right - left)) < 0.95, name


def test_the_outlines_are_the_callers_own_copies():
    first, second = object_masks()[1], object_masks()[1]
    first.zero_()
    assert second.any() and object_masks()[1].any()


def test_random_pictures_of_the_same_spectrum_are_as_smooth_and_have_no_direction():
    columns = torch.arange(7.0)
    stripes = torch.stack([torch.sin(columns * 2 * torch.pi / 7).expand(7, 7), torch.randn(7, 7) + 3])
    made = same_spectrum(stripes, draws=500)
    assert made.shape == (500, 2, 7, 7) and made.dtype == stripes.dtype
    assert torch.equal(made, same_spectrum(stripes, draws=500)) and not torch.equal(
        made, same_spectrum(stripes, seed=1)
    )

    def rough(p):  # around the border, too: as the waves see it
        return (p - p.roll(1, -1)).square().sum((-2, -1)) + (p - p.roll(1, -2)).square().sum((-2, -1))

    assert torch.allclose(made.square().sum((-2, -1)), stripes.square().sum((-2, -1)).expand(500, 2), rtol=1e-4)
    assert torch.allclose(made.mean((-2, -1)).abs(), stripes.mean((-2, -1)).abs().expand(500, 2), atol=1e-5)
    assert torch.allclose(rough(made[:, 0]), rough(stripes[0]).expand(500), rtol=1e-4)
    upright = made[:, 0].mean(-2).square().sum(-1) * 7 / made[:, 0].square().sum((-2, -1))
    assert stripes[0].mean(-2).square().sum() * 7 == pytest.approx(stripes[0].square().sum().item())
    assert 0.4 < upright.mean() < 0.6  # half of these two directions' energy


def test_pictures_without_a_spectrum_are_refused():
    for wrong in (
        torch.zeros(3),
        torch.zeros(3, 3, dtype=torch.int64),
        torch.full((2, 2), torch.nan),
        torch.zeros(0, 3),
    ):
        with pytest.raises(ValueError, match="pictures"):
            same_spectrum(wrong)


def test_shuffled_tiles_are_the_same_tiles_elsewhere():
    images = torch.rand((2, 3, 6, 9), generator=torch.Generator().manual_seed(0))
    before, moved = images.clone(), shuffled_tiles(images, 3, seed=4)
    assert torch.equal(images, before) and moved.shape == images.shape and not torch.equal(moved, images)
    for one, other in zip(images, moved, strict=True):
        tiles, found = (
            {tuple(x[:, top : top + 3, left : left + 3].flatten().tolist()) for top in (0, 3) for left in (0, 3, 6)}
            for x in (one, other)
        )
        assert len(tiles) == 6 and tiles == found
    assert torch.equal(moved, shuffled_tiles(images, 3, seed=4))
    assert not torch.equal(moved, shuffled_tiles(images, 3, seed=5))
    assert torch.equal(shuffled_tiles(images[:, :, :, :6], 6), images[:, :, :, :6])  # one tile stays where it is


def test_each_picture_has_an_order_of_its_own():
    image = torch.rand((1, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    first, second = shuffled_tiles(image.expand(2, -1, -1, -1), 2)
    assert not torch.equal(first, second)


def test_lines_cover_the_borders_of_tiles_and_nothing_else():
    images = torch.full((1, 3, 12, 6), 0.9)
    lined = lined_tiles(images, 6, width=2, gray=0.25)
    assert (images == 0.9).all()
    assert (lined[:, :, 5:7] == 0.25).all()
    assert (lined[:, :, :5] == 0.9).all() and (lined[:, :, 7:] == 0.9).all()
    square = lined_tiles(torch.rand((1, 3, 12, 12)), 6)
    assert (square == 0.5).sum() == 3 * (12 * 12 - 8 * 8)


@pytest.mark.parametrize("broken", [shuffled_tiles, lined_tiles])
def test_tiles_that_do_not_fit(broken):
    with pytest.raises(ValueError, match="side must divide the pictures' height and width, 12 and 8; 3 does not"):
        broken(torch.rand((1, 3, 12, 8)), 3)
    with pytest.raises(ValueError, match="shape"):
        broken(torch.rand((3, 12, 8)), 4)


def test_lines_as_wide_as_a_tile():
    with pytest.raises(ValueError, match="smaller than a tile, 2 pixels; not 4"):
        lined_tiles(torch.rand((1, 3, 8, 8)), 2)
