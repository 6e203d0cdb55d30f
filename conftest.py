"""pytest runs the solution edition of every lesson: built from its source when it is collected, and then run by nbval.

Plain `pytest` works on all processors (pytest-xdist): a worker runs all tests of a file, or all cells of a lesson, with
one thread. Chosen files and folders (`pytest tests/gradients`) run at once, in this process, with all threads.
"""

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.measured"]
ROOT = Path(__file__).parent
os.environ["COURSE_STRICT"] = "1"  # in the kernels that nbval starts, a solution that fails its check raises
if "PYTEST_XDIST_WORKER" in os.environ:  # the other processors are for the other workers; torch is not imported yet
    os.environ.setdefault("OMP_NUM_THREADS", "1")
WORKER_BYTES = 3 << 30  # a worker, the kernel of its lesson, and their networks
BROWSER = ("test_browser.py", "test_live_browser.py", "test_live.py", "test_site.py")  # tests that drive one
LONGEST = (
    "test_notebooks.py",
    "test_grading.py",
    "test_browser.py",
    "test_live.py",
    "test_live_explorers.py",
    "test_handout.py",
)


def pytest_addoption(parser):
    parser.addoption("--run-sweep", action="store_true", help="also run the checks marked sweep")
    parser.addoption("--run-slow", action="store_true", help="also run the checks marked sweep and slow")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the option
def pytest_cmdline_main(config):
    in_worker = "PYTEST_XDIST_WORKER" in os.environ  # a worker reads the same configuration, and must start no workers
    if not in_worker and config.option.numprocesses is None and config.args_source is config.ArgsSource.TESTPATHS:
        config.option.numprocesses = "auto"


def pytest_xdist_auto_num_workers(config):
    """As many workers as this process may use processors, and as the memory holds."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(usable, psutil.virtual_memory().available // WORKER_BYTES))


def pytest_collection_modifyitems(config, items):
    if "PYTEST_XDIST_WORKER" in os.environ:  # what lasts longest begins first, so that all workers end together
        items.sort(key=lambda item: (item.path.suffix != ".ipynb", item.path.name not in LONGEST))
        for item in items:
            # after an exception out of a signal, Playwright waits forever: end the worker
            if item.path.name in BROWSER:
                item.add_marker(pytest.mark.timeout(300, method="thread"))
    slow = config.getoption("--run-slow")
    for name, wanted in (("sweep", slow or config.getoption("--run-sweep")), ("slow", slow)):
        for item in items:
            if name in item.keywords and not wanted:
                item.add_marker(pytest.mark.skip(reason=f"{name}; run with --run-{name}"))


class Lesson(pytest.File):
    """The source of a lesson. Its one child is the solution edition, with a test for each cell."""

    def collect(self):
        from nbval.plugin import IPyNbFile

        from course_utils.authoring.files import build_all
        from course_utils.authoring.paths import EXPLORE

        name = self.path.stem.split("_")[0]
        if name == EXPLORE and not self.config.getoption("--run-slow"):
            return []  # every explorer in it also stands in its lesson
        return [IPyNbFile.from_parent(self, path=path) for path in build_all("solution", [name])]


def lesson(path, parent):
    found = path.parent == ROOT / "notebooks" / "source" and path.suffix == ".py"
    return Lesson.from_parent(parent, path=path) if found else None


def pytest_collect_file(file_path, parent):
    return None if parent.session.isinitpath(file_path) else lesson(file_path, parent)


def pytest_pycollect_makemodule(module_path, parent):
    """A lesson that the command line names is no module of tests, whose import would run it."""
    return lesson(module_path, parent)
