import numpy as np
import pytest
import torch
from scipy.optimize import rosen, rosen_der

from course_utils.fun.lbfgs import lbfgs


def problem(function, derivative):
    seen = []

    def evaluate(x):
        seen.append((float(function(x)), x.clone()))
        return seen[-1][0], torch.as_tensor(derivative(x), dtype=x.dtype)

    return evaluate, seen


def test_a_quadratic_is_solved_to_the_last_digit():
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(12, 12, generator=generator, dtype=torch.float64)
    matrix, target = root @ root.T + torch.eye(12), torch.randn(12, generator=generator, dtype=torch.float64)
    evaluate, seen = problem(lambda x: (x - target) @ matrix @ (x - target) / 2, lambda x: matrix @ (x - target))
    for _ in lbfgs(evaluate, torch.zeros(12, dtype=torch.float64), 80):
        pass
    best = min(seen, key=lambda entry: entry[0])[1]
    torch.testing.assert_close(best, target, atol=1e-6, rtol=0)


def test_rosenbrock_valley():
    evaluate, seen = problem(lambda x: rosen(x.numpy()), lambda x: rosen_der(x.numpy()))
    start = torch.tensor([-1.2, 1.0, 0.4, -0.3], dtype=torch.float64)
    for _ in lbfgs(evaluate, start, 200):
        pass
    best = min(seen, key=lambda entry: entry[0])
    np.testing.assert_allclose(best[1], 1, atol=1e-4)
    assert start.tolist() == [-1.2, 1.0, 0.4, -0.3]


def test_only_steps_that_lower_the_loss_are_taken_and_losses_that_are_no_numbers_are_refused():
    def loss(x):
        return float("nan") if x.abs().max() > 3 else float((x**4).sum() - x.sum())

    evaluate, seen = problem(loss, lambda x: 4 * x**3 - 1)
    yielded = list(lbfgs(evaluate, torch.full((3,), 2.9, dtype=torch.float64), 60))
    assert [a for a, _ in seen] == pytest.approx(yielded, nan_ok=True)
    best = min((entry for entry in seen if entry[0] == entry[0]), key=lambda entry: entry[0])[1]
    torch.testing.assert_close(best, torch.full((3,), 0.25 ** (1 / 3), dtype=torch.float64), atol=1e-5, rtol=0)


def test_the_first_step_has_the_mean_size_lr():
    evaluate, seen = problem(lambda x: (x**2).sum(), lambda x: 2 * x)
    for _ in lbfgs(evaluate, torch.tensor([3.0, -5.0, 4.0]), 1, lr=0.5):
        pass
    assert (seen[1][1] - seen[0][1]).abs().mean().item() == pytest.approx(0.5)


def test_it_ends_at_a_minimum():
    evaluate, seen = problem(lambda x: (x**2).sum(), lambda x: 2 * x)
    assert list(lbfgs(evaluate, torch.zeros(3), 50)) == [0.0] and len(seen) == 1
