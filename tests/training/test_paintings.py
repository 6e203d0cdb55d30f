"""The stored paintings of lesson 14: the files are what the program writes, and the numbers belong to the pictures."""

import sys
from dataclasses import asdict, replace

import pytest
import torch

from course_utils import Painting, paintings, photo, style_image, style_transfer
from course_utils.fun.style_losses import content_loss, style_loss
from course_utils.training.paintings import FOLDER, PLANS, contents, losses, paint, plan, save

SIZE = {"layers": 128, "large": 320}


def said(one):
    """All but the picture."""
    return asdict(replace(one, picture=None))


def test_losses_are_in_their_units(vgg):
    one = plan("cat", "ink", style_size=48, weight=2, steps=[4], style_layers=["relu1_1", "relu2_1"])
    one = replace(one, content_layer="relu2_2")
    image, style = photo("cat", 48), style_image("ink", 48)
    of_content, of_style, units = losses(vgg, one, image, torch.cat([image, style]))
    torch.testing.assert_close(of_content, torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(of_style, torch.tensor([1.0, 0.0]), atol=1e-6, rtol=1e-5)
    assert units[0] == pytest.approx(content_loss(vgg, image, layers=["relu2_2"])(vgg, style).item())
    assert units[1] == pytest.approx(style_loss(vgg, [style], layers=one.style_layers)(vgg, image).item())


def test_a_plan_is_carried_out(vgg):
    one = plan("cat", "ink", style_size=48, weight=2, steps=[2, 4], style_layers=["relu1_1", "relu2_1"])
    one = replace(one, content_layer="relu2_2", start="noise", seed=3)
    image, style = photo("cat", 48), style_image("ink", 48)
    made = paint(vgg, one, image)
    _, _, units = losses(vgg, one, image, image)
    options = {"content_layers": ["relu2_2"], "style_layers": one.style_layers, "init": "noise", "seed": 3}
    weight = 2 * units[0] / units[1]
    whole = style_transfer(vgg, image, style, style_weight=weight, steps=[2, 4], progress=False, **options)
    torch.testing.assert_close(made.picture, whole[0])
    assert made.content_loss[1] + 2 * made.style_loss[1] < made.content_loss[0] + 2 * made.style_loss[0]
    assert replace(made, picture=None, content_loss=[], style_loss=[]) != one  # a painting is equal to itself only
    left = losses(vgg, one, image, made.picture[None])
    assert [made.content_loss[1], made.style_loss[1]] == pytest.approx([left[0].item(), left[1].item()], rel=1e-3)


def test_what_is_saved_is_read(tmp_path, monkeypatch):
    draws = torch.Generator().manual_seed(0)
    layers = [replace(one, picture=torch.rand(3, 8, 8, generator=draws)) for one in PLANS["layers"]]
    large = [replace(one, picture=torch.full((3, 8, 12), 0.1 * k)) for k, one in enumerate(PLANS["large"])]
    save(layers, large, tmp_path / "new")
    monkeypatch.setattr(sys.modules["course_utils.stimuli.paintings"], "FOLDER", tmp_path / "new")
    for kind, made in (("layers", layers), ("large", large)):
        for one, read in zip(made, paintings(kind), strict=True):
            assert isinstance(read, Painting) and said(read) == said(one)
            torch.testing.assert_close(read.picture, one.picture, atol=2 / 255, rtol=0)
    with pytest.raises(ValueError, match="kind must be one of"):
        paintings("lost")


@pytest.mark.parametrize("kind", ["layers", "large"])
def test_the_files_are_small_and_hold_what_was_planned(kind):
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 900_000
    for one, wanted in zip(paintings(kind), PLANS[kind], strict=True):
        assert said(replace(one, content_loss=[], style_loss=[])) == said(wanted)
        assert one.picture.shape == contents(one, SIZE[kind]).shape[1:]
        left = [content + one.weight * style for content, style in zip(one.content_loss, one.style_loss, strict=True)]
        assert left[1] < 1.01 * left[0], "more steps"  # the search does not know that values are cut off at 0 and 1


@pytest.mark.parametrize("number", [0, -1])
def test_the_numbers_are_those_of_the_pictures(vgg, number):
    one = paintings("layers")[number]
    left = losses(vgg, one, contents(one, 128), one.picture[None])
    assert left[0].item() == pytest.approx(one.content_loss[1], rel=0.05)
    assert left[1].item() == pytest.approx(one.style_loss[1], rel=0.1)  # 8 bits a pixel


def test_the_card_tells_what_the_files_are():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "python -m course_utils.training.paintings" in card
    assert all(file.name in card for file in FOLDER.iterdir() if file.name != "README.md")
