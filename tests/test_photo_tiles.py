"""Tiles of photos: where they are cut, from which photo, and what is never enlarged."""

import pytest
import torch

from course_utils.errors import ImageError
from course_utils.images import photo, resize, save_image
from course_utils.stimuli import photo_tiles


@pytest.fixture
def folder(tmp_path):
    generator = torch.Generator().manual_seed(0)
    for name, height, width in (("small", 40, 60), ("large", 90, 80)):
        save_image(torch.rand(3, height, width, generator=generator), tmp_path / f"{name}.png")
    return tmp_path


def test_tiles_of_a_folder(folder):
    tiles = photo_tiles(folder, size=40, zooms=(2, 1))
    assert tiles.names == ["large", "small"]
    # large: 45 x 40 gives 2 tiles, 90 x 80 gives 4 x 3; small: 40 x 60 gives 2, and is too small for zoom 2
    assert tiles.photos.tolist() == [0] * 14 + [1] * 2
    assert tiles.images.shape == (16, 3, 40, 40)
    small, large = photo(folder / "small.png", None), photo(folder / "large.png", None)
    assert torch.equal(tiles.images[14:], torch.cat([small[..., :40], small[..., 20:]]))
    assert torch.equal(tiles.images[2:5], torch.cat([large[..., :40, left : left + 40] for left in (0, 20, 40)]))
    assert torch.equal(tiles.images[13:14], large[..., 50:, 40:])
    assert torch.equal(tiles.images[:1], resize(large, (45, 40))[..., :40, :])


def test_a_small_photo_has_the_smallest_zoom(folder):
    tiles = photo_tiles(folder, size=100, zooms=(1, 2))
    assert tiles.photos.tolist() == [0, 0, 1, 1]


def test_tiles_of_the_gallery():
    tiles = photo_tiles(["cat", "brick"], size=32, zooms=[1])
    assert tiles.names == ["cat", "brick"] and set(tiles.photos.tolist()) == {0, 1}
    assert tiles.images.min() >= 0 and tiles.images.max() <= 1


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"photos": ["cat"], "zooms": ()}, ValueError, "zooms"),
        ({"photos": ["cat"], "zooms": (0.5,)}, ValueError, "1 or more"),
        ({"photos": ["cat"], "size": 0}, ValueError, "size"),
        ({"photos": []}, ValueError, "no photos"),
        ({"photos": ["nobody"]}, ImageError, "no photo"),
        ({"photos": "nowhere/at/all"}, ImageError, "no folder"),
    ],
)
def test_what_it_refuses(options, error, words):
    with pytest.raises(error, match=words):
        photo_tiles(**options)
