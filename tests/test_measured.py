"""The plugin that writes measured times into the summary of a test run."""

import os
import subprocess
import sys

import pytest

from course_utils.places import ROOT

TESTS = """
from tests.measured import measured

def test_turn():
    for seconds in (0.1, 0.3, 0.2):
        measured("a turn", seconds, 0.15)
"""


@pytest.mark.parametrize("workers", ["0", "1"])
def test_times_are_in_the_summary_whoever_measured_them(tmp_path, workers):
    (tmp_path / "test_times.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.measured", "-n", workers, "-q", "-p", "no:cacheprovider"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=tmp_path, env=env | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120
    )
    assert "a turn: 0.200 s (median of 3); bar 0.15 s MISSED" in done.stdout, done.stdout
