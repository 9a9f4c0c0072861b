"""Labels hidden: guess them softly, estimate as if they were known, repeat."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from emgmm._engine.blas import one_thread
from emgmm._engine.climb import (
    SHORTEST,
    Log,
    Reason,
    Run,
    Watch,
    accelerated,
    still_to_gain,
)
from emgmm._engine.curvature import matrix_fits, size
from emgmm._engine.expect import given
from emgmm._engine.maximize import State, flattest, maximize
from emgmm._engine.rows import Blocks, Rows
from emgmm._input import (
    Floats,
    as_count,
    as_real,
    as_responsibilities,
    as_tol,
    as_x,
)
from emgmm.certificate import Certificate, by_rate, certificate_at
from emgmm.mixture import Mixture, check_mixture
from emgmm.moments import (
    check_family,
    check_group_weights,
    in_family,
    n_parameters,
)

MOMENT = 1e9  # products of a look at the curvature that nobody waits for: 0.1 s

Verdict = Literal["regular", "spurious", "degenerate", "saddle"]
Callback = Callable[[int, Mixture, float], object]


def e_step(x: ArrayLike, theta: Mixture) -> Floats:
    """Responsibilities w of the groups for the examples, :eq:`eq-e-step`.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    theta : Mixture
        Current parameters.

    Returns
    -------
    w : ndarray, shape (m, k)
        Rows sum to one.

    Raises
    ------
    ValueError
        When x does not fit theta.

    Examples
    --------
    >>> theta = Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]])
    >>> e_step([[1.0], [2.0]], theta).round(3).tolist()
    [[0.5, 0.5], [0.119, 0.881]]
    """
    check_mixture(theta)
    return theta.responsibilities(x)


def m_step(x: ArrayLike, w: ArrayLike) -> Mixture:
    """Parameters that maximize the bound F(w, theta) for this w.

    Shares :eq:`eq-m-step-phi`, means :eq:`eq-m-step-mu` and covariances
    :eq:`eq-m-step-sigma`: the formulas of known labels, with w for the indicator.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    w : array_like, shape (m, k)
        Responsibilities; rows sum to one.

    Returns
    -------
    Mixture

    Raises
    ------
    ValueError
        When w does not fit x, its rows do not sum to one, or a group is empty or
        flat.

    Examples
    --------
    >>> m_step([[0.0], [1.0], [2.0]], [[1.0], [1.0], [1.0]]).mu.tolist()
    [[1.0]]
    """
    x = as_x(x)
    w = as_responsibilities(w, len(x))
    N = w.sum(axis=0)
    check_group_weights(N)
    phi = N / len(x)
    mu = np.stack([w_j @ x for w_j in (w / N).T])
    r = x - mu[:, None]
    Sigma = np.stack([(w_j * r_j.T) @ r_j for w_j, r_j in zip((w / N).T, r)])
    return Mixture(phi, mu, Sigma)


def elbo(x: ArrayLike, w: ArrayLike, theta: Mixture) -> float:
    """The bound F(w, theta) that both steps raise, :eq:`eq-elbo`.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples.
    w : array_like, shape (m, k)
        Responsibilities; rows sum to one.
    theta : Mixture
        Parameters.

    Returns
    -------
    float
        A total, in nats; at most ``theta.log_likelihood(x)``, equal to it when
        ``w = e_step(x, theta)``.

    Raises
    ------
    ValueError
        When x, w and theta do not fit together.

    Examples
    --------
    >>> theta = Mixture([0.5, 0.5], [[0.0], [2.0]], [[[1.0]], [[1.0]]])
    >>> x = [[1.0], [2.0]]
    >>> round(elbo(x, [[0.5, 0.5], [0.5, 0.5]], theta), 4)
    -3.3379
    >>> round(elbo(x, e_step(x, theta), theta), 4), round(theta.log_likelihood(x), 4)
    (-2.9041, -2.9041)
    """
    check_mixture(theta)
    log_joint = theta.log_joint(x)
    w = as_responsibilities(w, len(log_joint))
    if w.shape != log_joint.shape:
        raise ValueError(f"w has shape {w.shape}; theta asks for {log_joint.shape}.")
    # 0 log 0 is 0: a group without weight adds nothing, even where p is 0.
    some = w > 0
    return float((w[some] * (log_joint[some] - np.log(w[some]))).sum())


@dataclass(frozen=True)
class StationaryPoint:
    """A row of ``Fit.starts``: where some starts led.

    The best few are followed to the end; the others are given as they stood when they
    were left behind.

    Attributes
    ----------
    log_likelihood : float
        In nats; NaN when a start failed or was not followed beyond the sample.
    count : int
        How many starts led there.
    theta : Mixture, optional
        The parameters; None where a group has become flat.
    verdict : {"regular", "spurious", "degenerate", "saddle"}
        "degenerate": a group collapses; "spurious": a group does not explain its own
        rows when they are left out of it; "saddle": it is no strict maximum.
    support : float
        Of the least supported group, in nats, see `support`.
    """

    log_likelihood: float
    count: int
    theta: Mixture | None
    verdict: Verdict
    support: float


@dataclass(frozen=True, eq=False)
class Fit:
    """What `em` and `fit` return.

    Attributes
    ----------
    theta : Mixture
        The best parameters.
    log_likelihood : float
        Of ``theta``, in nats: ``theta.log_likelihood(x)``.
    trace : ndarray, shape (n_iter + 1,)
        Log-likelihood at the start and after each iteration, of the best parameters so
        far; it never falls.
    n_iter : int
        Iterations done: one E-step and one M-step each, or one look at the curvature.
    n_evaluations : int
        Passes over x: one more, for the log-likelihood of the last parameters.
    reason : {"converged", "max_iter", "degenerate"}
        Why it stopped. "degenerate": the next step would have shrunk a group onto
        too few or equal points, where the likelihood has no maximum.
    family : str
        Covariance family.
    m : int
        Number of examples.
    certificate : Certificate, optional
        What kind of point it is; None where ``reason`` is not "converged". A saddle is
        no maximum: `fit` leaves it, and `em` does from a start a little beside it.
    starts : tuple of StationaryPoint
        Where the starts of `fit` led: what was chosen, then the others, best first.
    """

    theta: Mixture
    log_likelihood: float
    trace: Floats
    n_iter: int
    n_evaluations: int
    reason: Reason
    family: str
    m: int
    certificate: Certificate | None
    starts: tuple[StationaryPoint, ...]

    def __post_init__(self) -> None:
        self.trace.flags.writeable = False

    def __eq__(self, other: object) -> bool:
        """The same parameters, and the same way to them."""
        if not isinstance(other, Fit):
            return NotImplemented
        same = self.theta == other.theta and self.reason == other.reason
        return same and np.array_equal(self.trace, other.trace)

    def __hash__(self) -> int:
        return hash((self.theta, self.n_iter))

    @property
    def n_starts(self) -> int:
        """How many starts `fit` tried."""
        return sum(point.count for point in self.starts)

    @property
    def n_agree(self) -> int:
        """How many of them led to ``theta``."""
        return self.starts[0].count if self.starts else 0

    @property
    def n_parameters(self) -> int:
        """Free numbers in ``theta``, within its family."""
        return n_parameters(self.theta.k, self.theta.d, self.family)


def em(
    x: ArrayLike | Blocks,
    start: "Mixture | Fit | ArrayLike",
    *,
    family: str = "full",
    tol: float = 1e-9,
    max_iter: int = 10_000,
    accelerate: bool = False,
    callback: Callback | None = None,
) -> Fit:
    """Expectation-maximization: E-step, M-step, repeat, :eq:`eq-em`.

    Parameters
    ----------
    x : array_like, shape (m, d), or callable
        Examples: an array of any real dtype and memory order, memory maps too; or a
        function that returns an iterable of blocks of rows, called once per pass.
    start : Mixture, Fit or array_like, shape (m, k)
        Where to begin: parameters, or responsibilities w. Covariances that are not of
        the family are projected first.
    family : str
        What the covariances may look like, one of `FAMILIES`.
    tol : float
        Stop when the log-likelihood still to be gained, :eq:`eq-still-to-gain`, is
        at most this many nats. 0 runs exactly ``max_iter`` iterations.
    max_iter : int
        Stop after this many iterations.
    accelerate : bool
        Take many EM steps at once where they creep, never downhill. What is left to
        gain is then Newton's decrement, see `certify`; where EM is quick, its estimate.
        Where there is no decrement, it stops on level ground, which may be a saddle.
    callback : callable, optional
        Called as ``callback(n_iter, theta, log_likelihood)`` at the start
        (``n_iter`` = 0) and after every iteration, with the best parameters so far.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        When the arguments do not fit together, or x is flat in some direction.

    Examples
    --------
    >>> x = [[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]]
    >>> fit = em(x, [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0.5, 0.5]])
    >>> fit.reason, fit.theta.mu.ravel().round(6).tolist()
    ('converged', [1.0, 11.0])
    """
    max_iter, tol = as_count(max_iter, "max_iter", least=0), as_tol(tol)
    check_family(family)
    begin = as_start(start, family)
    names = begin.names if isinstance(begin, Mixture) else ()
    rows = Rows(x, _n_groups(begin), family)
    watch = watched(callback, rows, names)
    with one_thread(rows.d):
        state = first_state(rows, begin)
        run = climb(rows, state, tol, max_iter, accelerate, watch)
        run, certificate = certified(rows, run, tol)
    if isinstance(begin, Mixture) and run.state is state:
        return finished(rows, run, begin, certificate)
    return finished(rows, run, rows.theta(run.state, names), certificate)


def climb(
    rows: Rows,
    state: State,
    tol: float,
    max_iter: int,
    accelerate: bool,
    watch: Watch | None = None,
) -> Run:
    """Go up from a state until there is a reason to stop."""
    log = Log(rows, state, max_iter, watch)
    way = accelerated if accelerate and matrix_fits(rows) else plain
    with np.errstate(all="ignore"):  # a trial may lie anywhere; the log refuses it
        reason = way(log, state, tol)
    if not log.trace:
        raise ValueError("start lies too far from x: its log-likelihood is not finite.")
    at = log.at if log.at is not None and log.at.state is log.best else None
    return Run(log.best, np.array(log.trace), reason, at)


def plain(log: Log, state: State, tol: float) -> Reason:
    """E-step, M-step, repeat, until at most ``tol`` is left to gain, :eq:`eq-em`."""
    while log.room:
        moments = log.expect(state)
        if tol > 0 and still_to_gain(log.trace, log.rows.rounding) <= tol:
            return "converged"
        following = maximize(moments, log.rows.family)
        if following is None:
            return "degenerate"
        state = following
    return "max_iter"


def first_state(rows: Rows, start: Mixture | ArrayLike) -> State:
    """The state to start from: parameters, or the M-step of responsibilities."""
    if isinstance(start, Mixture):
        return rows.state(start)
    w = shares(rows, start)
    check_group_weights(w.sum(axis=0))
    moments = given(rows, w)
    state = maximize(moments, rows.family)
    if state is None:
        raise np.linalg.LinAlgError(
            f"start: group {flattest(moments)} is flat in some direction; its examples "
            "are too few, equal or collinear. Start it from more of them."
        )
    return state


def shares(rows: Rows, start: ArrayLike) -> Floats:
    """Responsibilities to start from, once they are checked."""
    w = as_responsibilities(start, rows.m)
    if w.shape[1] != rows.k:
        raise ValueError(
            f"w has shape {w.shape}; with k = {rows.k} groups it must be "
            f"({rows.m}, {rows.k})."
        )
    return w


def certified(rows: Rows, run: Run, tol: float) -> tuple[Run, Certificate | None]:
    """What kind of point it is, where EM says that it has arrived.

    Too few log-likelihoods show no rate: there the curvature says whether a run that
    was cut short had begun at a maximum.
    """
    soon = run.reason == "max_iter" and tol > 0 and len(run.trace) < SHORTEST
    if run.reason != "converged" and not soon:
        return run, None
    found = (
        certificate_at(rows, run) if look_pays(rows, run) else by_rate(rows, run.state)
    )
    if not soon:
        return run, found
    if found.kind == "strict maximum" and found.still_to_gain <= tol:
        return replace(run, reason="converged"), found
    return run, None


def look_pays(rows: Rows, run: Run) -> bool:
    """Is a look at the curvature a matter of a moment, or of no more than the climb?

    It costs about a quarter of a pass for each number in the score.
    """
    p = size(rows)
    return rows.m * p**2 < MOMENT or p // 4 < len(run.trace)


def finished(
    rows: Rows, run: Run, theta: Mixture, certificate: Certificate | None
) -> Fit:
    """The public form of a run."""
    n = len(run.trace)
    return Fit(
        theta,
        float(run.trace[-1]),
        run.trace,
        n - 1,
        n,
        run.reason,
        rows.family,
        rows.m,
        certificate,
        starts=(),
    )


def watched(
    callback: Callback | None, rows: Rows, names: tuple[Any, ...] = ()
) -> Watch | None:
    """What a user wants to be told of, made of what the engine tells."""
    if callback is None:
        return None
    if not callable(callback):
        raise ValueError(f"callback is {callback!r}; pass a function or None.")
    return lambda n, state, value: callback(n, rows.theta(state, names), value)


def as_start(start: Any, family: str) -> Any:
    """Parameters, of the family; or what else it is."""
    if isinstance(start, Fit):
        start = start.theta
    return in_family(start, family) if isinstance(start, Mixture) else start


def _n_groups(start: Mixture | ArrayLike) -> int:
    if isinstance(start, Mixture):
        return start.k
    w = as_real(start, "w")
    return w.shape[1] if w.ndim == 2 else 1
