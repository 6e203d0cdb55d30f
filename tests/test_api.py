"""What every public function and class of the course has in common; CONTRIBUTING.md says the same in words.

Each rule gives a problem in words, or None. OPEN lists what breaks a rule today: it only shrinks.
"""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import course_utils

PACKAGE = Path(course_utils.__file__).parent
ROOMS = ("networks", "images", "hooks", "plots", "optimize", "filters", "activations", "gradients", "fun", "figures")
ROOMS += ("stimuli", "cluster", "exercises")
PICTURES = ("images", "image", "content", "sample")  # what a method may call its pictures


def public_things() -> dict[str, object]:
    """Every public function and class: `room.name`, from `__all__`, or what a module without one defines."""
    found = {}
    for room in ROOMS:
        if not (PACKAGE / room).exists() and not (PACKAGE / f"{room}.py").exists():
            continue
        module = importlib.import_module(f"course_utils.{room}")
        defined = [n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
        names = getattr(module, "__all__", [n for n in defined if not n.startswith("_")])
        found |= {f"{room}.{name}": getattr(module, name) for name in names}
    return {name: thing for name, thing in found.items() if inspect.isfunction(thing) or inspect.isclass(thing)}


def methods() -> dict[str, object]:
    """The public methods of the public classes: `room.Class.name`, each by its first name."""
    found = {}
    for name, thing in THINGS.items():
        for method, value in vars(thing).items() if inspect.isclass(thing) else ():
            function = getattr(value, "__func__", value)  # of a class method
            if inspect.isfunction(function) and not method.startswith("_") and _has_source(function):
                found.setdefault(function, f"{name}.{method}")
    return {name: function for function, name in found.items()}


THINGS = public_things()


# Reading a function


def parameters(thing) -> dict[str, inspect.Parameter]:
    given = inspect.signature(thing).parameters
    return {name: parameter for name, parameter in given.items() if name not in ("self", "cls")}


def documentation(thing) -> str:
    return inspect.getdoc(thing) or "" if thing.__doc__ else ""


def section(thing, title: str) -> str:
    """The indented lines under `title:` in a docstring."""
    found = re.search(rf"^{title}:\n((?:[ \t]+.*\n|\n)*)", documentation(thing) + "\n", flags=re.M)
    return textwrap.dedent(found[1]) if found else ""


def described(thing) -> set[str]:
    """The parameters that a docstring explains. It may send the reader to another function for the rest."""
    text = section(thing, "Args") + section(thing, "Attributes")
    names = {name.strip(" *`") for line in re.findall(r"^([\w*`, ]+):", text, flags=re.M) for name in line.split(",")}
    for other in re.findall(r"[Ss]ee `(\w+)`", text) + re.findall(
        r"^(?:as in|the others as in) `(\w+)`", text, flags=re.M
    ):
        names |= {
            n for full, t in THINGS.items() if full.endswith(f".{other}") and t is not thing for n in described(t)
        }
    return names


def body(thing) -> ast.AST:
    if inspect.isclass(thing):
        own = [vars(thing)[name] for name in ("__init__", "__post_init__") if inspect.isfunction(vars(thing).get(name))]
        own = [function for function in own if function.__module__ == thing.__module__ and _has_source(function)]
        return ast.Module([ast.parse(textwrap.dedent(inspect.getsource(f))) for f in own], [])
    return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(thing))))


def _has_source(function) -> bool:
    return "<string>" not in function.__code__.co_filename  # a dataclass makes its __init__ from a string


def own_errors(tree: ast.AST) -> Iterator[str]:
    """The exceptions that a piece of code raises itself, and the checks that it calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            yield ast.unparse(node.exc).partition("(")[0]
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2].startswith("check_"):
            yield ast.unparse(node.func)


# The rules

ABOUT = ("target", "layer", "layers", "columns", "queries", "size", "titles")
INNER = {"KeyboardInterrupt", "_Stop"}  # how a loop is left; no caller sees them


def has_a_docstring(thing) -> str | None:
    return None if documentation(thing) else "no docstring"


def says_what_it_raises(thing) -> str | None:
    raised = sorted(set(own_errors(body(thing))) - INNER)
    return f"no Raises: for {', '.join(raised)}" if raised and not section(thing, "Raises") else None


def explains_its_parameters(thing) -> str | None:
    given = parameters(thing)
    missing = [name for name in given if name not in described(thing)]
    return f"no line in Args: for {', '.join(missing)}" if len(given) >= 3 and missing else None


def says_what_it_returns(thing) -> str | None:
    """Numbers, names, paths and figures are said by the type; tensors, tuples and dictionaries need words or shapes."""
    if inspect.isclass(thing):
        return None
    kind = str(inspect.signature(thing).return_annotation)
    if not re.search(r"Tensor|tuple|dict|ndarray|Iterator", kind):
        return None
    text = documentation(thing)
    told = re.search(r"^(Returns|Yields):", text, flags=re.M) or re.search(r"`\(.*?\)`", text.partition("\n\n")[0])
    return None if told else f"no Returns: for {kind}, and no shape in its first lines"


def has_keyword_only_options(thing) -> str | None:
    """What has a default is an option, but for what a call is about. Without a network, a function may have one more."""
    if inspect.isclass(thing):
        return None
    positional = [n for n, p in parameters(thing).items() if p.default is not p.empty and p.kind is not p.KEYWORD_ONLY]
    loose = [name for name in positional if name not in ABOUT]
    loose = loose if "net" in parameters(thing) else loose[1:]
    return f"not keyword-only: {', '.join(loose)}" if loose else None


def takes_net_images_layer(thing) -> str | None:
    """`net, images, layer` in this order. A layer that may be None is an option."""
    given = list(parameters(thing))
    order = [name for name in given if name == "net" or name in PICTURES or name == "layer"]
    if inspect.isclass(thing) or "layer" not in given or "net" not in given:
        return None
    layer = parameters(thing)["layer"]
    if layer.default is None and layer.kind is layer.KEYWORD_ONLY:
        return None
    right = order == given[: len(order)] and order[-1] == "layer" and layer.kind is not layer.KEYWORD_ONLY
    return None if right else "layer must stand directly after net and images"


def is_typed(thing) -> str | None:
    if inspect.isclass(thing) and "__init__" not in vars(thing):
        return None  # its parent's, for example a tuple's
    signature = inspect.signature(thing)
    bare = [name for name, p in parameters(thing).items() if p.annotation is p.empty]
    if not inspect.isclass(thing) and signature.return_annotation is signature.empty:
        bare.append("return")
    return f"no type: {', '.join(bare)}" if bare else None


def returns_one_kind_of_thing(thing) -> str | None:
    flags = [name for name in parameters(thing) if name.startswith("return_")]
    return f"what it returns depends on {', '.join(flags)}" if flags else None


RULES: tuple[Callable[[object], str | None], ...] = (
    has_a_docstring,
    says_what_it_raises,
    explains_its_parameters,
    says_what_it_returns,
    has_keyword_only_options,
    takes_net_images_layer,
    is_typed,
    returns_one_kind_of_thing,
)

OF_METHODS = (has_a_docstring, says_what_it_raises, explains_its_parameters)

# Open: who breaks a rule today, by the rule's name. The list only shrinks.
OPEN: dict[str, str] = {}
# Open: lines of more than 120 characters, at most so many in a room.
OPEN_LINES = {
    "activations": 8,
    "commands": 11,
    "engines": 7,
    "explorers": 48,
    "images": 2,
    "training": 4,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_public_thing(rule):
    things = THINGS | (methods() if rule in OF_METHODS else {})
    problems = {name: problem for name, thing in things.items() if (problem := rule(thing))}
    known = set(OPEN.get(rule.__name__, "").split())
    assert {name: problem for name, problem in problems.items() if name not in known} == {}
    assert known - set(problems) == set(), "mended: take it off the list"


def good(net: str, images: str, layer: str, *, steps: int = 3) -> "torch.Tensor":  # noqa: F821
    """Do something.

    Args:
        net, images, layer: three things.
        steps: how many.

    Returns:
        `(N,)`.

    Raises:
        ValueError: always.
    """
    raise ValueError


def poor(net, layer, images, steps=3, *, return_losses=False) -> "torch.Tensor":  # noqa: F821
    raise ValueError


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_rule_can_fail(rule):
    assert rule(good) is None and rule(poor)


def test_no_line_is_too_long():
    counts = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        long = sum(len(line) > 120 for line in path.read_text(encoding="utf-8").splitlines())
        counts[room] = counts.get(room, 0) + long
    assert {room: n for room, n in counts.items() if n > OPEN_LINES.get(room, 0)} == {}
    assert {room for room in OPEN_LINES if not counts.get(room)} == set(), "mended: take it off the list"


def test_a_target_is_defined_once():
    """What `target` may be is written once, in validate.py; so is every other name for a type."""
    places: dict[str, list[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            value = getattr(node, "value", None)
            if isinstance(node, ast.Assign) and isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr):
                for target in node.targets:
                    places.setdefault(ast.unparse(target), []).append(path.relative_to(PACKAGE).as_posix())
    assert places["Target"] == ["validate.py"]
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


EXAMPLES = [
    module.name
    for module in pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    if ">>> " in Path(module.module_finder.find_spec(module.name).origin).read_text(encoding="utf-8")
]


def test_there_are_examples():
    assert "course_utils.hooks" in EXAMPLES


@pytest.mark.parametrize("name", ["course_utils", *EXAMPLES])
def test_the_examples_in_docstrings_run(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted and not found.failed
