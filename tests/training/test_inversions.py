"""The inversions of lesson 11: the files are what the program writes, and the numbers belong to the pictures."""

import sys

import pytest
import torch

from course_utils import (
    feature_error,
    features,
    inversions,
    layer_outputs,
    photo,
    picture_error,
    show_inversions,
    tiny_net,
)
from course_utils.training.inversions import FOLDER, ROWS, STEPS, networks, save, search, with_pooling


def small():
    return torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_search_keeps_its_best_after_half_and_after_all():
    net, image = tiny_net("conv", seed=1), small()
    pictures, left = search(net, image, "3", 20)
    assert pictures.shape == (2, 3, 16, 16) and left.shape == (2, 4)
    for picture, one in zip(pictures, left, strict=True):
        assert one[0].item() == pytest.approx(feature_error(net, image, "3")(net, picture[None]).item())
        torch.testing.assert_close(one[1:], picture_error(picture[None], image)[0])
    assert left[1, 0] < left[0, 0] < 1
    torch.testing.assert_close(pictures[:1], search(net, image, "3", 10)[0][1:])  # the way is the same


def test_pooled_is_the_feature_vector(vgg, eagle):
    pooled = layer_outputs(with_pooling(vgg), eagle, ["pooled", "relu4_1"])
    torch.testing.assert_close(pooled["pooled"].flatten(1), features(vgg, eagle))
    torch.testing.assert_close(pooled["relu4_1"], layer_outputs(vgg, eagle, ["relu4_1"])["relu4_1"])


def test_what_is_saved_is_read(tmp_path, monkeypatch):
    draws = torch.Generator().manual_seed(0)
    found = [
        [(torch.rand(2, 3, 8, 8, generator=draws), torch.rand(2, 4, generator=draws)) for _ in range(3)]
        for _ in range(2)
    ]
    rows, steps = [("cat", "trained"), ("rocket", "random")], {"a": 2, "b": 4, "c": 6}
    save(found, tmp_path / "new", rows=rows, steps=steps)
    monkeypatch.setattr(sys.modules["course_utils.stimuli.inversions"], "FOLDER", tmp_path / "new")
    read = inversions()
    assert (read.rows, read.layers, read.steps) == (rows, ["a", "b", "c"], [2, 4, 6])
    for row in range(2):
        for layer in range(3):
            pictures, left = found[row][layer]
            torch.testing.assert_close(read.pictures[row, layer], pictures[-1], atol=1 / 255, rtol=0)
            torch.testing.assert_close(read.feature_errors[row, layer], left[:, 0], atol=0, rtol=1e-3)
            torch.testing.assert_close(read.errors[row, layer], left[:, 1:], atol=0, rtol=1e-3)
    assert read.of("random") == [1]
    with pytest.raises(ValueError, match="weights must be one of"):
        read.of("lost")


def test_the_file_is_small_and_its_numbers_are_those_of_its_pictures():
    found = inversions()
    assert tuple(found.rows) == ROWS and dict(zip(found.layers, found.steps, strict=True)) == STEPS
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 900_000
    for row, (name, _) in enumerate(found.rows):
        errors = picture_error(found.pictures[row], photo(name, 96))
        torch.testing.assert_close(errors, found.errors[row, :, 1], atol=0.01, rtol=0.01)  # 8 bits a pixel
    assert (found.feature_errors[..., 1] <= found.feature_errors[..., 0]).all()


def test_the_figure_shows_rows_and_errors():
    found = inversions()
    figure = show_inversions(found, weights="random", beside="trained")
    lines = figure.axes[-1].get_lines()
    means = found.errors[found.rows.index(("cat", "trained")), :, -1]  # the random row is of the cat alone
    dashed = [line for line in lines if line.get_linestyle() == "--"]
    for line, part in zip(dashed, means.T, strict=True):
        torch.testing.assert_close(torch.tensor(line.get_ydata()), part, check_dtype=False)
    assert len(figure.axes) == 2 * (len(found.layers) + 1) + 1
    alone = show_inversions(found)
    (squares,) = (line for line in alone.axes[-1].get_lines() if line.get_label() == "chroma of squares")
    assert len(squares.get_ydata()) == len(found.layers)
    assert squares.get_ydata()[0] < 0.1 < 1 < squares.get_ydata()[-1]  # nearly the photos; and the vector's pictures
    with pytest.raises(ValueError, match="weights must be one of"):
        show_inversions(found, weights="lost")


@pytest.mark.slow
@pytest.mark.parametrize("row", [0, ROWS.index(("cat", "random"))])
def test_a_cell_is_what_the_program_finds(row):
    name, weights = ROWS[row]
    _, left = search(networks()[weights], photo(name, 96), "relu2_2", STEPS["relu2_2"])
    torch.testing.assert_close(left[:, 1:], inversions().errors[row, 0], atol=0.03, rtol=0.1)


def test_the_card_tells_what_the_files_are():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "python -m course_utils.training.inversions" in card
    assert all(f"| {layer} | {steps} |" in card for layer, steps in STEPS.items())
