"""What can go wrong in a single step, said in words, the likely first.

`about` looks at the value of a step: halves, squares, transposes it. `within` looks at
its formula: a term that is missing, a wrong sign, a wrong axis.
"""

import ast
import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from emgmm.checks.recipe import TOOLS, Change, Recipe, Step


class Variant(NamedTuple):
    """A change, what one then has, and how far-fetched it is."""

    change: Change
    says: str  # "half of the shares", or "when, in the shares, m is missing"
    rank: int


# What may be done to a quantity, whatever it is.
ANY = (
    ("_ / 2", "half of {}"),
    ("_ * 2", "twice {}"),
    ("-_", "{}, with the opposite sign"),
    ("sqrt(_)", "the root of {}"),
    ("_ ** 2", "the square of {}"),
    ("1 / _", "one divided by {}"),
    ("log(_)", "the log of {}"),
    ("exp(_)", "exp of {}"),
    ("abs(_)", "{}, without the sign"),
    ("0 * _", "zero for {}"),
    ("0 * _ + 1", "one for {}"),
    ("_ + 1", "{}, plus one"),
    ("_ - 1", "{}, minus one"),
    ("log10(_)", "the log to base ten of {}"),
    ("_ / log(10)", "{}, in logs to base ten"),
    ("_ / log(2)", "{}, in logs to base two"),
    ("sqrt(abs(_))", "the root of {}"),
    ("_ / 4", "a quarter of {}"),
    ("_ * 4", "four times {}"),
    ("_ ** 3", "the third power of {}"),
)
# For arrays.
TABLE = (
    ("_[::-1]", "{}, the first and the last exchanged"),
    ("_ * 0 + _.sum()", "the sum of {} over everything"),
    ("_ * 0 + _.mean()", "the mean of {} over everything"),
    ("_ * 0 + _.sum(axis=0, keepdims=True)", "the sum of {} along the first axis"),
    ("_ * 0 + _.mean(axis=0, keepdims=True)", "the mean of {} along the first axis"),
    ("_ / _.sum()", "{}, divided by their sum"),
    ("_ - _.mean(axis=0)", "{}, less their mean"),
    ("_ - _.max()", "{}, less the largest"),
    ("0 * _ + _[:1]", "the first of {} for all"),
    ("0 * _ + _[-1:]", "the last of {} for all"),
    ("roll(_, 1, axis=0)", "{}, each moved on by one"),
    ("roll(_, -1, axis=0)", "{}, each moved back by one"),
    ("sort(_, axis=0)", "{}, sorted"),
    ("sort(_, axis=0)[::-1]", "{}, sorted the other way round"),
    ("cumsum(_, axis=0)", "running sums of {}"),
    ("round(_)", "{}, rounded to whole numbers"),
)
ROWS = (("hard(_)", "all of {} in the largest of each row"),)  # where rows sum to one
LIST = (("_[:, None]", "{} as a column (a row and a column give a table)"),)
MATRIX = (
    ("_.mT", "the transpose of {}"),
    ("_[..., ::-1]", "{}, with the columns in the opposite order"),
    ("roll(_, 1, axis=-1)", "{}, each column moved on by one"),
    ("_ * 0 + _.sum(axis=-1, keepdims=True)", "the sum of {} along the last axis"),
    ("_ / _.sum(axis=-1, keepdims=True)", "{}, divided by the sum of the row"),
    ("_ / _.sum(axis=0, keepdims=True)", "{}, divided by the sum of the column"),
    ("_ - _.max(axis=-1, keepdims=True)", "{}, less the largest of the row"),
    ("_ * (_ == _.max(axis=-1, keepdims=True))", "only the largest in each row of {}"),
)
SQUARE = (
    ("_ * eye(_.shape[-1])", "only the diagonal of {}"),
    ("inv(_)", "the inverse of {}"),
    ("_ * (1 - eye(_.shape[-1]))", "{} without the diagonal"),
    ("cholesky(_)", "the Cholesky factor of {}"),
    ("tril(_)", "the lower half of {}"),
    ("triu(_)", "the upper half of {}"),
    ("_ + _.mT", "{}, plus the transpose"),
    ("(_ + _.mT) / 2", "{}, made symmetric"),
    ("_ @ _.mT", "{}, times the transpose"),
    ("0 * _ + eye(_.shape[-1])", "the identity for {}"),
    ("sqrt(abs(_)) * eye(_.shape[-1])", "the roots of the diagonal of {}"),
    (
        "_ / sqrt(einsum('...a,...b->...ab', *2 * [diagonal(_, 0, -2, -1)]))",
        "the correlations in {}",
    ),
    ("_ * 0 + trace(_, 0, -2, -1)[..., None, None]", "the trace of {}"),
    ("_ * 0 + det(_)[..., None, None]", "the determinant of {}"),
)


def about(name: str, words: str, known: Mapping[str, Any]) -> Iterator[Variant]:
    """The value of a step or an argument, changed as a whole."""
    value = np.asarray(known[name])
    for n, (code, says) in enumerate(_codes(value)):
        yield Variant(Change(name, name, code), says.format(words), 0 if n < 6 else 3)
    for size, count, own in _sizes(known):
        for code, says in _scaled(size, value.shape, own):
            said = f"{says.format(words)} {count}"
            yield Variant(Change(name, name, code), said, 2)


def _codes(value: Any) -> Iterator[tuple[str, str]]:
    yield from ANY
    if value.ndim and len(value) > 1:
        yield from TABLE
    if value.ndim == 1:
        yield from LIST
    if value.ndim == 2 and np.allclose(value.sum(axis=1), 1):
        yield from ROWS
    if value.ndim > 1:
        yield from MATRIX
        if value.shape[-1] == value.shape[-2]:
            yield from SQUARE


def _sizes(known: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """The counts, and the weights of the groups, by which one may wrongly divide."""
    for name in ("m", "d", "k", "N", "phi", "n_iter"):
        if name in known:
            words = "N_j" if name == "N" else name
            yield name, words, np.shape(known[name])
            if name != "d" and "d" in known:
                yield f"(d * {name})", f"d {words}", np.shape(known[name])


def _scaled(
    size: str, shape: tuple[int, ...], own: tuple[int, ...]
) -> Iterator[tuple[str, str]]:
    """Divided by a count, or multiplied; group by group, if there is one for each."""
    for axis in _axes(shape, own):
        n = f"{size}{axis}"
        yield f"_ / {n}", "{}, divided by"
        yield f"_ * {n}", "{}, times"
        yield f"_ * {n} / ({n} - 1)", "{}, divided by one less than"
        yield f"_ * ({n} - 1) / {n}", "{}, as if divided by one more than"
        yield f"_ / sqrt({n})", "{}, divided by the root of"
        yield f"_ * sqrt({n})", "{}, times the root of"
        yield f"_ / {n} ** 2", "{}, divided by the square of"
        yield f"_ + {n}", "{}, plus"
        yield f"_ - {n}", "{}, minus"
        yield f"_ - log({n})", "{}, less the log of"
        yield f"_ + log({n})", "{}, plus the log of"


def _axes(shape: tuple[int, ...], own: tuple[int, ...]) -> Iterator[str]:
    """How to index a count for each group so that it runs along the groups."""
    if not own:
        yield ""
    elif len(own) == 1:
        for axis, n in enumerate(shape):
            if n == own[0]:
                yield "[:" + ", None" * (len(shape) - axis - 1) + "]"


# The formula of a step


def within(step: Step, words: str, known: Mapping[str, Any]) -> Iterator[Variant]:
    """The formula of the step with one of its pieces changed."""
    name = step.names[0]
    given = {id(n) for lst in ast.walk(step.source) for n in _data(lst)}
    for position, node in enumerate(ast.walk(step.source)):
        if id(node) in given:
            continue
        for rank, pieces in ((1, _pieces(node)), (2, _others(node, known))):
            for new, says in pieces:
                code = ast.unparse(replaced(step.source, position, new))
                said = f"when, in {words}, {says}"
                yield Variant(Change(name, name, code), said, rank)


def _data(node: ast.AST) -> list[ast.expr]:
    """The entries of a list: numbers that the statement gives."""
    return node.elts if isinstance(node, ast.List) else []


USES = (
    ("(-{0})", "{0} has the opposite sign"),
    ("{0} ** 2", "{0} is squared"),
    ("sqrt({0})", "the root of {0} is taken"),
    ("abs({0})", "{0} is taken without its sign"),
    ("(0 * {0} + 1)", "{0} is missing"),
    ("0 * {0}", "{0} is taken for zero"),
    ("log({0})", "the log of {0} stands there"),
    ("exp({0})", "exp of {0} stands there"),
    ("{0}.mT", "{0} is transposed"),
    ("{0}[::-1]", "{0} comes in the opposite order"),
    ("{0}[..., ::-1]", "{0} comes in the opposite order"),
    ("({0} - 1)", "{0} - 1 stands for {0}"),
    ("({0} + 1)", "{0} + 1 stands for {0}"),
)


def _others(node: ast.AST, known: Mapping[str, Any]) -> Iterator[tuple[ast.expr, str]]:
    """Another quantity of the same shape, or something made of the right one."""
    if not isinstance(node, ast.Name) or callable(known.get(node.id, len)):
        return
    for code, says in USES:
        yield _parsed(code.format(node.id)), says.format(node.id)
    shape = np.shape(known[node.id])
    for other, value in known.items():
        if other not in TOOLS and other != node.id and _is_like(value, shape):
            yield ast.Name(other, ast.Load()), f"{other} stands for {node.id}"


def _is_like(value: Any, shape: tuple[int, ...]) -> bool:
    return isinstance(value, np.ndarray | int) and np.shape(value) == shape


def _parsed(code: str) -> ast.expr:
    return ast.parse(code, mode="eval").body


Tree = TypeVar("Tree", bound=ast.AST)


def replaced(source: Tree, position: int, new: ast.AST) -> Tree:
    """A copy of a formula or a program with another piece at this place of its walk."""
    holder: Any = ast.Expression(copy.deepcopy(source))  # type: ignore[arg-type]
    old = next(n for i, n in enumerate(ast.walk(holder.body)) if i == position)
    for parent in ast.walk(holder):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list):
                value[:] = [new if item is old else item for item in value]
    return holder.body


OPERATORS: dict[type, tuple[type, str]] = {
    ast.Add: (ast.Sub, "subtracted instead of added"),
    ast.Sub: (ast.Add, "added instead of subtracted"),
    ast.Mult: (ast.Div, "divided by instead of multiplied"),
    ast.Div: (ast.Mult, "multiplied instead of divided by"),
}


def _pieces(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    match node:
        case ast.BinOp(left=left, op=ast.Pow(), right=power):
            yield left, f"the exponent {_text(power)} is missing"
            yield ast.BinOp(left, ast.Mult(), power), "the exponent is a factor"
        case ast.BinOp(left=left, op=op, right=right):
            yield from _operations(left, op, right)
        case ast.Call():
            yield from _calls(node)
        case ast.Constant(value=int() | float() as number):
            yield ast.Constant(number + 1), f"{number + 1} stands for {number}"
            yield ast.Constant(number - 1), f"{number - 1} stands for {number}"
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand, f"the minus in front of {_text(operand)} is missing"
        case ast.Attribute(value=value, attr="T" | "mT"):
            yield value, f"{_text(value)} is not transposed"


def _calls(call: ast.Call) -> Iterator[tuple[ast.expr, str]]:
    match call:
        case ast.Call(func=ast.Name(id=name), args=[only]):
            yield only, f"{name} is missing in front of {_text(only)}"
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[]):
            yield value, f"the {attr} of {_text(value)} is missing"
    yield from _options(call, call.keywords)


def _operations(
    left: ast.expr, op: ast.operator, right: ast.expr
) -> Iterator[tuple[ast.expr, str]]:
    yield left, f"{_text(right)} is missing"
    yield right, f"{_text(left)} is missing"
    if type(op) in OPERATORS:
        other, says = OPERATORS[type(op)]
        yield ast.BinOp(left, other(), right), f"{_text(right)} is {says}"
    if isinstance(op, ast.Add | ast.Sub):
        yield ast.BinOp(left, ast.Mult(), right), f"{_text(right)} is multiplied"
    if isinstance(op, ast.Sub | ast.Div | ast.MatMult):
        swapped = ast.BinOp(right, op, left)
        yield swapped, f"{_text(left)} and {_text(right)} are exchanged"


SUMS = {
    "sum": ("mean", "max", "prod"),
    "mean": ("sum", "max"),
    "max": ("min", "mean", "sum"),
    "min": ("max", "mean"),
    "argmax": ("argmin",),
    "argmin": ("argmax",),
}


def _options(
    call: ast.Call, keywords: list[ast.keyword]
) -> Iterator[tuple[ast.expr, str]]:
    """Another axis or none, the mean for the sum, the lowest for the largest."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in SUMS:
        for other in SUMS[func.attr]:
            named = ast.Attribute(func.value, other, ast.Load())
            says = f"the {other} stands for the {func.attr}"
            yield ast.Call(named, call.args, keywords), says
    for at, option in enumerate(keywords):
        if option.arg == "axis" and isinstance(option.value, ast.Constant):
            fewer = [k for i, k in enumerate(keywords) if i != at]
            for axis in {0, 1, 2} - {option.value.value}:
                own = ast.keyword("axis", ast.Constant(axis))
                says = f"it runs along axis {axis}, not {option.value.value!r}"
                yield ast.Call(func, call.args, [*fewer, own]), says
            yield ast.Call(func, call.args, fewer), "it runs over all axes"


def _text(node: ast.expr) -> str:
    """A piece of a formula as one reads it."""
    return ast.unparse(node).replace("**", "^")


def all_of(recipe: Recipe, known: Mapping[str, Any]) -> list[Variant]:
    """Every variant once, the likely first; of those, the last steps first."""
    found: list[Variant] = []
    for step in [*recipe.named()][::-1]:
        name = step.names[0]
        found += about(name, recipe.words[name], known)
        found += within(step, recipe.words[name], known)
    for name in recipe.arguments:
        if isinstance(known[name], np.ndarray):
            found += [v._replace(rank=4) for v in about(name, name, known)]
    unique: dict[Change, Variant] = {}
    for variant in sorted(found, key=lambda variant: variant.rank):
        unique.setdefault(variant.change, variant)
    return list(unique.values())
