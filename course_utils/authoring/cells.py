"""The cells of a lesson's source: what each of them is, and what it says in an edition."""

from __future__ import annotations

import ast
import hashlib
import re
import symtable
from collections.abc import Sequence

from nbformat import NotebookNode

_REGION = re.compile(r"^[ \t]*### BEGIN (\w+)\n(.*?)^[ \t]*### END (\w+)[ \t]*(?:\n|\Z)", re.S | re.M)


def cut(source: str, edition: str, exercise_id: str = "") -> str:
    """An exercise cell's code in one edition: with the solution, or with the stub that the student completes.

    Args:
        source: the cell, with its regions.
        edition: "solution"; any other one gets the stub.
        exercise_id: the stub says it when it is called.
    """

    def region(match: re.Match) -> str:
        name, body = match[1], match[2]
        if edition == "solution":
            return body if name == "SOLUTION" else ""
        if name == "STUB":
            return uncommented(body)
        if "### BEGIN STUB" in source:
            return ""
        indent = re.match(r"[ \t]*", body)[0]
        return f'{indent}raise NotImplementedError("{exercise_id}: write this function")\n'

    return _REGION.sub(region, source).rstrip("\n")


def uncommented(stub: str) -> str:
    """The lines of a STUB region, which a source holds as comments."""
    return re.sub(r"^([ \t]*)# ?", r"\1", stub, flags=re.M)


def is_setup(cell: NotebookNode) -> bool:
    """Whether it is the cell of imports."""
    return "setup" in cell.metadata.get("tags", [])


def is_complete(cell: NotebookNode) -> bool:
    """Whether a code cell has nothing that a class would type: it only shows the quiz or an explorer."""
    body = ast.parse(cell.source).body if "exercise" not in cell.metadata else []
    return len(body) == 1 and re.match(r"quiz\(|explorers\.", ast.unparse(body[0])) is not None


def is_claim(cell: NotebookNode) -> bool:
    """Whether it asserts what the text above it says; see `claims`."""
    return "claim" in cell.metadata


def folded(summary: str, body: str) -> str:
    """A text that opens with a click on its summary."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def functions(code: str) -> dict[str, ast.FunctionDef]:
    """The functions that a cell's code defines, by name and in order.

    Raises:
        SyntaxError: the code is not Python.
    """
    return {node.name: node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)}


def names(cells: Sequence[str]) -> tuple[set[str], set[str]]:
    """The global names that cells use before they make them, and those that they make."""
    used: set[str] = set()
    made: set[str] = set()
    for cell in cells:
        for statement in ast.parse(cell).body:
            table = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
            symbols = table.get_symbols()
            makes = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
            uses = {s.get_name() for s in symbols if s.is_referenced()} | _free(table)
            if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
                uses.add(statement.target.id)  # the table calls it assigned only
            if isinstance(statement, ast.AugAssign | ast.Assign | ast.AnnAssign):
                used |= uses - made  # x = x + 1 needs an x
            else:
                used |= uses - made - makes  # a loop's or a function's own names
            # Python deletes the name of a caught exception after its block
            made |= makes - {node.name for node in ast.walk(statement) if isinstance(node, ast.ExceptHandler)}
    return used, made


def _free(table: symtable.SymbolTable) -> set[str]:
    """The global names in the functions and comprehensions of a table."""
    found = set()
    for child in table.get_children():
        found |= {s.get_name() for s in child.get_symbols() if s.is_global() and s.is_referenced()} | _free(child)
    return found


def cell_id(lesson: str, kind: str, source: str, seen: dict[str, int]) -> str:
    """A hash of what a cell says, so that the same source gives the same bytes.

    Args:
        lesson: its number.
        kind: "code" or "markdown".
        source: what the cell says.
        seen: how often each cell was seen before in this notebook; it is counted on, and equal cells get different ids.
    """
    key = f"{kind}\n{source}"
    seen[key] = seen.get(key, 0) + 1
    return hashlib.sha1(f"{lesson}\n{seen[key]}\n{key}".encode()).hexdigest()[:12]
