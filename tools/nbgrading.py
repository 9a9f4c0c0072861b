"""The check of an exercise, as nbgrader runs it: in the learner's own kernel."""

import re


def graded(source: str) -> str:
    """The cell with a check that is imported there and then, and prints its words.

    A notebook may have given the name `check` to something else. A result that is not
    printed nbgrader takes for marks, and warns in four lines that it is no number.
    """
    printed = re.sub(r"(?ms)^check\((.*)\)\s*\Z", r"print(check(\1))", source)
    if printed == source:
        raise ValueError(f"the cell must end in a call of check:\n{source}")
    return f"from emgmm.checks import check\n\n{printed}"
