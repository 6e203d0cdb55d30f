"""What the `course` command does, one module per command. `course_utils/cli.py` imports them only when they are run."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # the project's folder: the package is installed editable
