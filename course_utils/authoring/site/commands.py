"""The page of the `course` command, from its own help."""

from __future__ import annotations

import typer


def page(app: typer.Typer) -> str:
    """Every command with its arguments and options."""
    parts = ["# The `course` command", "`course --help` and `course lab --help` say the same."]
    for name, command in sorted(typer.main.get_command(app).commands.items()):
        inner = getattr(command, "commands", None) or {"": command}
        for sub, one in inner.items():
            parts.append(f"## `course {name} {sub}".rstrip() + "`\n\n" + (one.help or ""))
            rows = [_row(parameter) for parameter in one.params if parameter.name != "help"]
            if rows:
                parts.append("\n".join(["| argument or option | what it does |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _row(parameter) -> str:
    names = (
        [*parameter.opts, *parameter.secondary_opts]
        if parameter.param_type_name == "option"
        else [(parameter.metavar or parameter.name).upper()]
    )
    said = (getattr(parameter, "help", None) or "").replace("|", "\\|")
    default = parameter.default
    told = (
        f" If not given: `{default}`."
        if isinstance(default, (int, float, str)) and not isinstance(default, bool)
        else ""
    )
    return f"| {', '.join(f'`{name}`' for name in names)} | {said}{told} |"
