"""The M-step: from moments to parameters, in whitened units.

This is where a group that has collapsed is noticed: there is no next state then.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from emgmm._input import Floats
from emgmm.moments import means_and_covariances, project

EMPTY = 1e-300  # a share this small comes from where exp underflows
NARROW = 1e6  # a group this many times narrower than the data has collapsed


@dataclass(frozen=True)
class State:
    """Parameters in whitened units: log phi (k,), mu (k, d) and L (k, d, d).

    L is lower triangular, L_j L_j^T = Sigma_j. A stack of states has one more axis in
    front: what is done to one is done to all of them.
    """

    log_phi: Floats
    mu: Floats
    L: Floats

    @cached_property
    def W(self) -> Floats:
        """The inverse of every L: |W_j (x - mu_j)| counts in standard deviations."""
        W = np.linalg.solve(self.L, np.eye(self.L.shape[-1]))
        return np.asarray(W, dtype=np.float64)

    @cached_property
    def kappa(self) -> Floats:
        """The largest |W_j|^2, one number: what narrow groups cost in digits."""
        return np.asarray((self.W * self.W).sum(axis=(-2, -1)).max(axis=-1))

    @property
    def log_constant(self) -> Floats:
        """log phi_j and the log of the constant before the exponential of N_j."""
        log_diagonal = np.log(self.L.diagonal(axis1=-2, axis2=-1))
        d = self.mu.shape[-1]
        return self.log_phi - log_diagonal.sum(axis=-1) - 0.5 * d * np.log(2 * np.pi)

    def __getitem__(self, i: Any) -> "State":
        """Of a stack: one, or those that a mask chooses."""
        return State(self.log_phi[i], self.mu[i], self.L[i])


class Moments(NamedTuple):
    """Sums M_j of w_ij [1, y_i][1, y_i]^T, shape (k, d+1, d+1): `moments` of y.

    Here y is x, whitened; or, where ``origin`` is a state, W_j (x - mu_j) of its
    groups, which saves digits where these are narrow.
    """

    M: Floats
    origin: State | None = None


def maximize(moments: Moments, family: str) -> State | None:
    """The most likely parameters, :eq:`eq-maximize`; None where a group collapses."""
    N, origin = moments.M[..., 0, 0], moments.origin
    phi = N / N.sum(axis=-1, keepdims=True)
    if not phi.min() > EMPTY:
        return None
    mu, Sigma = means_and_covariances(moments.M)
    if origin is not None:
        mu = origin.mu + (origin.L @ mu[..., None])[..., 0]
        Sigma = origin.L @ Sigma @ origin.L.mT
    try:
        state = State(np.log(phi), mu, cholesky(project(Sigma, phi, family)))
        return state if state.kappa.max() < NARROW**2 else None
    except np.linalg.LinAlgError:
        return None


def flattest(moments: Moments) -> int:
    """The group whose covariance comes nearest to a flat one."""
    Sigma = means_and_covariances(moments.M)[1]
    return int(np.linalg.eigvalsh(Sigma)[:, 0].argmin())


def cholesky(Sigma: Floats) -> Floats:
    """Lower triangular L with L L^T = Sigma, for a stack of matrices."""
    L: Floats = np.linalg.cholesky(Sigma).astype(np.float64, copy=False)
    return L
