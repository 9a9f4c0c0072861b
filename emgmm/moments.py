"""All that the M-step needs to know of the data: one small array that adds up."""

import numpy as np
from numpy.typing import ArrayLike

from emgmm._input import Floats, as_count, as_real, as_weights, as_x
from emgmm.mixture import Mixture

FAMILIES = (
    "full",
    "tied",
    "diagonal",
    "spherical",
    "tied diagonal",
    "tied spherical",
)


def moments(x: ArrayLike, w: ArrayLike) -> Floats:
    """Weighted sums of 1, x and x x^T for each group, :eq:`eq-moments`.

    Moments are additive: those of two sets of rows are the sum of their moments.

    Parameters
    ----------
    x : array_like, shape (m, d)
        Examples. Subtract a common center first when they lie far from zero:
        the squares of large numbers leave few digits for the spread.
    w : array_like, shape (m, k)
        Weights, 0 or more: how much example i belongs to group j.

    Returns
    -------
    M : ndarray, shape (k, d+1, d+1)
        ``M[j]`` is ``[[N_j, s_j^T], [s_j, S_j]]``.

    Raises
    ------
    ValueError
        When a shape does not fit, a value is not finite or a weight is negative.

    Examples
    --------
    >>> moments([[1.0], [3.0]], [[1.0], [1.0]]).tolist()
    [[[2.0, 4.0], [4.0, 10.0]]]
    """
    x = as_x(x)
    w = as_weights(w, len(x))
    x1 = np.column_stack([np.ones(len(x)), x])
    M = np.stack([(w_j * x1.T) @ x1 for w_j in w.T])
    return (M + M.mT) / 2  # symmetric also in the last digit


def maximize(M: ArrayLike, family: str = "full") -> Mixture:
    """From moments to parameters, :eq:`eq-maximize`: the M-step reads M only.

    Parameters
    ----------
    M : array_like, shape (k, d+1, d+1)
        Moments, as `moments` returns them; sums of such arrays too.
    family : str
        One of `FAMILIES`: what the covariances may look like, :eq:`eq-families`.

    Returns
    -------
    Mixture

    Raises
    ------
    ValueError
        When M has another shape, the family is unknown, a group has no weight, its
        covariance is singular, or lies so far from zero that rounding has eaten its
        spread.

    Examples
    --------
    >>> maximize([[[2.0, 4.0], [4.0, 10.0]]])
    Mixture(phi=[1.0], mu=[[2.0]], Sigma=[[[1.0]]])
    """
    M = as_real(M, "M", limit=1e300)
    if M.ndim != 3 or M.shape[1] != M.shape[2] or M.shape[1] < 2:
        raise ValueError(f"M has shape {M.shape}; it must be (k, d+1, d+1).")
    N = M[:, 0, 0]
    check_group_weights(N)
    with np.errstate(over="ignore", invalid="ignore"):  # Mixture refuses the result
        mu, Sigma = means_and_covariances(M)
        lost = np.diagonal(Sigma, axis1=1, axis2=2) < 1e-10 * mu**2
    if lost.any():
        j, f = np.argwhere(lost)[0]
        raise np.linalg.LinAlgError(
            f"M: feature {f} of group {j} has mean {mu[j, f]:.6g} and variance "
            f"{Sigma[j, f, f]:.6g}, too small a difference of squares to be trusted. "
            "Subtract a common centre from x first."
        )
    phi = N / N.sum()
    return Mixture(phi, mu, project(Sigma, phi, family))


def means_and_covariances(M: Floats) -> tuple[Floats, Floats]:
    """Of every group, (..., k, d) and (..., k, d, d), in the units of the moments."""
    N, s, S = M[..., :1, 0], M[..., 1:, 0], M[..., 1:, 1:]
    mu = s / N
    return mu, S / N[..., None] - mu[..., :, None] * mu[..., None, :]


def n_parameters(k: int, d: int, family: str = "full") -> int:
    """Free numbers in a mixture of a family, :eq:`eq-family-parameters`.

    Parameters
    ----------
    k, d : int
        Groups and features.
    family : str
        One of `FAMILIES`.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        When k or d is no whole number from 1 up, or the family is unknown.

    Examples
    --------
    >>> n_parameters(2, 2), n_parameters(2, 2, "tied spherical")
    (11, 6)
    """
    k, d = as_count(k, "k", least=1), as_count(d, "d", least=1)
    check_family(family)
    covariances = 1 if family.startswith("tied") else k
    return k - 1 + k * d + covariances * covariance_parameters(d, family)


def covariance_parameters(d: int, family: str) -> int:
    """Free numbers in one covariance matrix."""
    if family.endswith("spherical"):
        return 1
    return d if family.endswith("diagonal") else d * (d + 1) // 2


def group_parameters(d: int, family: str) -> int:
    """Free numbers that belong to one group alone."""
    tied = family.startswith("tied")
    return d if tied else d + covariance_parameters(d, family)


def project(Sigma: Floats, phi: Floats, family: str) -> Floats:
    """The most likely covariances (..., k, d, d) of the family, given full ones."""
    check_family(family)
    if family.startswith("tied"):
        mean = np.einsum("...j,...jab->...ab", phi, Sigma)
        Sigma = np.broadcast_to(mean[..., None, :, :], Sigma.shape)
    if family.endswith("diagonal"):
        Sigma = Sigma * np.eye(Sigma.shape[-1])
    if family.endswith("spherical"):
        variance = np.trace(Sigma, axis1=-2, axis2=-1) / Sigma.shape[-1]
        Sigma = variance[..., None, None] * np.eye(Sigma.shape[-1])
    return Sigma


def in_family(theta: Mixture, family: str) -> Mixture:
    """theta itself where its covariances are of the family, or else projected."""
    Sigma = project(theta.Sigma, theta.phi, family)
    sd = np.sqrt(np.diagonal(theta.Sigma, axis1=1, axis2=2))
    gap = np.abs(Sigma - theta.Sigma) / sd[:, :, None] / sd[:, None, :]
    if gap.max() < 1e-8:  # as symmetric as `Mixture` asks for
        return theta
    return Mixture(theta.phi, theta.mu, Sigma, theta.names)


def check_family(family: str) -> None:
    """Refuse what is not one of `FAMILIES`."""
    if not isinstance(family, str) or family not in FAMILIES:
        raise ValueError(f"family is {family!r}; it must be one of {FAMILIES}.")


def check_group_weights(N: Floats) -> None:
    """Refuse a group to which no example belongs."""
    if not N.min() > 0:
        j = int(N.argmin())
        raise np.linalg.LinAlgError(
            f"group {j} has total weight {N[j]:.6g}: no example belongs to it. "
            "Start elsewhere or use fewer groups."
        )
