"""Features written to a file row by row, as a pass that several workers can share."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from course_utils.engines.passes import Pass
from course_utils.errors import CourseError
from course_utils.hooks import features
from course_utils.places import written_whole


@dataclass
class TablePass(Pass):
    """`feature_table` as a pass: workers give rows, and who asked writes them.

    Attributes:
        to: the file.
        count: the number of rows.
    """

    to: str
    count: int
    in_chunks = True

    def take(self, found: list | None, first: int, batch: Tensor) -> list[tuple[int, np.ndarray]]:
        """See `Pass`."""
        rows = features(self.net, batch, layer=self.layer or None, batch_size=self.batch_size)
        return [*(found or []), (first, rows.float().cpu().numpy())]

    def merge(self, found: dict | None, other: list[tuple[int, np.ndarray]]) -> dict[str, Any]:
        """Write rows; what is found is only whose file it is.

        Raises:
            CourseError: the file cannot be written, or is not that of this table.
        """
        try:
            if found is None:
                found = self._begin(other[0][1].shape[1])
            else:
                self.look_at(found)
            table = np.lib.format.open_memmap(self.to, "r+")
            for first, rows in other:
                if first + len(rows) > self.count:
                    raise ValueError(
                        f"there are more than {self.count} images: give single images or paths, no batches"
                    )
                table[first : first + len(rows)] = rows
            table.flush()
        except (OSError, ValueError) as error:
            raise CourseError(f"{self.to}: the features cannot be written ({error}).") from None
        return found

    def _begin(self, columns: int) -> dict[str, Any]:
        """A new file in the place of an older one; a table that was returned before keeps the older one's rows."""
        token = secrets.token_hex(8)
        Path(self.to).parent.mkdir(parents=True, exist_ok=True)
        with written_whole(Path(self.to)) as part:
            table = np.lib.format.open_memmap(part, "w+", np.float32, (self.count, columns))
            # a full disk shall say so now: writing to the map would kill the process
            if hasattr(os, "posix_fallocate"):
                with open(part, "r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, os.path.getsize(part))
            table[:] = np.nan
            table.flush()
            del table
            with open(part, "ab") as file:  # behind the rows, where readers of .npy do not look
                file.write(token.encode())
        return {"columns": columns, "token": token}

    def look_at(self, found: dict[str, Any]) -> None:
        """Whether the file is the one that `_begin` made.

        Raises:
            CourseError: it is not.
        """
        try:
            with open(self.to, "rb") as file:
                file.seek(-len(found["token"]), os.SEEK_END)
                same = file.read().decode("latin-1") == found["token"]
        except OSError:
            same = False
        if not same:
            raise CourseError(
                f"{self.to} is not the file that this run began: it was deleted or written anew. "
                "Begin again, with a new checkpoint if there is one."
            )
