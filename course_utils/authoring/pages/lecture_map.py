"""`docs/lecture_map.md`: from each slide to the sections that do it, made from `docs/teaching/lecture_map.toml`."""

from __future__ import annotations

import tomllib

from course_utils.authoring import paths
from course_utils.authoring.pages.outline import Outline, by_number, find

SOURCE = paths.ROOT / "docs" / "teaching" / "lecture_map.toml"
_EVERYWHERE = {
    "Beginning",
    "The idea",
    "Quiz",
    "Summary",
    "Explore",
    "Spot the bug",
    "How the course works",
    "Your own photos",
}


def read_map() -> dict:
    """The file as it is: `notes`, `slide` and `left_out`."""
    return tomllib.loads(SOURCE.read_text(encoding="utf-8"))


def page(outlines: dict[str, Outline]) -> str:
    """The page.

    Raises:
        CourseError: a section of the file is not there.
    """
    found = read_map()
    slides = found["slide"]
    count = sum(len(slide["headings"]) for slide in slides)
    parts = [
        "# From the lecture to the lessons\n",
        f"The lecture is *Visualizing and Understanding*. The rows are {len(slides)} slides, or points of slides. "
        "Together they cover",
        f"{count} headings of {len(found['notes'])} students' notes of the lecture; all of these headings stand in",
        "`docs/teaching/lecture_map.toml`, each with its slide.\n",
        "| the lecture | the lessons |",
        "|---|---|",
    ]
    part = ""
    for slide in slides:
        if slide["part"] != part:
            part = slide["part"]
            parts.append(f"| **{part}** | |")
        links = [_link(place, outlines) for place in slide["sections"]]
        parts.append(f"| {slide['title']} | {'<br>'.join([*links, slide.get('remark', '')]).removesuffix('<br>')} |")
    parts += [
        "\n## What the lessons add\n",
        "These sections do what the notes of the lecture do not have.\n",
    ]
    named = {place for slide in slides for place in slide["sections"]}
    for one in by_number(outlines):
        more = [title for title in one.sections if f"{one.number}: {title}" not in named and title not in _EVERYWHERE]
        if more:
            parts.append(f"- {one.number} · {one.lesson.title}: " + "; ".join(one.link(title) for title in more))
    return "\n".join(parts) + "\n"


def _link(place: str, outlines: dict[str, Outline]) -> str:
    one, section = find(outlines, place)
    return one.link(section, text=f"{one.number} · {section}")
