"""Every displayed equation is labeled, cited, computed once and tested."""

import pytest

from tools.equations import (
    Equation,
    cites,
    labels,
    marked_tests,
    problems,
    public,
    registry,
    unknown,
)


def test_every_equation_is_labeled_cited_computed_and_tested():
    found = registry()
    assert found
    assert problems(found) == []


def test_docstrings_and_tests_name_printed_equations_only():
    assert unknown() == []


def test_every_public_function_has_a_docstring():
    assert [name for name, doc in public() if not doc] == []


def complete(label="eq-a"):
    functions = ["emgmm.em"] if label.startswith("eq-") else []
    tests = ["test_em.test_em"] if label.startswith("eq-") else []
    return Equation(label, "04_em", cited=True, functions=functions, tests=tests)


def test_a_complete_registry_passes():
    assert problems([complete("eq-a"), complete("step-b")]) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"label": ""}, "no label"),
        ({"label": "gauss"}, "not named"),
        ({"cited": False}, "cited nowhere"),
        ({"functions": []}, "0 functions"),
        ({"functions": ["emgmm.em", "emgmm.elbo"]}, "2 functions"),
        ({"tests": []}, "no test"),
    ],
)
def test_an_incomplete_equation_is_found(changes, what):
    equation = complete()
    for name, value in changes.items():
        setattr(equation, name, value)
    assert what in problems([equation])[0]


def test_an_equation_printed_twice_is_found():
    assert problems([complete(), complete()]) == ["eq-a: printed 2 times"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$$\nx\n$$ (eq-a)", ["eq-a"]),
        ("Text\n$$\nx\n$$ (eq-a)\ntext", [""]),  # no blank line: not a label
        ("$$\nx\n$$", [""]),
        ("In a line $$x$$.", [""]),
        ("\\begin{align}\nx\n\\end{align}", [""]),
        ("```{math}\nx\n```", [""]),
        (":::{note}\n$$\nx\n$$ (eq-a)\n\n$$\ny\n$$\n:::", ["eq-a", ""]),
        ("- item\n\n  $$\n  x\n  $$ (step-a)", ["step-a"]),
        ("Inline $x$ and `$$x$$`.\n\n```python\n$$\nx\n$$\n```", []),
    ],
)
def test_displayed_equations_are_seen_wherever_they_stand(text, found):
    assert list(labels(text)) == found


def test_citations_are_seen_in_pages_and_docstrings():
    text = "{eq}`eq-a`, {eq}`that one <eq-b>`, :eq:`step-c`, {numref}`fig-d`, `eq-e`"
    assert cites(text) == ["eq-a", "eq-b", "step-c"]


def test_marks_are_read_from_test_files(tmp_path):
    file = tmp_path / "test_em.py"
    file.write_text(
        "@pytest.mark.equation('eq-a', 'eq-b')\ndef test_one():\n    pass\n\n"
        "class TestMore:\n    @pytest.mark.slow\n    @pytest.mark.equation('eq-c')\n"
        "    def test_two(self):\n        pass\n",
        encoding="utf-8",
    )
    one, two = "test_em.test_one", "test_em.test_two"
    assert list(marked_tests(file)) == [("eq-a", one), ("eq-b", one), ("eq-c", two)]
