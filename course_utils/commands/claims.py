"""`course claims`: run what the lessons say, and print it with its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from course_utils.authoring import paths
from course_utils.authoring.claims import Finding, run_claims


def tell_claims(lessons: Sequence[str] | None, *, threads: int | None) -> int:
    """Print each claim of the lessons as soon as it has run. Returns 1 if one of them does not hold, else 0."""
    told: list[bool] = []

    def tell(parts: list[Finding]) -> None:
        told.append(all(part.holds for part in parts))
        print(f"  {'✓' if told[-1] else '✗'} {parts[0].claim}")
        for part in parts:
            print(f"      {_line(part)}", flush=True)

    for source in paths.source_paths(lessons):
        lesson = source.stem.split("_")[0]
        print(lesson, flush=True)
        if not run_claims(lesson, threads=threads, watch=tell):
            print("  no claims")
    print(f"{sum(told)} of {len(told)} claims hold")
    return int(not all(told))


def _line(finding: Finding) -> str:
    shown = finding.numbers or finding.said
    if finding.margin is not None:
        shown += f"   (margin {finding.margin:.0%})"
    words = "without the cause, false: " if finding.control else ""
    return f"{words}{shown}{'' if finding.holds else '   FAILED: ' + finding.said}"
