"""The end of a student notebook: the next lesson, and the tour."""

from __future__ import annotations

from collections.abc import Sequence

from course_utils.authoring import paths
from course_utils.authoring.source import Lesson, title_of
from course_utils.languages import Texts, translated_lessons

NEXT = "Next:"
TOUR = (
    "`course tour my_photo.jpg`, typed in a terminal in the folder of this notebook, runs every method of the course "
    "on one photo, and makes one page: [tour/index.html](tour/index.html)"
)


def onward(lesson: Lesson, say: Texts, beside: Sequence[str] | None = None) -> str:
    """What stands below the last text of a lesson; "" for the notebook of all explorers, and where nothing follows.

    A next lesson that does not lie beside the notebook, since it is not translated, is named with the command that
    opens it.

    Args:
        lesson: the lesson.
        say: the language of the text.
        beside: the names of the notebooks that are handed out with this one, such as "08_backprop_to_one_neuron";
            None for all of the course. The tour is handed out with all lessons only.
    """
    if lesson.number == paths.EXPLORE:
        return ""
    names = [path.stem for path in paths.source_paths()]
    there = names if beside is None else [name for name in names if name in beside]
    lines = []
    following = [name for name in there if name > lesson.name]
    if following:
        lines.append(f"- **{say(NEXT)}** {_link(following[0], say, everywhere=beside is not None)}")
    if {path.stem for path in paths.lesson_paths()} <= {*there, lesson.name}:
        lines.append(f"- {say(TOUR)}")
    return "\n".join(lines)


def _link(name: str, say: Texts, *, everywhere: bool) -> str:
    number = name.split("_")[0]
    title = Texts(number, say.language)(title_of(name), "title")
    # a handout's notebook of the explorers has those of its lessons only
    text = title.partition(":")[0] if number == paths.EXPLORE else f"{number} · {title}"
    if everywhere or not say.language or number in translated_lessons(say.language):
        return f"[{text}]({name}.ipynb)"
    return f"{text}: `course lab {number}`"
