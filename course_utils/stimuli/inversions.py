"""Pictures found from the features of six layers of VGG-19, trained and with random weights, and how good they are."""

from __future__ import annotations

import json
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.images import load_image
from course_utils.places import data_file

FOLDER = data_file("inversions")


@dataclass(frozen=True, eq=False)
class Inversions:
    """Long inversions: each layer for some photos and networks.

    Attributes:
        rows: photo and weights of each row; weights are "trained", "noise 1" (trained, but the search began at another
            noise), or "random" (He's scale, see `randomized`).
        layers: from shallow to deep; "pooled" is the feature vector, the mean of each channel of
            pool5 over all positions.
        steps: how many looks at the features each layer's search took.
        pictures: `(rows, layers, 3, S, S)` RGB in [0, 1], at the end of the search.
        feature_errors: `(rows, layers, 2)`, after half of the steps, and after all.
        errors: `(rows, layers, 2, 3)`, the `picture_error` of each part at the same times.
    """

    rows: list[tuple[str, str]]
    layers: list[str]
    steps: list[int]
    pictures: Tensor
    feature_errors: Tensor
    errors: Tensor

    def of(self, weights: str) -> list[int]:
        """The numbers of the rows with these weights.

        Raises:
            ValueError: there are none.
        """
        found = [number for number, row in enumerate(self.rows) if row[1] == weights]
        if not found:
            raise ValueError(f"weights must be one of {sorted({row[1] for row in self.rows})}, not {weights!r}.")
        return found


def inversions() -> Inversions:
    """The course's long inversions of VGG-19; `training/inversions.py` made them in about half an hour.

    Returns:
        What was found, see `Inversions`.
    """
    said = json.loads((FOLDER / "inversions.json").read_text(encoding="utf-8"))
    sheet = load_image(FOLDER / "inversions.png", None)[0]  # a line of pictures for each row, a column for each layer
    side = sheet.shape[2] // len(said["layers"])
    cells = sheet.view(3, len(said["rows"]), side, len(said["layers"]), side).permute(1, 3, 0, 2, 4)
    return Inversions(
        [tuple(row) for row in said["rows"]],
        said["layers"],
        said["steps"],
        cells.contiguous(),
        torch.tensor(said["feature_errors"]),
        torch.tensor(said["errors"]),
    )
