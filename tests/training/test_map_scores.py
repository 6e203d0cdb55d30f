"""The measurement of lesson 07: what its file holds, how it is read, and that a row comes out again."""

import pytest
import torch

from course_utils import load_network
from course_utils.training import map_scores as made


def test_what_is_saved_is_read(tmp_path):
    row = {"a": torch.tensor([0.25, 0.5])}
    curves = {"a": torch.rand(2, 3)}
    looks = {"a": {"same again": torch.tensor([-0.5, 1.0])}}
    made.save(made.MapScores(["x", "y"], row, curves, curves, looks, looks), tmp_path / "new" / "scores.json")
    read = made.map_scores(tmp_path / "new" / "scores.json")
    assert read.photos == ["x", "y"]
    torch.testing.assert_close(read.inside, row)
    torch.testing.assert_close(read.insertion, curves, atol=1e-4, rtol=0)
    torch.testing.assert_close(read.signs, looks)


def test_a_cell_of_the_file_comes_out_again():
    net, stored = load_network("efficientnet_lite0"), made.map_scores()
    names, images, masks = made.outlined_photos()
    assert names == stored.photos
    target = net(images[:1]).argmax(1).tolist()
    for name, heat in made.maps_without_network(images[:1]).items():
        if name.startswith(("blob", "edges")):
            found = made.three_scores(net, images[:1], masks[:1], heat, target)
            for now, kept in zip(found, (stored.inside, stored.deletion, stored.insertion), strict=True):
                torch.testing.assert_close(now, kept[name][:1], atol=0.02, rtol=0.02)


def test_every_column_has_every_photo():
    stored = made.map_scores()
    photos = len(stored.photos)
    for part in (stored.deletion, stored.insertion):
        assert set(part) == set(stored.inside)
        assert all(curve.shape == (photos, made.STEPS + 1) for curve in part.values())
    assert set(stored.sizes) - set(stored.signs) == set(made.NO_SIGN)
    for part in (stored.sizes, stored.signs):
        for columns in part.values():
            assert list(columns) == list(made.COLUMNS)
            assert all(x.shape == (photos,) and x.abs().max() <= 1 for x in columns.values())


def test_a_map_of_the_thing_lies_on_it():
    masks = torch.zeros(1, 8, 8, dtype=torch.bool)
    masks[:, :4] = True
    blob = made.middle_blob(8)
    assert blob.argmax().item() in (27, 28, 35, 36)
    assert ((blob * masks).sum() / blob.sum()).item() == pytest.approx(0.5)


def test_the_card_tells_how_it_was_made():
    card = (made.FILE.parent / "README.md").read_text(encoding="utf-8")
    assert "python -m course_utils.training.map_scores" in card
    assert f"{made.COPIES} copies" in card and f"{made.WAY} points" in card
