"""What the `course` command does, one module per command. `course_utils/cli.py` imports them only when they are run."""

from course_utils.errors import CourseError
from course_utils.places import IN_WHEEL, ROOT

__all__ = ["ROOT", "need_clone"]


def need_clone(command: str) -> None:
    """Raise a CourseError if the course was installed from a wheel, which has no sources of lessons."""
    if IN_WHEEL:
        raise CourseError(
            f"{command} works in a clone of the course's repository; "
            "this installed package holds only what students need."
        )
