"""The promises of EM, tried on EMs that keep or break them."""

import numpy as np
import pytest

import emgmm
from emgmm.checks import check, invariants
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


def stopping(least):
    """Ends when the gain is no larger than this."""

    def my_em(x, w, n_iter):
        theta = emgmm.m_step(x, w)
        trace = [theta.log_likelihood(x)]
        for _ in range(n_iter):
            w = emgmm.e_step(x, theta)
            theta = emgmm.m_step(x, w)
            trace.append(theta.log_likelihood(x))
            if trace[-1] - trace[-2] <= least:
                break
        return w, theta.phi, theta.mu, theta.Sigma, trace

    return my_em


def padded(x, w, n_iter):
    """Ends early, and hides it."""
    *others, trace = stopping(0.01)(x, w, n_iter)
    return *others, np.r_[trace, np.full(n_iter + 1 - len(trace), trace[-1])]


def flipped(x, w):
    """Parameters in the other order than the columns of w."""
    return emgmm.m_step(x, w[:, ::-1])


def flipped_later(x, w, n_iter):
    """An M-step of the given w; then the columns change places in each iteration."""
    return em(x, w, n_iter, e_step=lambda x, theta: emgmm.e_step(x, theta)[:, ::-1])


def exchanged_when_odd(x, w, n_iter):
    """The groups come back in another order after 1, 3, 5 iterations."""
    w, phi, mu, Sigma, trace = em(x, w, n_iter)
    order = [1, 0] if n_iter % 2 else [0, 1]
    return w[:, order], phi[order], mu[order], Sigma[order], trace


EARLY = [stopping(least) for least in (0.1, 1e-3, 1e-6, 1e-9, 0)]
FLIPPED = [flipped_later, exchanged_when_odd, lambda *a: em(*a, m_step=flipped)]


@pytest.mark.parametrize("my_em", [*EARLY, lambda x, w, n: em(x, w, min(n, 50))])
def test_an_em_that_stops_early_passes_nowhere(my_em):
    assert {"trace", "agrees"} <= broken(my_em)
    assert check("my_em", my_em).kind == "wrong"


@pytest.mark.parametrize("my_em", EARLY)
def test_the_check_says_that_an_em_stops_early(my_em):
    assert check("my_em", my_em).slip == "stops early"


def test_a_trace_that_is_filled_up_does_not_hide_an_early_stop():
    assert broken(padded) == {"agrees"}


@pytest.mark.parametrize("my_em", FLIPPED)
def test_an_em_that_exchanges_groups_passes_nowhere(my_em):
    assert "agrees" in broken(my_em)
    assert check("my_em", my_em).kind == "wrong"


@pytest.mark.parametrize(
    ("trace", "says"),
    [
        (lambda t: [], "After 0 iterations its length is 0, not 1."),
        (lambda t: t[-1], "After 1 iterations its length is 1, not 2."),
        (lambda t: [[v + 1 for v in t]], "It ends at -"),
    ],
)
def test_a_trace_of_another_form_is_described(trace, says):
    def my_em(x, w, n_iter):
        *others, own = em(x, w, n_iter)
        return *others, trace(own)

    assert says in " ".join(repr(invariants(my_em)).split())


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
