"""The exercises' answer checker: it says what is wrong, why, and where to look.

    from emgmm.checks import check, hint, solution

    check(4.3, m_step)        # or check("m_step", m_step), check("ex-m-step", m_step)
    hint(4.3)                 # once more for the next one
    solution(4.3)

It needs no network, and remembers only which hint came last.
"""

from emgmm.checks.checker import check
from emgmm.checks.help import Page, hint, solution
from emgmm.checks.invariants import Report, invariants
from emgmm.checks.outcome import Outcome

__all__ = ["Outcome", "Page", "Report", "check", "hint", "invariants", "solution"]
