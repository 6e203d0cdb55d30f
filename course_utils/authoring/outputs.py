"""The outputs that a notebook keeps: pictures as small files, and nothing that belongs to one computer or one run."""

from __future__ import annotations

import base64
import io
from copy import deepcopy
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from course_utils.authoring.alternatives import alternative
from course_utils.authoring.files import to_text

if TYPE_CHECKING:
    from PIL import Image

MOST_BYTES = 590_000  # of a notebook with its pictures
_KINDS = ("image/png", "image/jpeg")
EXACT_BYTES = 12_000  # of a picture that keeps all of its colors


def clean_outputs(outputs: list, code: str = "") -> list:
    """What is worth keeping: no progress bars, no widgets without a kernel, small pictures, no counters.

    Args:
        outputs: of a cell.
        code: of the cell. What its first comment says begins the text of its pictures.
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
            said = alternative(code, said[0] if said else "")
            _shrink(data)
            output.metadata = {kind: {"alt": said} for kind in data if said and kind.startswith("image/")}
            if "image/png" in data or "image/jpeg" in data:
                data.pop("text/plain", None)
        output.pop("execution_count", None)
        if output.output_type == "execute_result":
            output.execution_count = None
        kept.append(output)
    return kept


def _shrink(data: dict) -> None:
    """Small drawings stay as they are; others become a PNG with 256 colors, or a JPEG, if that is much smaller."""
    if "image/png" not in data:
        return
    from PIL import Image

    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
    kind, small = "image/png", _bytes_of(picture, "PNG")
    if len(small) > EXACT_BYTES:
        # the colors that are most unlike each other: by its default Pillow makes rare ones gray, of maps for example
        few = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
        small, jpeg = _bytes_of(few, "PNG"), _bytes_of(picture, "JPEG", quality=76)
        if len(jpeg) < 0.7 * len(small):
            kind, small = "image/jpeg", jpeg
    del data["image/png"]
    data[kind] = base64.b64encode(small).decode("ascii")


def _bytes_of(picture: Image.Image, kind: str, **options: int) -> bytes:
    into = io.BytesIO()
    picture.save(into, kind, optimize=True, **options)
    return into.getvalue()


def fit(book: NotebookNode) -> None:
    """Photos and large drawings at a lower quality, until the notebook is small enough for a repository of them all."""
    from PIL import Image

    outputs = [o for c in book.cells if c.cell_type == "code" for o in c.outputs if "data" in o]
    pictures = [(o, base64.b64decode(o.data[kind])) for o in outputs for kind in _KINDS if kind in o.data]
    for quality in (76, 60, 45, 32, 24):
        if len(to_text(book).encode()) <= MOST_BYTES:
            return
        for output, original in pictures:
            if "image/png" in output.data and len(original) <= EXACT_BYTES:
                continue
            smaller = _bytes_of(Image.open(io.BytesIO(original)).convert("RGB"), "JPEG", quality=quality)
            if len(smaller) < len(original):
                for kept in (output.data, output.metadata):
                    if "image/png" in kept:
                        kept["image/jpeg"] = kept.pop("image/png")
                output.data["image/jpeg"] = base64.b64encode(smaller).decode("ascii")


def first_picture(outputs: list) -> dict | None:
    """`{kind: base64}` of the first picture in a cell's outputs, or None."""
    for output in outputs:
        data = output.get("data", {})
        for kind in _KINDS:
            if kind in data:
                return {kind: data[kind]}
    return None
