"""Exercises of chapter 5: why EM works."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import entr, xlogy

from emgmm.checks.exercise import Case, Exercise, Slip
from emgmm.checks.inputs import anemia, hard, sample
from emgmm.em import e_step, elbo, m_step
from emgmm.labeled import fit_labeled, one_hot
from emgmm.mixture import Mixture

staircase = Exercise(
    label="ex-why-read",
    name="staircase",
    minutes=10,
    level="warm-up",
    parts=("loglik", "F_after_E", "loglik_after_E", "at_least"),
    reference=lambda: (-917, -917, -917, -915),
    tolerance=0.01,
    slips=(
        Slip(
            "gap subtracted",
            {
                "loglik": -923,
                "F_after_E": -923,
                "loglik_after_E": -923,
                "at_least": -921,
            },
            "F lies below the log-likelihood: add the divergence to F.",
            "step-why-kl",
        ),
        Slip(
            "no gap",
            {"loglik": -920},
            "F is the log-likelihood *minus* the divergences, and these sum to 3.",
            "step-why-kl",
        ),
        Slip(
            "the E-step leaves F",
            {"F_after_E": -920},
            "The E-step raises F until it touches the log-likelihood.",
            "step-why-kl",
        ),
        Slip(
            "the E-step raises the log-likelihood",
            {"loglik_after_E": -914},
            "An E-step changes w only. The log-likelihood does not know w.",
            "step-why-kl",
        ),
        Slip(
            "the E-step overshoots",
            {"F_after_E": -914},
            "F cannot rise above the log-likelihood, -917.",
            "step-why-below",
        ),
        Slip(
            "rise counted from the old F",
            {"at_least": -918},
            "Before the M-step F is -917, not -920.",
            "step-why-monotone",
        ),
        Slip(
            "the log-likelihood stays",
            {"at_least": -917},
            "F rises to -915, and the log-likelihood is never below F.",
            "step-why-monotone",
        ),
        Slip(
            "gap opens by as much",
            {"at_least": -913},
            "After the M-step the log-likelihood is -915 or higher. How much higher, "
            "nobody can say.",
            "step-why-monotone",
        ),
    ),
    hints=(
        "The log-likelihood is F plus the sum of the divergences.",
        "An E-step makes all divergences zero and leaves the log-likelihood alone.",
        "After an M-step F is a lower bound of the new log-likelihood.",
    ),
    look_next="In question 4, F falls from -944 to -946 in the third half step, an "
    "E-step: read that function first.",
)

jensen = Exercise(
    label="ex-why-jensen",
    name="jensen",
    minutes=30,
    level="core",
    parts=("log_of_mean", "mean_of_logs", "gap", "log_of_sum", "sum_of_logs", "bound"),
    reference=lambda: (
        np.log(5),
        np.log(3),
        np.log(2),
        -903.62421,
        -6508.73682,
        -3129.60192,
    ),
    tolerance=0.0065,
    slips=(
        Slip(
            "log of the sum, not of the mean",
            {"log_of_mean": np.log(10), "mean_of_logs": np.log(9)},
            "The weights are one half each: take the mean, not the sum.",
            "step-why-jensen",
        ),
        Slip(
            "sides exchanged",
            {"log_of_mean": np.log(3), "mean_of_logs": np.log(5)},
            "You exchanged the two sides. The log of the mean is the larger one.",
            "step-why-jensen",
        ),
        Slip(
            "logarithm to base ten",
            {
                "log_of_mean": np.log10(5),
                "mean_of_logs": np.log10(3),
                "gap": np.log10(2),
            },
            "The logarithm is the natural one.",
        ),
        Slip(
            "log forgotten",
            {"log_of_mean": 5, "gap": 2},
            "Take the log.",
            "step-why-jensen",
        ),
        Slip(
            "no gap",
            {"gap": 0},
            "With p_i0 = p_i1 the posterior is one half each, and (1, 0) is not that.",
            "step-why-kl",
        ),
        Slip(
            "sign of the gap",
            {"gap": -np.log(2)},
            "A gap is never negative.",
            "step-why-kl",
        ),
        Slip(
            "infinite gap",
            {"gap": np.inf},
            "0 log 0 counts as 0: only the group with weight 1 adds to the divergence.",
            "step-why-kl",
        ),
        Slip(
            "complete log-likelihood",
            {"log_of_sum": -926.36301},
            "That is the complete log-likelihood. The labels are hidden here.",
            "eq-log-likelihood",
        ),
        Slip(
            "means per example",
            {"log_of_sum": -5.02013, "sum_of_logs": -36.15965, "bound": -17.38668},
            "That is the mean per example. Sum over all of them.",
            "eq-log-likelihood",
        ),
        Slip(
            "entropy forgotten",
            {"bound": -3254.36841},
            "Half of the sum of the logs is the expected part only. The entropy of w, "
            "log 2 for each example, belongs to F, too.",
            "eq-elbo",
        ),
        Slip(
            "entropy subtracted",
            {"bound": -3379.13490},
            "The entropy of w is added, not subtracted.",
            "eq-elbo",
        ),
        Slip(
            "entropy added to the sum of the logs",
            {"bound": -6383.97033},
            "Weight the logs with one half before you add the entropy.",
            "eq-elbo",
        ),
    ),
    hints=(
        "The mean of (1, 9) is 5. The mean of log 1 and log 9 is half of log 9.",
        "In 3 the gap is sum_j w_j log(w_j / q_j), with q = (1/2, 1/2).",
        "In 4, take a = theta.log_joint(x). The bound is emgmm.elbo(x, w, theta) with "
        "one half everywhere in w.",
    ),
    look_next="For question 2, all weight on one of the two numbers gives equality: a "
    "mean of one number.",
)


def _em(
    x: Any,
    w: Any,
    n_iter: int,
    *,
    soften: Callable[[Any, Mixture], Any] = e_step,
    fit: Callable[[Any, Any, Mixture], Mixture] = lambda x, w, old: m_step(x, w),
    measure: Callable[[Any, Any, Mixture], float] = lambda x, w, t: t.log_likelihood(x),
) -> Any:
    """EM with other steps, as slips take them."""
    theta = m_step(x, w)
    trace = [measure(x, w, theta)]
    for _ in range(n_iter):
        w = soften(x, theta)
        theta = fit(x, w, theta)
        trace.append(measure(x, w, theta))
    return w, theta.phi, theta.mu, theta.Sigma, np.array(trace)


def _em_with(**changes: Any) -> Any:
    return lambda x, w, n_iter: _em(x, w, n_iter, **changes)


def _em_then(change: Any) -> Any:
    return lambda x, w, n_iter: change(*_em(x, w, n_iter))


def _old_mean(x: Any, w: Any, old: Mixture) -> Mixture:
    new = m_step(x, w)
    gap = new.mu - old.mu
    return Mixture(new.phi, new.mu, new.Sigma + gap[:, :, None] * gap[:, None, :])


def _old_weights(x: Any, w: Any, old: Mixture) -> Mixture:
    """The mean from w, the rest from a w that the new mean has already changed."""
    mean = m_step(x, w).mu
    fresh = e_step(x, Mixture(old.phi, mean, old.Sigma))
    N, r = fresh.sum(axis=0), x[None] - mean[:, None]
    Sigma = np.einsum("ij,jia,jib->jab", fresh, r, r) / N[:, None, None]
    return Mixture(N / len(x), mean, Sigma)


def _scaled(x: Any, w: Any, old: Mixture, by: str) -> Mixture:
    new, N = m_step(x, w), w.sum(axis=0)
    factor = {"m": N / len(x), "N-1": N / (N - 1)}[by]
    return Mixture(new.phi, new.mu, new.Sigma * factor[:, None, None])


def _equal_phi(x: Any, theta: Mixture) -> Any:
    return e_step(x, Mixture(np.full(theta.k, 1 / theta.k), theta.mu, theta.Sigma))


def _hard_start(x: Any, w: Any, n_iter: int) -> Any:
    """EM whose every M-step, the first one too, sees hard labels."""
    return _em(x, hard(w), n_iter, fit=lambda x, w, old: m_step(x, hard(w)))


def _em_cases() -> list[Case]:
    x = np.array([[0.0], [1.0], [2.0], [6.0], [7.0], [9.0]])
    w = np.array([[1.0, 0.0]] * 2 + [[0.6, 0.4]] * 2 + [[0.0, 1.0]] * 2)
    cases: list[Case] = [(x, w, 1), (x, w, 0), (x, w, 3)]
    for m, d, k, seed, n in ((30, 3, 2, 15, 2), (60, 2, 3, 16, 2)):
        x, theta = sample(m, d, k, seed)
        rng = np.random.default_rng(seed)
        noise = rng.dirichlet(np.ones(k), size=m)
        cases.append((x, 0.8 * e_step(x, theta) + 0.2 * noise, n))
    return cases


my_em = Exercise(
    label="ex-em-loop",
    name="my_em",
    minutes=35,
    level="core",
    arguments=("x", "w", "n_iter"),
    parts=("w", "phi", "mu", "Sigma", "trace"),
    reference=_em,
    cases=_em_cases,
    points=3,
    slips=(
        Slip(
            "w never updated",
            lambda x, w, n: (w, *_em(x, w, 0)[1:4], np.full(n + 1, _em(x, w, 0)[4][0])),
            "Your w is still the one it started with: put the result of the E-step "
            "back into w, inside the loop.",
            "eq-em",
        ),
        Slip(
            "one iteration too many",
            lambda x, w, n: _em(x, w, n + 1),
            "You do one iteration too many. range(n_iter) runs n_iter times.",
            "eq-em",
        ),
        Slip(
            "one iteration too few",
            lambda x, w, n: _em(x, w, max(n - 1, 0)),
            "You do one iteration too few. range(n_iter) runs n_iter times.",
            "eq-em",
        ),
        Slip(
            "old mean in the new Sigma",
            _em_with(fit=_old_mean),
            "Your Sigma is measured from the old mean. No trace will tell you, it "
            "still climbs; but the M-step uses the mean that it has just computed.",
            "eq-m-step-sigma",
        ),
        Slip(
            "new w mixed with old",
            _em_with(fit=_old_weights),
            "You compute w again in the middle of the M-step: the mean is of the old "
            "w, phi and Sigma are of a new one. One w serves all three formulas.",
            "eq-em",
        ),
        Slip(
            "hard labels in the E-step",
            _em_with(soften=lambda x, t: one_hot(t.classify(x), t.k)),
            "Your E-step gives each example wholly to one group. Then the "
            "log-likelihood may fall.",
            "eq-e-step",
        ),
        Slip(
            "hard labels in the M-step",
            _em_with(fit=lambda x, w, old: m_step(x, hard(w))),
            "Your M-step gives each example wholly to one group. Use w as it is.",
            "eq-m-step-phi",
        ),
        Slip(
            "hard labels in the M-step",
            lambda x, w, n: (
                w if n == 0 else _hard_start(x, w, n)[0],
                *_hard_start(x, w, n)[1:],
            ),
            "Your M-step gives each example wholly to one group. Use w as it is.",
            "eq-m-step-phi",
        ),
        Slip(
            "phi forgotten in the E-step",
            _em_with(soften=_equal_phi),
            "Your E-step leaves out the shares phi_j.",
            "eq-e-step",
        ),
        Slip(
            "Sigma divides by m, not N_j",
            lambda x, w, n: _sloppy(x, w, n, "m"),
            "In your M-step Sigma is divided by m instead of N_j.",
            "eq-m-step-sigma",
        ),
        Slip(
            "Sigma divides by N_j - 1",
            lambda x, w, n: _sloppy(x, w, n, "N-1"),
            "In your M-step Sigma is divided by N_j - 1.",
            "eq-m-step-sigma",
        ),
        Slip(
            "trace one step behind",
            _em_then(lambda w, p, mu, S, t: (w, p, mu, S, np.r_[t[0], t[:-1]])),
            "Your trace lags behind: its last number must be the log-likelihood of the "
            "parameters that you return.",
            "eq-log-likelihood",
        ),
        Slip(
            "trace without the start",
            _em_then(lambda w, p, mu, S, t: (w, p, mu, S, t[1:])),
            "The log-likelihood of the first parameters is missing in the trace: n + 1 "
            "numbers for n iterations.",
            "eq-log-likelihood",
        ),
        Slip(
            "trace without the end",
            _em_then(lambda w, p, mu, S, t: (w, p, mu, S, t[:-1])),
            "The last log-likelihood is missing in the trace: n + 1 numbers for n "
            "iterations.",
            "eq-log-likelihood",
        ),
        Slip(
            "trace of means",
            lambda x, w, n: (*_em(x, w, n)[:4], _em(x, w, n)[4] / len(x)),
            "Your trace holds means per example. The log-likelihood is a total.",
            "eq-log-likelihood",
        ),
        Slip(
            "sign of the trace",
            _em_then(lambda w, p, mu, S, t: (w, p, mu, S, -t)),
            "The trace has the wrong sign: it should rise.",
            "eq-log-likelihood",
        ),
        Slip(
            "trace of the bound F",
            _em_with(measure=elbo),
            "Your trace holds F(w, theta), with the w from before the M-step. It lies "
            "below the log-likelihood.",
            "eq-elbo",
        ),
        Slip(
            "trace of the expected complete log-likelihood",
            _em_with(measure=lambda x, w, t: float((w * t.log_joint(x)).sum())),
            "Your trace holds the expected complete log-likelihood: the sum of w times "
            "the log-joints. It lacks the entropy and is no log-likelihood.",
            "step-em-expected",
        ),
        Slip(
            "a fresh w returned",
            lambda x, w, n: (
                e_step(x, Mixture(*_em(x, w, n)[1:4])),
                *_em(x, w, n)[1:],
            ),
            "You return the w of one more E-step. Return the one that the last M-step "
            "used.",
            "eq-em",
        ),
    ),
    hints=(
        "Before the loop: phi, mu, Sigma = m_step(x, w) and trace = [log_likelihood(x, "
        "phi, mu, Sigma)].",
        "In the loop, in this order: w = e_step(...), the three parameters = m_step(x, "
        "w), append the log-likelihood.",
        "Return w, phi, mu, Sigma, trace after the loop, not in it.",
    ),
    look_next="That is EM, all of it yours. Now: from emgmm.checks import invariants; "
    "invariants(my_em).",
)


def _sloppy(x: Any, w: Any, n_iter: int, by: str) -> Any:
    """EM whose every M-step, the first one too, divides Sigma by something else."""
    theta = _scaled(x, w, m_step(x, w), by)
    trace = [theta.log_likelihood(x)]
    for _ in range(n_iter):
        w = e_step(x, theta)
        theta = _scaled(x, w, theta, by)
        trace.append(theta.log_likelihood(x))
    return w, theta.phi, theta.mu, theta.Sigma, np.array(trace)


def _falls(trace: Any, least: float = 1e-6) -> Any:
    return np.flatnonzero(np.diff(trace) < -least)


def _first(positions: Any, shift: int = 1, none: int = -1) -> int:
    return int(positions[0]) + shift if len(positions) else none


def _traces() -> list[Case]:
    traces = [
        [-9.0, -7.0, -5.0, -6.0, -4.0],
        [-9.0, -7.0, -5.0],
        [-9.0, -7.0, -7.0 - 1e-9, -6.0, -6.5, -6.0, -7.5],
        [-3.0, -3.5, -2.0, -2.0],
        [-3.0, -2.0, -2.0 - 4e-6, -2.0],
        [-3.0, -2.0, -2.0 - 6e-7, -2.0 - 1.2e-6, -1.5],
        [-3.0],
        [-9.0, -7.0, -8.5, -6.0, -6.4],
        [2.0, 5.0, 4.9],
        [-950.0, -944.0, -943.999, -943.9991, -941.0, -941.5],
    ]
    return [(np.array(trace),) for trace in traces]


first_fall = Exercise(
    label="ex-why-slips",
    name="first_fall",
    minutes=75,
    level="stretch",
    arguments=("trace",),
    parts=("iteration",),
    reference=lambda trace: _first(_falls(trace)),
    cases=_traces,
    slips=(
        Slip(
            "one iteration early",
            lambda trace: _first(_falls(trace), shift=0),
            "np.diff starts with the gain of iteration 1: add 1 to its positions.",
            "step-why-monotone",
        ),
        Slip(
            "rounding counted as a fall",
            lambda trace: _first(_falls(trace, least=0)),
            "You ring the alarm for rounding errors. Allow a millionth of a nat.",
            "step-why-monotone",
        ),
        Slip(
            "small falls overlooked",
            lambda trace: _first(_falls(trace, least=1e-3)),
            "You overlook small falls. Only a millionth of a nat is allowed.",
            "step-why-monotone",
        ),
        Slip(
            "rises instead of falls",
            lambda trace: _first(np.flatnonzero(np.diff(trace) > 1e-6)),
            "You look for rises. A rise is what EM should do.",
            "step-why-monotone",
        ),
        Slip(
            "largest fall instead of the first",
            lambda trace: (
                int(np.diff(trace).argmin()) + 1 if len(_falls(trace)) else -1
            ),
            "You return the largest fall. The first one is asked for.",
        ),
        Slip(
            "last fall instead of the first",
            lambda trace: _first(_falls(trace)[::-1]),
            "You return the last fall. The first one is asked for.",
        ),
        Slip(
            "number of falls",
            lambda trace: len(_falls(trace)),
            "You return how many falls there are. At which iteration is the first?",
        ),
        Slip(
            "0 when nothing falls",
            lambda trace: _first(_falls(trace), none=0),
            "Without a fall the answer is -1. 0 would be the start.",
        ),
        Slip(
            "compared with the start",
            lambda trace: _first(np.flatnonzero(trace < trace[0] - 1e-6), shift=0),
            "You compare with the first value. Compare each value with the one before "
            "it.",
            "step-why-monotone",
        ),
        Slip(
            "compared with the best so far",
            lambda trace: _first(
                np.flatnonzero(trace < np.maximum.accumulate(trace) - 1e-6), shift=0
            ),
            "You compare with the best value so far. Compare with the one before.",
            "step-why-monotone",
        ),
        Slip(
            "yes or no",
            lambda trace: len(_falls(trace)) > 0,
            "You return whether it falls. At which iteration does it?",
        ),
    ),
    hints=(
        "np.diff(trace) holds the gains; the gain of iteration t stands at position "
        "t - 1.",
        "falls = np.flatnonzero(np.diff(trace) < -1e-6) are the positions of all "
        "falls.",
        "Return falls[0] + 1 if there are any, else -1.",
    ),
    look_next="Now the three M-steps. (c) is silent in both runs, and still it is not "
    "the M-step: a silent alarm proves little.",
)


def _gap(q: Any) -> float:
    return float(-np.log(q.max(axis=1)).sum())


def _hard_numbers() -> tuple[float, float]:
    x, z = anemia()
    gap = _gap(fit_labeled(x, z).responsibilities(x))
    start = np.random.default_rng(0).dirichlet([1, 1], size=len(x))
    rest = Mixture(*_em(x, start, 60)[1:4])
    after = m_step(x, one_hot(rest.classify(x), 2))
    return gap, rest.log_likelihood(x) - after.log_likelihood(x)


hard_labels = Exercise(
    label="ex-why-hard",
    name="hard_labels",
    minutes=40,
    level="core",
    parts=("gap", "fall"),
    reference=_hard_numbers,
    tolerance=0.0065,
    slips=(
        Slip(
            "sign of the gap",
            {"gap": -7.24547},
            "A gap is never negative: minus the log of a probability is positive.",
            "step-why-kl",
        ),
        Slip(
            "gap at the resting point",
            {"gap": 4.94624},
            "That is the gap where EM rests. The labeled fit is asked for.",
        ),
        Slip(
            "entropy instead of the gap",
            {"gap": 19.65238},
            "That is the entropy of the responsibilities. The gap of hard labels holds "
            "only the log of the largest q in each row.",
            "step-why-kl",
        ),
        Slip(
            "shares instead of logs",
            {"gap": 6.43714},
            "You added 1 - max q. Take -log of the largest q of each row.",
            "step-why-kl",
        ),
        Slip(
            "mean per example",
            {"gap": 7.24547 / 180, "fall": 0.55421 / 180},
            "That is the mean per example. Sum over all of them.",
            "step-why-kl",
        ),
        Slip(
            "sign of the fall",
            {"fall": -0.55421},
            "The question is by how much it falls: before minus after.",
        ),
        Slip(
            "fall of the hard objective",
            {"fall": -1.10611},
            "You compared the complete log-likelihoods of the hard labels. They rise; "
            "the log-likelihood falls.",
            "eq-log-likelihood",
        ),
        Slip(
            "gap taken for the fall",
            {"fall": 4.94624},
            "That is how far F drops in the hard E-step. The M-step wins most of it "
            "back.",
            "step-why-monotone",
        ),
        Slip(
            "started from the labeled fit",
            {"fall": -0.07518},
            "You started from the labeled fit. Start where EM rests.",
        ),
    ),
    hints=(
        "In the divergence a hard row has one term: 1 log(1 / q), with the largest q.",
        "q = fit.responsibilities(x) at the labeled fit, then "
        "-np.log(q.max(axis=1)).sum().",
        "rest = emgmm.em(x, w_start).theta; the next parameters are emgmm.m_step(x, "
        "emgmm.one_hot(rest.classify(x), 2)).",
    ),
    look_next="The third line of the proof breaks: after a hard E-step the bound does "
    "not touch.",
)


def _two(
    x: Any,
    theta: Mixture,
    *,
    gain: Callable[[Any, Mixture, Mixture, Any, Any], float] | None = None,
    kl: Callable[[Any, Any], Any] = lambda w, v: (w * np.log(w / v)).sum(),
) -> tuple[float, float]:
    """Both gains, or what slips take for them."""
    w = e_step(x, theta)
    new = m_step(x, w)
    v = e_step(x, new)
    first = elbo(x, w, new) - elbo(x, w, theta)
    return first if gain is None else gain(x, theta, new, w, v), kl(w, v)


def _two_with(**changes: Any) -> Any:
    return lambda x, theta: _two(x, theta, **changes)


def _two_cases() -> list[Case]:
    x = np.array([[0.0], [1.0], [3.0], [4.0], [7.0]])
    tiny = Mixture([0.25, 0.75], [[0.0], [4.0]], [[[4.0]], [[2.0]]])
    more = [sample(m, d, k, s) for m, d, k, s in ((25, 3, 2, 17), (40, 2, 3, 18))]
    return [(x, tiny), *more]


two_gains = Exercise(
    label="ex-why-two-gains",
    name="two_gains",
    minutes=45,
    level="stretch",
    arguments=("x", "theta"),
    parts=("m_step_gain", "divergence"),
    reference=_two,
    cases=_two_cases,
    slips=(
        Slip(
            "divergence the other way round",
            _two_with(kl=lambda w, v: (v * np.log(v / w)).sum()),
            "A divergence is not symmetric. It runs from the old w, which weights the "
            "logs, to the new one.",
            "step-why-two-gains",
        ),
        Slip(
            "sign of the divergence",
            _two_with(kl=lambda w, v: (w * np.log(v / w)).sum()),
            "A divergence is never negative: the old w stands above the bar.",
            "step-why-two-gains",
        ),
        Slip(
            "whole gain for the first part",
            _two_with(
                gain=lambda x, t, new, w, v: new.log_likelihood(x) - t.log_likelihood(x)
            ),
            "That is the gain of the log-likelihood, both parts together. The first is "
            "the gain of F at the old w.",
            "step-why-two-gains",
        ),
        Slip(
            "F with the new w",
            _two_with(gain=lambda x, t, new, w, v: elbo(x, v, new) - elbo(x, v, t)),
            "You took F at the new w. The M-step works at the old one.",
            "step-why-two-gains",
        ),
        Slip(
            "sign of the first part",
            _two_with(gain=lambda x, t, new, w, v: elbo(x, w, t) - elbo(x, w, new)),
            "New minus old: the M-step raises F.",
            "step-why-two-gains",
        ),
        Slip(
            "parts exchanged",
            lambda x, theta: _two(x, theta)[::-1],
            "You returned the two parts in the other order.",
        ),
        Slip(
            "mean of the divergences",
            lambda x, theta: (_two(x, theta)[0], _two(x, theta)[1] / len(x)),
            "You averaged the divergences. They are summed over the examples.",
            "step-why-two-gains",
        ),
        Slip(
            "one divergence per example",
            _two_with(kl=lambda w, v: (w * np.log(w / v)).sum(axis=1)),
            "You return one divergence for each example. Sum them.",
            "step-why-two-gains",
        ),
        Slip(
            "divergence without weights",
            _two_with(kl=lambda w, v: np.log(w / v).sum()),
            "The weights w in front of the logs are missing.",
            "step-why-kl",
        ),
        Slip(
            "entropy of w for the divergence",
            _two_with(kl=lambda w, v: entr(w).sum()),
            "That is the entropy of the old w. The divergence compares it with the new "
            "one.",
            "step-why-kl",
        ),
        Slip(
            "cross-entropy for the divergence",
            _two_with(kl=lambda w, v: -xlogy(w, v).sum()),
            "That is -sum of w log of the new w. Add the sum of w log w.",
            "step-why-kl",
        ),
        Slip(
            "change of the entropy for the divergence",
            _two_with(kl=lambda w, v: (entr(v) - entr(w)).sum()),
            "That is the change of the entropy.",
            "step-why-kl",
        ),
    ),
    hints=(
        "w = e_step(x, theta), new = m_step(x, w), and the next w = e_step(x, new).",
        "The first part is elbo(x, w, new) - elbo(x, w, theta), with the same w.",
        "The second is the sum of w * log(w / next w).",
    ),
    look_next="Both parts are never negative. So if the log-likelihood does not rise, "
    "both are zero: w has not changed, and EM rests.",
)

EXERCISES = (staircase, jensen, my_em, first_fall, hard_labels, two_gains)
