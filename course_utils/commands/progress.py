"""`course progress`: which exercises have passed in the student's notebooks, by their saved outputs."""

from __future__ import annotations

import json
from pathlib import Path

from course_utils.commands.copies import own_folder
from course_utils.errors import CourseError
from course_utils.places import lesson_files

_STATES = {
    "✓ passed": "passed",
    "✗ not yet": "not yet",
    "✗ it raised": "an error",
    "○ not written": "not written",
}


def tell_progress() -> int:
    """Print a line for each notebook with exercises; returns the exit status, 0.

    Raises:
        CourseError: there are no notebooks yet.
    """
    folder = own_folder()
    books = lesson_files(folder)
    if not books:
        raise CourseError(f"There are no notebooks of yours in {folder} yet; course lab makes them.")
    passed_of_all = all_of_all = 0
    for path in (book for book in books if ".before-" not in book.name):
        number = path.name[:2] if path.parent == folder else f"{path.name[:2]} {path.parent.name}"
        states = exercise_states(path)
        if states is None:
            print(f"{number}  {path.name} cannot be read as a notebook")
            continue
        passed = [one for one, state in states.items() if state == "passed"]
        passed_of_all, all_of_all = passed_of_all + len(passed), all_of_all + len(states)
        begun = [f"{one} {state}" for one, state in states.items() if state not in ("passed", "not run")]
        line = f"{number}  {len(passed)} of {len(states)} passed"
        print("; ".join([line, *begun]) if states else f"{number}  no exercises")
    print(f"In all {passed_of_all} of {all_of_all}, as your notebooks in {folder} were saved. Grades use other inputs.")
    return 0


def exercise_states(path: Path) -> dict[str, str] | None:
    """From each exercise of a saved notebook to what its check said; None if the file is no notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found = {}
        for cell in cells:
            which = cell["metadata"].get("exercise")
            if cell["cell_type"] == "code" and which:
                found[which] = _state(which, cell["outputs"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError):
        return None
    return found


def _state(which: str, outputs: list[dict]) -> str:
    said = "not run"
    for output in outputs:
        text = "".join(output.get("data", {}).get("text/plain", output.get("text", [])))
        for line in text.splitlines():
            if line.startswith(f"{which} "):
                said = next((state for words, state in _STATES.items() if words in line), said)
    return said
