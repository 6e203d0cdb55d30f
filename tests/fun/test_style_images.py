from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils.drawing.styles import draw_style
from course_utils.stimuli.styles import FOLDER, SIDE, style_image, style_names


def test_there_are_at_least_six_and_they_are_small():
    assert len(style_names()) >= 6
    for name in style_names():
        assert (FOLDER / f"{name}.jpg").stat().st_size < 150_000
    card = Path(FOLDER / "README.md").read_text(encoding="utf-8")
    assert "CC0" in card and all(f"`{name}.jpg`" in card for name in style_names())


@pytest.mark.parametrize("name", ["glass", "mosaic"])
def test_the_files_are_what_the_code_draws(name):
    stored = style_image(name, None)[0].permute(1, 2, 0).numpy() * 255
    drawn = draw_style(name).astype(float)
    assert drawn.shape == (SIDE, SIDE, 3)
    blocks = (stored - drawn).reshape(SIDE // 8, 8, SIDE // 8, 8, 3).mean((1, 3))
    assert np.abs(blocks).mean() < 1.5  # JPEG changes single pixels more than the means of blocks


def test_another_seed_draws_another_picture():
    a, b, c = (draw_style("mosaic", side=60, seed=s).astype(float) for s in (0, 0, 1))
    assert np.array_equal(a, b) and np.abs(a - c).mean() > 3


def test_they_differ_from_each_other():
    small = torch.cat([style_image(name, 32) for name in style_names()]).flatten(1)
    distance = torch.cdist(small, small) + torch.eye(len(small)) * 1e3
    assert distance.min() > 5


def test_sizes():
    assert style_image("night").shape == (1, 3, 256, 256)
    assert style_image("ink", (120, 180)).shape == (1, 3, 120, 180)
    assert style_image("ink", 500).max() <= 1
    with pytest.raises(ValueError, match="name must be one of 'night', 'glass'"):
        style_image("sunflowers")
