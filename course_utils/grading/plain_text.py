"""Words that others have written, made fit for a page, a spreadsheet and a terminal."""

from __future__ import annotations


def plain_text(text: str, length: int = 300) -> str:
    """One line without control characters and signs that turn the direction of writing; "?" for halves of characters.

    Args:
        text: it may come from a file's name, a notebook, or a student's code.
        length: what is longer is cut, and ends in "…".
    """
    text = text[: 4 * length].encode("utf-8", "replace").decode()
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= length else text[: length - 1] + "…"
