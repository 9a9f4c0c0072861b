"""How many groups, and which family."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from reference import DATA, POINTS, as_mixture

from emgmm import aic, bic, em, icl, plots, select


@pytest.mark.equation("eq-aic", "eq-bic", "eq-icl")
@pytest.mark.parametrize(("x", "family", "result"), POINTS)
def test_criteria_against_the_reference(x, family, result):
    fit = em(x, as_mixture(result), family=family, max_iter=0)
    assert fit.n_parameters == result["n_parameters"]
    assert aic(fit) == pytest.approx(result["aic"], abs=1e-7)
    assert bic(fit) == pytest.approx(result["bic"], abs=1e-7)
    assert icl(fit, x) == pytest.approx(result["icl"], abs=1e-6)


def test_the_geyser_has_a_choice():
    x = DATA["faithful"].x
    found = select(x, [1, 2, 3], ["full", "tied"], rng=0, n_starts=10)
    assert [(row["k"], row["family"]) for row in found.table] == [
        (k, family) for family in ("full", "tied") for k in (1, 2, 3)
    ]
    # A plateau taken for the end makes others choose the full family with k = 2 here.
    assert (found.best.theta.k, found.best.family) == (3, "tied")
    values = [row["bic"] for row in found.table]
    assert bic(found.best) == min(values)
    by_icl = select(x, [1, 2, 3], ["full", "tied"], criterion="icl", rng=0, n_starts=10)
    assert by_icl.best.theta.k == 2


def test_what_does_not_survive_is_listed():
    x = np.repeat([[0.0], [1.0], [5.0]], 8, axis=0)
    found = select(x, [1, 3], ["full"], rng=0, n_starts=3)
    assert found.best.theta.k == 1
    assert found.table[1]["fit"] is None
    assert np.isnan(found.table[1]["bic"])
    with pytest.raises(ValueError, match="no fit survived"):
        select(x, [3], ["full"], rng=0, n_starts=3)


def test_the_figure_shows_the_table():
    found = select(DATA["faithful"].x, [1, 2], ["full", "tied"], rng=0, n_starts=3)
    lines = plots.selection(found).get_lines()
    drawn = [value for line in lines for value in line.get_ydata()]
    assert drawn == [row["bic"] for row in found.table]
    plt.close("all")


def test_bad_arguments():
    x = DATA["faithful"].x
    with pytest.raises(ValueError, match="criterion is 'best'"):
        select(x, [1], criterion="best")
    with pytest.raises(ValueError, match="at least one value"):
        select(x, [])
    with pytest.raises(ValueError, match="family is 'round'"):
        select(x, [1], ["round"])
    with pytest.raises(ValueError, match="k is 0"):
        select(x, [0], ["full"])
