"""The course's data sets, each with its units, source and licence.

The CSV files in ``emgmm/datasets`` open with the same facts as comment lines.
"""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from emgmm._input import Floats, as_generator
from emgmm.mixture import Mixture

__all__ = [
    "ANEMIA",
    "ANEMIA_LOG_BINS",
    "Dataset",
    "anemia",
    "banknotes",
    "diabetes",
    "draw_anemia",
    "faithful",
    "iris",
]

#: The mixture from which the simulated anemia data were drawn (fL, g/dL).
ANEMIA = Mixture(
    phi=[83 / 180, 97 / 180],
    mu=[[75.0, 29.5], [90.7, 34.2]],
    Sigma=[[[50.0, 15.0], [15.0, 8.0]], [[10.0, -0.7], [-0.7, 0.7]]],
    names=("Anemia", "Control"),
)

#: Width of the bins (fL, g/dL) that the classic log axes count in.
ANEMIA_LOG_BINS = (2.0, 0.5)


@dataclass(frozen=True)
class Dataset:
    """Examples with what must be known to read them.

    Attributes
    ----------
    x : ndarray, shape (m, d)
        The measurements.
    z : ndarray of str, shape (m,), or None
        The known groups, if there are any.
    features, units : tuple of str
        Names and units of the d columns of x.
    title, source, licence : str
        What it is, where it comes from, what may be done with it.
    simulated : bool
        True when no row is a measurement of anything.
    """

    x: Floats
    z: np.ndarray | None
    features: tuple[str, ...]
    units: tuple[str, ...]
    title: str
    source: str
    licence: str
    simulated: bool

    @property
    def axis_labels(self) -> tuple[str, ...]:
        """``feature (unit)`` for each column."""
        return tuple(f"{f} ({u})" for f, u in zip(self.features, self.units))


def anemia(*, log_axes: bool = False) -> Dataset:
    """Simulated anemia data: 83 Anemia and 97 Control; no point is a patient.

    Drawn once by `draw_anemia` and stored. The group sizes are those of McLachlan and
    Peel (2000), section 9.6; the parameters were read off a figure by Smyth (2001).

    Parameters
    ----------
    log_axes : bool
        False: fL and g/dL. True: the same points on the classic log axes,
        :eq:`eq-log-axes`.

    Returns
    -------
    Dataset

    Examples
    --------
    >>> data = anemia()
    >>> data.x.shape, data.simulated, data.axis_labels[0]
    ((180, 2), True, 'red blood cell volume (fL)')
    """
    data = _read("anemia")
    if not log_axes:
        return data
    return Dataset(
        np.log(data.x / ANEMIA_LOG_BINS),
        data.z,
        tuple(f"log {feature}" for feature in data.features),
        tuple(f"bins of {b:g} {u}" for b, u in zip(ANEMIA_LOG_BINS, data.units)),
        data.title + ", log axes",
        data.source,
        data.licence,
        data.simulated,
    )


def draw_anemia(rng: int | np.random.Generator = 2000) -> tuple[Floats, np.ndarray]:
    """The recipe of the simulated anemia data, rounded to 0.01 fL and 0.01 g/dL.

    83 and 97 standard normal pairs, times the Cholesky factor of each covariance,
    plus the mean; then all rows in random order.

    Parameters
    ----------
    rng : int or numpy Generator
        The seed; 2000 gives the stored data.

    Returns
    -------
    x : ndarray, shape (180, 2)
    z : ndarray of str, shape (180,)

    Examples
    --------
    >>> x, z = draw_anemia()
    >>> bool((x == anemia().x).all() and (z == anemia().z).all())
    True
    """
    rng = as_generator(rng)
    z = np.repeat([0, 1], [83, 97])
    L = np.linalg.cholesky(ANEMIA.Sigma)
    x = ANEMIA.mu[z] + (L[z] @ rng.standard_normal((180, 2, 1)))[:, :, 0]
    order = rng.permutation(180)
    return x[order].round(2), np.array(ANEMIA.names)[z[order]]


def faithful() -> Dataset:
    """Old Faithful: 272 eruptions, length and waiting time, both in minutes.

    The version of Härdle (1991), from October 1980. Not the 299 eruptions of August
    1985 in Azzalini and Bowman (1990).
    """
    return _read("faithful")


def iris() -> Dataset:
    """Iris: 150 flowers of three species, four lengths in cm."""
    return _read("iris")


def diabetes() -> Dataset:
    """Reaven and Miller's diabetes data: 145 adults, three groups, corrected.

    Row 104 has a glucose area of 455, where a well-known copy has 45 and calls the
    columns by other names.
    """
    return _read("diabetes")


def banknotes() -> Dataset:
    """Swiss bank notes: 100 genuine and 100 counterfeit, six lengths in mm."""
    return _read("banknotes")


def _read(name: str) -> Dataset:
    text = (files("emgmm") / "datasets" / f"{name}.csv").read_text(encoding="utf-8")
    comments = [line[2:] for line in text.splitlines() if line.startswith("# ")]
    facts = dict(line.split(": ", 1) for line in comments)
    header, *rows = [a.split(",") for a in text.splitlines() if a[0] != "#"]
    units = tuple(facts["units"].split("; "))
    d = len(units)
    return Dataset(
        np.array([row[:d] for row in rows], dtype=float),
        np.array([row[d] for row in rows]) if len(header) > d else None,
        tuple(facts["features"].split("; ")),
        units,
        facts["title"],
        facts["source"],
        facts["licence"],
        facts["simulated"] == "yes",
    )
