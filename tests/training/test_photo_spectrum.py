"""The colors and the waves of photos: planted ones are found, and the file in data/weights is what the program writes."""

import hashlib

import pytest
import torch
from safetensors.torch import load_file

from course_utils.networks.weights import FOLDER, OWN, own_weights
from course_utils.training.photo_spectrum import main, measure_spectrum, pieces


def test_planted_colors_are_found():
    """Three independent directions, of known lengths."""
    draws = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=draws, dtype=torch.float64)).Q
    lengths = torch.tensor([0.12, 0.06, 0.02], dtype=torch.float64)
    noise = torch.randn(8, 3, 32, 32, generator=draws, dtype=torch.float64)
    photos = 0.5 + torch.einsum("ij,njhw->nihw", turn * lengths, noise)
    found = measure_spectrum(photos)
    torch.testing.assert_close(found["mean"], torch.full((3,), 0.5), atol=0.01, rtol=0)
    torch.testing.assert_close(found["mixing"].norm(dim=0), lengths.float(), rtol=0.05, atol=0)
    cosines = (found["mixing"].double() / found["mixing"].double().norm(dim=0)).T @ turn
    torch.testing.assert_close(cosines.abs(), torch.eye(3, dtype=torch.float64), atol=0.1, rtol=0)
    flat = found["log_sizes"].float()[:, 1:, 1:]  # white noise: all waves are equally high
    assert flat.shape == (3, 16, 16) and flat.std() < 0.3


def test_a_planted_wave_is_found():
    rows, columns = torch.arange(32.0)[:, None], torch.arange(32.0)[None]
    wave = 0.5 + 0.3 * torch.sin(2 * torch.pi * (4 * rows - 7 * columns) / 32)  # it runs upward: counted as downward
    draws = torch.Generator().manual_seed(0)
    photos = wave + 0.01 * torch.randn(4, 3, 32, 32, generator=draws)
    sizes = measure_spectrum(photos)["log_sizes"][0].float()
    assert divmod(sizes.argmax().item(), 17) == (4, 7)


def test_the_file_is_what_the_program_writes(tmp_path):
    main(tmp_path)
    new, stored = load_file(tmp_path / "photo_spectrum.safetensors"), own_weights("photo_spectrum")
    assert new.keys() == stored.keys()
    for name, values in new.items():  # a picture decoder of another version may round differently
        torch.testing.assert_close(values.float(), stored[name].float(), atol=0.02, rtol=0.01)


def test_the_card_tells_what_the_file_is():
    path = FOLDER / "photo_spectrum.safetensors"
    card = (FOLDER / "photo_spectrum.md").read_text(encoding="utf-8")
    assert OWN["photo_spectrum"] == hashlib.sha256(path.read_bytes()).hexdigest() and OWN["photo_spectrum"] in card
    assert f"{path.stat().st_size:,} bytes" in card and path.stat().st_size < 200_000


def test_pieces_are_photos_in_color():
    photos = pieces(96, 32)
    assert photos.shape == (112, 3, 96, 96) and photos.min() >= 0 and photos.max() <= 1
    assert (photos.std((2, 3)).min() > 0) and (photos[:, 0] - photos[:, 2]).abs().mean((1, 2)).min() > 0
    with pytest.raises(RuntimeError):
        measure_spectrum(photos[:, :1])
