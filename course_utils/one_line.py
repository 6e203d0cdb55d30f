"""Commands whose mistakes are told in one line: `course`, and the programs of `course_utils.training`."""

from __future__ import annotations

import os
import sys

import typer
from typer.core import TyperCommand, TyperGroup


class _OneLine:
    """Mistakes are told in one line on stderr, with exit status 2.

    A person's mistake reaches us as a ValueError (every CourseError is one), an OSError with a file name, or typer's
    own usage error. With COURSE_TRACE=1 in the environment the stack trace is shown, for whoever looks for a bug.
    """

    def main(self, args=None, standalone_mode: bool = True, **options):
        args = sys.argv[1:] if args is None else list(args)
        try:
            status = super().main(args=args, standalone_mode=False, **options)
        except typer.Abort:
            status = 1
        except Exception as error:
            message = _one_line(error)
            if message is None or os.environ.get("COURSE_TRACE"):
                raise
            print(f"{self.name}: {message}", file=sys.stderr)
            status = 2
        sys.exit(status or 0)


class OneLineCommand(_OneLine, TyperCommand):
    """A single command, such as `python -m course_utils.training.cifar_net`."""


class OneLineGroup(_OneLine, TyperGroup):
    """A command with subcommands; alone it shows its help."""

    def main(self, args=None, **options):
        args = sys.argv[1:] if args is None else list(args)
        super().main(args=args or ["--help"], **options)


def _one_line(error: Exception) -> str | None:
    """The message for a person's mistake; None for any other exception, which is a bug and keeps its stack trace."""
    if hasattr(error, "format_message"):  # typer's usage errors
        context = getattr(error, "ctx", None)
        where = f" (see: {context.command_path} --help)" if context else ""
        text = error.format_message() + where
    elif isinstance(error, ValueError):
        text = str(error)
    elif isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    else:
        return None
    return " ".join(text.split())
