"""`course web`: the lab, one page that looks inside of a network in the browser."""

from __future__ import annotations

from pathlib import Path

from course_utils.authoring.web import build_lab


def make_lab(to: Path, runtime: Path | None) -> int:
    """Build the lab and say what it holds.

    Args:
        to: the folder for the page.
        runtime: the npm package of the runtime; None to ask npm.

    Returns:
        The exit status, 0.
    """
    built = build_lab(to, runtime)
    apart = built.distances
    print(
        f"Against PyTorch: scores differ by at most {apart['scores']:.4f}, "
        f"gradients correlate with {apart['gradient']:.4f}, repainted pixels differ by at most {apart['painted']:.5f}."
    )
    if not built.lessons:
        print(f"The lessons are not beside it, so its links to them lead nowhere: course site --to {to.parent} --lab")
    print(f"{built.megabytes:.1f} MB, networks {built.models:.1f} MB: {to / 'index.html'}")
    return 0
