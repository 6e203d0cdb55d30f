"""What a check found, as text and as a box in a notebook."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

# each state in words; `course progress` finds them in saved notebooks
STATES = {
    "passed": "✓ passed",
    "failed": "✗ not yet",
    "error": "✗ it raised an error",
    "not written": "○ not written yet",
}


@dataclass
class Outcome:
    """What a check found.

    Attributes:
        state: "passed", "failed", "not written", or "error" (the student's function raised).
        problem, detail, cause: see `CheckFailed`.
        error: what the check itself raised, instead of comparing the answer; nobody is shown it.
    """

    exercise: str
    function: str
    state: str
    problem: str = ""
    detail: str = ""
    cause: str = ""
    seeds: Sequence = field(default=(), repr=False)
    error: Exception | None = field(default=None, repr=False)

    @property
    def passed(self) -> bool:
        return self.state == "passed"

    def lines(self) -> list[tuple[str, str]]:
        named = [("", self.problem), ("details", self.detail), ("likely cause", self.cause)]
        return [(name, text) for name, text in named if text]

    @property
    def headline(self) -> str:
        return f"{self.exercise} {self.function}: {STATES[self.state]}"

    def __str__(self) -> str:
        return "\n".join(
            [self.headline, *(f"  {name}: {text}" if name else f"  {text}" for name, text in self.lines())]
        )

    def _repr_html_(self) -> str:
        color = {"passed": "#1a7f37", "not written": "#57606a"}.get(self.state, "#b35900")
        body = "".join(
            f"<div>{f'<i>{name}:</i> ' if name else ''}{html.escape(text)}</div>" for name, text in self.lines()
        )
        return (
            f'<div style="border-left:4px solid {color};padding:2px 10px;margin:4px 0">'
            f"<b>{html.escape(self.headline)}</b>{body}</div>"
        )


def show(outcome: Outcome) -> None:
    """Show it: a box in a notebook, lines of text elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = lambda: None  # noqa: E731
    if get_ipython() is None:
        print(outcome)
    else:
        display({"text/plain": str(outcome), "text/html": outcome._repr_html_()}, raw=True)
