"""Runs a student's function and looks what it leaves behind: the one way, in a notebook and in the grader's sandbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from course_utils.exercises.left_behind import BeforeAndAfter, known_settings
from course_utils.exercises.transport import NotPlain, decode, encode_answer


def run(function: Callable, arguments: Sequence[Any], *, times: int = 1, gradient: bool = False) -> dict[str, Any]:
    """Run a function once or more times on the very same objects.

    Args:
        function: the student's.
        arguments: trees that `transport.encode` made.
        times: how often.
        gradient: whether its answer is differentiated by all tensors of its inputs; then the answer is the list of
            these gradients, or None if it has no graph.

    Returns:
        `{"ok": True, "values": a tree for each call, "left": what the calls left behind}`, or, for an answer that
        cannot be compared, `{"refused": a key of transport.REASONS}`.

    Raises:
        BaseException: what the function raises.
    """
    with known_settings():
        return _run(function, arguments, times, gradient)


def _run(function: Callable, arguments: Sequence[Any], times: int, gradient: bool) -> dict[str, Any]:
    inputs = [decode(tree) for tree in arguments]
    leaves = [x.requires_grad_() for x in _tensors(inputs) if x.is_floating_point()] if gradient else []
    watch, trees = BeforeAndAfter(inputs, calls=times), []
    for turn in range(times):
        try:
            with watch.one_call():
                value = function(*inputs)
                value = _gradients(value, leaves) if gradient else value
        except Exception:
            if turn == 0 or not watch.found:
                raise
            trees.append(trees[0])  # what the first call left behind is told
            break
        try:
            trees.append(encode_answer(value))
        except NotPlain as error:
            return {"refused": error.reason}
    return {"ok": True, "values": trees, "left": [list(one) for one in watch.found]}


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, (list, tuple)):
        return [x for part in value for x in _tensors(part)]
    return [value] if isinstance(value, torch.Tensor) else []


def _gradients(value: Any, leaves: list[torch.Tensor]) -> list[torch.Tensor] | None:
    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        return None
    return list(torch.autograd.grad(value.sum(), leaves, materialize_grads=True))
