"""One comparison for several inputs: small numbers that are right by chance in one case are not right in all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course_utils.exercises.compare import array
from course_utils.exercises.machine import Call


def several(call: Call, cases: Sequence[Sequence], *, what: str) -> list[np.ndarray]:
    """The answers to all cases, in their order; each of them is some numbers.

    Args:
        call: the student's function.
        cases: its inputs, case by case.
        what: what one answer is called in messages.
    """
    answers = [array(call(*case), what) for case in cases]
    # a number may be an array with one element
    return [one[:, 0] if one.ndim == 2 and one.shape[1] == 1 else one for one in answers]
