"""The pages of the public functions and classes, in MyST Markdown, from their signatures and docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType

ROOMS = {
    "networks": "Trained networks",
    "images": "Photos and pictures",
    "hooks": "Inside of a network while it runs",
    "plots": "Drawing",
    "figures": "What the methods found, drawn",
    "filters": "Filters",
    "activations": "Activations",
    "gradients": "Gradients",
    "fun": "Fun applications",
    "optimize": "Pictures that are changed until a number is small",
    "stimuli": "Pictures made for an experiment",
    "explorers": "Explorers: knobs to turn, pictures to click on",
    "exercises": "Checks and quizzes",
    "cluster": "More machines",
}
_LISTS = ("Args", "Attributes", "Raises", "Traits")
_SECTION = re.compile(r"^([A-Z][a-z]+):\n((?:[ \t]+.*\n|\n)+)", re.M)


def page(room: str) -> str:
    """The page of a room of the package, such as "gradients"."""
    module = importlib.import_module(f"course_utils.{room}")
    parts = [f"# {ROOMS[room]}: `{room}`", markdown(inspect.getdoc(module) or "")]
    for name, thing in public(room).items():
        parts.append(entry(f"course_utils.{room}.{name}", thing))
    return "\n\n".join(parts) + "\n"


def public(room: str) -> dict[str, object]:
    """What a room exports, by name: functions, classes, constants."""
    module = importlib.import_module(f"course_utils.{room}")
    exported = getattr(module, "__all__", None) or _defined_in(module)
    return {name: getattr(module, name) for name in sorted(exported, key=str.lower)}


def _defined_in(module: ModuleType) -> list[str]:
    """The functions and classes of a room without a list; explorers are each in a file of their own, and found late."""
    homes = {name: getattr(getattr(module, name), "__module__", None) for name in dir(module) if name[0] != "_"}
    return [name for name, home in homes.items() if f"{home}.".startswith(f"{module.__name__}.")]


def index() -> str:
    """The page that leads to the others."""
    rooms = "\n".join(ROOMS)
    text = (
        "Every public name but an explorer's can be imported from `course_utils`, too: "
        "`from course_utils import saliency, explorers`."
    )
    return f"# The functions of the package\n\n{text}\n\n```{{toctree}}\n:maxdepth: 1\n\n{rooms}\n```\n"


def entry(name: str, thing: object) -> str:
    """A function, a class with its methods, or a constant with its value, as a directive of Sphinx's Python domain."""
    if not inspect.isroutine(thing) and not inspect.isclass(thing):
        return f"::::{{py:data}} {name}\n:value: {_value(thing)}\n::::"
    kind = "class" if inspect.isclass(thing) else "function"
    body = [markdown(inspect.getdoc(thing) or "" if thing.__doc__ else "")]
    if kind == "class":
        body += [_directive("method", n, m, [markdown(inspect.getdoc(m) or "")], ":::") for n, m in _methods(thing)]
    return _directive(kind, name, thing, body, "::::")


def _value(constant: object) -> str:
    said = repr(constant)
    return repr(list(constant)) if " at 0x" in said else said  # a function has no name that a reader could write


def _directive(kind: str, name: str, thing: object, body: list[str], fence: str) -> str:
    inside = "\n\n".join(filter(None, body))
    return f"{fence}{{py:{kind}}} {name}{signature(thing)}\n\n{inside}\n{fence}"


def _methods(thing: type) -> Iterator[tuple[str, object]]:
    for name, method in vars(thing).items():
        if inspect.isfunction(method) and not name.startswith("_") and method.__doc__:
            yield name, method


def signature(thing: object) -> str:
    """The signature as a person would write it, `(net, images, *, of="score")`, in one line."""
    try:
        found = inspect.signature(thing)
    except ValueError:
        return "()"
    parameters, before = [], None
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and before not in (
            parameter.KEYWORD_ONLY,
            parameter.VAR_POSITIONAL,
        ):
            parameters.append("*")
        before = parameter.kind
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        parameters.append(star + parameter.name + _default(parameter))
    return f"({', '.join(parameters)})"


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return ""
    said = repr(parameter.default)
    return f"={said}" if re.fullmatch(r"[\w.+\-'\", ()\[\]]+", said) and len(said) < 60 else "=..."


def markdown(text: str) -> str:
    """A docstring as Markdown: its sections as lists, its examples as code."""
    text = _examples(inspect.cleandoc(text) + "\n")
    return _SECTION.sub(_section, text).strip()


def _section(match: re.Match) -> str:
    title, body = match[1], textwrap.dedent(match[2]).strip("\n")
    if title not in _LISTS:
        return f"**{title}:** {body}\n\n"
    lines = []
    for line in body.splitlines():
        named = re.match(r"([\w*`., ]+): (.*)|([\w*`., ]+):$", line)
        if named and not line.startswith(" "):
            lines.append(f"- **{(named[1] or named[3]).strip('`')}**: {named[2] or ''}")
        else:
            lines.append(f"  {line.strip()}" if line.strip() and lines else line.strip())
    return f"**{title}:**\n\n" + "\n".join(lines) + "\n\n"


def _examples(text: str) -> str:
    """Examples, from their prompt up to the next empty line, in a fence."""
    return re.sub(r"^>{3} (?:.+\n)+", lambda m: f"```pycon\n{m[0]}```\n", text, flags=re.M)
