"""The model: k groups, each a Gaussian cloud, mixed in proportions phi."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from emgmm._input import SUM, Floats, Ints, as_count, as_generator, as_real, as_x


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Mixture:
    """Parameters theta of a Gaussian mixture: checked once, never changed.

    Parameters
    ----------
    phi : array_like, shape (k,)
        Proportions of the groups; they sum to 1.
    mu : array_like, shape (k, d)
        Means, in the units of x.
    Sigma : array_like, shape (k, d, d)
        Covariance matrices: *variances* on the diagonal, in squared units of x.
    names : sequence of k, optional
        What the groups are called; 0 .. k-1 when not given.

    Raises
    ------
    ValueError
        When shapes disagree, a value is not finite, phi is not on the simplex
        (to 1e-6) or a Sigma is not symmetric and positive definite. The message
        names the value, its shape and the group.

    Examples
    --------
    >>> theta = Mixture([0.4, 0.6], [[0, 0], [3, 1]], [np.eye(2), np.eye(2)])
    >>> theta.k, theta.d, theta.n_parameters
    (2, 2, 11)
    >>> theta.responsibilities([[0, 0], [3, 1]]).round(3).tolist()
    [[0.99, 0.01], [0.004, 0.996]]
    """

    phi: Floats
    mu: Floats
    Sigma: Floats
    names: tuple[Any, ...]
    # W_j with W_j Sigma_j W_j^T = I: |W_j (x - mu_j)| counts in standard deviations.
    _whiteners: Floats

    def __init__(
        self,
        phi: ArrayLike,
        mu: ArrayLike,
        Sigma: ArrayLike,
        names: Sequence[Any] = (),
    ) -> None:
        phi = _checked_phi(phi)
        mu = _checked_mu(mu, len(phi))
        names = _checked_names(names, len(phi))
        Sigma = _checked_Sigma(Sigma, mu.shape, names)
        whiteners = _whiteners(Sigma, names)
        for array in (phi, mu, Sigma, whiteners):
            array.flags.writeable = False
        self.__dict__.update(
            phi=phi, mu=mu, Sigma=Sigma, names=names, _whiteners=whiteners
        )

    @property
    def k(self) -> int:
        """Number of groups."""
        return len(self.phi)

    @property
    def d(self) -> int:
        """Number of features."""
        return self.mu.shape[1]

    @property
    def n_parameters(self) -> int:
        """Free numbers in theta, :eq:`eq-n-parameters`."""
        k, d = self.mu.shape
        return (k - 1) + k * d + k * d * (d + 1) // 2

    def log_joint(self, x: ArrayLike) -> Floats:
        """Log of p(x_i, z_i = j) for every example and group, in nats.

        The Gaussian log-density is :eq:`eq-gaussian`; adding log phi_j gives
        :eq:`eq-log-joint`. It is a log-*density*: it may be positive.

        Parameters
        ----------
        x : array_like, shape (m, d)
            Examples; shape (m,) when d = 1.

        Returns
        -------
        ndarray, shape (m, k)

        Raises
        ------
        ValueError
            When x has another shape, is not finite, or lies so far out that sums of
            squared distances are not float64 (about 1e150 standard deviations).
        """
        x = as_x(x, self.d)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            y = (x[None] - self.mu[:, None]) @ self._whiteners.mT
            distance2 = np.einsum("jid,jid->ij", y, y)
            log_phi = np.log(self.phi)
        if not (distance2 < 1e300).all():
            raise ValueError("x is too far from every group: check its units.")
        log_det = -2 * np.log(np.diagonal(self._whiteners, axis1=1, axis2=2)).sum(1)
        log_normal = -0.5 * (self.d * np.log(2 * np.pi) + log_det + distance2)
        joint: Floats = log_phi + log_normal
        return joint

    def log_density(self, x: ArrayLike) -> Floats:
        """Log p(x_i), the groups summed out, :eq:`eq-density`, in nats, shape (m,).

        The sum is formed from logarithms, :eq:`eq-log-sum-exp`, so that it does not
        underflow however far x_i lies from every group.
        """
        return self._posterior(x)[1]

    def log_likelihood(self, x: ArrayLike) -> float:
        """Log-likelihood of theta, :eq:`eq-log-likelihood`: a total, in nats."""
        return float(self.log_density(x).sum())

    def responsibilities(self, x: ArrayLike) -> Floats:
        """Posterior p(z_i = j | x_i), Bayes' rule :eq:`eq-responsibilities`.

        Returns
        -------
        ndarray, shape (m, k)
            Rows sum to one, also where every density underflows.
        """
        return self._posterior(x)[0]

    def _posterior(self, x: ArrayLike) -> tuple[Floats, Floats]:
        """Responsibilities and log-density, from one pass over x."""
        log_joint = self.log_joint(x)
        top = log_joint.max(axis=1, keepdims=True)
        joint = np.exp(log_joint - top)
        total = joint.sum(axis=1, keepdims=True)
        return joint / total, (top + np.log(total))[:, 0]

    def classify(self, x: ArrayLike) -> Ints:
        """The most probable group of each example, :eq:`eq-classify`, shape (m,)."""
        return self.log_joint(x).argmax(axis=1)

    def sample(
        self, m: int, rng: int | np.random.Generator | None = None
    ) -> tuple[Floats, Ints]:
        """Simulate m examples by the generative story :eq:`eq-sample`.

        Parameters
        ----------
        m : int
            How many, at least 1.
        rng : int or numpy Generator, optional
            A seed makes the draw repeatable.

        Returns
        -------
        x : ndarray, shape (m, d)
        z : ndarray of int, shape (m,)
        """
        m, rng = as_count(m, "m", least=1), as_generator(rng)
        z = rng.choice(self.k, size=m, p=self.phi)
        x = rng.standard_normal((m, self.d))
        for j, L in enumerate(np.linalg.cholesky(self.Sigma)):
            x[z == j] = self.mu[j] + x[z == j] @ L.T
        return x, z

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mixture):
            return NotImplemented
        return self.names == other.names and all(
            np.array_equal(getattr(self, key), getattr(other, key))
            for key in ("phi", "mu", "Sigma")
        )

    def __hash__(self) -> int:
        # Adding zero makes -0.0, which equals 0.0, the same bytes.
        arrays = (self.phi, self.mu, self.Sigma)
        return hash(tuple((array + 0.0).tobytes() for array in arrays))

    def __reduce__(self) -> tuple[Any, ...]:
        return Mixture, (self.phi, self.mu, self.Sigma, self.names)

    def __repr__(self) -> str:
        parts = [f"{key}={getattr(self, key).tolist()}" for key in ("phi", "mu")]
        parts.append(f"Sigma={self.Sigma.tolist()}")
        if self.names != tuple(range(self.k)):
            parts.append(f"names={self.names}")
        return f"Mixture({', '.join(parts)})"

    def __str__(self) -> str:
        lines = []
        for name, p, m, S in zip(self.names, self.phi, self.mu, self.Sigma):
            rows = [np.array2string(row, precision=4) for row in (m, *S)]
            lines += [f"group {name}: phi = {p:.4f}, mu = {rows[0]}"]
            lines += [f"  Sigma = {rows[1]}", *(f"          {r}" for r in rows[2:])]
        return "\n".join(lines)


def check_mixture(theta: Mixture) -> None:
    """Refuse what is not a `Mixture`."""
    if not isinstance(theta, Mixture):
        raise ValueError(
            f"theta is of type {type(theta).__name__}; pass a Mixture(phi, mu, Sigma)."
        )


def _checked_phi(value: ArrayLike) -> Floats:
    phi = np.array(as_real(value, "phi"))
    if phi.ndim != 1:
        raise ValueError(f"phi has shape {phi.shape}; it must be (k,).")
    if phi.min() < 0:
        j = int(phi.argmin())
        raise ValueError(f"phi[{j}] is {phi[j]:.6g}; a probability is 0 or more.")
    total = phi.sum()
    if abs(total - 1) > SUM:
        raise ValueError(f"phi sums to {total:.10g}; it must sum to 1.")
    # Dividing only what needs it keeps a copy equal to its original, bit for bit.
    return phi if abs(total - 1) < 1e-15 * len(phi) else phi / total


def _checked_mu(value: ArrayLike, k: int) -> Floats:
    mu = np.array(as_real(value, "mu"))
    if mu.ndim != 2 or len(mu) != k:
        raise ValueError(
            f"mu has shape {mu.shape}, but phi names {k} groups: it must be ({k}, d), "
            "one row per group."
        )
    return mu


def _checked_names(value: Any, k: int) -> tuple[Any, ...]:
    plain = value.tolist() if isinstance(value, np.ndarray) else value
    try:
        names = tuple(plain) or tuple(range(k))
        fits = len(names) == k and len(set(names)) == k
    except TypeError:  # not a sequence, or not of names
        fits = False
    if not fits:
        raise ValueError(f"names is {value!r}; it must hold {k} different names.")
    return names


def _checked_Sigma(
    value: ArrayLike, shape: tuple[int, ...], names: tuple[Any, ...]
) -> Floats:
    k, d = shape
    Sigma = as_real(value, "Sigma", limit=1e300)
    if Sigma.shape != (k, d, d):
        raise ValueError(
            f"Sigma has shape {Sigma.shape}, but mu has shape ({k}, {d}): it must be "
            f"({k}, {d}, {d}), one matrix per group."
        )
    spread = np.abs(np.diagonal(Sigma, axis1=1, axis2=2)) ** 0.5
    gap = np.abs(Sigma - Sigma.mT) > 1e-8 * spread[:, :, None] * spread[:, None, :]
    if gap.any():
        j = int(np.argwhere(gap)[0][0])
        raise ValueError(
            f"Sigma of group {names[j]!r}, shape ({d}, {d}), is not symmetric:\n"
            f"{Sigma[j]}"
        )
    return (Sigma + Sigma.mT) / 2


def _whiteners(Sigma: Floats, names: tuple[Any, ...]) -> Floats:
    """Lower triangular W_j with W_j Sigma_j W_j^T = I, by Cholesky."""
    diagonal = np.diagonal(Sigma, axis1=1, axis2=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Units near the standard deviations, as powers of two: no digit is lost.
        unit = np.exp2(np.rint(np.log2(diagonal) / 2))
        A = Sigma / unit[:, :, None] / unit[:, None, :]
    W = _inverse_factors(A, Sigma, names)
    # The first factor is off by eps * condition number. Measured in long double,
    # what is left of the identity gives most of that back.
    left = W.astype(np.longdouble) @ A @ W.astype(np.longdouble).mT
    W = _inverse_factors(left.astype(np.float64), Sigma, names) @ W
    return W / unit[:, None, :]


def _inverse_factors(A: Floats, Sigma: Floats, names: tuple[Any, ...]) -> Floats:
    """L^-1 of every A = L L^T; refuses one that rounding cannot tell from singular."""
    L = _factors(A)
    if L is None:
        j = next(j for j in range(len(A)) if _factors(A[j : j + 1]) is None)
        raise np.linalg.LinAlgError(
            f"Sigma of group {names[j]!r}, shape {Sigma[j].shape}, is not positive "
            "definite: it is flat in some direction (too few, equal or collinear "
            f"examples?).\n{Sigma[j]}"
        )
    inverse = np.tile(np.eye(A.shape[1]), (len(A), 1, 1))
    for i in range(A.shape[1]):
        # Forward substitution: LAPACK starts threads for this.
        done = (L[:, i : i + 1, :i] @ inverse[:, :i])[:, 0]
        inverse[:, i] = (inverse[:, i] - done) / L[:, i, i : i + 1]
    return inverse


def _factors(A: Floats) -> Floats | None:
    try:
        L: Floats = np.linalg.cholesky(A).astype(np.float64, copy=False)
    except np.linalg.LinAlgError:
        return None
    least = np.diagonal(L, axis1=1, axis2=2).min() ** 2
    return L if least > 4 * A.shape[1] * np.finfo(float).eps else None
