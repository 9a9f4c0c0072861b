"""The data sets: what the files say, and that nobody has touched a value."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from reference import DATA, FOLDER, ORACLES, stored_csv

from emgmm import data, fit_labeled

ALL = {"anemia": data.anemia(), **DATA}


@pytest.mark.parametrize(
    ("name", "shape", "units", "groups"),
    [
        ("anemia", (180, 2), ("fL", "g/dL"), {"Anemia": 83, "Control": 97}),
        ("faithful", (272, 2), ("min", "min"), None),
        ("iris", (150, 4), ("cm",) * 4, dict.fromkeys(data.iris().z, 50)),
        (
            "diabetes_corrected",
            (145, 3),
            ("mg/dL", "as published", "as published"),
            {"Chemical": 36, "Normal": 76, "Overt": 33},
        ),
        ("banknote", (200, 6), ("mm",) * 6, {"counterfeit": 100, "genuine": 100}),
    ],
)
def test_shapes_units_and_groups(name, shape, units, groups):
    dataset = ALL[name]
    assert dataset.x.shape == shape
    assert dataset.x.dtype == float
    assert np.isfinite(dataset.x).all()
    assert dataset.units == units
    assert len(dataset.features) == len(set(dataset.features)) == shape[1]
    assert dataset.title
    assert dataset.source
    assert dataset.licence
    assert dataset.axis_labels[-1] == f"{dataset.features[-1]} ({units[-1]})"
    if groups is None:
        assert dataset.z is None
    else:
        assert dataset.z.shape == shape[:1]
        names, counts = np.unique(dataset.z, return_counts=True)
        assert dict(zip(names, counts)) == groups


def test_only_the_anemia_data_are_simulated():
    assert [name for name, dataset in ALL.items() if dataset.simulated] == ["anemia"]
    assert "no point is a patient" in data.anemia().source
    assert data.anemia().licence == "CC BY 4.0"


@pytest.mark.parametrize("name", DATA)
def test_files_equal_the_copy_beside_the_reference_results(name):
    header, rows = stored_csv(name)
    assert header == ORACLES["datasets"][name]["header"].split(",")
    assert len(rows) == ORACLES["datasets"][name]["rows"]
    d = DATA[name].x.shape[1]
    right = np.array([[float(value) for value in row[:d]] for row in rows])
    assert_array_equal(DATA[name].x, right)
    if len(header) > d:
        assert DATA[name].z.tolist() == [row[d] for row in rows]


def test_the_diabetes_row_that_other_copies_have_wrong():
    diabetes = data.diabetes()
    assert diabetes.x[103].tolist() == [75, 455, 392]
    assert diabetes.features[1] == "glucose area"


@pytest.mark.parametrize(
    "name", ["anemia", "faithful", "iris", "diabetes", "banknotes"]
)
def test_every_file_opens_with_the_facts(name):
    path = FOLDER.parents[1] / "emgmm" / "datasets" / f"{name}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    facts = [line.split(": ")[0] for line in lines if line.startswith("#")]
    wanted = ["title", "features", "units", "source", "licence", "simulated"]
    assert facts[:6] == [f"# {fact}" for fact in wanted]
    assert all(line.split(": ", 1)[1] for line in lines if line.startswith("#"))
    x = getattr(data, name)().x
    assert len(lines) == len(facts) + 1 + len(x)


def test_two_calls_share_no_array():
    first = data.iris()
    first.x[0] = 0
    assert data.iris().x[0, 0] == 5.1


def test_the_recipe_draws_the_stored_anemia_data():
    x, z = data.draw_anemia()
    stored = data.anemia()
    assert_array_equal(x, stored.x)
    assert z.tolist() == stored.z.tolist()
    assert not np.array_equal(data.draw_anemia(rng=2001)[0], x)
    assert_array_equal(data.draw_anemia(np.random.default_rng(2000))[0], x)


def test_the_recipe_follows_its_mixture():
    x, z = zip(*(data.draw_anemia(seed) for seed in range(100)))
    theta, right = fit_labeled(np.concatenate(x), np.concatenate(z)), data.ANEMIA
    assert theta.names == right.names
    assert_allclose(theta.phi, right.phi, rtol=1e-15)
    sd = np.sqrt(np.diagonal(right.Sigma, axis1=1, axis2=2))
    # Five standard errors of 8300 and 9700 points.
    assert (np.abs(theta.mu - right.mu) < 5 * sd / math.sqrt(8300)).all()
    scale = sd[:, :, None] * sd[:, None, :]
    assert (np.abs(theta.Sigma - right.Sigma) < 5 * math.sqrt(2 / 8300) * scale).all()


def test_the_parameters_of_the_anemia_data_are_the_published_ones():
    theta = data.ANEMIA
    assert_array_equal(theta.phi * 180, [83, 97])
    assert theta.mu.tolist() == [[75.0, 29.5], [90.7, 34.2]]
    assert theta.Sigma.tolist() == [[[50, 15], [15, 8]], [[10, -0.7], [-0.7, 0.7]]]


@pytest.mark.equation("eq-log-axes")
def test_log_axes_count_bins():
    physical, logs = data.anemia(), data.anemia(log_axes=True)
    assert data.ANEMIA_LOG_BINS == (2.0, 0.5)
    for i, (volume, concentration) in enumerate(physical.x.tolist()):
        assert logs.x[i, 0] == pytest.approx(math.log(volume / 2), rel=1e-15)
        assert logs.x[i, 1] == pytest.approx(math.log(concentration / 0.5), rel=1e-15)
    assert_array_equal(logs.z, physical.z)
    assert logs.axis_labels == (
        "log red blood cell volume (bins of 2 fL)",
        "log hemoglobin concentration (bins of 0.5 g/dL)",
    )
    assert logs.simulated
    assert (logs.source, logs.licence) == (physical.source, physical.licence)
    assert logs.title == "Simulated anemia data, log axes"


def test_log_axes_show_the_groups_of_the_classic_figure():
    logs = data.anemia(log_axes=True)
    theta = fit_labeled(logs.x, logs.z)
    # As read off that figure, to the sampling error of 83 and 97 points.
    assert_allclose(theta.mu, [[3.62, 4.07], [3.81, 4.23]], atol=0.03)
    spread = [
        [[0.0090, 0.0068], [0.0068, 0.0090]],
        [[0.0012, -0.0002], [-0.0002, 6e-4]],
    ]
    assert_allclose(theta.Sigma, spread, atol=0.003)
