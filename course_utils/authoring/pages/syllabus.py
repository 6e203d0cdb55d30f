"""`docs/syllabus.md`: how long the lessons are, what needs what, and the paths of `docs/teaching/paths.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from course_utils.authoring import paths
from course_utils.authoring.pages.outline import Outline, all_needs, by_number, find

SOURCE = paths.ROOT / "docs" / "teaching" / "paths.toml"


@dataclass(frozen=True)
class Part:
    """What a meeting does: a lesson, a section of it, or anything else.

    Attributes:
        text: as it stands on the page.
        minutes: how long it takes.
        lesson: the number of the lesson, or None.
        section: the title of the section, or None for a whole lesson.
    """

    text: str
    minutes: int
    lesson: str | None = None
    section: str | None = None


def read_paths() -> list[dict]:
    """The paths, as the file has them."""
    return tomllib.loads(SOURCE.read_text(encoding="utf-8"))["path"]


def read_part(part: str | list, outlines: dict[str, Outline]) -> Part:
    """One part of a meeting.

    Args:
        part: "07", "07: The idea", or `[text, minutes]`.
        outlines: the lessons.

    Raises:
        CourseError: there is no such lesson or section.
    """
    if not isinstance(part, str):
        return Part(*part)
    outline, section = find(outlines, part)
    lesson = outline.lesson
    if section is None:
        return Part(outline.link(text=f"{lesson.number} · {lesson.title}"), lesson.minutes, lesson.number)
    link = outline.link(section, text=f"{lesson.number} · {section}")
    return Part(link, outline.minutes(section), lesson.number, section)


def page(outlines: dict[str, Outline]) -> str:
    """The page."""
    total = sum(one.lesson.minutes for one in outlines.values())
    parts = [
        "# Syllabus\n",
        f"{len(outlines)} lessons, {hours(total)} in class: you code in front of the room (`course live`). "
        "The minutes of a lesson",
        "stand in its header, those of a section in its speaker notes; together the sections take what the lesson "
        "takes, give or take five",
        "minutes. The time for an exercise stands in its header, too.",
        "Which slide of the lecture is done where stands in [the map of the lecture](lecture_map.md); "
        "what students ask, in",
        "[common questions](questions.md).\n",
        "## The lessons\n",
        "| lesson | minutes | exercises | points | needs | in all |",
        "|---|---|---|---|---|---|",
        *(_row(one, outlines) for one in by_number(outlines)),
        "\n*Needs* are the lessons that the header names. *In all* adds what those need.\n",
        "## What needs what\n",
        "An arrow goes from a lesson to one that builds on it. In words, it is the column *needs* above.\n",
        "![What needs what: an arrow from each lesson to those that build on it; the table above says the same]"
        "(needs.svg)\n",
    ]
    for path in read_paths():
        parts += _path(path, outlines)
    return "\n".join(parts).rstrip("\n") + "\n"


def hours(minutes: int) -> str:
    """Such as "22 hours and 34 minutes"."""
    return f"{minutes // 60} hours" + (f" and {minutes % 60} minutes" if minutes % 60 else "")


def _row(one: Outline, outlines: dict[str, Outline]) -> str:
    exercises = one.lesson.exercises
    needs = ", ".join(one.needs) or "nothing"
    every = ", ".join(sorted(all_needs(outlines, one.number))) or "nothing"
    name = one.link(text=f"{one.number} · {one.lesson.title}")
    points = sum(e.points for e in exercises)
    return f"| {name} | {one.lesson.minutes} | {len(exercises)} | {points} | {needs} | {every} |"


def _path(path: dict, outlines: dict[str, Outline]) -> list[str]:
    meetings = [(m["name"], [read_part(part, outlines) for part in m["parts"]]) for m in path["meeting"]]
    total = sum(part.minutes for _, parts in meetings for part in parts)
    lines = [f"\n## {path['name']}\n", path["about"].strip(), "", f"Together {hours(total)}.\n"]
    if len(meetings) <= 3:  # hours of one day: a line for each part, with the clock
        clock = 0
        lines += ["| from | to | what | minutes |", "|---|---|---|---|"]
        for name, parts in meetings:
            lines.append(f"| | | **{name}** | {sum(p.minutes for p in parts)} |")
            for part in parts:
                lines.append(f"| {_clock(clock)} | {_clock(clock + part.minutes)} | {part.text} | {part.minutes} |")
                clock += part.minutes
    else:
        lines += ["| when | what | minutes |", "|---|---|---|"]
        for name, parts in meetings:
            lines.append(f"| {name} | {'<br>'.join(p.text for p in parts)} | {sum(p.minutes for p in parts)} |")
    done = {part.lesson for _, parts in meetings for part in parts}
    left = [
        one.link(text=f"{one.number} ({one.lesson.minutes})") for one in by_number(outlines) if one.number not in done
    ]
    lines.append(f"\nLeft out, with their minutes: {', '.join(left)}.\n" if left else "\nNothing is left out.\n")
    return lines


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"
