"""EM for Gaussian mixtures: a small reference package, in the order of the book."""

from emgmm.em import Fit, e_step, elbo, em, m_step
from emgmm.labeled import complete_log_likelihood, fit_labeled, one_hot
from emgmm.mixture import Mixture
from emgmm.moments import maximize, moments

__all__ = [
    "Fit",
    "Mixture",
    "complete_log_likelihood",
    "e_step",
    "elbo",
    "em",
    "fit_labeled",
    "m_step",
    "maximize",
    "moments",
    "one_hot",
]
