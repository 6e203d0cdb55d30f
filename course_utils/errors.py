"""Errors a person can act on: what was given, and what is possible."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """`"Did you mean relu4_2?"` for a name that does not exist, or "" if none of the known ones is close."""
    close = difflib.get_close_matches(str(given), list(known), n=3, cutoff=0.5)
    return f"Did you mean {', '.join(close)}?" if close else ""


class CourseError(ValueError):
    """A user's mistake or a missing piece, said in one line. The `course` command prints it without a stack trace."""


class ImageError(CourseError):
    """A file that is missing, or that cannot be read as a picture."""


class WeightsError(CourseError):
    """Weights that are missing, damaged, or that would need a download."""
