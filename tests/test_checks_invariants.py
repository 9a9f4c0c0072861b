"""The promises of EM, tried on EMs that keep or break them."""

import numpy as np
import pytest

import emgmm
from emgmm.checks import invariants
from tests.wrong_answers import everything

RIGHT, WRONG = everything()
PROMISES = {
    "falls": "The log-likelihood never falls.",
    "rows": "The rows of w sum to one.",
    "above": "F(w, theta) is never above the log-likelihood.",
    "touches": "After an E-step F touches the log-likelihood.",
    "order": "The order of the groups does not matter.",
    "units": "Other units give the same answer in other units.",
    "trace": "The trace holds the log-likelihoods.",
    "agrees": "It agrees with emgmm, number by number.",
}


def broken(my_em):
    report = invariants(my_em)
    keys = {says: key for key, says in PROMISES.items()}
    return {keys.get(p.says, "runs") for p in report.promises if p.broken}


@pytest.mark.parametrize("answer", [a for name, a in RIGHT if name == "my_em"])
def test_a_right_em_keeps_all_promises(answer):
    report = invariants(answer)
    assert report
    assert repr(report).count("✓") == len(PROMISES)
    assert "#009e73" in report._repr_html_()


def em(x, w, n_iter, e_step=emgmm.e_step, m_step=emgmm.m_step):
    theta = m_step(x, w)
    trace = [theta.log_likelihood(x)]
    for _ in range(n_iter):
        w = e_step(x, theta)
        theta = m_step(x, w)
        trace.append(theta.log_likelihood(x))
    return w, theta.phi, theta.mu, theta.Sigma, trace


def variation(**steps):
    return lambda x, w, n_iter: em(x, w, n_iter, **steps)


def only_the_first_part(x, w):
    """An M-step that likes group 0."""
    theta = emgmm.m_step(x, w)
    return emgmm.Mixture(theta.phi, theta.mu, theta.Sigma * [[[2]], [[1]]])


def ridge(x, w):
    theta = emgmm.m_step(x, w)
    return emgmm.Mixture(theta.phi, theta.mu, theta.Sigma + 0.1 * np.eye(x.shape[1]))


def of(slip):
    return next(a for name, s, a in WRONG if (name, s) == ("my_em", slip))


def doubled(x, w, n_iter):
    w, *others = em(x, w, n_iter)
    return 2 * w, *others


def halved(x, w, n_iter):
    w, *others = em(x, w, n_iter)
    return w / 2, *others


def shaky(x, w, n_iter):
    """Every other iteration ends too wide."""
    w, phi, mu, Sigma, trace = em(x, w, n_iter)
    return w, phi, mu, Sigma * (1 + n_iter % 2), trace


def boasting(x, w, n_iter):
    """Returns parameters of before and a log-likelihood of after."""
    *others, trace = em(x, w, n_iter)
    return *others, np.array(trace) + 1


@pytest.mark.parametrize(
    ("my_em", "promises"),
    [
        (doubled, {"rows", "agrees"}),
        (halved, {"rows", "above", "touches"}),
        (shaky, {"falls", "touches", "trace"}),
        (boasting, {"trace", "agrees"}),
        (of("trace without the start"), {"trace", "agrees"}),
        (of("old mean in the new Sigma"), {"agrees"}),
        (of("new w mixed with old"), {"agrees"}),
        (of("hard labels in the E-step"), {"touches", "agrees"}),
        (of("phi forgotten in the E-step"), {"touches", "agrees"}),
        (variation(m_step=ridge), {"units", "agrees"}),
        (variation(m_step=only_the_first_part), {"order", "agrees"}),
        (lambda x, w, n: 1 / 0, {"runs"}),
        (lambda x, w, n: None, {"runs"}),
        (lambda x, w, n: (w, w), {"runs"}),
        (lambda x, w, n: (w, [1, 2], x[:2], x[:2], []), {"runs"}),
    ],
)
def test_a_broken_promise_is_named(my_em, promises):
    assert promises <= broken(my_em)


def test_the_quiet_slips_break_nothing_but_the_comparison():
    for slip in ("old mean in the new Sigma", "new w mixed with old"):
        assert broken(of(slip)) == {"agrees"}


def test_reports_are_shown_in_words():
    report = invariants(doubled)
    assert not report
    assert "✗ The rows of w sum to one. After 0 iterations a row sums to 2." in repr(
        report
    )
    assert "#d55e00" in report._repr_html_()
