"""The text alternatives of a notebook's pictures: what their cell says of them, and what is written in them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_EXPLORER = re.compile(r"^explorers\.", re.M)  # its picture says by itself what it shows


def what_it_does(code: str) -> str:
    """What the comment at a cell's beginning says, as a sentence begins; "" if it begins with none."""
    lines = re.match(r"(?:#.*(?:\n|\Z))*", code.strip())[0].splitlines()
    text = " ".join(line.lstrip("#").strip() for line in lines).strip()
    return text[:1].upper() + text[1:]


def alternative(code: str, written: str = "") -> str:
    """The text of a picture.

    Args:
        code: of the cell that shows it.
        written: what is written in the picture, as `plots.describe_figure` says it, or an earlier text of this cell.
    """
    does = what_it_does(code)
    if not written or does.startswith(written):
        return does
    if not does or written.startswith(does) or _EXPLORER.search(code):
        return written
    return f"{does.rstrip('.:;')}: {written}"


def renew(outputs: Iterable[dict], code: str) -> None:
    """Give each picture among a cell's outputs its text.

    Args:
        outputs: of the cell; what is written in a picture is read from the text that it has.
        code: of the cell.
    """
    for output in outputs:
        for kind in [kind for kind in output.get("data", {}) if kind.startswith("image/")]:
            if text := alternative(code, output["metadata"].get(kind, {}).get("alt", "")):
                output["metadata"].setdefault(kind, {})["alt"] = text


def in_markdown(alt: str, address: str) -> str:
    """A picture in Markdown; brackets would end its text."""
    return f"![{alt.translate(str.maketrans('[]', '()'))}]({address})"
