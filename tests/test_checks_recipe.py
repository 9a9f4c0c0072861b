"""Recipes: right answers as steps, what a change does, what is derived from it."""

import zlib

import numpy as np
import pytest

from emgmm.checks import check, recipe, variants, written
from emgmm.checks.diagnose import candidates, followed, looped
from emgmm.checks.registry import EXERCISES, find
from emgmm.checks.trial import attempt

MEANS = recipe.parse(
    """
    means(x, w) -> N, mu
    N = w.sum(axis=0)  # the sums of the weights -- eq-m-step-phi
    sums = w.T @ x  # the weighted sums -- eq-m-step-mu
    mu = sums / N[:, None]  # the means
    """.replace("\n    ", "\n")
)
CASE = (np.array([[1.0], [2.0], [6.0]]), np.array([[1, 0], [0.5, 0.5], [0, 1.0]]))


def changed(text):
    right = MEANS.run(CASE)
    return MEANS.rerun(CASE, right, recipe.changes(text))


def test_a_recipe_computes_its_parts():
    known = MEANS.run(CASE)
    assert MEANS.parts == ("N", "mu")
    assert known["mu"].ravel().tolist() == [4 / 3, 14 / 3]
    assert MEANS.equations["mu"] == MEANS.equations["sums"] == "eq-m-step-mu"


def test_a_changed_step_changes_what_comes_after_it_only():
    known = changed("sums = 2 * _")
    assert known["N"].tolist() == [1.5, 1.5]
    assert known["mu"].ravel().tolist() == [8 / 3, 28 / 3]


def test_a_change_inside_one_step_leaves_the_others_alone():
    known = changed("in mu: N = N - 1")
    assert known["N"].tolist() == [1.5, 1.5]
    assert known["mu"].ravel().tolist() == [4.0, 14.0]


def test_several_changes_and_what_stood_there_before():
    known = changed("N = _ + 1; mu = -_")
    assert known["N"].tolist() == [2.5, 2.5]
    assert known["mu"].ravel().tolist() == [-0.8, -2.8]


def test_a_change_that_breaks_down_leaves_out_what_comes_later():
    known = changed("sums = sums @ sums @ x")
    assert "mu" not in known
    assert known["N"].tolist() == [1.5, 1.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("means(x, w)", "a recipe begins with"),
        ("means(x) -> mu\nif x: mu = 1", "assignments and loops"),
        ("means(x) -> mu\nmu == 1", "assignments and loops"),
    ],
)
def test_what_is_no_recipe_is_refused(text, message):
    with pytest.raises(SyntaxError, match=message):
        recipe.parse(text)


@pytest.mark.parametrize("text", ["mu", "mu == 1", "in mu N = 1", "mu = = 1"])
def test_what_is_no_change_is_refused(text):
    with pytest.raises(SyntaxError):
        recipe.changes(text)


@pytest.mark.parametrize("text", ["name\n  A sentence.", "name\n  mu = 1"])
def test_a_slip_needs_a_change_and_a_sentence(text):
    with pytest.raises(SyntaxError, match="needs a change and a sentence"):
        written.slips(text)


def test_variants_are_said_in_the_words_of_the_recipe():
    says = {v.says for v in variants.all_of(MEANS, MEANS.run(CASE))}
    assert "half of the means" in says
    assert "the square of the weighted sums" in says


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_no_listed_slip_is_the_right_answer(exercise):
    """Every slip shows on at least one case, or nobody could commit it."""
    rights = [(case, exercise.recipe.run(case)) for case in exercise.cases()]

    def shows(slip, case, right):
        with np.errstate(all="ignore"):
            known = exercise.recipe.rerun(case, right, slip.wrong)
        return any(
            part not in known
            or not np.array_equal(known[part], right[part], equal_nan=True)
            for part in exercise.parts
        )

    for slip in exercise.slips:
        assert any(shows(slip, *pair) for pair in rights), slip.name


def test_packed_texts_are_read_like_plain_ones(tmp_path, monkeypatch):
    plain = written.text("chapter_4")
    (tmp_path / "chapter_4.toml.z").write_bytes(zlib.compress(plain.encode(), 9))
    monkeypatch.setattr(written, "files", lambda _: tmp_path)
    assert written.text("chapter_4") == plain


# What is derived


def m_step(change):
    """A right M-step, and then something else."""

    def answer(x, w):
        N = w.sum(axis=0)
        mu = w.T @ x / N[:, None]
        r = x[:, None] - mu
        Sigma = np.einsum("ij,ija,ijb->jab", w, r, r) / N[:, None, None]
        return change(N / len(x), mu, Sigma)

    return answer


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda phi, mu, S: (phi, S, mu), "The order: phi, mu, Sigma"),
        (lambda phi, mu, S: (phi, mu, S / 2), "half of"),
        (lambda phi, mu, S: (phi / 2, mu, S / 2), "half of"),
        (lambda phi, mu, S: (phi, mu.T, S), "with .T"),
        (lambda phi, mu, S: (phi, mu, S * np.eye(S.shape[-1])), "off the diagonal"),
        (lambda phi, mu, S: (phi[::-1], mu[::-1], S[::-1]), "in another order"),
    ],
)
def test_an_answer_that_nobody_listed_is_explained(change, says):
    outcome = check("m_step", m_step(change))
    assert outcome.kind == "wrong"
    assert outcome.slip
    assert says in " ".join(repr(outcome).split())


def test_two_slips_at_once_are_both_named():
    def answer(x, w):
        N = w.sum(axis=0)
        mu = w.T @ x / len(x)
        r = x[:, None] - w.T @ x / N[:, None]
        return N, mu, np.einsum("ij,ija,ijb->jab", w, r, r) / len(x)

    outcome = check("m_step", answer)
    assert outcome.slip == "counts instead of shares"

    def both(x, w):
        N = w.sum(axis=0)
        mu = w.T @ x / N[:, None]
        Sigma = np.einsum("ij,ia,ib->jab", w, x, x) / len(x)
        return N / len(x), mu, Sigma

    outcome = check("m_step", both)
    assert "; " in outcome.slip
    assert "Two things at once." in repr(outcome)


def test_a_part_that_follows_from_another_is_right_for_it():
    def answer(x, w):
        N = w.sum(axis=0)
        odd = np.cos(w.T @ x)  # no slip that anybody could name
        r = x[:, None] - odd
        return N / len(x), odd, np.einsum("ij,ija,ijb->jab", w, r, r) / N[:, None, None]

    exercise = find("m_step")
    trial = attempt(exercise, answer)
    with np.errstate(all="ignore"):
        found = followed(trial, exercise.parts.index("Sigma"))
    assert found.says == "Your Sigma is right for your mu: mend mu first."
    assert found.name == "Sigma follows from mu"

    def half(x, w):
        phi, mu, _ = answer(x, w)
        mu = w.T @ x / w.sum(axis=0)[:, None] / 2
        r = x[:, None] - mu
        N = w.sum(axis=0)
        return phi, mu, np.einsum("ij,ija,ijb->jab", w, r, r) / N[:, None, None]

    with np.errstate(all="ignore"):
        found = followed(attempt(exercise, half), exercise.parts.index("Sigma"))
    assert found.name == "half of the means"
    assert "mend mu first" in found.says


def test_a_return_in_a_loop_is_told():
    def answer(x, w):
        for j in range(w.shape[1]):
            N = w[:, j].sum()
            mu = w[:, j] @ x / N
            r = x - mu
            return N / len(x), np.cos(mu), (w[:, j, None] * r).T @ r / N

    exercise = find("m_step")
    assert looped(attempt(exercise, answer), 0).name == "return in a loop"
    assert looped(attempt(exercise, lambda x, w: (x, w, w)), 0) is None


def test_nonsense_is_not_explained():
    rng = np.random.default_rng(0)
    outcome = check(
        "m_step", m_step(lambda phi, mu, S: (phi, mu + rng.normal(size=mu.shape), S))
    )
    assert (outcome.kind, outcome.slip) == ("wrong", "")


def test_no_variant_is_tried_twice():
    found = candidates("ex-m-step", False)
    assert len({v.change for v in found}) == len(found)


def test_the_chapters_own_arguments_are_accepted():
    def e_step(x, theta):
        return theta.responsibilities(x)

    outcome = check("e_step", e_step)
    assert outcome.slip == "the package does the work"
    assert find("e_step").arguments == ("x", "phi", "mu", "Sigma")
