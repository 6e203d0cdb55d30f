"""What a reply may hold, before anything is built of it."""

import json

import numpy as np
import pytest
import torch

from course_utils.authoring import solved
from course_utils.exercises import exercise as registry
from course_utils.exercises.transport import encode
from course_utils.grading.answers import MAX_KEYS, MAX_NUMBERS, MAX_VALUES, NoAnswer, answer, read_reply
from course_utils.grading.tasks import prepare


@pytest.mark.parametrize("value", [
    None, True, 3, -(10**30), 0.5, float("inf"), "text", [1, [2.0, ()]], (np.arange(6).reshape(2, 3), torch.ones(2)), {"a": [1]},
])  # fmt: skip
def test_plain_answers_come_as_they_are(value):
    assert repr(answer(json.loads(json.dumps(encode(value))))) == repr(value)


@pytest.mark.parametrize("tree, words", [
    ({"dict": [[k * (2**61 - 1), 0] for k in range(MAX_KEYS + 1)]}, "cannot be compared"),
    ({"dict": [[[1, 2], 0]]}, "cannot be compared"),
    ({"net": ["conv", {}]}, "cannot be compared"),
    ({"list": [{"net": ["linear", {"height": 10**6}]}]}, "cannot be compared"),
    ({"array": ["<f8", [MAX_NUMBERS + 1], ""]}, "numbers: the right answer is much smaller"),
    ({"array": ["<f8", [0, 10**10], ""]}, "numbers: the right answer is much smaller"),
    ({"list": [{"array": ["|b1", [MAX_NUMBERS // 2 + 1], ""]}] * 2}, "numbers: the right answer is much smaller"),
    ({"array": ["<f8", [-1], "AAAA"]}, "cannot be compared"),
    ({"array": ["<f8", [True], "AAAA"]}, "cannot be compared"),
    ({"array": ["O", [1], "AAAAAAAA"]}, "cannot be compared"),
    ({"tensor": ["<f8", [1] * 99, "AAAAAAAA"]}, "cannot be compared"),
    ({"int": "9" * 10**5}, "cannot be compared"),
    ({"int": 7}, "cannot be compared"),
    ("x" * 10**6, "too long"),
    (3 * [1], "cannot be compared"),
    ({"list": 3, "tuple": 3}, "cannot be compared"),
])  # fmt: skip
def test_forged_answers_are_refused_before_they_are_built(tree, words):
    with pytest.raises(NoAnswer, match=words):
        answer(tree)


def test_lists_have_an_end():
    tree = [1]
    for _ in range(100):
        tree = {"list": [tree]}
    with pytest.raises(NoAnswer, match="nested too deeply"):
        answer(tree)


def test_a_reply_of_too_many_values_is_not_parsed():
    with pytest.raises(NoAnswer, match="values in lists"):
        read_reply(b"[" + b"[]," * (4 * MAX_VALUES) + b"[]]")
    assert read_reply(b"[" * 5000) is None and read_reply(b"\xff") is None
    assert read_reply(b'{"values": [1]}') == {"values": [1]}


@pytest.mark.parametrize(
    ("large", "words"),
    [
        (lambda: torch.zeros(MAX_NUMBERS + 1), "numbers: the right answer is much smaller"),
        (lambda: [0] * (4 * MAX_VALUES + 1), "values in lists"),
        (lambda: torch.zeros(MAX_NUMBERS), ""),
    ],
)
def test_an_exercise_with_too_large_an_answer_is_found_when_it_is_prepared(monkeypatch, large, words):
    monkeypatch.setattr(registry, "_EXERCISES", {})

    @registry.exercise("07.1", "large")
    def zero(call, draw):
        assert not np.any(np.asarray(call()))

    for module in ("exercises.exercise", "grading.tasks"):
        monkeypatch.setattr(f"course_utils.{module}.lesson_exercises", lambda lesson: [zero])
    monkeypatch.setattr(solved, "exercise_functions", lambda lesson: {"07.1": large})
    (task,) = prepare(["07"], 3)
    assert words in task.faulty.get("07.1", "") and bool(task.faulty) == bool(words)
