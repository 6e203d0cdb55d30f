"""The drawn textures are what the program draws, and pieces of them are cut from the middle."""

import pytest
import torch

from course_utils.drawing.textures import draw_texture
from course_utils.stimuli.textures import FOLDER, PHOTOS, SIDE, TEXTURES, on_paper, texture_sample

DRAWN = [name for name in TEXTURES if name not in PHOTOS]


@pytest.mark.parametrize("name", DRAWN)
def test_the_stored_picture_is_what_the_program_draws(name):
    stored, drawn = texture_sample(name, SIDE), draw_texture(name)
    # other versions of NumPy and SciPy may round another way
    assert (stored - drawn).abs().mean() < 0.5 / 255
    assert (FOLDER / f"{name}.png").stat().st_size < 160_000


def test_another_seed_draws_a_relative():
    first, second = draw_texture("wood"), draw_texture("wood", seed=1)
    assert not torch.equal(first, second)
    torch.testing.assert_close(first.mean((2, 3)), second.mean((2, 3)), rtol=0.1, atol=0)


@pytest.mark.parametrize("name", TEXTURES)
def test_a_piece_is_cut_from_the_middle(name):
    piece, larger = texture_sample(name, 40), texture_sample(name, 60)
    assert piece.shape == (1, 3, 40, 40) and piece.min() >= 0 and piece.max() <= 1
    assert torch.equal(piece, larger[:, :, 10:50, 10:50])
    if name in PHOTOS:
        assert torch.equal(piece[:, 0], piece[:, 1])
    assert piece.std() > 0.03


def test_on_paper_keeps_the_scale():
    sheet = on_paper(torch.zeros(1, 3, 2, 3), 5)
    assert sheet.shape == (1, 3, 5, 5)
    assert sheet[0, 0].tolist() == [[0, 0, 0, 1, 1]] * 2 + [[1] * 5] * 3


def test_bad_input():
    with pytest.raises(ValueError, match="no texture 'sand'; there are pebbles, leaves"):
        texture_sample("sand")
    with pytest.raises(ValueError, match="from 1 to 256, not 300"):
        texture_sample("wood", 300)
    with pytest.raises(ValueError, match="no drawn texture 'brick'"):
        draw_texture("brick")
