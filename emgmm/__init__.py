"""EM for Gaussian mixtures: a small reference package, in the order of the book."""

from emgmm.certificate import Certificate, certify, support
from emgmm.em import Fit, StationaryPoint, e_step, elbo, em, m_step
from emgmm.fit import Doubtful, fit
from emgmm.labeled import complete_log_likelihood, fit_labeled, one_hot
from emgmm.mixture import Mixture
from emgmm.moments import FAMILIES, maximize, moments, n_parameters
from emgmm.selection import Selection, aic, bic, icl, select

__all__ = [
    "FAMILIES",
    "Certificate",
    "Doubtful",
    "Fit",
    "Mixture",
    "Selection",
    "StationaryPoint",
    "aic",
    "bic",
    "certify",
    "complete_log_likelihood",
    "e_step",
    "elbo",
    "em",
    "fit",
    "fit_labeled",
    "icl",
    "m_step",
    "maximize",
    "moments",
    "n_parameters",
    "one_hot",
    "select",
    "support",
]
