"""What the `course` command does, one module per command. `course_utils/cli.py` imports them only when they are run."""

from course_utils.errors import CourseError
from course_utils.places import IN_WHEEL, ROOT

__all__ = ["ROOT", "need_clone"]


def need_clone(command: str) -> None:
    """Raise a CourseError if the lessons' sources are not here, because the course was installed from a wheel."""
    if IN_WHEEL:
        raise CourseError(
            f"`course {command}` reads the lessons' sources, which an installed package does not have; "
            "run it in a clone of the course's repository."
        )
