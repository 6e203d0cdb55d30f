"""The papers that lessons name, each with its address: `docs/teaching/papers.toml`. The builder links their titles.

A lesson's last text says a paper as `authors: *title*, where`; a source that says it otherwise is refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from course_utils.authoring import paths

SOURCE = paths.ROOT / "docs" / "teaching" / "papers.toml"
MARK = "**Papers.**"  # begins the paragraph of a lesson's papers
_TITLE = re.compile(r"(?<![*\[])\*([^*\n]+)\*(?!\*)")


@dataclass(frozen=True)
class Paper:
    """One paper.

    Attributes:
        authors: by their last names, or the first one and "et al.".
        title: as the lessons say it; a long one may be cut at its colon.
        where: it appeared, and the year.
        arxiv, doi: its number; "" if it has none, or none is needed.
        url: its address, where it has neither.
    """

    authors: str
    title: str
    where: str
    arxiv: str = ""
    doi: str = ""
    url: str = ""

    @property
    def cited(self) -> str:
        """How a lesson names it, in Markdown."""
        return f"{self.authors}: *{self.title}*, {self.where}"

    @property
    def address(self) -> str:
        """Where it can be read. Parentheses would end a link of Markdown."""
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        address = f"https://doi.org/{self.doi}" if self.doi else self.url
        return address.replace("(", "%28").replace(")", "%29")


@cache
def read_papers() -> dict[str, Paper]:
    """Every paper, by its title. A course that was handed on without its pages has none: nothing is linked."""
    if not SOURCE.exists():
        return {}
    found = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["paper"]
    return {one["title"]: Paper(**one) for one in found}


def titles(text: str) -> list[str]:
    """The titles in a text's paragraph of papers; none, if it has no such paragraph."""
    return _TITLE.findall(" ".join(text.partition(MARK)[2].split()))


def linked(text: str) -> str:
    """A text in which the title of each paper is a link. It may be a translation: titles stay as they are."""
    papers = read_papers()
    for title in papers:
        words = r"\s+".join(map(re.escape, title.split()))  # a source may break its lines anywhere
        address = papers[title].address
        text = re.sub(rf"(?<![*\[])\*{words}\*(?!\*)", lambda found, to=address: f"[{found[0]}]({to})", text)
    return text


def problems(text: str) -> Iterator[str]:
    """What is wrong with the papers of a text."""
    papers, said = read_papers(), " ".join(text.split())
    for title in titles(text) if papers else ():
        if title not in papers:
            yield f"the paper {title!r} is not in docs/teaching/{SOURCE.name}."
        elif papers[title].cited not in said:
            yield f"a paper is not named as in docs/teaching/{SOURCE.name}: {papers[title].cited}"
