"""The three parts of a picture's error, on pictures whose parts are known."""

import pytest
import torch

from course_utils.gradients import PARTS, picture_error

NO_LUMA = 0.5 * torch.tensor([0.114, 0, -0.299], dtype=torch.float64)  # a color that is neither brighter nor darker


def planted(coarse=1.0, fine=1.0, chroma=1.0, *, height=16, width=24):
    """Dark squares beside bright ones, a chessboard of single pixels, and stripes from red to blue."""
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    squares = 0.1 * ((rows // 8 + columns // 8) % 2 * 2.0 - 1)
    pixels = 0.05 * ((rows + columns) % 2 * 2.0 - 1)
    luma = 0.5 + coarse * squares.double() + fine * pixels.double()
    return luma + chroma * (columns % 3 - 1.0) * NO_LUMA[None, :, None, None]


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("factor", [0.0, 0.5, 1.75])
def test_each_part_is_found_alone(part, factor):
    """A part that is `factor` times as strong has the error |factor - 1|, and the others have none."""
    factors, right = [1.0, 1.0, 1.0], torch.zeros(3, dtype=torch.float64)
    factors[part], right[part] = factor, abs(factor - 1)
    torch.testing.assert_close(picture_error(planted(*factors), planted())[0], right)


def test_by_hand():
    photo = torch.full((1, 3, 8, 16), 0.2, dtype=torch.float64)
    photo[..., 8:] = 0.6  # means 0.2 and 0.6: the coarse part is 0.2 on both sides of their mean
    picture = photo.clone()
    picture[..., 8:] = 0.5  # off by 0.1 in one half: the root of 0.1^2 / 2
    coarse, fine, chroma = picture_error(picture, photo)[0].tolist()
    assert coarse == pytest.approx(0.1 / 2**0.5 / 0.2) and fine + chroma == pytest.approx(0, abs=1e-9)
    picture[..., 0, 0] += 0.2  # one pixel of 64 brighter: its square's mean rises by 0.2 / 64
    assert picture_error(picture, photo)[0, 0].item() == pytest.approx(((0.1**2 + (0.2 / 64) ** 2) / 2) ** 0.5 / 0.2)
    spread = (0.2**2 / 64 - (0.2 / 64) ** 2) / 2  # what is left is fine; the photo has nothing fine: counted as 1/255
    assert picture_error(picture, photo)[0, 1].item() == pytest.approx(255 * spread**0.5)


def test_a_missing_picture_and_a_gray_one():
    photo = torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    luma = (photo * photo.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    even, gray = photo.mean((2, 3), keepdim=True).expand(1, 3, 32, 40), luma.expand(1, 3, 32, 40)
    torch.testing.assert_close(picture_error(even, photo), photo.new_ones(1, 3))
    colors = photo - luma
    size = colors.square().mean() / (colors - colors.mean((2, 3), keepdim=True)).square().mean()
    torch.testing.assert_close(picture_error(gray, photo)[0], photo.new_tensor([0, 0, size.sqrt()]))
    assert picture_error(photo, photo).tolist() == [[0, 0, 0]] and len(PARTS) == 3


def test_squares_at_the_border_are_cut():
    wide = planted(height=20, width=30)
    assert picture_error(planted(0.5, height=20, width=30), wide)[0, 0].item() == pytest.approx(0.5, rel=0.05)
    one = picture_error(wide * 0.9, wide, square=64)  # one square is the whole picture: nothing coarse but the mean
    assert one[0, 1].item() == pytest.approx(0.1) and one[0, 2].item() == pytest.approx(0.1)


def test_many_pictures_and_one_photo():
    photo, draws = planted(), torch.Generator().manual_seed(1)
    pictures = torch.rand(3, *photo.shape[1:], generator=draws, dtype=torch.float64)
    each = torch.cat([picture_error(one[None], photo) for one in pictures])
    torch.testing.assert_close(picture_error(pictures, photo), each)
    torch.testing.assert_close(picture_error(pictures, photo.expand(3, -1, -1, -1)), each)


def test_what_it_refuses():
    photo = planted()
    for wrong in (photo[..., 1:], photo.expand(2, -1, -1, -1)):
        with pytest.raises(ValueError, match="same size"):
            picture_error(photo, wrong)
    with pytest.raises(ValueError, match="square"):
        picture_error(photo, photo, square=0)
    with pytest.raises(ValueError, match="pictures"):
        picture_error(photo[:, :1], photo[:, :1])
