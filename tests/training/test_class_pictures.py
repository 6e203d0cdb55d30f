"""The stored pictures of lesson 09: the files are what the program writes, and its networks know them."""

import pytest
import torch

from course_utils import load_image, load_network
from course_utils.training import class_pictures
from course_utils.training.class_pictures import CLASSES, FOLDER, WAYS, main


def test_the_files_are_what_the_program_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(
        class_pictures, "draw", lambda way, draw=class_pictures.draw: draw(way, steps=1, progress=False)
    )
    main(tmp_path / "new")
    assert {file.stem for file in (tmp_path / "new").iterdir()} == set(WAYS)
    for way, how in WAYS.items():
        new, stored = (load_image(folder / f"{way}.png", None) for folder in (tmp_path / "new", FOLDER))
        assert new.shape == stored.shape == (1, 3, how["size"], 4 * how["size"]) and stored.std() > 0.1
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 1_500_000


@pytest.mark.parametrize("way", WAYS)
def test_the_network_that_drew_them_names_each(way):
    pictures = torch.cat(load_image(FOLDER / f"{way}.png", None).chunk(4, 3))
    assert load_network("efficientnet_lite0")(pictures).argmax(1).tolist() == CLASSES


def test_the_card_tells_what_the_files_are():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "python -m course_utils.training.class_pictures" in card
    assert all(f"`{way}.png`" in card and f"{how['size']} x {how['size']}" in card for way, how in WAYS.items())
    assert all(str(number) in card for number in CLASSES)
