"""The hostile set: no forged point, and none lost by an honest student."""

import csv
import io
import json
import os
import socket
import threading

import numpy as np
import psutil
import pytest

from course_utils.exercises.machine import Draw
from course_utils.grading import gradebook
from course_utils.grading import report as reports
from course_utils.grading.classroom import grade_class
from course_utils.grading.limits import Limits
from course_utils.grading.results import Report
from course_utils.grading.submissions import find_submissions
from course_utils.grading.tasks import hidden_seeds, prepare
from course_utils.grading.walls import bubblewrap_problem
from tests.grading.hostile import ALL, CASES, LESSON, PORT, write_all

pytestmark = [
    pytest.mark.skipif(bool(bubblewrap_problem()), reason=f"no sandbox here: {bubblewrap_problem()}"),
    pytest.mark.timeout(1500),
]
SEED = 11
LIMITS = Limits(call=6, total=120, memory=1 << 30)
CANARY = "canary-58213"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """`(reports by student, the folder of results, connections from inside, the submissions)`, all graded in one run."""
    folder, out = tmp_path_factory.mktemp("submissions"), tmp_path_factory.mktemp("graded")
    write_all(folder)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    connections = []
    listener = socket.create_server(("127.0.0.1", PORT))

    def listen():
        try:
            while True:
                connections.append(listener.accept())
        except OSError:
            pass

    threading.Thread(target=listen, daemon=True).start()
    os.environ["COURSE_CANARY"] = CANARY
    processes = {p.pid for p in psutil.process_iter()}
    try:
        tasks = prepare([LESSON], SEED)
        found = {}
        for item in grade_class(
            find_submissions(folder), tasks, seed=SEED, jobs=2, limits=LIMITS, secrets=[folder, out]
        ):
            assert isinstance(item, Report)
            reports.save_student(out, item)
            found[item.student] = item
        gradebook.save_class(out, list(found.values()))
    finally:
        listener.close()
        os.environ.pop("COURSE_CANARY")
    left = [p for p in psutil.process_iter(["name", "ppid"]) if p.pid not in processes and p.info["name"] == "bwrap"]
    mine = [p for p in left if psutil.Process().pid in [a.pid for a in p.parents()]]
    assert not mine, "a sandbox is left"
    assert before == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return found, out, connections


def test_there_are_at_least_25():
    assert len(CASES) >= 25


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_score_is_what_it_must_be(case, graded):
    report = graded[0][case.name]
    assert report.state == ("graded" if case.graded else "not graded"), report
    if not case.graded:
        assert all(r.score is None and case.says in r.problem for r in report.results)
        return
    lost = tuple(r.exercise for r in report.results if not r.score)
    assert lost == case.lost, "\n".join(map(str, report.results)) + "\n".join(report.notes)
    for one in report.results:
        assert one.score in (0, one.points)
        if one.exercise in case.lost:
            assert one.problem
            assert case.says in f"{one.problem} {one.cause} {report.notes}"


def test_nothing_came_through_the_network(graded):
    assert graded[2] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_results_tell_nothing_that_they_should_not(case, graded):
    texts = [
        (graded[1] / "feedback" / f"{case.name}.html").read_text(),
        (graded[1] / "results" / f"{case.name}.json").read_text(),
    ]
    hidden = []
    for which in ALL:
        for seed in hidden_seeds(SEED, which):
            draw = Draw([*np.atleast_1d(seed).tolist(), 7, int(which.split(".")[1])])
            hidden += [repr(v)[2:10] for v in draw.uniform(64).tolist()]
    for text in texts:
        assert CANARY not in text
        assert not [h for h in hidden if h in text]
        assert "BEGIN SOLUTION" not in text and "autograd.grad(" not in text.replace("wrong", "")
        assert "<script" not in text or text is texts[1]
    data = json.loads(texts[1])
    if case.graded:
        assert data["score"] == sum(t["score"] for t in data["tests"])
    else:
        assert "score" not in data and not any("score" in t for t in data["tests"])


def test_the_gradebook_says_the_same(graded):
    rows = list(csv.DictReader(io.StringIO((graded[1] / "gradebook.csv").read_text())))[1:]
    assert {r["student"] for r in rows} == {c.name for c in CASES}
    by_name = {r["student"]: r for r in rows}
    for case in CASES:
        row = by_name[case.name]
        if case.graded:
            assert float(row["total"]) == sum(r.score for r in graded[0][case.name].results)
        else:
            assert row["total"] == "" and all(row[e] == "" for e in ALL) and case.says in row["not graded because"]
