"""Claims: what a lesson says, as code that can fail. `course claims` runs them and tells their numbers.

A claim is a cell of a lesson's source that asserts what the text above it says. In the solution edition it is a plain
cell. Here its assertions are rewritten, so that each tells its two sides, and the next one runs even if it fails:

    assert ear > 2 * background          ->  0.81 > 0.22
    assert not random > 2 * background   ->  the control: 0.19 > 0.22 must be false

A claim none of whose assertions ran does not hold, and no comparison with NaN holds, also not a control.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from course_utils.authoring import paths
from course_utils.authoring.cells import is_claim
from course_utils.authoring.editions import build
from course_utils.authoring.run import run_notebook
from course_utils.authoring.source import read_lesson

_MIME = "application/x-course-claim+json"
_SIGNS = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}


@dataclass(frozen=True)
class Finding:
    """One assertion of a claim, as it ran.

    Attributes:
        claim: the sentence.
        said: the assertion as it stands in the source.
        numbers: its two sides, such as "0.81 > 0.22"; "" if it is no comparison.
        margin: how far the two sides are apart, as a share of the larger one; None if they are no numbers, or NaN.
        control: whether it is a control (`assert not ...`): the same, and the cause is missing.
        holds: whether it is as the lesson says.
    """

    claim: str
    said: str
    numbers: str
    margin: float | None
    control: bool
    holds: bool


def run_claims(lesson: str, *, threads: int | None = None, timeout: int = 600) -> list[Finding]:
    """Run a lesson's solution edition and all of its claims.

    Args:
        lesson: its number, such as "07".
        threads: of PyTorch; as many as it likes if not given.
        timeout: seconds for one cell.

    Raises:
        CourseError: there is no such lesson, or a cell raised something else than a failed claim.
    """
    (source,) = paths.source_paths([lesson])
    book = build(read_lesson(source), "solution")
    for cell in book.cells:
        if is_claim(cell):
            cell.source = instrumented(cell.metadata["claim"], cell.source)
        elif threads and "setup" in cell.metadata.get("tags", []):
            cell.source += f"\n\ntorch.set_num_threads({threads})"
    ran, _, _ = run_notebook(book, timeout=timeout)
    return list(_found(ran.cells))


def _found(cells: Sequence) -> Iterator[Finding]:
    for cell in cells:
        for output in cell.get("outputs", []):
            for finding in output.get("data", {}).get(_MIME, []):
                yield Finding(**finding)


def instrumented(claim: str, source: str) -> str:
    """The code of a claim whose assertions tell their numbers instead of raising."""
    tree = _Tell().visit(ast.parse(source))
    code = ast.unparse(ast.fix_missing_locations(tree))
    return (
        f"from course_utils.authoring.claims import Teller as _Teller\n_tell = _Teller({claim!r})\n{code}\n_tell.show()"
    )


class _Tell(ast.NodeTransformer):
    """`assert a < b` becomes `_tell("a < b", "<", a, b, control=False)`."""

    def visit_Assert(self, node: ast.Assert) -> ast.Expr:
        test, control = node.test, False
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, control = test.operand, True
        sides: list[ast.expr] = [ast.Constant(""), test]
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _SIGNS:
            sides = [ast.Constant(_SIGNS[type(test.ops[0])][0]), test.left, test.comparators[0]]
        said = [ast.Constant(ast.unparse(node.test)), *sides]
        keyword = ast.keyword("control", ast.Constant(control))
        return ast.Expr(ast.Call(ast.Name("_tell", ast.Load()), said, [keyword]))


class Teller:
    """Takes the assertions of one claim and shows them as data."""

    def __init__(self, claim: str):
        self.claim, self.findings = claim, []

    def __call__(self, said: str, sign: str, left: Any, *right: Any, control: bool) -> None:
        margin, numbers, true = None, "", left
        if right:
            compare = next(function for name, function in _SIGNS.values() if name == sign)
            true = compare(left, right[0])
            numbers = f"{_text(left)} {sign} {_text(right[0])}"
            margin = _margin(left, right[0])
        holds = bool(true) != control and not any(_is_nan(side) for side in (left, *right))
        self.findings.append(Finding(self.claim, said, numbers, margin, control, holds))

    def show(self) -> None:
        from IPython.display import display

        if not self.findings:
            self.findings.append(Finding(self.claim, "none of its assertions ran", "", None, False, False))
        display({_MIME: [asdict(finding) for finding in self.findings]}, raw=True)


def _text(value: Any) -> str:
    try:
        return f"{float(value):.4g}"
    except (TypeError, ValueError, RuntimeError):
        return repr(value)[:40]


def _margin(left: Any, right: Any) -> float | None:
    try:
        left, right = float(left), float(right)
    except (TypeError, ValueError, RuntimeError):
        return None
    if _is_nan(left) or _is_nan(right):
        return None
    largest = max(abs(left), abs(right))
    return abs(left - right) / largest if largest else 0.0


def _is_nan(value: Any) -> bool:
    """Whether it is the one number that does not equal itself: a comparison with it says nothing."""
    try:
        return bool(value != value)
    except (TypeError, ValueError, RuntimeError):
        return False
