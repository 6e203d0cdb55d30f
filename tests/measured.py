"""A plugin of pytest: what tests measured, beside its bar, in the summary of the run; with pytest-xdist, every worker's."""

import statistics

import pytest

TIMES: dict[str, tuple[list[float], float]] = {}  # what -> (its seconds, the bar)


def measured(what: str, seconds: float, bar: float) -> None:
    TIMES.setdefault(what, ([], bar))[0].append(seconds)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # a worker: its summary is not seen
        session.config.workeroutput["times"] = TIMES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for what, (seconds, bar) in getattr(node, "workeroutput", {}).get("times", {}).items():
        for one in seconds:
            measured(what, one, bar)


def pytest_terminal_summary(terminalreporter):
    if TIMES:
        terminalreporter.section("answers in the browser")
    for what, (seconds, bar) in TIMES.items():
        median = statistics.median(seconds)
        missed = "" if median <= bar else " MISSED"
        terminalreporter.write_line(f"{what}: {median:.3f} s (median of {len(seconds)}); bar {bar:g} s{missed}")
