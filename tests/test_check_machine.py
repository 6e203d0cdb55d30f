import json
import random

import numpy as np
import pytest
import torch

from course_utils.exercises import check, machine, run_check, tiny_net, transport
from course_utils.exercises import exercise as registry
from course_utils.exercises.compare import CheckFailed, close, number, require
from course_utils.exercises.machine import Draw, LocalCall, StudentError
from course_utils.exercises.messages import why


@pytest.fixture
def doubling(monkeypatch):
    """An exercise of its own: twice the array."""
    monkeypatch.setattr(registry, "_EXERCISES", {})

    @machine.exercise("42.1", "double")
    def double(call, draw):
        x = draw.normal(3, draw.integer(2, 5))
        first, second = call.twice(x)
        close(first, 2 * x, what="the result")
        close(second, 2 * x, what="the second result")

    def changes_the_input(x):
        result = 2 * x
        x += 1
        return result

    double.slips = {
        "This one raises.": lambda x: x @ x[:1].T @ x,
        "You squared it.": lambda x: x**2,
        "You squared it, and this sentence comes too late.": lambda x: x * x,
        "You transposed it.": lambda x: 2 * x.T,
        "You changed the input.": changes_the_input,
    }
    monkeypatch.setattr(registry, "lesson_exercises", lambda lesson: [registry._EXERCISES["42.1"]])


def test_the_right_answer_passes_in_every_form(doubling):
    for function in (
        lambda x: 2 * x,
        lambda x: 2 * x.numpy(),
        lambda x: (2 * x).tolist(),
        lambda x: 2 * x.clone().requires_grad_(),
    ):
        assert run_check("42.1", function).passed


FORMS = {
    "float32": lambda x: x.float(),
    "a tuple of rows": tuple,
    "a list of tensors": list,
    "a list of arrays": lambda x: [row.numpy() for row in x],
    "tuples in a list": lambda x: [tuple(row.tolist()) for row in x],
    "numbers of NumPy": lambda x: [[np.float64(v) for v in row] for row in x.tolist()],
    "a parameter": torch.nn.Parameter,
    "stored transposed": lambda x: x.T.contiguous().T,
    "stored backward": lambda x: x.flip(0).numpy()[::-1],
    "a lazy minus": lambda x: torch._neg_view(-x),
    "a lazy conjugate": lambda x: torch.complex(0 * x, -x).conj().imag,
    "an inference tensor": torch.inference_mode()(lambda x: x.clone()),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_the_right_answer_passes(doubling, form):
    outcome = run_check("42.1", lambda x: form(2 * x))
    assert outcome.passed, str(outcome)


def raises(error):
    def function(*_):
        raise error

    return function


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError


class Unlooked:
    @property
    def __class__(self):
        raise ValueError


ODD = {
    "a generator": (lambda x: (row for row in x), "list(...)"),
    "a map": (lambda x: map(abs, x), "list(...)"),
    "a set": (lambda x: {1, 2}, "list(...)"),
    "a function": (lambda x: abs, "parentheses"),
    "a method": (lambda x: x.mean, "parentheses"),
    "a network": (lambda x: tiny_net(), "network"),
    "complex": (lambda x: x.to(torch.complex128), ".real"),
    "one complex number": (lambda x: 1j, ".real"),
    "sparse": (lambda x: x.to_sparse(), "to_dense"),
    "compressed": (lambda x: x.to_sparse_csr(), "to_dense"),
    "on no device": (lambda x: x.to("meta"), "not an array"),
    "objects": (lambda x: np.array([1, None]), "objects"),
    "words": (lambda x: np.array(["a"]), "text"),
    "text": (lambda x: "abc", "text"),
    "a dictionary": (lambda x: {"x": 1}, "dict"),
    "text inside": (lambda x: [1, ["a"]], "with text in it"),
    "None inside": (lambda x: [1, None], "with None in it"),
    "a ragged list": (lambda x: [[1.0], [1.0, 2.0]], "different shapes"),
    "a list of numbers and rows": (lambda x: [1.0, [2.0]], "different shapes"),
    "tensors of several sizes": (lambda x: [x, x[:1]], "torch.stack"),
    "tensors in lists": (lambda x: [[x[0], x[0]], [x[0], x[0, :1]]], "torch.stack"),
    "a pair": (lambda x: (2 * x, 2 * x), "wrong shape"),
    "a named pair": (lambda x: x.max(1), "wrong shape"),
    "nothing in it": (lambda x: x[:0], "wrong shape"),
    "an empty list": (lambda x: [], "wrong shape"),
    "a huge integer": (lambda x: 10**400, "too large"),
    "an endless integer": (lambda x: 10**9000, "digits"),
    "too deep": (lambda x: [[[[[[[[[[1]]]]]]]]]], "too deep"),
    "an object": (lambda x: object(), "not an array"),
    "an object that cannot be looked at": (lambda x: Unlooked(), "not an array"),
    "a module": (lambda x: np, "not an array"),
    "exit": (raises(SystemExit()), "SystemExit"),
    "no words": (raises(Unspeakable()), "Unspeakable"),
    "torch cannot do it": (raises(NotImplementedError("Could not run 'aten::x'")), "Could not run"),
}


@pytest.mark.parametrize(("function", "words"), ODD.values(), ids=ODD)
def test_odd_answers_fail_with_words(doubling, function, words, capsys, monkeypatch):
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    outcome = run_check("42.1", function)
    assert outcome.state in ("failed", "error") and words in str(outcome), str(outcome)
    assert "Traceback" not in str(outcome) and "?." not in str(outcome) and outcome.error is None
    check("42.1", function)
    assert words in capsys.readouterr().out


def test_a_list_that_holds_itself(doubling):
    endless = []
    endless.append(endless)
    assert "too deep" in run_check("42.1", lambda x: endless).problem


def test_a_check_that_cannot_take_an_answer_says_so(monkeypatch):
    monkeypatch.setattr(registry, "_EXERCISES", {})

    @registry.exercise("42.1", "picky")
    def picky(call, draw):
        torch.as_tensor(call()).double()

    monkeypatch.setattr(registry, "lesson_exercises", lambda lesson: [picky])
    outcome = run_check("42.1", lambda: "abc")
    assert outcome.state == "failed" and "could not compare" in outcome.problem and outcome.error is not None
    assert "restart the kernel" in outcome.cause


def test_a_check_that_fails_before_it_has_an_answer_blames_no_function(monkeypatch):
    """As when a cell has put something else in the place of a function of torch."""
    monkeypatch.setattr(registry, "_EXERCISES", {})

    @registry.exercise("42.1", "spoiled")
    def spoiled(call, draw):
        close(call(draw.nothing()), 0)

    monkeypatch.setattr(registry, "lesson_exercises", lambda lesson: [spoiled])
    outcome = run_check("42.1", lambda x: x)
    assert outcome.state == "failed" and "check itself failed" in outcome.problem and "you returned" not in str(outcome)
    assert "says nothing about your function" in outcome.cause


def test_a_way_that_breaks_is_no_wrong_answer(doubling):
    class Broken(machine.Call):
        def run(self, arguments, times, gradient):
            raise OSError("the other process is gone")

    with pytest.raises(OSError, match="gone"):
        run_check("42.1", Broken())


def test_control_c_stops_a_check(doubling):
    with pytest.raises(KeyboardInterrupt):
        run_check("42.1", raises(KeyboardInterrupt()))


def test_a_word_is_not_the_same_object_as_in_the_check(monkeypatch):
    """As in the grader, where `rule is "gradient"` does not hold."""
    monkeypatch.setattr(registry, "_EXERCISES", {})
    word = "gradient"

    @registry.exercise("42.1", "named")
    def named(call, draw):
        require(bool(call(word)), "it is not the word.")

    monkeypatch.setattr(registry, "lesson_exercises", lambda lesson: [named])
    assert run_check("42.1", lambda rule: rule == word).passed
    assert not run_check("42.1", lambda rule: rule is word).passed


def test_one_number_in_every_form():
    for got in (2.5, np.float32(2.5), torch.tensor([2.5]), [2.5], (torch.tensor(2.5),), np.array([[2.5]])):
        close(got, torch.tensor(2.5))
        assert number(got) == 2.5
    close([torch.tensor([2.5]), np.array([3.5])], [2.5, 3.5])
    for column in (
        ([2.5, 2.5], 2.5),
        (np.array([[2.5], [3.5]]), [2.5, 3.5]),
        ([[2.5], [3.5]], [2.5, 3.5]),
        ([np.ones((2, 1))] * 2, np.ones((2, 2))),
    ):
        with pytest.raises(CheckFailed, match="wrong shape"):
            close(*column)
    with pytest.raises(CheckFailed, match="wrong shape"):
        close(2.5, [2.5])


def test_float32_passes_and_less_does_not():
    right = np.random.default_rng(0).normal(size=500)
    close(right.astype(np.float32), right)
    close(1e-8, 0.0)
    for wrong in (right.astype(np.float16), right.round(3), right * 1.0005):
        with pytest.raises(CheckFailed) as caught:
            close(wrong, right)
        assert "too imprecise (float32?)" in caught.value.cause
        expected, got = caught.value.detail.split("expected ")[1].split(", got ")
        assert expected != got
    with pytest.raises(CheckFailed):
        close(1e-6, 0.0)
    close(1e-6, 0.0, scale=1)


def test_causes_are_what_the_numbers_show():
    right = np.array([[1.0, 2.0], [3.5, 5.0]])
    cases = [
        (-right, "sign"),
        (0 * right, "Everything is 0"),
        (1.5 * right, "1.5 times"),
        (right + 2, "shifted"),
        (right[::-1], "another order"),
        (1.0001 * right, "too imprecise"),
        (right**2, ""),
        (right * [[1, -1], [1, 1]], ""),
    ]
    for got, cause in cases:
        with pytest.raises(CheckFailed) as caught:
            close(got, right)
        said = caught.value.cause
        assert cause in said if cause else not said, said
    for got, want in ((1.4e-6, 0.0), ([1e-6, -1e-6], [0.0, 0.0]), ([0, 0, 7.0], [0, 0, 5.0]), ([3.0], [2.0])):
        with pytest.raises(CheckFailed) as caught:
            close(got, want)
        assert not caught.value.cause, caught.value.cause


def test_errors_are_explained_by_what_they_say():
    cases = {
        "IndexError: list index out of range": "Is it empty",
        "IndexError: index 7 is out of bounds for dimension 0 with size 5": "outside",
        "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn": "on this copy",
        "TypeError: double() missing 1 required positional argument: 'k'": "keep the given `def` line",
        "TypeError: conv2d() missing 1 required positional argument: 'k'": "",
        "ValueError: math domain error": "",
    }
    for error, cause in cases.items():
        said = why(error, "double")
        assert cause in said if cause else not said, said


def test_a_wrong_answer_says_problem_details_and_cause(doubling):
    outcome = run_check("42.1", lambda x: x**2)
    assert outcome.state == "failed" and "has the wrong values: the result" in outcome.problem
    assert "expected" in outcome.detail and outcome.cause == "You squared it."
    text = str(outcome)
    assert text.startswith("42.1 double: ✗ not yet") and "likely cause: You squared it." in text


def test_a_slip_is_found_where_it_happens(doubling):
    def adds_in_place(x):
        out = 2 * x
        return out, x.add_(1)

    def every_second_time_squared():  # right in the first comparison, where the slip is wrong as well
        runs = iter(range(100))
        return lambda x: x**2 if next(runs) % 2 else 2 * x

    for function, cause in (
        (lambda x: 2 * x.T, "You transposed it."),
        (lambda x: adds_in_place(x)[0], "You changed the input."),
        (every_second_time_squared(), "You squared it."),
        (lambda x: torch.where(x == x[0, 0], 7.0, 2 * x), ""),
    ):
        outcome = run_check("42.1", function)
        assert outcome.state == "failed" and outcome.cause == cause, str(outcome)


def test_a_slip_that_goes_wrong_here_first_comes_before_one_that_was_wrong_before(doubling):
    runs = iter(range(100))
    changed = machine.get_exercise("42.1").slips["You changed the input."]
    machine.get_exercise("42.1").slips = {
        "You changed the input, and began with 7.": lambda x: changed(x) if next(runs) % 2 else changed(x) * 0 + 7,
        "You changed the input.": changed,
    }
    assert run_check("42.1", changed).cause == "You changed the input."


def test_slips_run_only_after_a_wrong_answer_and_on_the_same_inputs(doubling):
    seen, slips = [], []
    machine.get_exercise("42.1").slips = {"A spy.": lambda x: slips.append(x.clone()) or 2 * x}
    assert run_check("42.1", lambda x: 2 * x).passed and not slips
    run_check("42.1", lambda x: seen.append(x.clone()) or x**2, seeds=[5])
    assert slips and torch.equal(slips[0], seen[0])


def test_a_requirement_knows_its_slip(monkeypatch):
    monkeypatch.setattr(registry, "_EXERCISES", {})

    @machine.exercise("42.1", "any_even")
    def any_even(call, draw):
        require(number(call()) % 2 == 0, "the number is odd.")

    any_even.slips = {"You began with 1.": lambda: 1}
    monkeypatch.setattr(registry, "lesson_exercises", lambda lesson: [any_even])
    assert run_check("42.1", lambda: 1.0).cause == "You began with 1."
    for other in (3, None):  # it fails in the same requirement, with another answer: nobody knows why
        assert run_check("42.1", lambda other=other: other).cause != "You began with 1."


def test_shapes_constants_signs_and_nan_have_their_words(doubling):
    cases = {
        lambda x: 2 * x.T: ("wrong shape", "transposed"),
        lambda x: 2 * x[None]: ("wrong shape", "[0]"),
        lambda x: 2 * x.sum(0): ("wrong shape", "too few"),
        lambda x: -2 * x: ("wrong values", "sign"),
        lambda x: 6 * x: ("wrong values", "3 times"),
        lambda x: 2 * x + 1: ("wrong values", "shifted"),
        lambda x: 0 * x: ("wrong values", "Everything is 0"),
        lambda x: x / 0 * 0: ("NaN", "0 / 0"),
        lambda x: x / 0: ("infinity", "division by 0"),
        lambda x: None: ("None", "return"),
    }
    for function, (problem, cause) in cases.items():
        outcome = run_check("42.1", function)
        assert problem in outcome.problem and cause in outcome.cause, str(outcome)


def test_an_error_in_the_function_is_words_and_no_stack_trace(doubling):
    def broken(x):
        return x @ x[:1].T @ x

    outcome = run_check("42.1", broken)
    assert outcome.state == "error" and "RuntimeError" in outcome.problem and "Traceback" not in str(outcome)
    assert "print both .shape" in outcome.cause


def test_an_unwritten_function_says_so(doubling):
    def stub(x):
        raise NotImplementedError("42.1: write this function")

    outcome = run_check("42.1", stub)
    assert outcome.state == "not written" and "○ not written yet" in str(outcome)


def test_inputs_come_from_the_seed_alone(doubling):
    seen = []
    for _ in range(2):
        run_check("42.1", lambda x: seen.append(x.clone()) or 2 * x, seeds=[5])
        np.random.rand(), random.random(), torch.rand(1)
    first, _, second, _ = seen  # the check calls it twice
    assert torch.equal(first, second)
    run_check("42.1", lambda x: seen.append(x) or 2 * x, seeds=[6])
    assert seen[-1].shape != first.shape or not torch.equal(seen[-1], first)


def test_constants_cannot_be_memorized(doubling):
    known = {}
    run_check("42.1", lambda x: known.setdefault("answer", 2 * x), seeds=[0])
    assert not run_check("42.1", lambda x: known["answer"], seeds=[0, 1]).passed


def test_a_function_cannot_change_what_the_check_compares_with(doubling):
    def vandal(x):
        x.zero_()
        return x

    assert not run_check("42.1", vandal).passed


def test_random_state_is_the_same_afterwards(doubling):
    def noisy(x):
        torch.manual_seed(0), np.random.seed(0), random.seed(0)
        return 2 * x

    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    run_check("42.1", noisy)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1]) and before[2] == random.getstate()


def test_liars_come_out_as_the_plain_data_they_hold(doubling):
    class Equal:
        def __eq__(self, other):
            return True

        def __array__(self, *args, **kwargs):
            return np.zeros(3)

    class Liar(np.ndarray):
        def __eq__(self, other):
            return np.ones(self.shape, bool)

        def __sub__(self, other):
            return np.zeros(self.shape)

    class LiarTensor(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return torch.zeros(())

    for wrong in (Equal(), np.zeros((3, 3)).view(Liar), torch.zeros(3, 3).as_subclass(LiarTensor)):
        assert not run_check("42.1", lambda x, wrong=wrong: wrong).passed


def test_twice_uses_the_very_same_objects():
    def accumulate(x):
        x.add_(1)
        return x.clone()

    first, second = LocalCall(accumulate).twice(torch.zeros(2))
    assert first.tolist() == [1, 1] and second.tolist() == [2, 2]


def test_check_prints_and_never_raises_for_the_student(doubling, monkeypatch, capsys):
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    check("42.1", lambda x: x)
    check("42.1", 3)
    out = capsys.readouterr().out
    assert "not yet" in out and 'check("42.1", double)' in out
    monkeypatch.setenv("COURSE_STRICT", "1")
    with pytest.raises(AssertionError, match="not yet"):
        check("42.1", lambda x: x)


def test_an_unknown_exercise_names_what_there_is(capsys):
    check("07.9", abs)
    check("99.1", abs)
    out = capsys.readouterr().out
    assert "07.1" in out and "no lesson '99'" in out


VALUES = [
    None,
    True,
    3,
    2**70,
    -0.5,
    float("inf"),
    "text",
    [1, [2.5, "a"]],
    (1, 2),
    {"a": 1, 2: [3]},
    np.arange(6, dtype=np.int16).reshape(2, 3),
    torch.rand(2, 3, dtype=torch.float64),
    torch.tensor(True),
    np.float32(2.5),
    torch.rand(3, 4).T,
    np.arange(6).reshape(2, 3)[:, ::-1],
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_plain_values_survive_the_road(value):
    back = transport.decode(json.loads(json.dumps(transport.encode(value))))
    if isinstance(value, (np.ndarray, np.generic, torch.Tensor)):
        assert np.array_equal(np.asarray(back), np.asarray(value)) and back.shape == value.shape
        assert str(back.dtype) == str(value.dtype)
    else:
        assert back == value and type(back) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        abs,
        np.array([object()]),
        np.array(["a"]),
        {1, 2},
        torch.complex(torch.ones(1), torch.ones(1)),
        [[[[[[[[[[1]]]]]]]]]],
    ],
)
def test_everything_else_is_refused(value):
    with pytest.raises(TypeError):
        transport.encode(value)


@pytest.mark.parametrize(
    "tree",
    [
        {"x": 1},
        {"array": ["<f8", [3], ""]},
        {"array": ["O", [1], ""]},
        [1],
        {"list": [1], "tuple": []},
        {"net": ["none", {}]},
    ],
)
def test_forged_messages_are_refused(tree):
    with pytest.raises((ValueError, TypeError)):
        transport.decode(tree)


def test_a_network_goes_as_a_handle():
    net = tiny_net("conv", seed=9, classes=4, inplace=True)
    tree = json.loads(json.dumps(transport.encode(net)))
    assert tree == {"net": ["conv", {"seed": 9, "channels": 3, "classes": 4, "inplace": True}]}
    x = torch.rand(2, 3, 8, 9, dtype=torch.float64)
    assert torch.equal(transport.decode(tree)(x), net(x))


@pytest.mark.parametrize("kind", ["linear", "conv", "maps"])
def test_tiny_nets_normalize(kind):
    """Or an answer that runs `net.model` on images would be right."""
    net = tiny_net(kind)
    x = torch.rand(2, 3, 6, 8, dtype=torch.float64)
    assert torch.allclose(net(x), net.model((x - net.mean) / net.std))
    assert (net(x) - net.model(x)).abs().max() > 0.1 * net(x).abs().max()
    assert len(set(net.mean.flatten().tolist())) == len(set(net.std.flatten().tolist())) == 3


def test_a_tiny_painter_can_be_trained_and_its_judge_stays():
    net, judge = (transport.decode(transport.encode(tiny_net(kind, seed=5))) for kind in ("painter", "judge"))
    photos = torch.rand(2, 3, 6, 8, dtype=torch.float64)
    pictures = net(photos)
    assert pictures.shape == photos.shape and pictures.min() > 0 and pictures.max() < 1
    losses = judge(pictures, photos)
    assert losses.shape == (2,)
    assert torch.allclose(losses[1:], judge(pictures[1:], photos[1:]))
    assert not torch.allclose(losses, judge(photos, pictures))
    losses.mean().backward()
    assert all(p.grad.abs().max() > 0 for p in net.parameters())
    assert not any(p.requires_grad for p in judge.parameters())


def test_tiny_nets_are_the_same_on_every_machine():
    """Weights come from NumPy's generator, whose stream is fixed; these numbers were printed once."""
    net = tiny_net("conv", seed=3)
    assert net.layer("0").weight.dtype == torch.float64
    assert torch.equal(net.layer("0").weight, tiny_net("conv", seed=3).layer("0").weight)
    assert not torch.equal(net.layer("0").weight, tiny_net("conv", seed=4).layer("0").weight)
    with pytest.raises(ValueError, match="no tiny network 'none'; there are linear, conv"):
        tiny_net("none")


def test_number_and_close_on_odd_answers():
    assert number(np.array([2.5])) == 2.5
    with pytest.raises(CheckFailed, match="one number"):
        number([1.0, 2.0])
    with pytest.raises(CheckFailed, match="array of numbers"):
        close("abc", np.zeros(3))
    close(np.array([1.0, 2.0]), [1, 2])
    close(0.0, 0.0)


def test_draws_have_the_promised_ranges():
    draw = Draw(3)
    assert {draw.integer(1, 3) for _ in range(50)} == {1, 2, 3}
    image = draw.images(2)
    assert image.shape[2] != image.shape[3] and image.min() >= 0 and image.max() <= 1 and image.dtype == torch.float64


def test_student_errors_carry_their_kind():
    with pytest.raises(StudentError) as caught:
        LocalCall(lambda: 1 / 0)()
    assert caught.value.kind == "ZeroDivisionError"
