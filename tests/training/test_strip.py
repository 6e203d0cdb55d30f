"""The strip of pictures: one for each lesson, small enough for the README."""

import torch

from course_utils import load_image
from course_utils.training import strip


def test_every_lesson_has_a_picture_and_the_file_is_small(tmp_path, monkeypatch):
    assert [name[:2] for name, _ in strip.PICTURES] == [f"{number:02d}" for number in range(17)]
    drawn = tuple((name, lambda nets, image: torch.rand(3, 8, 8)) for name, _ in strip.PICTURES)
    monkeypatch.setattr(strip, "PICTURES", drawn)
    strip.main(tmp_path)
    stored = strip.FOLDER / "strip.jpg"
    assert load_image(tmp_path / "strip.jpg", None).shape == load_image(stored, None).shape
    assert stored.stat().st_size < strip.MAX_BYTES
