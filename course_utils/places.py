"""Where the course's own files are: beside the package in a clone, inside of it in a wheel (see pyproject.toml)."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
IN_WHEEL = (_PACKAGE / "data").is_dir()  # False in a clone
ROOT = _PACKAGE if IN_WHEEL else _PACKAGE.parent  # the folder that holds data/ and notebooks/
# the command that brings back what is missing
INSTALL = "pip install looking_inside_convnets-*.whl" if IN_WHEEL else "pip install -r requirements.txt"


def lesson_files(folder: Path) -> list[Path]:
    """The lessons' notebooks in a folder, and those in other languages below it (`ko/07_saliency_maps.ipynb`)."""
    places = ("", "[a-z][a-z]/", "[a-z][a-z]_*/")  # codes of languages; not the hidden folder of checkpoints
    return [path for place in places for path in sorted(folder.glob(f"{place}[0-9][0-9]_*.ipynb"))]


def data_file(name: str) -> Path:
    """The path of a file or folder below `data`, such as `"weights/styles.safetensors"`."""
    return ROOT / "data" / name
