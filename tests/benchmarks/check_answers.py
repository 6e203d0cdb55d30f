"""Tries more than a thousand answers that the course's own tests do not know, and counts what the checks get wrong.

    python tests/benchmarks/check_answers.py              # what is wrong and passes, ...
    python tests/benchmarks/check_answers.py 07           # one lesson
    python tests/benchmarks/check_answers.py --seeds 50   # right answers only, with the seeds of 50 graders

Each answer is the lesson's own solution with something done to its inputs, to its result, or to what lies around it, or
one of `answers_by_hand.py`. Of the first kind only what differs from the solution by more than rounding, on the inputs
that the check drew, counts as wrong.
"""

from __future__ import annotations

import argparse
import copy
import random
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from answers_by_hand import BY_HAND
from torch import nn

from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.solved import exercise_functions
from course_utils.authoring.source import read_lesson
from course_utils.exercises import get_exercise, run_check
from course_utils.exercises.call import LocalCall
from course_utils.grading.tasks import hidden_seeds

SEEDS = (0, 1, 2, (7, 1))
APART = 1e-4  # of the largest right value: a wrong answer that is never further away is not counted

# what these do to the solution leaves it right: the text allows it
ALLOWED = {
    ("04.1", "minus"): "the sign of each column is free",
    ("04.1", "input 0: turned in dimension 1"): "the order of the features changes signs only",
    ("04.1", "input 0: rolled in dimension 1"): "the order of the features changes signs only",
    ("04.3", "three digits"): "found by a search, which may stop early",
    ("04.3", "input 0: three digits"): "found by a search, which may stop early",
    ("15.2", "float32 inside"): "trains a copy in another precision, and the task is to train the network itself",
    ("15.2", "input 0: train mode"): "the network is to be trained, and a training leaves this",
    ("15.2", "input 0: train mode of one layer"): "as above",
    ("15.2", "input 0: requires_grad"): "as above",
    ("15.2", "input 0: a weight's gradient"): "as above",
}

# answers of these must keep their graph, which these forms cut
DIFFERENTIATED = {"14.1"}
WITHOUT_GRAPH = ("array", "lists", "a tuple of parts", "a list of arrays", "a parameter", "Fortran order")


@dataclass
class Answer:
    """An answer to an exercise.

    Attributes:
        kind: "right", "wrong" or "left" (right values, and something left behind).
        differs: whether it has given something else than the solution.
    """

    exercise: str
    kind: str
    name: str
    solution: Callable | None
    change: Callable
    differs: bool = False

    def __call__(self, *inputs: Any) -> Any:
        if self.solution is None:
            self.differs = True
            return self.change(*inputs)
        if self.kind != "wrong":
            return self.change(self.solution, *inputs)
        right = self.solution(*copy.deepcopy(inputs))
        mine = self.change(self.solution, *inputs)
        self.differs = self.differs or apart(mine, right)
        return mine


def apart(mine: Any, right: Any) -> bool:
    """Whether two answers differ by more than rounding."""
    if isinstance(right, (tuple, list)) and not isinstance(mine, (tuple, list)):
        return True
    if isinstance(right, (tuple, list)):
        return len(mine) != len(right) or any(apart(a, b) for a, b in zip(mine, right, strict=True))
    if mine is None:
        return True
    one, other = (np.asarray(torch.as_tensor(x).detach(), dtype=np.float64) for x in (mine, right))
    if one.shape != other.shape:
        return one.size != 1 or other.size != 1
    if not np.isfinite(one).all():
        return True
    return bool(np.abs(one - other).max(initial=0) > APART * np.abs(other).max(initial=1e-9))


# --- what is done to results ------------------------------------------------------------------------------------------


def on_result(change: Callable[[Any], Any]) -> Callable:
    """Every array of the result is changed, also in a tuple."""

    def changed(solution: Callable, *inputs: Any) -> Any:
        result = solution(*inputs)
        if isinstance(result, (tuple, list)):
            return type(result)(change(torch.as_tensor(part)) for part in result)
        return change(torch.as_tensor(result))

    return changed


def with_spot(x: torch.Tensor, place: int, value: float) -> torch.Tensor:
    x = x.double().clone()
    x.view(-1)[place] = value
    return x


def float32_inside(solution: Callable, *inputs: Any) -> Any:
    return solution(*[_single(x) for x in inputs])


def _single(x: Any) -> Any:
    if isinstance(x, torch.Tensor):
        return x.float() if x.is_floating_point() else x
    if isinstance(x, nn.Module):
        return copy.deepcopy(x).float()
    return type(x)(_single(part) for part in x) if isinstance(x, (list, tuple)) else x


FORMS = {
    "array": lambda x: x.numpy(),
    "lists": lambda x: x.tolist(),
    "a tuple of parts": lambda x: tuple(x) if x.ndim else x.item(),
    "a list of tensors": lambda x: list(x) if x.ndim else x,
    "a list of arrays": lambda x: [part.numpy() for part in x] if x.ndim else x.numpy(),
    "with a graph": lambda x: x.double().clone().requires_grad_() * 1,
    "a parameter": lambda x: nn.Parameter(x.double()),
    "stored backward": lambda x: x.flip(0).numpy()[::-1] if x.ndim else x,
    "stored transposed": lambda x: x.mT.contiguous().mT if x.ndim > 1 else x,
    "a lazy minus": lambda x: torch._neg_view(-x.double()),
    "float32 at the end": lambda x: x.float() if x.is_floating_point() else x,
    "float64": lambda x: x.double(),
    "Fortran order": lambda x: x.numpy().copy(order="F"),
    "one more dimension for a number": lambda x: x.reshape(1) if x.ndim == 0 else x,
}
WRONG_RESULTS = {
    "minus": lambda x: -x,
    "size": lambda x: x.abs(),
    "square": lambda x: x * x,
    "twice": lambda x: 2 * x,
    "a little more": lambda x: 1.001 * x,
    "shifted": lambda x: x + 1,
    "no negative": lambda x: x.clamp(min=0),
    "at most 1": lambda x: x.clamp(max=1),
    "zeros": lambda x: 0 * x,
    "ones": lambda x: torch.ones_like(x),
    "the mean everywhere": lambda x: 0 * x.double() + x.double().mean(),
    "three digits": lambda x: torch.round(x.double(), decimals=3),
    "two digits": lambda x: torch.round(x.double(), decimals=2),
    "bfloat16": lambda x: x.bfloat16().double(),
    "whole numbers": lambda x: x.long(),
    "256 levels": lambda x: (x * 255).round() / 255,
    "first wrong": lambda x: with_spot(x, 0, 7.7),
    "last wrong": lambda x: with_spot(x, -1, -7.7),
    "middle wrong": lambda x: with_spot(x, x.numel() // 2, 0.123),
    "a NaN": lambda x: with_spot(x, -1, torch.nan),
    "infinite": lambda x: with_spot(x, 0, torch.inf),
    "one dimension more": lambda x: x[None],
    "one dimension more behind": lambda x: x[..., None],
    "flat": lambda x: x.flatten() if x.ndim > 1 else x[None],
    "one row": lambda x: x[:1] if x.ndim else x[None, None],
    "first part only": lambda x: x[0] if x.ndim else None,
    "last row missing": lambda x: x[:-1] if x.ndim else None,
    "doubled rows": lambda x: torch.cat([x, x]) if x.ndim else x + x + 1,
    "upside down": lambda x: x.flip(0) if x.ndim else x,
    "mirrored": lambda x: x.flip(-1) if x.ndim else x,
    "rolled": lambda x: x.roll(1),
    "rolled in a row": lambda x: x.roll(1, -1) if x.ndim else x,
    "sorted": lambda x: x.sort(-1).values if x.ndim else x,
    "transposed": lambda x: x.mT if x.ndim > 1 else x,
    "transposed and reshaped": lambda x: x.mT.reshape(x.shape) if x.ndim > 1 else x,
    "mean over rows": lambda x: x.double().mean(0) if x.ndim else x + 1,
    "the first row for all": lambda x: x[:1].expand(x.shape) if x.ndim else x,
    "nothing": lambda x: None,
}


# --- what is done to inputs -------------------------------------------------------------------------------------------


def on_input(number: int, change: Callable[[Any], Any]) -> Callable:
    def changed(solution: Callable, *inputs: Any) -> Any:
        inputs = [change(x) if i == number else x for i, x in enumerate(copy.deepcopy(inputs))]
        return solution(*inputs)

    return changed


def exchanged(one: int, other: int) -> Callable:
    def changed(solution: Callable, *inputs: Any) -> Any:
        inputs = list(inputs)
        inputs[one], inputs[other] = inputs[other], inputs[one]
        return solution(*inputs)

    return changed


class Unnormalized(nn.Module):
    """Forgets to normalize: calls the model itself."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net.model(images)

    def __getattr__(self, name: str) -> Any:
        return super().__getattr__(name) if name == "net" else getattr(super().__getattr__("net"), name)


def wrong_inputs(value: Any) -> dict[str, Callable[[Any], Any]]:
    """What a wrong program does with an input of this kind."""
    if isinstance(value, bool):
        return {"not": lambda x: not x}
    if isinstance(value, int):
        return {"one more": lambda x: x + 1, "one less": lambda x: max(x - 1, 0), "0": lambda x: 0, "1": lambda x: 1}
    if isinstance(value, float):
        return {"1.1 times": lambda x: 1.1 * x, "minus": lambda x: -x, "0": lambda x: 0.0, "1": lambda x: 1.0}
    if isinstance(value, list):
        return {"reversed": lambda x: x[::-1], "the first for all": lambda x: [x[0]] * len(x)}
    if isinstance(value, nn.Module):
        return {"not normalized": Unnormalized}
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        changes = {
            "minus": lambda x: -x,
            "size": lambda x: x.abs(),
            "twice": lambda x: 2 * x,
            "shifted": lambda x: x + 0.1,
            "no negative": lambda x: x.clamp(min=0),
            "three digits": lambda x: torch.round(x, decimals=3) if x.abs().max() < 100 else x.round(),
            "zeros": lambda x: 0 * x,
            "the mean": lambda x: 0 * x + x.mean(),
            "the first row for all": lambda x: x[:1].expand(x.shape).clone() if x.ndim else x,
        }
        for dim in range(value.ndim):
            changes[f"turned in dimension {dim}"] = lambda x, dim=dim: x.flip(dim)
            changes[f"rolled in dimension {dim}"] = lambda x, dim=dim: x.roll(1, dim)
            changes[f"without the last in dimension {dim}"] = lambda x, dim=dim: torch.cat(
                [x.narrow(dim, 0, x.shape[dim] - 1), 0 * x.narrow(dim, 0, 1)], dim
            )
        return changes
    return {}


# --- what is left behind ----------------------------------------------------------------------------------------------


def and_then(leave: Callable[..., Any]) -> Callable:
    """The right answer, and then something is done to the inputs."""

    def changed(solution: Callable, *inputs: Any) -> Any:
        result = solution(*inputs)
        result = result * 1 if isinstance(result, torch.Tensor) else copy.deepcopy(result)  # no view of an input
        leave(*inputs)
        return result

    return changed


def on(number: int, leave: Callable[[Any], Any]) -> Callable:
    return and_then(lambda *inputs: leave(inputs[number]))


def set_data(x: torch.Tensor, new: torch.Tensor) -> None:
    x.data = new


def accumulate_gradient(x: torch.Tensor) -> None:
    x.requires_grad_()
    (x * x).sum().backward()
    x.requires_grad_(False)


def replace_layer(net: nn.Module) -> None:
    net.model[0] = copy.deepcopy(net.model[0])


def set_forward(net: nn.Module) -> None:
    net.model.forward = net.model.forward


LEFT_IN_TENSORS = {
    "added 1": lambda x: x.add_(1),
    "one number": lambda x: x.view(-1)[-1:].mul_(0.5).add_(3),
    "doubled": lambda x: x.mul_(2),
    "emptied": lambda x: x.zero_(),
    "cut off": lambda x: x.clamp_(0.4, 0.5),
    "sorted": lambda x: x.copy_(x.flatten().sort(descending=bool(x.flatten()[0] < x.flatten()[-1])).values.view_as(x)),
    "divided by its largest": lambda x: x.div_(x.abs().max() * 1.5),
    "another shape": lambda x: x.unsqueeze_(0),
    "float32": lambda x: set_data(x, x.float()),
    "requires_grad": lambda x: x.requires_grad_(),
    "a gradient": accumulate_gradient,
    "no copy by numpy": lambda x: np.add(x.numpy(), 1, out=x.numpy()),
}
LEFT_IN_LISTS = {
    "one more": lambda x: x.append(x[0]),
    "one less": lambda x: x.pop(),
    "reversed": lambda x: x.reverse() if x != x[::-1] else x.pop(),
    "another first": lambda x: x.__setitem__(0, 77),
}
LEFT_IN_NETWORKS = {
    "train mode": lambda net: net.train(),
    "train mode of one layer": lambda net: net.model[0].train(),
    "requires_grad": lambda net: net.requires_grad_(),
    "weights": lambda net: next(net.parameters()).data.mul_(1.01),
    "a weight's gradient": lambda net: setattr(next(net.parameters()), "grad", torch.ones_like(next(net.parameters()))),
    "the mean": lambda net: net.mean.zero_(),
    "a forward hook": lambda net: net.register_forward_hook(lambda *_: None),
    "a hook on a layer": lambda net: net.model[0].register_forward_hook(lambda *_: None),
    "a hook before": lambda net: net.model[-1].register_forward_pre_hook(lambda *_: None),
    "a backward hook": lambda net: net.model[0].register_full_backward_hook(lambda *_: None),
    "a replaced layer": replace_layer,
    "a replaced forward": set_forward,
    "an attribute": lambda net: setattr(net.model[0], "seen", [1]),
    "float32": lambda net: net.float(),
}
LEFT_EVERYWHERE = {
    "default dtype": lambda *_: torch.set_default_dtype(torch.float64),
    "grad mode": lambda *_: torch.set_grad_enabled(False),
    "seed of torch": lambda *_: torch.manual_seed(0),
    "seed of numpy": lambda *_: np.random.seed(0),
    "seed of random": lambda *_: random.seed(0),
    "warnings of numpy": lambda *_: np.seterr(all="ignore"),
    "printing of numpy": lambda *_: np.set_printoptions(precision=2),
    "printing of torch": lambda *_: torch.set_printoptions(precision=2),
    "warnings": lambda *_: warnings.simplefilter("error"),
    "a library of torch": lambda *_: setattr(torch.backends.mkldnn, "enabled", False),
    "a function of torch": lambda *_: setattr(torch.nn.functional, "relu", abs),
    "threads": lambda *_: torch.set_num_threads(torch.get_num_threads() + 1),
    "anomaly detection": lambda *_: torch.autograd.set_detect_anomaly(True),
    "deterministic": lambda *_: torch.set_deterministic_debug_mode("error"),
    "a hook of all networks": lambda *_: nn.modules.module.register_module_forward_hook(lambda *_: None),
}


def remembers_first() -> Callable:
    """The first answer is given for ever."""
    known: list = []

    def changed(solution: Callable, *inputs: Any) -> Any:
        known.append(solution(*inputs))
        return known[0]

    return changed


def every_second_is_larger() -> Callable:
    calls: list = []

    def changed(solution: Callable, *inputs: Any) -> Any:
        calls.append(1)
        result = solution(*inputs)
        first = result[0] if isinstance(result, (tuple, list)) else result
        larger = torch.as_tensor(first).double() + (len(calls) % 2 == 0)
        if isinstance(result, (tuple, list)):
            return type(result)([larger, *result[1:]])
        return larger

    return changed


def draws_numbers(solution: Callable, *inputs: Any) -> Any:
    torch.rand(3), np.random.rand(), random.random()
    return solution(*inputs)


def cleans_up(solution: Callable, *inputs: Any) -> Any:
    """Changes much on the way, and puts everything back."""
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    handles = []
    for x in inputs:
        if hasattr(x, "model"):
            handles.append(x.model[0].register_forward_hook(lambda *_: None))
            x.train()
        elif isinstance(x, torch.Tensor) and x.is_floating_point():
            x.mul_(2).div_(2)
    try:
        return solution(*inputs)
    finally:
        torch.set_default_dtype(kept)
        for handle in handles:
            handle.remove()
        for x in inputs:
            if hasattr(x, "model"):
                x.eval()


# --- the bank ---------------------------------------------------------------------------------------------------------


def bank(which: str, solution: Callable) -> Iterator[Answer]:
    """All answers to one exercise."""
    inputs = example(which, solution)
    yield from (Answer(which, kind, f.__name__, None, f) for exercise, kind, f in BY_HAND if exercise == which)

    def answer(kind: str, name: str, change: Callable) -> Answer:
        return Answer(which, kind, name, solution, change)

    yield answer("right", "float32 inside", float32_inside)
    yield answer("right", "draws random numbers", draws_numbers)
    yield answer("right", "puts everything back", cleans_up)
    for name, form in FORMS.items():
        if which not in DIFFERENTIATED or name not in WITHOUT_GRAPH:
            yield answer("right", name, on_result(form))

    for name, change in WRONG_RESULTS.items():
        yield answer("wrong", name, on_result(change))
    yield answer("wrong", "the first answer for ever", remembers_first())
    for number, value in enumerate(inputs):
        if isinstance(value, torch.Tensor):
            yield answer("wrong", f"input {number} as it came", lambda _, *x, number=number: x[number])
        for name, change in wrong_inputs(value).items():
            yield answer("wrong", f"input {number}: {name}", on_input(number, change))
        for other in range(number):
            if type(inputs[other]) is type(value) and not isinstance(value, nn.Module):
                yield answer("wrong", f"inputs {other} and {number} exchanged", exchanged(other, number))

    for number, value in enumerate(inputs):
        kind = next((k for k in LEFT_BY_KIND if isinstance(value, k)), None)
        if isinstance(value, torch.Tensor) and not value.is_floating_point():
            continue
        for name, leave in LEFT_BY_KIND.get(kind, {}).items():
            yield answer("left", f"input {number}: {name}", on(number, leave))
    for name, leave in LEFT_EVERYWHERE.items():
        yield answer("left", name, and_then(leave))
    yield answer("left", "every second answer is larger", every_second_is_larger())


LEFT_BY_KIND = {torch.Tensor: LEFT_IN_TENSORS, list: LEFT_IN_LISTS, nn.Module: LEFT_IN_NETWORKS}


def example(which: str, solution: Callable) -> tuple:
    """The inputs of the first call of a check."""
    seen: list = []
    one = get_exercise(which)
    one.run(LocalCall(lambda *inputs: seen.append(copy.deepcopy(inputs)) or solution(*inputs)), one.draw(0))
    return seen[0]


def verdict_is_wrong(answer: Answer, seeds: tuple) -> bool:
    passed = run_check(answer.exercise, answer, seeds=seeds).passed
    if answer.kind == "wrong":
        return passed and answer.differs
    return passed == (answer.kind == "left")


def solutions(lessons: list[str]) -> dict[str, Callable]:
    found = {}
    for path in lesson_paths(lessons or None):
        found.update(exercise_functions(read_lesson(path)))
    return found


def count_verdicts(found: dict[str, Callable]) -> None:
    tried, bad = Counter(), Counter()
    for which, solution in found.items():
        for answer in bank(which, solution):
            if (which, answer.name) in ALLOWED:
                continue
            tried[answer.kind] += 1
            if verdict_is_wrong(answer, SEEDS):
                bad[answer.kind] += 1
                print(f"{which}: {answer.kind}: {answer.name}", flush=True)
    print(f"wrong that pass: {bad['wrong']} of {tried['wrong']}")
    print(f"right that are rejected: {bad['right']} of {tried['right']}")
    print(f"leaving something behind that pass: {bad['left']} of {tried['left']}")


def count_rejected(found: dict[str, Callable], graders: int) -> None:
    """Right answers, with the hidden seeds of many graders."""
    tried = rejected = 0
    for which, solution in found.items():
        seeds = [seed for grader in range(graders) for seed in hidden_seeds(grader, which)]
        for answer in bank(which, solution):
            if answer.name not in ("float64", "float32 inside") or (which, answer.name) in ALLOWED:
                continue
            failed = [seed for seed in seeds if not run_check(which, answer, seeds=[seed]).passed]
            tried += graders
            rejected += len({seeds.index(seed) // (len(seeds) // graders) for seed in failed})
            if failed:
                print(f"{which}: {answer.name}: {len(failed)} of {len(seeds)} draws", flush=True)
    print(f"right answers rejected: {rejected} of {tried} gradings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="for example 07; without, all")
    parser.add_argument("--seeds", type=int, default=0, metavar="N", help="right answers only, for N graders' seeds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    found = solutions(options.lessons)
    if options.seeds:
        count_rejected(found, options.seeds)
    else:
        count_verdicts(found)
    print(f"{time.perf_counter() - started:.0f} seconds")


if __name__ == "__main__":
    main()
