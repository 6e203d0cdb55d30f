"""The bar of work that may take hours; where nobody watches it, a line every minute."""

from __future__ import annotations

import sys
from typing import Any

from tqdm.auto import tqdm

_SECONDS = 60.0  # between two lines


def long_bar(total: int | None, *, title: str = "", **options: Any) -> tqdm:
    """A bar in a terminal or a notebook; else, as in the log of a batch system, a line every minute.

    Args:
        total: of what there is to do; None if nobody knows.
        title: in front of it.
        **options: of tqdm.
    """
    in_notebook = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)
    if not in_notebook and not sys.stderr.isatty():
        title = f"{title}: " if title else ""
        # what takes less than a minute says nothing
        options |= dict.fromkeys(("mininterval", "maxinterval", "delay"), _SECONDS)
        options |= {"leave": True, "bar_format": "{desc}{n_fmt} of {total_fmt} in {elapsed}, {rate_fmt}{postfix}\n"}
    return tqdm(total=total, desc=title, **options)
