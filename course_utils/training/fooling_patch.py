"""Makes the patch of lesson 10, on which a network says "strawberry"; some minutes on one core:

python -m course_utils.training.fooling_patch
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from course_utils.gradients.adversarial_patch import adversarial_patch
from course_utils.images import gallery, photo, save_image
from course_utils.networks import load_network
from course_utils.places import data_file

FILE = data_file("fooling/strawberry_patch.png")
TARGET = "strawberry"
# every other labelled photo is kept for the test; the photo of strawberries is in neither
TEST = gallery(labelled=True).names[1::2]
LEARN = [name for name in gallery(labelled=True).names[::2] if name != TARGET]
LEARN += ["astronaut", "coffee", "cat", "rocket", "motorcycle", "china", "flower", "grace_hopper"]


def photos_of(names: list[str]) -> Tensor:
    """Photos of the gallery, `(N, 3, 224, 224)`."""
    return torch.cat([photo(name) for name in names])


def make(steps: int = 150, *, progress: bool = True) -> Tensor:
    """The patch, `(1, 3, 96, 96)`."""
    net = load_network("efficientnet_lite0", device="cpu").to(memory_format=torch.channels_last)  # faster
    return adversarial_patch(net, photos_of(LEARN), TARGET, steps=steps, progress=progress)


def main(path: Path = FILE) -> None:
    """Make the patch and write the file."""
    save_image(make(), path)


if __name__ == "__main__":
    main()
