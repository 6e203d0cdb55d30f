"""What other networks say of attacked photos: `course_utils.training.transfer` measured it, `data/fooling` keeps it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from course_utils.images import photo
from course_utils.places import data_file

FILE = data_file("fooling/transfer.json")


@dataclass(frozen=True)
class Transfer:
    """Photos with a random target class each, attacked by PGD on one or more networks, and what each network then says.

    Attributes:
        photos: names, as `photo` takes them.
        labels: the right class of each photo, an index.
        targets: the class that the attack should reach.
        steps: of PGD.
        said: the classes that a network says, `(pairs,)`, by `(sources, eps, judge)`: the attacked networks with " + "
            between them, the largest change of a pixel in 255ths, and the network that is asked. Of the sources,
            "" is no attack (eps 0), and "random" a random change of plus or minus eps in every pixel. A source that
            ends in ", 20 steps" was attacked for longer. A judge that ends in " at 224 pixels" is not asked at its
            own size.
    """

    photos: list[str]
    labels: Tensor
    targets: Tensor
    steps: int
    said: dict[tuple[str, int, str], Tensor] = field(repr=False)

    def reached(self, sources: str, eps: int, judge: str) -> float:
        """The share of pairs in which the judge says the target.

        Args:
            sources, eps, judge: a key of `said`.

        Raises:
            KeyError: it was not measured.
        """
        return (self._said(sources, eps, judge) == self.targets).double().mean().item()

    def right(self, sources: str, eps: int, judge: str) -> float:
        """The share of pairs in which the judge still says the right class.

        Args:
            sources, eps, judge: a key of `said`.

        Raises:
            KeyError: it was not measured.
        """
        return (self._said(sources, eps, judge) == self.labels).double().mean().item()

    def _said(self, *key: str | int) -> Tensor:
        if key not in self.said:
            known = [", ".join(repr(one) for one in dict.fromkeys(every)) for every in zip(*self.said, strict=True)]
            raise KeyError(f"{key} was not measured. Sources: {known[0]}; eps: {known[1]}; judges: {known[2]}")
        return self.said[key]

    def images(self, pairs: Sequence[int] | slice = slice(None)) -> Tensor:
        """The clean photos of some of the pairs, `(N, 3, 224, 224)` in [0, 1]."""
        chosen = self.photos[pairs] if isinstance(pairs, slice) else [self.photos[i] for i in pairs]
        read = {name: photo(name) for name in dict.fromkeys(chosen)}
        return torch.cat([read[name] for name in chosen])


def transfer_table(path: str | Path = FILE) -> Transfer:
    """The stored measurement.

    Args:
        path: of the file that `python -m course_utils.training.transfer` writes.
    """
    stored = json.loads(Path(path).read_text(encoding="utf-8"))
    said = {(row["sources"], row["eps"], row["judge"]): torch.tensor(row["said"]) for row in stored["rows"]}
    labels, targets = torch.tensor(stored["labels"]), torch.tensor(stored["targets"])
    return Transfer(stored["photos"], labels, targets, stored["steps"], said)
