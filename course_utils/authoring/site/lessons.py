"""A student notebook as a page in Markdown, and its pictures as files beside the site."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Mapping
from pathlib import Path

from nbformat import NotebookNode
from PIL import Image

from course_utils.authoring.alternatives import what_it_does
from course_utils.authoring.editions import PASSED
from course_utils.languages import NOTE_ON_THE_SITE, Texts

PICTURES = "pictures"  # the folder of the pictures in the site
_KINDS = {"image/png": "png", "image/jpeg": "jpg"}
_ATTACHED = re.compile(r"!\[([^\]]*)\]\(attachment:([^)]+)\)")


def page(book: NotebookNode, name: str, extra: Path, *, other: Mapping[str, str] | None = None) -> str:
    """The page of a notebook.

    Args:
        book: the notebook, with its outputs.
        name: of its page below the site's `notebooks`, without the suffix: `00_start_here`, or `ko/00_start_here`.
        extra: the folder whose contents go to the site as they are; the pictures are written below it.
        other: the lesson in other languages: from a language's own name to the address, seen from this page.
    """
    pictures = _Pictures(name, extra)
    parts = []
    for cell in book.cells:
        if cell.cell_type == "markdown":
            parts.append(_text(cell, pictures))
        elif cell.cell_type == "code" and PASSED not in cell.metadata.get("tags", ()):
            parts.append(_fence("python", cell.source))
            parts += [_output(output, cell, pictures) for output in cell.outputs]
    title, _, rest = parts[0].partition("\n")
    about = book.metadata["course"]
    said = Texts(about["lesson"], about.get("language", ""))(NOTE_ON_THE_SITE).format(number=about["lesson"])
    note = f":::{{note}}\n{said}\n:::"
    ways = " · ".join(f"[{language}]({address})" for language, address in (other or {}).items())
    return "\n\n".join(filter(None, [title, ways, note, rest.strip(), *parts[1:]])) + "\n"


class _Pictures:
    """Writes pictures as files, and gives the HTML that shows them."""

    def __init__(self, name: str, extra: Path):
        self.name, self.count = name, 0
        self.to_the_top = "../" * (name.count("/") + 1)
        self.folder = extra / PICTURES / name
        self.folder.mkdir(parents=True, exist_ok=True)

    def show(self, kind: str, data: str, alt: str) -> str:
        self.count += 1
        content = base64.b64decode(data)
        file = self.folder / f"{self.count}.{_KINDS[kind]}"
        file.write_bytes(content)
        width, height = Image.open(io.BytesIO(content)).size
        address = f"{self.to_the_top}{PICTURES}/{self.name}/{file.name}"
        said = html.escape(alt, quote=True)
        image = f'<img src="{address}" alt="{said}" width="{width}" height="{height}" loading="lazy">'
        return f'<a class="course-picture" href="{address}" title="Open the picture alone">{image}</a>'


def _text(cell: NotebookNode, pictures: _Pictures) -> str:
    def attached(match: re.Match) -> str:
        ((kind, data),) = cell.attachments[match[2]].items()
        return pictures.show(kind, data, match[1])

    text = _ATTACHED.sub(attached, cell.source)
    return re.sub(r"\]\((\d\d_\w+|explore)\.ipynb", r"](\1.md", text)


def _output(output: NotebookNode, cell: NotebookNode, pictures: _Pictures) -> str:
    if output.output_type == "stream":
        return _fence("text", output.text, "course-output")
    data = output.get("data", {})
    for kind in _KINDS:
        if kind in data:
            said = output.metadata.get(kind, {}).get("alt", "")
            return pictures.show(kind, data[kind], said or what_it_does(cell.source) or "Picture")
    if "text/html" in data:
        return f"```{{raw}} html\n{data['text/html']}\n```"
    return _fence("text", data.get("text/plain", ""), "course-output")


def _fence(language: str, text: str, style: str = "") -> str:
    if not text.strip():
        return ""
    ticks = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    head = f"{{code-block}} {language}\n:class: {style}\n" if style else f"{language}"
    return f"{ticks}{head}\n{text.rstrip()}\n{ticks}"
