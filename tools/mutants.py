"""Change the solutions a little, one place at a time: none may pass its check then.

What stands between ### BEGIN SOLUTION and ### END SOLUTION is mutated: operators,
constants, axes, the order of arguments, terms that get lost, steps that are left out.
A mutant that passes is a hole in the check, unless it is equivalent: those are listed
below, with the reason.

    python -m tools.mutants    print the mutants that pass, and the counts
"""

import ast
import contextlib
import io
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from emgmm.checks import Outcome
from emgmm.checks.variants import replaced
from tools import exercises, notebooks
from tools.notebooks import CHAPTERS

SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.Eq: ast.NotEq,
}

# Exercise, old and new text: why the mutant is as right as the solution.
SQUARED = "a distance is squared: its sign does not matter"
START = "EM ends at the same place from another start"
LIST = "a list of arrays is as good as an array"
EQUIVALENT: dict[tuple[str, str], str] = {
    (
        "ex-ellipse-share",
        "anemia.x[anemia.z == 'Anemia'] - theta.mu[0]"
        " -> theta.mu[0] - anemia.x[anemia.z == 'Anemia']",
    ): SQUARED,
    ("ex-ellipse-share", "83 -> 84"): "11 will do for 11.2, and so will 11.4",
    ("ex-log-joint", "x - center -> center - x"): SQUARED,
    ("ex-total-covariance", "mu - mean -> mean - mu"): SQUARED,
    (
        "ex-total-covariance",
        "zip(phi, Sigma) -> zip(Sigma, phi)",
    ): "the two factors are multiplied",
    (
        "ex-three-slips",
        "fit.mu - anemia.x.mean(axis=0) -> anemia.x.mean(axis=0) - fit.mu",
    ): SQUARED,
    (
        "ex-three-slips",
        "N - 1 -> N + 1",
    ): "the scores differ by 0.0002 nats, and a hundredth is asked for",
    (
        "ex-labeled-mle",
        "np.array([len(g) / len(x) for g in groups])"
        " -> [len(g) / len(x) for g in groups]",
    ): LIST,
    (
        "ex-labeled-mle",
        "np.array([g.mean(axis=0) for g in groups])"
        " -> [g.mean(axis=0) for g in groups]",
    ): LIST,
    (
        "ex-labeled-mle",
        "np.array([r_j.T @ r_j / len(r_j) for r_j in r])"
        " -> [r_j.T @ r_j / len(r_j) for r_j in r]",
    ): LIST,
    ("ex-labeled-mle", "g - center -> center - g"): SQUARED,
    ("ex-labeled-mle", "zip(groups, mu) -> zip(mu, groups)"): SQUARED,
    (
        "ex-shared-covariance",
        "x[z == j] - x[z == j].mean(axis=0) -> x[z == j].mean(axis=0) - x[z == j]",
    ): SQUARED,
    ("ex-sigma-directly", "x - mu -> mu - x"): SQUARED,
    ("ex-hidden-tied", "x - mu[j] -> mu[j] - x"): SQUARED,
    ("ex-e-step", "x - mu[j] -> mu[j] - x"): SQUARED,
    ("ex-m-step", "x - mu[j] -> mu[j] - x"): SQUARED,
    ("ex-m-step", "np.array(Sigma) -> Sigma"): LIST,
    (
        "ex-em-still-to-gain",
        "int(np.ceil(np.log(0.001 / left) / np.log(0.99)))"
        " -> np.ceil(np.log(0.001 / left) / np.log(0.99))",
    ): "a whole number is as good as a float",
    ("ex-em-round", "x[:, None] - mu -> mu - x[:, None]"): SQUARED,
    ("ex-why-hard", "0 -> 1"): START,
    ("ex-why-hard", "1 -> 2"): START,
}


@dataclass(frozen=True)
class Mutant:
    """A solution cell with one change."""

    label: str
    change: str
    tree: ast.Module


def mutants(exercise: exercises.Exercise) -> Iterator[Mutant]:
    """Every change of the marked lines of a solution cell."""
    source = exercise.answer.source
    tree = ast.parse(source)
    first, last = marked_lines(source)
    for position, node in enumerate(ast.walk(tree)):
        if not first < getattr(node, "lineno", 0) < last:
            continue
        for new in changes(node):
            old, changed = ast.unparse(node), ast.unparse(new)
            if old != changed:
                mutated = with_change(tree, position, new)
                yield Mutant(
                    exercise.label, f"{old} -> {changed or 'nothing'}", mutated
                )


def with_change(tree: ast.Module, position: int, new: ast.AST) -> ast.Module:
    """A copy of the tree with another node at this position of the walk."""
    return ast.fix_missing_locations(replaced(tree, position, new))


def marked_lines(source: str) -> tuple[int, int]:
    lines = [line.strip() for line in source.splitlines()]
    return (
        lines.index("### BEGIN SOLUTION") + 1,
        lines.index("### END SOLUTION") + 1,
    )


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""
    match node:
        case ast.BinOp():
            yield from operations(node)
        case ast.Compare(ops=[op]) if type(op) in SWAPS:
            yield ast.Compare(node.left, [SWAPS[type(op)]()], node.comparators)
        case ast.Call():
            yield from calls(node)
        case ast.Assign() | ast.Expr():
            yield ast.Pass()
        case ast.expr():
            yield from expressions(node)


def expressions(node: ast.expr) -> Iterator[ast.AST]:
    """Another number, no minus, no transpose, the other order."""
    match node:
        case ast.UnaryOp(op=ast.USub()):
            yield node.operand
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
            if value == 1:
                yield ast.Constant(0)
        case ast.Attribute(attr="T"):
            yield node.value
        case ast.Tuple(ctx=ast.Load(), elts=[a, b, *rest]):
            yield ast.Tuple([b, a, *rest], node.ctx)


def operations(node: ast.BinOp) -> Iterator[ast.AST]:
    """Another operator, the other order, or one of the two terms lost."""
    if type(node.op) in SWAPS:
        yield ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)
    if isinstance(node.op, ast.MatMult | ast.Sub | ast.Div):
        yield ast.BinOp(node.right, node.op, node.left)
    yield node.left
    yield node.right


def calls(node: ast.Call) -> Iterator[ast.AST]:
    """Arguments exchanged, an option left out, or the whole call."""
    if len(node.args) > 1:
        a, b, *rest = node.args
        yield ast.Call(node.func, [b, a, *rest], node.keywords)
    elif node.args:
        yield node.args[0]
    if node.keywords:
        yield ast.Call(node.func, node.args, node.keywords[:-1])


def namespace(exercise: exercises.Exercise) -> dict[str, Any]:
    """What the cells above the answer define: imports, and those of its section."""
    page = CHAPTERS / "solutions" / f"{exercise.page}.md"
    imports = next(
        c for c in notebooks.read_source(page).cells if c.cell_type == "code"
    )
    names: dict[str, Any] = {}
    for cell in [imports, *exercise.cells]:
        if cell is exercise.answer:
            break
        if cell.cell_type == "code":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(cell.source, exercise.label, "exec"), names)
    return names


def verdict(
    tree: ast.Module, check: NotebookNode, names: dict[str, Any]
) -> Outcome | None:
    """What the check says; None when the cell itself breaks down."""
    try:
        with warnings.catch_warnings(action="ignore"):
            exec(compile(tree, "mutant", "exec"), names)
        *before, last = ast.parse(check.source).body
        exec(compile(ast.Module(before, []), "check", "exec"), names)
        assert isinstance(last, ast.Expr)
        return eval(compile(ast.Expression(last.value), "check", "eval"), names)
    except Exception:
        return None


@dataclass(frozen=True)
class Tally:
    """How the mutants of all exercises fared."""

    killed: int
    passed: tuple[tuple[str, str], ...]

    @property
    def holes(self) -> list[tuple[str, str]]:
        return [key for key in self.passed if key not in EQUIVALENT]


def tally() -> Tally:
    killed, passed = 0, []
    for exercise in exercises.answered():
        names = namespace(exercise)
        for mutant in mutants(exercise):
            if verdict(mutant.tree, exercise.check, dict(names)):
                passed.append((mutant.label, mutant.change))
            else:
                killed += 1
    return Tally(killed, tuple(passed))


def main() -> int:
    found = tally()
    for label, change in found.holes:
        print(f"{label}: {change}")
    print(f"{found.killed} killed, {len(found.passed)} equivalent or not caught")
    return bool(found.holes)


if __name__ == "__main__":
    sys.exit(main())
