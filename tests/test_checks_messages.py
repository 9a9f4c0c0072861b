"""What the checker says, and how it says it."""

import html.parser
import re

import numpy as np
import pytest

import emgmm
from emgmm.checks import book, check, hint, solution
from emgmm.checks import help as help_module
from emgmm.checks.compare import as_parts, brief, differences
from emgmm.checks.registry import EXERCISES, find
from tests.wrong_answers import everything

RIGHT, WRONG = everything()


def right_m_step(x, w):
    N = w.sum(axis=0)
    mu = w.T @ x / N[:, None]
    r = x[:, None] - mu
    return N / len(x), mu, np.einsum("ij,ija,ijb->jab", w, r, r) / N[:, None, None]


def text(name, answer):
    return " ".join(repr(check(name, answer)).split())


# Names


@pytest.mark.parametrize("name", [4.3, "4.3", "ex-m-step", "m_step"])
def test_an_exercise_has_a_number_a_label_and_a_short_name(name):
    assert find(name).label == "ex-m-step"
    assert check(name, right_m_step)


@pytest.mark.parametrize("name", ["mstep", 9.1, "ex-mstep"])
def test_a_wrong_name_is_answered_with_a_near_one(name):
    with pytest.raises(ValueError, match=r"no exercise .*Did you mean '\w+'"):
        check(name, 1)


# The four kinds


def test_only_right_is_true():
    outcomes = [check("m_step", a) for a in (None, lambda x, w: w, right_m_step)]
    assert [bool(o) for o in outcomes] == [False, False, True]


def test_not_tried_says_what_to_write():
    assert "Write m_step(x, w). It returns phi, mu, Sigma." in text("m_step", None)
    assert "Fill in radius, expected, counted." in text("ellipse", ...)


def test_wrong_names_the_slip_the_equation_and_the_smallest_example():
    outcome = check("m_step", lambda x, w: emgmm.m_step(x, w).phi * len(x))
    assert outcome.kind == "wrong"
    said = text("m_step", dict(WRONG_M)["counts instead of shares"])
    assert "phi holds the N_j. Divide them by m" in said
    assert re.search(r"See equation \(4\.\d+\) of chapter 4 \(eq-m-step-phi\)", said)
    assert "x = [[0.0], [2.0], [6.0], [7.0]]" in said
    assert "your phi: [2.1, 1.9] right phi: [0.525, 0.475]" in said


WRONG_M = [(slip, answer) for name, slip, answer in WRONG if name == "m_step"]


def test_right_says_what_to_look_at_next():
    assert "one-hot rows" in text("m_step", right_m_step)


def outer(x, w):
    return inner(x)


def inner(x):
    return emgmm.m_step(x, x)


def test_an_error_shows_the_learners_lines_and_no_others():
    outcome = check("m_step", outer)
    assert outcome.kind == "error"
    said = repr(outcome)
    assert "of outer: return inner(x)" in said
    assert "of inner: return emgmm.m_step(x, x)" in said
    assert said.count("line ") == 2
    assert "ValueError: row 3 of w sums to 7" in said
    assert "x of shape (4, 1), w of shape (4, 2)" in " ".join(said.split())


def test_leaving_the_program_is_an_error_too():
    def leave(x, w):
        raise SystemExit(3)

    assert check("m_step", leave).kind == "error"


def test_a_slip_before_a_crash_is_named():
    def fragile(x, w):
        if x.shape[1] > 1:
            raise ZeroDivisionError
        return right_m_step(x, w)[0] * len(x), *right_m_step(x, w)[1:]

    assert check("m_step", fragile).slip == "counts instead of shares"


def test_code_that_works_for_one_feature_only_is_an_error():
    def narrow(x, w):
        assert x.shape[1] == 1
        return right_m_step(x, w)

    assert check("m_step", narrow).kind == "error"


# Answers of all sorts


def test_whoever_changes_the_input_is_told():
    def spoil(x, w):
        parts = right_m_step(x, w)
        w *= 0.5
        return parts

    for _ in range(2):  # it works on copies
        assert check("m_step", spoil).slip == "input changed in place"
        assert "changes w" in text("m_step", spoil)


def test_what_the_learner_prints_is_not_shown(capsys):
    def loud(x, w):
        print("here")
        return right_m_step(x, w)

    assert check("m_step", loud)
    assert capsys.readouterr().out == ""


def test_half_a_permutation_is_wrong():
    def torn(x, w):
        phi, mu, Sigma = right_m_step(x, w)
        return phi, mu[::-1], Sigma

    assert check("m_step", torn).kind == "wrong"


def test_a_value_is_checked_on_the_data_of_the_chapter():
    x, theta = emgmm.data.anemia().x, emgmm.data.ANEMIA
    w = theta.responsibilities(x)
    assert "Hand over the function, too" in text("e_step", w)
    assert check("e_step", np.full_like(w, 0.5)).kind == "wrong"
    assert "without calling it" in text("m_step", w)
    assert "without calling it" in text("e_step", "w")


def test_a_function_is_no_number():
    assert "asks for numbers" in text("ellipse", np.sqrt)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p, m, S: (p, m), "has 3 parts: phi, mu, Sigma. You gave 2."),
        (lambda p, m, S: {"phi": p, "mu": m}, "no entry named 'Sigma'"),
        (lambda p, m, S: 3.0, "You gave 1."),
        (lambda p, m, S: ("many", m, S), "phi must hold numbers; yours is a str"),
        (lambda p, m, S: (p * 1j, m, S), "phi must hold numbers"),
        (
            lambda p, m, S: ([[1], [1, 2]], m, S),
            "phi does not fit into one array: its pieces have shapes (1,), (2,)",
        ),
        (lambda p, m, S: (p, [[1], [[1], [1, 2]]], S), "shapes (1,), (ragged)"),
        (lambda p, m, S: (p, m.T, S), "The numbers are right: turn mu over"),
        (lambda p, m, S: (p, m[:1], S), "You return only the first row of mu."),
        (lambda p, m, S: (p, np.zeros(7), S), "mu has shape (7,); it should be (2, 1)"),
        (lambda p, m, S: (p, m * np.nan, S), "mu[0, 0] is nan"),
        (
            lambda p, m, S: (p, -m, S),
            "What you have as mu is the means, with the opposite sign.",
        ),
        (lambda p, m, S: (p, 3 * m, S), "mu is 3 times the right value in every entry"),
        (lambda p, m, S: (p, m + 2, S), "mu is off by the same 2 in every entry"),
        (lambda p, m, S: (p, m + np.array([[0], [1]]), S), "mu[1, 0] is "),
    ],
)
def test_what_no_slip_explains_is_described(change, said):
    def answer(x, w):
        return change(*right_m_step(x, w))

    assert said in text("m_step", answer)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda H: H + np.eye(len(H)), "Only the diagonal of H is wrong"),
        (lambda H: H + 1 - np.eye(len(H)), "The diagonal of H is right"),
        (lambda H: H + np.triu(np.ones_like(H), 1), "The diagonal of H is right"),
    ],
)
def test_wrong_places_of_a_matrix_are_told(change, said):
    reference = find("slope_in_sigma").reference

    def answer(x, mu, Sigma):
        H = reference(x, mu, Sigma)
        return H if len(H) == 1 else change(H)

    assert said in text("slope_in_sigma", answer)


def test_a_transposed_table_is_told():
    def turned(x, phi, mu, Sigma):
        return emgmm.Mixture(phi, mu, Sigma).log_joint(x).T

    assert "turn log_joint over" in text("log_joint", turned)


def test_a_transposed_square_is_told():
    mine, other = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 3.0], [2.0, 4.0]])
    said = differences(find("total"), mine, other, "covariance")
    assert "rows and columns exchanged" in said


def test_rows_that_do_not_sum_to_one_are_told():
    def answer(x, phi, mu, Sigma):
        return np.sin(emgmm.Mixture(phi, mu, Sigma).responsibilities(x))

    assert "The rows of w must sum to 1" in text("e_step", answer)


def test_numbers_are_not_given_away():
    said = text("ellipse", (1.5, 11.23, 9))
    assert "radius is 1.5. That is not right." in said
    assert "1.17" not in said


def test_a_number_that_is_too_round_is_told_so():
    theta = find("equal_start").reference()
    answer = (theta[0], np.round(theta[1], 1), theta[2])
    assert "mu is close: give more digits." in text("equal_start", answer)


def test_long_inputs_are_described_not_shown():
    def answer(x, phi, mu, Sigma):
        right = emgmm.Mixture(phi, mu, Sigma).log_joint(x)
        return right if len(x) < 4 else right + 1e-2 * x[:, :1]

    said = text("log_joint", answer)
    assert "It shows on hidden data: x of shape (7, 3), phi of shape (2,)" in said


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tolerance_follows_the_precision(dtype):
    def answer(x, w):
        return [np.asarray(part * (1 + 1e-4), dtype) for part in right_m_step(x, w)]

    assert check("m_step", answer).kind == ("right" if dtype == "float32" else "wrong")


def test_a_fit_and_a_mixture_are_answers():
    x = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.5]])
    fit = emgmm.em(x, emgmm.one_hot([0, 0, 0, 1, 1, 1], 2), max_iter=1)
    exercise = find("m_step")
    for a, b in zip(as_parts(exercise, fit), as_parts(exercise, fit.theta)):
        assert np.array_equal(a, b)


def test_numbers_are_written_as_one_would_type_them():
    assert [brief(v) for v in (3, 0.5, np.eye(2), [1, 2])] == [
        "3",
        "0.5",
        "[[1.0, 0.0], [0.0, 1.0]]",
        "[1, 2]",
    ]


# Looks


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.links = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)
        self.links += [value for key, value in attrs if key == "href"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", ["log_joint", "m_step", "my_em", "same_w"])
def test_no_line_of_prose_is_longer_than_a_terminal(name):
    for exercise, _, answer in WRONG:
        if exercise == name:
            for line in repr(check(name, answer)).splitlines():
                assert len(line) <= 80 or line.startswith("    ")


def test_html_is_well_formed_and_links_to_the_chapter():
    outcome = check("m_step", dict(WRONG_M)["counts instead of shares"])
    tags = Tags(outcome._repr_html_())
    assert tags.open == []
    assert {"div", "strong", "p", "pre", "a"} <= tags.seen
    assert tags.links == ["../04_em.ipynb#cell-id=eq-m-step-phi"]


def test_html_shows_what_the_learner_wrote_and_does_not_run_it():
    def nasty(x, w):
        raise ValueError("<script>alert(1)</script>")

    assert "<script>" not in check("m_step", nasty)._repr_html_()


# Help


def test_hints_go_further_and_end():
    count = len(find("m_step").hints)
    hints = [repr(hint("m_step", n)) for n in range(1, count + 1)]
    assert len(set(hints)) == count
    assert "Run it again" in hints[0]
    assert "There are no more" in hints[-1]
    help_module._given.clear()
    assert [repr(hint("m_step")) for _ in range(count)] == hints
    assert repr(hint("m_step")) == hints[-1]
    assert "Further" not in hints[-1]
    for number in (0, count + 1):
        with pytest.raises(ValueError, match="there are 3 hints"):
            hint("m_step", number)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_a_solution_holds_words_and_code(exercise):
    page = solution(exercise.label)
    assert "```python" in page._repr_markdown_()
    assert "SOLUTION" not in repr(page)
    assert "{eq}" not in repr(page)


def test_an_edition_without_solutions_says_so(monkeypatch):
    book._read.cache_clear()
    monkeypatch.setattr(book, "SOLUTIONS", "not-there.json")
    assert "comes without solutions" in repr(solution(4.3))


def test_nbgrader_gives_no_points_for_what_is_not_right(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert check("m_step", right_m_step)
    with pytest.raises(AssertionError, match="not tried"):
        check("m_step", None)


@pytest.mark.parametrize(
    "value",
    [
        "2/3",
        [["2/3", 1 / 3]],
        object(),
        [object(), 1],
        np.array(["2/3", 1], dtype=object),
    ],
)
def test_what_is_no_number_is_told(value):
    outcome = check("m_step", lambda x, w: (value, w, w))
    assert outcome.kind == "wrong"
    assert "phi must hold numbers" in repr(outcome)
