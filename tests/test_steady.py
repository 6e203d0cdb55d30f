"""Draws on which nothing hangs on the last digits."""

import torch

from course_utils.exercises.machine import Draw
from course_utils.exercises.steady import NOISE, steady


def test_a_draw_at_a_border_is_drawn_again():
    drawn = iter([1 + NOISE / 10, 1.5])

    @steady(lambda x: (x > 1).double())
    def numbers(draw):
        return (torch.tensor([next(drawn), 0.0], dtype=torch.float64),)

    inputs, right = numbers(Draw(0))
    assert inputs[0].tolist() == [1.5, 0] and right.tolist() == [1, 0]


def test_what_else_has_to_hold():
    @steady(lambda x: x, fits=lambda right, x: bool(right > 0.9))
    def large(draw):
        return (draw.uniform(),)

    assert large(Draw(0))[1] > 0.9


def test_tensors_in_lists_are_shaken_and_a_zero_stays():
    @steady(lambda pair: (pair[0] >= 0).double())
    def with_zero(draw):
        return ([torch.zeros(3, dtype=torch.float64), 5],)

    assert with_zero(Draw(0))[1].tolist() == [1, 1, 1]
    asked = iter([1 - NOISE / 10, 0.5])

    @steady(lambda pair: (pair[0] < 1).double())
    def in_a_list(draw):
        return ([torch.tensor([next(asked)], dtype=torch.float64)],)

    assert in_a_list(Draw(0))[0][0][0].item() == 0.5


def test_the_same_seed_is_drawn_once():
    calls = []

    @steady(lambda x: x)
    def counted(draw, side):
        calls.append(side)
        return (draw.uniform(side),)

    first, again, other = counted(Draw(1), 2), counted(Draw(1), 2), counted(Draw(1), 3)
    assert first is again and calls == [2, 3] and other[1].shape == (3,)
