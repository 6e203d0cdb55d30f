"""The patch of lesson 10: what is learned on is not what is tested on, and the file is a patch."""

from course_utils import gallery, load_image
from course_utils.training import fooling_patch
from course_utils.training.fooling_patch import FILE, LEARN, TARGET, TEST, main, photos_of


def test_no_photo_is_both_learned_on_and_tested_on():
    assert len(LEARN) == len(set(LEARN)) == 17 and len(TEST) == 10
    assert not set(LEARN) & set(TEST) and TARGET not in {*LEARN, *TEST}
    assert set(TEST) <= set(gallery(labelled=True).names)
    assert photos_of(LEARN[:2]).shape == (2, 3, 224, 224)


def test_the_file_is_what_the_program_writes(tmp_path, monkeypatch):
    """Its shape; the lesson's claims hold what it does to a network."""
    monkeypatch.setattr(fooling_patch, "make", lambda make=fooling_patch.make: make(1, progress=False))
    main(tmp_path / "patch.png")
    new, stored = load_image(tmp_path / "patch.png", None), load_image(FILE, None)
    assert new.shape == stored.shape == (1, 3, 96, 96) and stored.std() > 0.1
    assert FILE.stat().st_size < 50_000
