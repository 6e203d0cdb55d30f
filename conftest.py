"""pytest runs the solution edition of every lesson: it is built from its source when it is collected, then nbval runs it."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
os.environ["COURSE_STRICT"] = "1"  # in the kernels that nbval starts, a solution that fails its check raises


def pytest_addoption(parser):
    parser.addoption("--run-slow", action="store_true", help="also run the checks marked slow")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--run-slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow; run with --run-slow"))


def pytest_collect_file(file_path, parent):
    if file_path.parent == ROOT / "notebooks" / "source" and file_path.suffix == ".py":
        from nbval.plugin import IPyNbFile

        from course_utils.authoring.files import build_all
        from course_utils.authoring.paths import EXPLORE

        name = file_path.stem.split("_")[0]
        if name == EXPLORE and not parent.config.getoption("--run-slow"):
            return None  # every explorer in it also stands in its lesson
        (built,) = build_all("solution", [name])
        return IPyNbFile.from_parent(parent, path=built)
    return None
