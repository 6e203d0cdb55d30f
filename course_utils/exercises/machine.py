"""The check machine. A check is written once; the notebook and the grader both run it.

A check is a function of `call` and `draw`. `draw` makes inputs from a seed; `call` runs the student's function on them,
here or in another process, and gives back plain values, which the check compares with an answer of its own:

    @exercise("07.1", "saliency_map")
    def saliency_map(call, draw):
        net, images, target = draw.net("conv"), draw.images(2), [3, 0]
        close(call(net, images, target), answer(net, images, target), what="the saliency map")

A slip is a wrong answer that many students give: a function like theirs, under the sentence that says what is wrong
with it. When an answer is wrong, the check runs again with each slip in the student's place. The first slip that gives
the same wrong values in the same comparison is the likely cause. The course's tests go through all slips: each must
fail with its sentence.

    saliency_map.slips = {
        "You took the mean over the channels.": lambda net, images, target: gradient(net, images, target).abs().mean(1),
    }

The machine looks by itself what a call leaves behind (in its inputs, in networks, in the settings of torch), and
whether a second call on the same inputs gives the same answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from course_utils.exercises.call import Call, LocalCall, Refused, SecondAnswers, StudentError
from course_utils.exercises.compare import CheckFailed, alike
from course_utils.exercises.draws import Draw
from course_utils.exercises.exercise import Exercise, exercise, get_exercise, lesson_exercises
from course_utils.exercises.left_behind import known_settings, same_state
from course_utils.exercises.messages import why
from course_utils.exercises.outcome import Outcome, show
from course_utils.exercises.passed import note_check

__all__ = [
    "NOTEBOOK_SEEDS",
    "Call",
    "Draw",
    "Exercise",
    "LocalCall",
    "Outcome",
    "Refused",
    "StudentError",
    "check",
    "exercise",
    "get_exercise",
    "lesson_exercises",
    "run_check",
]

NOTEBOOK_SEEDS = (0, 1, 2)
_NOT_WRITTEN = "Write the body of the function in place of the line `raise NotImplementedError`."
# an error of the check itself: it may come from the answer, if there is one, from the notebook, or from the check
_NOT_COMPARED = (
    "The check could not compare what you returned.",
    "Does it have the form that the text asks for? If it does, the check or this notebook may be at fault: restart the "
    "kernel and run the notebook from the top.",
)
_NOT_ASKED = (
    "The check itself failed before your function had returned anything.",
    "This says nothing about your function: restart the kernel and run the notebook from the top.",
)
_STAYS = (
    "Is something of the first call still there (a list, a counter, a tensor outside of the function), or does the "
    "function draw random numbers?"
)


def run_check(exercise_id: str, call: Call | Callable, *, seeds: Sequence = NOTEBOOK_SEEDS) -> Outcome:
    """Run a check once for every seed, until one fails. The state of the notebook is the same afterwards.

    The check and the function run in torch's first settings: gradients are recorded, tensors are float32, on the CPU.

    Args:
        exercise_id: "07.1".
        call: the student's function, which may use only what is there while grading; or a `Call`, another way to it.
        seeds: what the inputs are drawn from.

    Returns:
        What was found, whatever the function is and does.

    Raises:
        Exception: what a `Call` to another process raises that is no `StudentError`.
    """
    one = get_exercise(exercise_id)
    call = call if isinstance(call, Call) else LocalCall(call, lesson=one.id.split(".")[0])
    outcome = Outcome(one.id, one.function, "passed", seeds=seeds)
    with known_settings(), same_state():
        for count, seed in enumerate(seeds):
            call.begin(again=count == 0 and not one.changes)
            try:
                _run_once(one, call, seed)
            except CheckFailed as failed:
                failed.answers = call.answers
                outcome.state, outcome.problem, outcome.detail = "failed", failed.problem, failed.detail
                outcome.cause = one.likely_slip(failed, seed) or _with_leftover(failed, one.leftover(call))
            except StudentError as error:
                _say(outcome, error)
            except Exception as error:
                if call.on_the_way:
                    raise
                outcome.state, outcome.error = "failed", error
                outcome.problem, outcome.cause = _NOT_COMPARED if call.answers else _NOT_ASKED
            if not outcome.passed:
                break
    return outcome


def _run_once(one: Exercise, call: Call, seed: int | Sequence[int]) -> None:
    """Compare values first, then look at what was left behind, then at the second answers."""
    one.run(call, one.draw(seed))
    if left := one.leftover(call):
        raise left
    if call.again and not alike(call.second, call.answers):
        try:
            one.run(SecondAnswers(call), one.draw(seed))
        except CheckFailed as failed:
            problem = f"A second call with the same inputs gives another answer. {failed.problem}"
            raise CheckFailed(problem, detail=failed.detail, cause=_STAYS) from None


def _with_leftover(failed: CheckFailed, left: CheckFailed | None) -> str:
    """The cause of a failure. What a function leaves behind may be the cause of wrong values."""
    if left is None or left.kind == failed.kind:
        return failed.cause
    return f"{failed.cause} {left.problem}".strip()


def _say(outcome: Outcome, error: StudentError) -> None:
    """What to say when there is no answer."""
    if isinstance(error, Refused):
        outcome.state, outcome.problem = "failed", f"Your function returned {error.message}."
    elif error.kind == "NotImplementedError" and (not error.message or error.message.startswith(outcome.exercise)):
        outcome.state, outcome.problem = "not written", _NOT_WRITTEN
    else:
        outcome.state, outcome.problem = "error", str(error)
        outcome.detail, outcome.cause = error.line, why(str(error), outcome.function)


def check(exercise_id: str, function: Callable | None = None) -> None:
    """Check your function and say what is right or wrong with it.

    Args:
        exercise_id: for example "07.1".
        function: the function itself, without parentheses: `check("07.1", saliency_map)`.

    Raises:
        AssertionError: the function is wrong, and the variable COURSE_STRICT is set; else a wrong one raises nothing.
    """
    try:
        one = get_exercise(exercise_id)
    except ValueError as error:
        print(error)
        return
    if not callable(function):
        print(f'Hand in the function itself, without parentheses: check("{one.id}", {one.function})')
        return
    outcome = run_check(exercise_id, function)
    show(outcome)
    note_check(outcome)
    if os.environ.get("COURSE_STRICT") and not outcome.passed:  # the course's own tests of the solutions
        raise AssertionError(str(outcome))
