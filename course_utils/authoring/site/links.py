"""The finished pages, read as a browser would: links that lead nowhere, and what would be asked from other hosts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADS = {
    "img": ["src", "srcset"],
    "script": ["src"],
    "link": ["href"],
    "iframe": ["src"],
    "source": ["src", "srcset"],
    "video": ["src"],
}
_NOT_LOADED = {"canonical", "next", "prev", "index", "search", "author", "license", "alternate"}  # a link's rel
_IN_CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


class _Page(HTMLParser):
    """The links, the loaded files and the anchors of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.loads += [m[0] or m[1] for m in _IN_CSS.findall(given.get("style", ""))]
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and _NOT_LOADED & set(given.get("rel", "").split()):
            self.links.append(given["href"])
            return
        for name in _LOADS.get(tag, []):
            if given.get(name):
                self.loads += (
                    [part.split()[0] for part in given[name].split(",")] if name == "srcset" else [given[name]]
                )


def check(folder: Path) -> tuple[list[str], list[str]]:
    """`(broken, outside)`: links and files of the site that are not there; files that come from another host.

    A link to another host is neither: nothing is asked before somebody follows it.
    """
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    broken, outside = [], []
    for path, page in pages.items():
        for kind, targets in (("link", page.links), ("load", page.loads)):
            for target in targets:
                name = f"{path.relative_to(folder)}: {target}"
                if _is_outside(target):
                    outside += [name] if kind == "load" else []
                elif not _leads_somewhere(path, target, pages):
                    broken.append(name)
    for path in sorted(folder.rglob("*.css")):
        for target in (a or b for a, b in _IN_CSS.findall(path.read_text(encoding="utf-8"))):
            name = f"{path.relative_to(folder)}: {target}"
            if _is_outside(target):
                outside.append(name)
            elif not _leads_somewhere(path, target, pages):
                broken.append(name)
    return broken, outside


def _is_outside(target: str) -> bool:
    parts = urlsplit(target)
    return bool(parts.netloc) or parts.scheme in ("http", "https")


def _leads_somewhere(path: Path, target: str, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(target)
    if parts.scheme in ("data", "mailto", "javascript"):
        return True
    there = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
    if there.is_dir():
        there /= "index.html"
    if not there.is_file():
        return False
    page = next((p for known, p in pages.items() if known.resolve() == there), None)
    return not parts.fragment or page is None or unquote(parts.fragment) in page.anchors | {"", "top"}
