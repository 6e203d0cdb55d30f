"""The outputs that a notebook keeps: pictures as small files, and nothing that belongs to one computer or one run."""

from __future__ import annotations

import base64
import io
from copy import deepcopy

from nbformat import NotebookNode

from course_utils.authoring.files import to_text

MOST_BYTES = 590_000  # of a notebook with its pictures


def clean_outputs(outputs: list, code: str = "") -> list:
    """What is worth keeping: no progress bars, no widgets without a kernel, small pictures, no counters.

    Args:
        outputs: of a cell.
        code: of the cell. Its first comment is the text of a picture that has none of its own.
    """
    kept = []
    for output in deepcopy(outputs):
        if output.output_type == "stream":
            # progress bars and warnings go to stderr; torch hub tells where on this computer it puts a download
            output.text = "".join(line for line in output.text.splitlines(True) if not line.startswith("Downloading:"))
            if output.name == "stderr" or not output.text:
                continue
        if "data" in output:
            data = output.data
            if "course-still" in data.get("text/html", ""):  # of a widget: its picture or its text says the same
                del data["text/html"]
            if data.pop("application/vnd.jupyter.widget-view+json", None) is not None and not (
                "image/png" in data or "image/jpeg" in data or "\n" in data.get("text/plain", "")
            ):
                continue
            said = [about["alt"] for about in output.metadata.values() if isinstance(about, dict) and "alt" in about]
            said = said or [text for text in [what_it_does(code)] if text]
            _shrink(data)
            output.metadata = {kind: {"alt": said[0]} for kind in data if said and kind.startswith("image/")}
            if "image/png" in data or "image/jpeg" in data:
                data.pop("text/plain", None)
        output.pop("execution_count", None)
        if output.output_type == "execute_result":
            output.execution_count = None
        kept.append(output)
    return kept


def what_it_does(code: str) -> str:
    """What a cell's first comment says, as a sentence begins; "" if it begins with no comment."""
    first = code.strip().partition("\n")[0]
    text = first.lstrip("# ").strip() if first.startswith("#") else ""
    return text[:1].upper() + text[1:]


def _shrink(data: dict) -> None:
    """Photos become JPEG and drawings palette PNG, whichever is smaller."""
    if "image/png" not in data:
        return
    from PIL import Image

    raw = base64.b64decode(data["image/png"])
    picture = Image.open(io.BytesIO(raw)).convert("RGB")
    jpeg, palette = io.BytesIO(), io.BytesIO()
    picture.save(jpeg, "JPEG", quality=76, optimize=True)
    few = picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)  # a rare color stays what it is
    few.save(palette, "PNG", optimize=True)
    if jpeg.tell() < palette.tell():
        del data["image/png"]
        data["image/jpeg"] = base64.b64encode(jpeg.getvalue()).decode("ascii")
    else:
        data["image/png"] = base64.b64encode(palette.getvalue()).decode("ascii")


def fit(book: NotebookNode) -> None:
    """Photos at a lower quality, until the notebook is small enough for a repository that holds all of them."""
    from PIL import Image

    outputs = [
        o.data for c in book.cells if c.cell_type == "code" for o in c.outputs if "image/jpeg" in o.get("data", {})
    ]
    originals = [base64.b64decode(data["image/jpeg"]) for data in outputs]
    for quality in (60, 45, 32, 24):
        if len(to_text(book).encode()) <= MOST_BYTES:
            return
        for data, original in zip(outputs, originals, strict=True):
            smaller = io.BytesIO()
            Image.open(io.BytesIO(original)).save(smaller, "JPEG", quality=quality, optimize=True)
            if smaller.tell() < len(original):
                data["image/jpeg"] = base64.b64encode(smaller.getvalue()).decode("ascii")


def first_picture(outputs: list) -> dict | None:
    """`{kind: base64}` of the first picture in a cell's outputs, or None."""
    for output in outputs:
        data = output.get("data", {})
        for kind in ("image/png", "image/jpeg"):
            if kind in data:
                return {kind: data[kind]}
    return None
