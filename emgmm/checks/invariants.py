"""What every EM obeys, tried on the learner's own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import xlogy

from emgmm._input import Floats
from emgmm.checks.compare import Misfit, Parts, as_parts, brief, equal
from emgmm.checks.exercise import Exercise
from emgmm.checks.inputs import sample
from emgmm.checks.learner import Crash, NotTried, call
from emgmm.checks.outcome import COLORS, Text
from emgmm.checks.registry import find
from emgmm.em import e_step
from emgmm.mixture import Mixture

STEPS = 6
LONG = 60  # iterations; the data have come to rest long before
ROUNDING = 1e-6  # nats


@dataclass(frozen=True)
class Promise:
    """One of EM's promises: what it says, and what was seen when it is broken."""

    says: str
    broken: str

    def plain(self) -> str:
        mark = "✗" if self.broken else "✓"
        return Text(f"{mark} {self.says} {self.broken}".strip()).plain()


@dataclass(frozen=True)
class Report:
    """All promises; true when all are kept."""

    promises: tuple[Promise, ...]

    def __bool__(self) -> bool:
        return not any(promise.broken for promise in self.promises)

    def __repr__(self) -> str:
        return "\n".join(promise.plain() for promise in self.promises)

    def _repr_html_(self) -> str:
        color = COLORS["right" if self else "wrong"]
        lines = "".join(Text(promise.plain()).html() for promise in self.promises)
        return (
            f'<div style="border-left: 4px solid {color}; padding-left: 1em">{lines}'
            "</div>"
        )


def invariants(my_em: Callable[..., Any]) -> Report:
    """Try EM's promises on a learner's EM.

    Parameters
    ----------
    my_em : callable
        ``my_em(x, w, n_iter)``: an M-step of w, then n_iter times an E-step and an
        M-step. It returns w of the last E-step, phi, mu, Sigma and the trace, as in
        exercise "my_em".

    Returns
    -------
    Report
        Each promise in words; true when all are kept.

    Examples
    --------
    >>> bool(invariants(lambda x, w, n_iter: None))
    False
    """
    x, w = _data()
    try:
        runs = [_run(my_em, x, w, n) for n in (*range(STEPS + 1), LONG)]
        return Report(tuple(_promises(my_em, x, w, runs)))
    except NotTried:
        broken = "It returned nothing."
    except (Crash, Misfit, ValueError) as problem:
        broken = f"It stopped: {problem}"
    return Report((Promise("my_em(x, w, n_iter) runs.", broken),))


def _data() -> tuple[Floats, Floats]:
    """Overlapping groups, d = 3 and k = 2, and a start away from the answer."""
    x, theta = sample(50, 3, 2, seed=15)
    noise = np.random.default_rng(1).dirichlet([1, 1], size=len(x))
    return x, 0.5 * e_step(x, theta) + 0.5 * noise


@dataclass(frozen=True)
class Step:
    """Where the learner's EM stands after n iterations."""

    n: int
    parts: Parts

    @property
    def w(self) -> Floats:
        return self.parts[0]

    @property
    def theta(self) -> Mixture:
        _, phi, mu, Sigma, _ = self.parts
        return Mixture(phi, mu, Sigma)


def _exercise() -> Exercise:
    return find("my_em")


def _run(my_em: Callable[..., Any], x: Floats, w: Floats, n: int) -> Step:
    return Step(n, as_parts(_exercise(), call(my_em, (x, w, n))))


def _promises(
    my_em: Callable[..., Any], x: Floats, w: Floats, every: list[Step]
) -> Iterator[Promise]:
    runs = every[: STEPS + 1]
    ell = [run.theta.log_likelihood(x) for run in runs]
    yield Promise("The log-likelihood never falls.", _falls(ell))
    yield Promise("The rows of w sum to one.", _rows(runs))
    yield Promise("F(w, theta) is never above the log-likelihood.", _above(x, runs))
    yield Promise("After an E-step F touches the log-likelihood.", _touches(x, runs))
    yield Promise(
        "The order of the groups does not matter.",
        _same(runs[-1], _reversed(_run(my_em, x, w[:, ::-1].copy(), STEPS))),
    )
    yield Promise(
        "Other units give the same answer in other units.", _other_units(my_em, x, w)
    )
    yield Promise("The trace holds the log-likelihoods.", _traces(every, ell))
    yield Promise("It agrees with emgmm, number by number.", _agrees(x, w, every))


def _falls(ell: list[float]) -> str:
    falls = np.flatnonzero(np.diff(ell) < -ROUNDING)
    if not len(falls):
        return ""
    t = int(falls[0])
    return f"It falls by {ell[t] - ell[t + 1]:.4g} nats in iteration {t + 1}."


def _rows(runs: list[Step]) -> str:
    for run in runs:
        sums = run.w.sum(axis=1)
        if abs(sums - 1).max() > ROUNDING or run.w.min() < 0:
            worst = sums[abs(sums - 1).argmax()]
            return f"After {run.n} iterations a row sums to {worst:.4g}."
    return ""


def _above(x: Floats, runs: list[Step]) -> str:
    for run in runs:
        excess = _bound(x, run.w, run.theta) - run.theta.log_likelihood(x)
        if excess > ROUNDING:
            return f"It is {excess:.4g} nats above after {run.n} iterations."
    return ""


def _touches(x: Floats, runs: list[Step]) -> str:
    for before, after in pairwise(runs):
        gap = before.theta.log_likelihood(x) - _bound(x, after.w, before.theta)
        if abs(gap) > ROUNDING:
            return f"There is a gap of {gap:.4g} nats: w is not the posterior."
    return ""


def _bound(x: Floats, w: Floats, theta: Mixture) -> float:
    """F as the page writes it, whatever the rows of w sum to."""
    return float((w * theta.log_joint(x) - xlogy(w, w)).sum())


def _reversed(run: Step) -> Step:
    w, phi, mu, Sigma, trace = run.parts
    return Step(run.n, (w[:, ::-1], phi[::-1], mu[::-1], Sigma[::-1], trace))


def _other_units(my_em: Callable[..., Any], x: Floats, w: Floats) -> str:
    """x in other units and from another origin; the answer is brought back."""
    A = np.array([[2.0, 0.3, 0.0], [0.0, -1.0, 0.5], [0.4, 0.0, 3.0]])
    b, B = np.array([1.0, -20.0, 5.0]), np.linalg.inv(A)
    here = _run(my_em, x, w, STEPS)
    v, phi, mu, Sigma, trace = _run(my_em, x @ A.T + b, w, STEPS).parts
    shift = len(x) * np.linalg.slogdet(A)[1]
    back = (v, phi, (mu - b) @ B.T, B @ Sigma @ B.T, trace + shift)
    return _same(here, Step(STEPS, back))


def _same(one: Step, other: Step) -> str:
    exercise = _exercise()
    for name, a, b in zip(exercise.parts, one.parts, other.parts):
        if a.size != b.size:
            return f"{name} has {a.size} numbers and {b.size}."
        if not equal(exercise, a, b):
            return f"{name} differs: {brief(a.flat[0])} and {brief(b.flat[0])}."
    return ""


def _traces(every: list[Step], ell: list[float]) -> str:
    for run in every:
        held, due = np.size(run.parts[-1]), run.n + 1
        if held != due:
            return f"After {run.n} iterations its length is {held}, not {due}."
    trace = every[STEPS].parts[-1]
    if equal(_exercise(), trace, np.array(ell)):
        return ""
    return f"It ends at {trace.flat[-1]:.6g}; the log-likelihood is {ell[-1]:.6g}."


def _agrees(x: Floats, w: Floats, every: list[Step]) -> str:
    for run in every:
        right = as_parts(_exercise(), _exercise().reference(x, w, run.n))
        if differs := _same(run, Step(run.n, right)):
            return f"After {run.n} iterations {differs}"
    return ""
