"""Claims: what a lesson says, as code that can fail. `course claims` runs them and tells their numbers.

A claim is a cell of a lesson's source that asserts what the text above it says. In the solution edition it is a plain
cell. Here its assertions are rewritten, so that each tells its two sides, and the next one runs even if it fails:

    assert ear > 2 * background          ->  0.81 > 0.22
    assert not random > 2 * background   ->  the control: 0.19 > 0.22 must be false
    assert 0.1 < share < 0.3             ->  0.1 < 0.12 < 0.3, with the margin of the nearer bound
    assert all(x < 1 for x in shares)    ->  the tightest of them: 0.93 < 1

A claim none of whose assertions ran does not hold, nor does `all(...)` of nothing; and no comparison with NaN holds,
also not a control.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from nbformat import NotebookNode

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
        numbers: its sides, such as "0.81 > 0.22", of `all(...)` the tightest; "" if it is no comparison.
        margin: how far the two sides are apart, as a share of the larger one, of several the least; None if they are
            no numbers, or NaN.
        control: whether it is a control (`assert not ...`): the same, and the cause is missing.
        holds: whether it is as the lesson says.
    """

    claim: str
    said: str
    numbers: str
    margin: float | None
    control: bool
    holds: bool


def run_claims(
    lesson: str,
    *,
    threads: int | None = None,
    timeout: int = 600,
    watch: Callable[[list[Finding]], object] | None = None,
) -> list[Finding]:
    """Run a lesson's solution edition and all of its claims.

    Args:
        lesson: its number, such as "07".
        threads: of PyTorch; as many as it likes if not given.
        timeout: seconds for one cell.
        watch: is called with the findings of each claim as soon as it has run.

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
    findings: list[Finding] = []
    if not any(is_claim(cell) for cell in book.cells):
        return findings

    def collect(cell: NotebookNode) -> None:
        found = list(_found(cell))
        findings.extend(found)
        if found and watch:
            watch(found)

    run_notebook(book, timeout=timeout, watch=collect)
    return findings


def _found(cell: NotebookNode) -> Iterator[Finding]:
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
    """`assert a < b` becomes `_tell("a < b", "<", [(a, b)], control=False)`; other assertions have no sign."""

    def visit_Assert(self, node: ast.Assert) -> ast.Expr | list[ast.Expr]:
        test, control = node.test, False
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, control = test.operand, True
        elif isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            return [expr for part in test.values for expr in _as_list(self.visit_Assert(ast.Assert(part, None)))]
        compared = _compared(test) or [ast.Constant(""), test]
        said = [ast.Constant(ast.unparse(node.test)), *compared]
        return ast.Expr(ast.Call(ast.Name("_tell", ast.Load()), said, [ast.keyword("control", ast.Constant(control))]))


def _as_list(told: ast.Expr | list[ast.Expr]) -> list[ast.Expr]:
    return told if isinstance(told, list) else [told]


def _compared(test: ast.expr) -> list[ast.expr] | None:
    """The signs and the rows of sides of `a < b < c` or of `all(a < b for ...)`; None for anything else."""
    loops = None
    match test:
        case ast.Call(func=ast.Name(id="all"), args=[ast.GeneratorExp(elt=test, generators=loops)]):
            pass
    if not isinstance(test, ast.Compare) or not all(type(sign) in _SIGNS for sign in test.ops):
        return None
    signs = ast.Constant(" ".join(_SIGNS[type(sign)][0] for sign in test.ops))
    sides = ast.Tuple([test.left, *test.comparators], ast.Load())
    return [signs, ast.GeneratorExp(sides, loops) if loops else ast.List([sides], ast.Load())]


class Teller:
    """Takes the assertions of one claim and shows them as data."""

    def __init__(self, claim: str):
        self.claim, self.findings = claim, []

    def __call__(self, said: str, signs: str, found: Any, *, control: bool) -> None:
        """Note one assertion: with signs, `found` holds rows of sides; without, it is the value itself."""
        if not signs:
            self.findings.append(Finding(self.claim, said, "", None, control, bool(found) != control))
            return
        rows = [_Row(signs.split(), sides) for sides in found]
        tightest = min(rows, key=lambda row: row.tightness, default=None)
        self.findings.append(
            Finding(
                claim=self.claim,
                said=said,
                numbers=tightest.text if tightest else "nothing to compare",
                margin=tightest.margin if tightest else None,
                control=control,
                holds=bool(rows) and all(row.true for row in rows) != control and not any(row.nan for row in rows),
            )
        )

    def show(self) -> None:
        from IPython.display import display

        if not self.findings:
            self.findings.append(Finding(self.claim, "none of its assertions ran", "", None, False, False))
        display({_MIME: [asdict(finding) for finding in self.findings]}, raw=True)


class _Row:
    """One comparison of two or more sides, such as 0.1 < 0.12 < 0.3."""

    def __init__(self, signs: list[str], sides: tuple):
        pairs = list(zip(sides[:-1], sides[1:], strict=True))
        compare = dict(_SIGNS.values())
        self.nan = any(_is_nan(side) for side in sides)
        self.true = all(compare[sign](*pair) for sign, pair in zip(signs, pairs, strict=True))
        self.text = _text(sides[0]) + "".join(f" {s} {_text(x)}" for s, x in zip(signs, sides[1:], strict=True))
        margins = [_margin(*pair) for pair in pairs]
        self.margin = None if None in margins else min(margins)
        # a false one is tighter than any true one, and the farther from true, the tighter
        self.tightness = (self.margin or 0.0) if self.true else -1.0 - (self.margin or 0.0)


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
