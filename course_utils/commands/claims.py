"""`course claims`: run what the lessons say, and print it with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from course_utils.authoring import paths
from course_utils.authoring.claims import Finding, run_claims


def tell_claims(lessons: Sequence[str] | None, *, threads: int | None) -> int:
    """Print a table of the claims of each lesson. Returns 1 if one of them does not hold, else 0."""
    failed = told = 0
    for source in paths.source_paths(lessons):
        lesson = source.stem.split("_")[0]
        findings = run_claims(lesson, threads=threads)
        print(f"{lesson}: {len({f.claim for f in findings})} claims")
        for claim, parts in groupby(findings, key=lambda finding: finding.claim):
            told += 1
            parts = list(parts)
            holds = all(part.holds for part in parts)
            failed += not holds
            print(f"  {'✓' if holds else '✗'} {claim}")
            for part in parts:
                print(f"      {_line(part)}")
    print(f"{told - failed} of {told} claims hold")
    return int(failed > 0)


def _line(finding: Finding) -> str:
    shown = finding.numbers or finding.said
    if finding.margin is not None:
        shown += f"   (margin {finding.margin:.0%})"
    words = "without the cause, false: " if finding.control else ""
    return f"{words}{shown}{'' if finding.holds else '   FAILED: ' + finding.said}"
