"""The same EM by scikit-learn: same data, same start, so many iterations."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from emgmm import Mixture
from emgmm._input import Floats

TYPES = {"full": "full", "tied": "tied", "diagonal": "diag", "spherical": "spherical"}


def run(
    x: Floats, start: Mixture, n_iter: int, family: str = "full"
) -> GaussianMixture:
    """Exactly n_iter iterations of the exact EM: nothing added to the covariances."""
    return quietly(
        GaussianMixture(
            start.k,
            covariance_type=TYPES[family],
            tol=0.0,
            reg_covar=0.0,
            max_iter=n_iter,
            weights_init=start.phi,
            means_init=start.mu,
            precisions_init=precisions(start, family),
        ),
        x,
    )


def quietly(model: GaussianMixture, x: Floats) -> GaussianMixture:
    """Fitted; that it stopped at max_iter is no news here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x)


def precisions(theta: Mixture, family: str) -> Floats:
    """Inverse covariances in the form of the family."""
    inverse = np.linalg.inv(theta.Sigma)
    forms = {
        "full": inverse,
        "tied": inverse[0],
        "diagonal": np.diagonal(inverse, axis1=1, axis2=2),
        "spherical": inverse[:, 0, 0],
    }
    return forms[family]


def as_mixture(model: GaussianMixture) -> Mixture:
    """What it found, as full covariances."""
    k, d = model.means_.shape
    Sigma, form = model.covariances_, model.covariance_type
    if form == "tied":
        Sigma = np.repeat(Sigma[None], k, axis=0)
    elif form != "full":  # (k, d) or (k,): variances
        Sigma = Sigma.reshape(k, -1, 1) * np.eye(d)
    return Mixture(model.weights_, model.means_, Sigma)
