"""Inputs of the exercises of chapter 4; their texts stand in chapter_4.toml."""

from collections.abc import Callable

from emgmm import data
from emgmm.checks.exercise import Case
from emgmm.checks.inputs import far, mixtures, weighted


def e_step() -> list[Case]:
    """Mixtures, and one with an example so far out that its densities underflow."""
    first, *others = mixtures()
    return [(x, t.phi, t.mu, t.Sigma) for x, t in (first, far(), *others)]


def anemia() -> Case:
    theta = data.ANEMIA
    return data.anemia().x, theta.phi, theta.mu, theta.Sigma


CASES: dict[str, Callable[[], list[Case]]] = {
    "e_step": e_step,
    "m_step": lambda: [*weighted()],
    "round_m_step": lambda: [*weighted()],
}
SHOWN: dict[str, Callable[[], Case]] = {"e_step": anemia}
