"""What a call of a student's function leaves behind: in its inputs, in networks, in the settings of Python and torch.

It runs where the student's function runs, in the notebook and in the grader's sandbox. What it finds has a code, for
which `messages.py` has a sentence, and the number of the input that it is about.
"""

from __future__ import annotations

import builtins
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

Found = tuple[str, int | None]  # the code, and the number of the input or None
# in which torch keeps the hooks of all modules
_HOOKS = [v for name, v in vars(nn.modules.module).items() if name.startswith("_global_") and isinstance(v, dict)]


def _device(name: str) -> str | None:
    return None if name == "cpu" else name  # None takes torch's own way back, without a device mode that stays on


def _global_hooks() -> list[dict]:
    return [dict(hooks) for hooks in _HOOKS]


def _put_back_hooks(kept: list[dict]) -> None:
    for hooks, before in zip(_HOOKS, kept, strict=True):
        hooks.clear()
        hooks.update(before)


@dataclass(frozen=True)
class _Warnings:
    """What Python does with warnings. Only rules for all modules count: a library adds others when it is imported."""

    rules: list
    every: list = field(compare=False)


def _warnings() -> _Warnings:
    every = list(warnings.filters)
    rules = [rule for rule in every if rule[1] is None and rule[3] is None and rule[2].__module__ == "builtins"]
    return _Warnings(rules, every)


def _put_back_warnings(kept: _Warnings) -> None:
    warnings.resetwarnings()  # also forgets what was decided by other rules
    warnings.filters[:] = kept.every


# of whom a function could be replaced, and the names of all that they had at first: libraries add names when loaded.
# Two of torch change by themselves: its compiler puts a wrapper around one, the other goes with the default dtype
_OWNERS = {
    owner: [name for name, value in vars(owner).items() if callable(value) and name not in ("manual_seed", "Storage")]
    for owner in (builtins, functional, torch, np)
}
_OF_A_TENSOR = {name for name in dir(torch.Tensor) if callable(getattr(torch.Tensor, name, None))}


_VALUES = {owner: itemgetter(*names) for owner, names in _OWNERS.items()}


def _functions() -> tuple[list[tuple], dict[str, Any]]:
    own = {name: value for name, value in vars(torch.Tensor).items() if name in _OF_A_TENSOR}
    try:
        return [values(vars(owner)) for owner, values in _VALUES.items()], own
    except KeyError:  # somebody deleted one
        return [tuple(map(vars(owner).get, names)) for owner, names in _OWNERS.items()], own


def _put_back_functions(kept: tuple[list[tuple], dict[str, Any]]) -> None:
    for (owner, names), values in zip(_OWNERS.items(), kept[0], strict=True):
        vars(owner).update((name, value) for name, value in zip(names, values, strict=True) if value is not None)
    for name, value in _functions()[1].items():
        if name not in kept[1]:  # a tensor's methods are those of a class behind it, until somebody adds one
            delattr(torch.Tensor, name)
        elif value is not kept[1][name]:
            setattr(torch.Tensor, name, kept[1][name])


_ENVIRONMENT = os.environ


@dataclass(frozen=True, eq=False)
class _Environment:
    """The variables of the environment. A library that is imported may add some: those do not count."""

    behind: object  # what `os.environ` is
    variables: dict[str, str]
    modules: int

    def __eq__(self, other: _Environment) -> bool:
        if self.behind is not other.behind:
            return False
        if self.modules == other.modules:
            return self.variables == other.variables
        return all(other.variables.get(name) == value for name, value in self.variables.items())


def _environment() -> _Environment:
    variables = _ENVIRONMENT._data.copy()  # the dictionary in it: 300 times as fast to copy
    return _Environment(os.environ, variables, len(sys.modules))


def _put_back_environment(kept: _Environment) -> None:
    before = {_ENVIRONMENT.decodekey(name): _ENVIRONMENT.decodevalue(value) for name, value in kept.variables.items()}
    for name in [name for name in _ENVIRONMENT if name not in before]:
        del _ENVIRONMENT[name]
    _ENVIRONMENT.update(before)
    vars(os)["environ"] = kept.behind


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # somebody deleted it
        return None


def _put_back_folder(kept: str | None) -> None:
    if kept is not None and os.path.isdir(kept):
        os.chdir(kept)


def _looks() -> list | None:
    """matplotlib's settings; None if it is not loaded. They are read around their own access, which takes 0.5 ms."""
    settings = getattr(sys.modules.get("matplotlib"), "rcParams", None)
    if not isinstance(settings, dict) or list(dict.keys(settings)) != _names_of_looks():
        return None
    values = list(dict.values(settings))
    values[_names_of_looks().index("backend")] = None  # it is chosen when the first figure is made
    return values


@cache
def _names_of_looks() -> list[str]:
    return list(dict.keys(sys.modules["matplotlib"].rcParams))


def _put_back_looks(kept: list) -> None:
    of_name = dict(zip(_names_of_looks(), kept, strict=True))
    del of_name["backend"]
    dict.update(sys.modules["matplotlib"].rcParams, of_name)


def _flushes() -> bool:
    """Whether this thread computes with 0 in place of the smallest numbers; torch cannot be asked."""
    return _SMALLEST * 1.0 == 0


_SMALLEST = 5e-324
_BACKENDS = [
    (torch.backends.mkldnn, "enabled"),
    *((torch.backends.cudnn, name) for name in ("enabled", "benchmark", "deterministic")),
]


def _numbers_of(state: tuple) -> tuple:
    _, numbers, place, *rest = state
    return numbers.tobytes(), place, *rest


# code -> (read a setting, put it back)
_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "default device": (lambda: str(torch.get_default_device()), lambda name: torch.set_default_device(_device(name))),
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "deterministic": (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    "anomaly": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "threads": (torch.get_num_threads, torch.set_num_threads),
    "precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "numpy errors": (np.geterr, lambda kept: np.seterr(**kept)),
    "numpy printing": (np.get_printoptions, lambda kept: np.set_printoptions(**kept)),
    "torch printing": (
        lambda: dict(vars(torch._tensor_str.PRINT_OPTS)),
        lambda kept: torch.set_printoptions(**kept),
    ),
    "backends": (
        lambda: [getattr(backend, name) for backend, name in _BACKENDS],
        lambda kept: [setattr(*one, value) for one, value in zip(_BACKENDS, kept, strict=True)],
    ),
    "functions": (_functions, _put_back_functions),
    "warnings": (_warnings, _put_back_warnings),
    "global hooks": (_global_hooks, _put_back_hooks),
    "denormals": (_flushes, torch.set_flush_denormal),
    "autocast": (
        lambda: (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        lambda kept: (torch.set_autocast_enabled("cpu", kept[0]), torch.set_autocast_dtype("cpu", kept[1])),
    ),
    "recursion": (sys.getrecursionlimit, sys.setrecursionlimit),
    "output": (lambda: (sys.stdout, sys.stderr), lambda kept: vars(sys).update(stdout=kept[0], stderr=kept[1])),
    "folder": (_folder, _put_back_folder),
    "environment": (_environment, _put_back_environment),
    "looks": (_looks, _put_back_looks),
}
_GENERATORS: dict[str, tuple[Callable[[], Any], Callable[[int], Any]]] = {
    "seed of torch": (lambda: torch.get_rng_state().numpy().tobytes(), torch.default_generator.manual_seed),
    "seed of numpy": (lambda: _numbers_of(np.random.get_state()), np.random.seed),
    "seed of random": (random.getstate, random.seed),
}
_NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}  # as NumPy begins
OF_AN_INPUT = ("values", "requires_grad", "grad", "mode", "hooks", "layers")
EVERYWHERE = (*_SETTINGS, *_GENERATORS)


def _settings() -> dict[str, Any]:
    return {code: read() for code, (read, _) in _SETTINGS.items()}


def _differs(before: Any, now: Any) -> bool:
    """Whether a setting has changed. None: it could not be read before, so nothing is known of it."""
    try:
        return before is not None and before != now
    except Exception:  # what somebody put there cannot be compared
        return True


def _put_back(settings: dict[str, Any], now: dict[str, Any] | None = None) -> None:
    """Set what differs from `settings`; `now` is how things are, if they have just been read."""
    now = _settings() if now is None else now
    for code, (_, put_back) in _SETTINGS.items():
        if _differs(settings[code], now[code]):
            put_back(settings[code])


@contextmanager
def same_state() -> Iterator[None]:
    """Whatever is drawn or set in this block: afterwards the random state and the settings are as before."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    settings = _settings()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        _put_back(settings)


@contextmanager
def known_settings() -> Iterator[None]:
    """In this block torch and NumPy are set as at their start, afterwards as the notebook has set them.

    A check and the function that it calls compute the same then, whatever a cell has set before.
    """
    kept = _settings()
    try:
        with torch.inference_mode(False), torch.enable_grad(), _on_the_cpu(), np.errstate(**_NUMPY_ERRORS):
            torch.set_default_dtype(torch.float32)
            torch.set_deterministic_debug_mode("default")
            torch.set_autocast_enabled("cpu", False)
            yield
    finally:
        _put_back(kept)


@contextmanager
def _on_the_cpu() -> Iterator[None]:
    if str(torch.get_default_device()) != "cpu":
        torch.set_default_device(None)
    blocked = str(torch.get_default_device()) != "cpu"  # by a `with torch.device(...)` around all of this
    with torch.device("cpu") if blocked else nullcontext():
        yield


class BeforeAndAfter:
    """Looks around before and after calls on the same inputs.

    Args:
        inputs: of each call, the very same objects.
        calls: how many calls there will be.

    Attributes:
        found: what the calls so far left behind.
    """

    def __init__(self, inputs: list, *, calls: int):
        self.inputs, self.calls, self.found = inputs, calls, []
        self._before = _looked_at(inputs)
        self._ends: list[dict[str, Any]] = []  # where the generators stood after each call

    @contextmanager
    def one_call(self) -> Iterator[None]:
        """Around one call: every setting is put back after it, so that it changes nothing for others."""
        settings, now = _settings(), None
        for _, seed in _GENERATORS.values():
            seed(1 + len(self._ends))  # every call begins elsewhere
        try:
            yield
            now = _settings()
            if self.calls > 1:  # a single place says nothing, and reading them takes a third of a call's time
                self._ends.append({code: read() for code, (read, _) in _GENERATORS.items()})
            self._compare(settings, now)
        finally:
            _put_back(settings, now)

    def _compare(self, settings: dict[str, Any], now: dict[str, Any]) -> None:
        inputs = _looked_at(self.inputs)
        changed = [key for key, before in self._before.items() if inputs[key] != before]
        changed += [(code, None) for code in _SETTINGS if _differs(settings[code], now[code])]
        # generators that stand at one place after calls that began at different ones: the function seeds them
        first, *others = self._ends or [{}]
        changed += [(code, None) for code in _GENERATORS if any(end[code] == first[code] for end in others)]
        self.found += [one for one in changed if one not in self.found]


def _looked_at(inputs: list) -> dict[Found, Any]:
    """All that a call could change, in values that `==` compares."""
    seen: dict[Found, Any] = {}
    for number, value in enumerate(inputs):
        tensors, networks = list(_parts(value, torch.Tensor)), list(_parts(value, nn.Module))
        modules = [module for net in networks for module in net.modules()]
        tensors += [t for net in networks for t in (*net.parameters(), *net.buffers())]
        seen["values", number] = _plain(value)
        seen["requires_grad", number] = [t.requires_grad for t in tensors]
        seen["grad", number] = [_plain(t.grad) if t.is_leaf else None for t in tensors]
        seen["hooks", number] = [_hooks(one) for one in (*tensors, *modules)]
        seen["mode", number] = [module.training for module in modules]
        seen["layers", number] = [_settings_of(module) for module in modules]
    return seen


def _parts(value: Any, kind: type) -> Iterator[Any]:
    """Everything of one kind in a value, also in lists."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _parts(part, kind)


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or value.is_meta:
            return str(value.layout), str(value.device)
        plain = value.detach().resolve_conj().resolve_neg().cpu()
        return str(plain.dtype), tuple(plain.shape), plain.reshape(-1).view(torch.uint8).numpy().tobytes()
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, nn.Module):
        return [(name, _plain(t)) for name, t in (*value.named_parameters(), *value.named_buffers())]
    if isinstance(value, dict):
        return [(_plain(key), _plain(part)) for key, part in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [_plain(part) for part in value]
    return repr(value) if isinstance(value, (str, int, float, type(None))) else id(value)


def _hooks(owner: torch.Tensor | nn.Module) -> list[int]:
    """How many hooks of each kind; torch keeps them in private dictionaries whose names end in `_hooks`."""
    if isinstance(owner, torch.Tensor):
        return [len(owner._backward_hooks or ())]
    return [len(hooks) for name, hooks in vars(owner).items() if name.endswith("_hooks")]


def _settings_of(module: nn.Module) -> Any:
    """What kind of layer it is, and its public attributes, such as a convolution's stride or a replaced `forward`."""
    own = {name: value for name, value in vars(module).items() if not name.startswith("_") and name != "training"}
    simple = (str, int, float, bool, tuple, type(None))
    kept = {name: value if isinstance(value, simple) else id(value) for name, value in own.items()}
    return id(type(module)), id(type(module).forward), kept, [id(child) for child in module.children()]
