"""Every exercise: the stub fails, the solution passes, every slip and every mutant fails for its reason."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.solved import exercise_functions
from course_utils.authoring.source import read_lesson
from course_utils.exercises import get_exercise, lesson_exercises, run_check
from course_utils.exercises.call import LocalCall
from tests.mutants import MUTANTS

LESSONS = {path.stem[:2]: path for path in lesson_paths()}
for path in sorted((Path(__file__).parent / "mutants").glob("lesson_*.py")):
    importlib.import_module(f"tests.mutants.{path.stem}")
IDS = [e.id for number in LESSONS for e in lesson_exercises(number)]
SLIPS = [(e.id, sentence) for number in LESSONS for e in lesson_exercises(number) for sentence in e.slips]
FRESH = [(7, 1), (7, 2), 123456]  # other seeds than the notebook's: the grader draws its own


@pytest.fixture(scope="module")
def functions():
    """`functions[edition][exercise id]`, made once for each lesson."""
    made = {}

    def get(exercise: str, edition: str):
        key = exercise[:2], edition
        if key not in made:
            made[key] = exercise_functions(read_lesson(LESSONS[exercise[:2]]), edition)
        return made[key][exercise]

    return get


@pytest.mark.parametrize("number", LESSONS)
def test_the_lesson_and_its_checks_name_the_same_exercises(number):
    lesson = read_lesson(LESSONS[number])
    assert [e.id for e in lesson.exercises] == [e.id for e in lesson_exercises(number)]
    names = {which: function.__name__ for which, function in exercise_functions(lesson).items()}
    assert names == {e.id: e.function for e in lesson_exercises(number)}


@pytest.mark.parametrize("number", LESSONS)
def test_what_a_student_writes_is_used_afterwards(number):
    """On a real network or photo: by a cell of this exercise, or by a later one."""
    lesson = read_lesson(lesson_paths([number])[0])
    code = [cell for cell in lesson.cells if cell.cell_type == "code"]
    used = {cell.metadata.get("picture") or cell.metadata.get("uses") for cell in code}
    for at, cell in enumerate(code):
        if exercise := cell.metadata.get("exercise"):
            (name,) = re.findall(rf'check\("{exercise}", (\w+)', cell.source)
            later = [re.sub("#.*", "", one.source) for one in code[at + 1 :] if "claim" not in one.metadata]
            assert exercise in used or any(re.search(rf"\b{name}\b", text) for text in later), f"{exercise}: {name}"


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_has_enough_exercises_and_a_quiz(number):
    assert len(lesson_exercises(number)) >= 3
    quiz = importlib.import_module(f"course_utils.exercises.lesson_{number}").QUIZ
    assert len(quiz) == 4
    for question in quiz:
        assert len(question.options) >= 3 and 0 <= question.answer < len(question.options)
        assert all(text and why for text, why in question.options)


@pytest.mark.parametrize("exercise", IDS)
def test_the_solution_passes(exercise, functions):
    for seeds in ((0, 1, 2), FRESH):
        outcome = run_check(exercise, functions(exercise, "solution"), seeds=seeds)
        assert outcome.passed, str(outcome)


@pytest.mark.parametrize("exercise", IDS)
def test_the_stub_fails_with_words(exercise, functions):
    outcome = run_check(exercise, functions(exercise, "student"))
    assert outcome.state in ("not written", "failed", "error")
    assert outcome.problem


@pytest.mark.parametrize("exercise", IDS)
def test_there_are_at_least_five_wrong_answers(exercise):
    assert len(get_exercise(exercise).slips) + Counter(m.exercise for m in MUTANTS)[exercise] >= 5


@pytest.mark.parametrize(("exercise", "sentence"), SLIPS, ids=lambda text: text[:60])
def test_the_slip_fails_with_its_sentence(exercise, sentence):
    for seeds in ((0, 1, 2), FRESH):
        outcome = run_check(exercise, LocalCall(get_exercise(exercise).slips[sentence]), seeds=seeds)
        assert not outcome.passed, f"this slip passes: {sentence}"
        assert outcome.cause == sentence, str(outcome)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_the_mutant_fails_for_its_reason(mutant):
    for seeds in ((0, 1, 2), FRESH):
        outcome = run_check(mutant.exercise, LocalCall(mutant.function), seeds=seeds)
        assert not outcome.passed, f"{mutant.name} passes"
        assert mutant.reason in str(outcome), str(outcome)


@pytest.mark.parametrize("exercise", IDS)
@pytest.mark.parametrize("wrong", [None, "text", float("nan"), [], {}, object()], ids=lambda v: type(v).__name__)
def test_nonsense_fails_with_words(exercise, wrong):
    outcome = run_check(exercise, lambda *_: wrong, seeds=[0])
    assert not outcome.passed and outcome.problem and "Traceback" not in str(outcome)
