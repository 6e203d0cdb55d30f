"""What a call leaves behind is seen, said, and put back, in the notebook as in the sandbox."""

import builtins
import contextlib
import io
import os
import random
import sys
import warnings
from contextlib import ExitStack

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from course_utils.exercises import exercise as registry
from course_utils.exercises import run_check
from course_utils.exercises.call import LocalCall
from course_utils.exercises.compare import close
from course_utils.exercises.left_behind import _SETTINGS, EVERYWHERE, OF_AN_INPUT, _settings
from course_utils.exercises.messages import leftover


@pytest.fixture
def exercises(monkeypatch):
    """42.1: the scores plus the sum of a list of tensors. 42.2: an exercise that asks for a change in place."""
    monkeypatch.setattr(registry, "_EXERCISES", {})

    @registry.exercise("42.1", "scored")
    def scored(call, draw):
        net, images = draw.net("conv"), draw.images(2)
        parts = [draw.normal(3), draw.normal(4)]
        close(call(net, images, parts), right(net, images, parts))

    @registry.exercise("42.2", "emptied", changes=[0])
    def emptied(call, draw):
        x = draw.normal(3)
        close(call(x, x), 0 * x)

    monkeypatch.setattr(registry, "lesson_exercises", lambda lesson: [scored, emptied])


def right(net, images, parts):
    return net(images).detach() + sum(part.sum() for part in parts)


def set_grad(x):
    x.grad = torch.ones_like(x)


def set_data(x, new):
    x.data = new


def set_child(net):
    net.model[1] = nn.ReLU()


def set_forward(net):
    net.model[1].forward = lambda x: x


LEFT = {
    "values": [
        lambda net, images, parts: images.add_(1),
        lambda net, images, parts: images[0, 0, :1, :1].zero_(),
        lambda net, images, parts: images.t_() if images.ndim == 2 else images.transpose_(2, 3),
        lambda net, images, parts: set_data(images, images.float()),
        lambda net, images, parts: parts[1].mul_(2),
        lambda net, images, parts: parts.append(parts[0]),
        lambda net, images, parts: parts.reverse(),
        lambda net, images, parts: net.mean.add_(1),
        lambda net, images, parts: next(net.parameters()).data.mul_(2),
    ],
    "requires_grad": [
        lambda net, images, parts: images.requires_grad_(),
        lambda net, images, parts: parts[0].requires_grad_(),
        lambda net, images, parts: net.requires_grad_(),
    ],
    "grad": [
        lambda net, images, parts: set_grad(images),
        lambda net, images, parts: set_grad(parts[1]),
        lambda net, images, parts: set_grad(next(net.parameters())),
    ],
    "mode": [lambda net, images, parts: net.train(), lambda net, images, parts: net.model[0].train()],
    "hooks": [
        lambda net, images, parts: net.register_forward_hook(lambda *_: None),
        lambda net, images, parts: net.model[1].register_forward_pre_hook(lambda *_: None),
        lambda net, images, parts: net.model[1].register_full_backward_hook(lambda *_: None),
    ],
    "layers": [
        lambda net, images, parts: set_child(net),
        lambda net, images, parts: set_forward(net),
        lambda net, images, parts: setattr(net.model[1], "inplace", True),
    ],
    "default dtype": [lambda *_: torch.set_default_dtype(torch.float64)],
    "default device": [lambda *_: torch.set_default_device("meta")],
    "grad mode": [lambda *_: torch.set_grad_enabled(False)],
    "deterministic": [lambda *_: torch.set_deterministic_debug_mode("error")],
    "anomaly": [lambda *_: torch.autograd.set_detect_anomaly(True)],
    "threads": [lambda *_: torch.set_num_threads(torch.get_num_threads() + 1)],
    "precision": [lambda *_: torch.set_float32_matmul_precision("medium")],
    "numpy errors": [lambda *_: np.seterr(all="ignore")],
    "numpy printing": [lambda *_: np.set_printoptions(precision=2)],
    "torch printing": [lambda *_: torch.set_printoptions(precision=2)],
    "backends": [
        lambda *_: setattr(torch.backends.mkldnn, "enabled", False),
        lambda *_: setattr(torch.backends.cudnn, "benchmark", True),
    ],
    "functions": [
        lambda *_: setattr(functional, "relu", abs),
        lambda *_: setattr(torch, "clamp", np.zeros(2)),  # whose == gives two answers
        lambda *_: setattr(torch.Tensor, "relu", abs),
        lambda *_: setattr(np, "roll", abs),
        lambda *_: setattr(builtins, "pow", abs),
        lambda *_: delattr(torch, "cumprod"),
    ],
    "warnings": [lambda *_: warnings.simplefilter("error"), lambda *_: warnings.filterwarnings("ignore")],
    "global hooks": [lambda *_: nn.modules.module.register_module_forward_hook(lambda *_: None)],
    "denormals": [lambda *_: torch.set_flush_denormal(True)],
    "autocast": [lambda *_: torch.autocast("cpu").__enter__(), lambda *_: torch.set_autocast_dtype("cpu", torch.half)],
    "recursion": [lambda *_: sys.setrecursionlimit(sys.getrecursionlimit() + 5)],
    "output": [lambda *_: setattr(sys, "stdout", io.StringIO()), lambda *_: setattr(sys, "stderr", None)],
    "folder": [lambda *_: os.chdir(os.sep)],
    "environment": [
        lambda *_: os.environ.update(COURSE_TEST="1"),
        lambda *_: os.environ.pop("PATH"),
        lambda *_: os.environ.update(PATH="nowhere"),
        lambda *_: os.environ.clear(),
        lambda *_: setattr(os, "environ", {}),
    ],
    "looks": [lambda *_: plt.rcParams.update({"figure.dpi": 1}), lambda *_: plt.style.use("dark_background")],
    "seed of torch": [lambda *_: torch.manual_seed(0)],
    "seed of numpy": [lambda *_: np.random.seed(0)],
    "seed of random": [lambda *_: random.seed(0)],
}
CASES = [(code, leave) for code, cases in LEFT.items() for leave in cases]


def test_every_kind_has_a_case():
    assert set(LEFT) == {*OF_AN_INPUT, *EVERYWHERE}


@pytest.mark.parametrize(("code", "leave"), CASES, ids=[f"{code}-{i}" for i, (code, _) in enumerate(CASES)])
def test_what_a_call_leaves_behind_is_said(exercises, code, leave):
    def function(net, images, parts):
        result = right(net, images, parts)
        leave(net, images, parts)
        return result

    outcome = run_check("42.1", function)
    assert outcome.state == "failed"
    names = ["net", "images", "parts"]
    sentences = [leftover((code, number), names) for number in (range(3) if code in OF_AN_INPUT else [None])]
    assert any(sentence in outcome.problem + outcome.cause for sentence in sentences), str(outcome)
    assert code in OF_AN_INPUT or outcome.problem == sentences[0], "nothing else was changed"


def test_whoever_cleans_up_passes(exercises):
    def function(net, images, parts):
        torch.rand(3), np.random.rand(), random.random()
        kept = images.clone()
        images.add_(1)
        net.train()
        handle = net.register_forward_hook(lambda *_: None)
        warnings.filterwarnings("ignore", module="a_library")  # as a library does when it is imported
        with plt.rc_context({"figure.dpi": 1}), contextlib.redirect_stdout(io.StringIO()), torch.autocast("cpu"):
            print(images)
        plt.switch_backend("svg")  # as the first figure of a notebook does
        with np.errstate(all="ignore"), torch.no_grad(), warnings.catch_warnings(action="ignore"):
            images.copy_(kept)
        handle.remove()
        net.eval()
        return right(net, images, parts)

    outcome = run_check("42.1", function)
    assert outcome.passed, str(outcome)


def test_a_library_that_sets_a_variable_when_it_is_imported_is_not_told(exercises, tmp_path, monkeypatch):
    """scikit-learn and OpenCV do."""
    (tmp_path / "a_library.py").write_text("import os\nos.environ['A_LIBRARY'] = '1'\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("A_LIBRARY", "")  # so that it is taken away after the test
    monkeypatch.delenv("A_LIBRARY")

    def function(net, images, parts):
        import a_library  # noqa: F401

        return right(net, images, parts)

    assert run_check("42.1", function).passed
    assert os.environ["A_LIBRARY"] == "1"
    sys.modules.pop("a_library")

    def other(net, images, parts):
        os.environ["PATH"] = ""
        return function(net, images, parts)

    assert "os.environ" in run_check("42.1", other).problem


def test_settings_are_put_back_after_a_check_also_if_the_function_raises(exercises):
    def vandal(*_):
        for code in (*_SETTINGS, "seed of torch"):
            for leave in LEFT[code]:
                leave()
        raise ValueError("no")

    before, printed, variables = _settings(), (sys.stdout, sys.stderr), dict(os.environ)
    hooks, state = dict(nn.modules.module._global_forward_hooks), torch.get_rng_state()
    for function in (vandal, lambda *inputs: LEFT["default dtype"][0]() or right(*inputs)):
        assert not run_check("42.1", function).passed
        assert before == _settings()
        assert (
            (sys.stdout, sys.stderr) == printed and dict(os.environ) == variables and torch.clamp(torch.ones(1), 2) == 2
        )
        assert dict(nn.modules.module._global_forward_hooks) == hooks
        assert torch.equal(torch.get_rng_state(), state)


def test_an_exercise_may_ask_for_a_change_in_place(exercises):
    assert run_check("42.2", lambda x, y: x.zero_()).passed
    assert run_check("42.2", lambda x, y: 0 * x).passed
    outcome = run_check("42.2", lambda x, y: y.zero_())
    assert "its input `y`" in outcome.problem


def test_a_network_that_is_to_be_trained_keeps_gradients_and_its_mode_and_nothing_else(exercises, monkeypatch):
    @registry.exercise("42.3", "trained", changes=[0])
    def trained(call, draw):
        net = draw.net("painter")
        close(call(net, draw.net("painter")), net.layer("0").weight[:, 0, 0, 0].detach())

    def function(leave):
        def trained(net, other):
            before = net.layer("0").weight[:, 0, 0, 0].detach().clone()
            leave(net, other)
            return before

        return trained

    monkeypatch.setattr(registry, "lesson_exercises", lambda lesson: [trained])
    allowed = [lambda net, other: [set_grad(p) for p in net.parameters()], lambda net, other: net.train()]
    for leave in allowed:
        assert run_check("42.3", function(leave)).passed
        assert not run_check("42.3", function(lambda net, other, leave=leave: leave(other, net))).passed
    assert not run_check("42.3", function(lambda net, other: net.requires_grad_(False))).passed


def test_values_come_first_and_what_was_left_behind_is_told_with_them(exercises):
    outcome = run_check("42.1", lambda net, images, parts: -right(net, images.mul_(1.5), parts))
    assert "wrong values" in outcome.problem and "changed its input `images`" in outcome.cause


def test_an_answer_that_remembers_is_found(exercises):
    calls = []

    def counting(net, images, parts):
        calls.append(1)
        return right(net, images, parts) + (len(calls) % 2 == 0)

    outcome = run_check("42.1", counting)
    assert "A second call" in outcome.problem and "first call" in outcome.cause, str(outcome)
    assert "or does the function draw random numbers?" in outcome.cause  # which of both was not looked at


def test_the_second_call_may_raise_because_of_the_first(exercises):
    outcome = run_check("42.1", lambda net, images, parts: right(net, images, [parts.pop(0), parts.pop(0)]))
    assert outcome.state == "failed" and "changed its input `parts`" in outcome.problem


def test_without_names_inputs_are_counted():
    assert "its second input" in leftover(("values", 1))


def test_gradients_through_an_answer():
    x = torch.rand(3, dtype=torch.float64)
    first, second = LocalCall(lambda parts, factor: (parts[0] ** 2 * factor).sum()).gradient([x, x], 3)
    assert torch.allclose(first, 6 * x) and not second.any()
    for cut in (
        lambda x: (x**2).sum().item(),
        lambda x: (x**2).sum().detach(),
        lambda x: (x.numpy() ** 2).sum(),
        lambda x: torch.tensor(float((x**2).sum())),
    ):
        with pytest.raises(Exception, match="its graph is cut"):
            LocalCall(cut).gradient(x)


# what a cell of a notebook may have set before a check
SET_BEFORE = {
    "no gradients": lambda stack: stack.enter_context(torch.no_grad()),
    "inference": lambda stack: stack.enter_context(torch.inference_mode()),
    "default device": lambda stack: (torch.set_default_device("meta"), stack.callback(torch.set_default_device, None)),
    "in a device": lambda stack: stack.enter_context(torch.device("meta")),
    "float64": lambda stack: (
        torch.set_default_dtype(torch.float64),
        stack.callback(torch.set_default_dtype, torch.float32),
    ),
    "float16": lambda stack: (
        torch.set_default_dtype(torch.float16),
        stack.callback(torch.set_default_dtype, torch.float32),
    ),
    "autocast": lambda stack: stack.enter_context(torch.autocast("cpu")),
    "NumPy raises": lambda stack: stack.enter_context(np.errstate(all="raise")),
}


def _settings_now():
    modes = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    return (
        *modes,
        torch.is_autocast_enabled("cpu"),
        torch.get_default_dtype(),
        str(torch.get_default_device()),
        np.geterr(),
    )


@pytest.mark.parametrize("set_before", SET_BEFORE.values(), ids=SET_BEFORE)
def test_what_a_notebook_has_set_before_costs_no_right_answer(monkeypatch, set_before):
    """A check that takes gradients, as those of 07.2, 07.4 and 14.1 do, and makes tensors without saying of what."""
    seen = []

    def slope(net, images):
        seen.append(_settings_now())
        x = images.detach().clone().requires_grad_()
        return torch.autograd.grad(net(x).sum() * torch.ones(1), x)[0]

    monkeypatch.setattr(registry, "_EXERCISES", {})

    @registry.exercise("42.3", "slope")
    def sloped(call, draw):
        net, images = draw.net("conv"), draw.images(2)
        seen.append(_settings_now())
        close(call(net, images), slope(net, images))

    monkeypatch.setattr(registry, "lesson_exercises", lambda lesson: [sloped])
    usual = _settings_now()
    with ExitStack() as stack:
        set_before(stack)
        before = _settings_now()
        outcome = run_check("42.3", slope)
        assert outcome.passed, str(outcome)
        assert _settings_now() == before != usual
        assert LocalCall(lambda: str(_settings_now()))() == str(usual)  # as the grader's sandbox calls it
        # a function that changes the settings is still found, and the notebook's stay
        outcome = run_check("42.3", lambda *inputs: (torch.set_default_device("meta"), slope(*inputs))[1])
        assert not outcome.passed and _settings_now() == before
    assert _settings_now() == usual and set(map(str, seen[:4])) == {str(usual)}
