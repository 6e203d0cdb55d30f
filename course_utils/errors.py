"""Errors a person can act on: what was given, and what is possible."""


class CourseError(ValueError):
    """A user's mistake or a missing piece, said in one line. The `course` command prints it without a stack trace."""


class ImageError(CourseError):
    """A file that is missing, or that cannot be read as a picture."""


class WeightsError(CourseError):
    """Weights that are missing, damaged, or that would need a download."""
