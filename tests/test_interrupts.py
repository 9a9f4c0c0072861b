"""An interrupt in a fit, or another fit beside it, changes no later one."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from reference import DATA
from threadpoolctl import threadpool_info

import emgmm
from emgmm import FAMILIES, em, fit

PACKAGE = str(Path(emgmm.__file__).parent)
X = DATA["iris"].x


def cores():
    """How many cores each BLAS may use."""
    return [pool["num_threads"] for pool in threadpool_info()]


class Interrupting:
    """Calls of functions of the package are counted; the n-th one is interrupted.

    Those that set and take away the limit of cores are left alone: an interrupt between
    these two lines of Python would have to come from a signal, and none can be timed.
    """

    def __init__(self, n=-1):
        self.n, self.seen = n, 0

    def __call__(self, frame, event, _):
        name = frame.f_code.co_filename
        if event != "call" or not name.startswith(PACKAGE) or name.endswith("blas.py"):
            return
        self.seen += 1
        if self.seen == self.n:
            raise KeyboardInterrupt

    def __enter__(self):
        sys.setprofile(self)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)


CALLS = {
    "fit": lambda: fit(X, 3, rng=0, n_starts=8),
    "fit, tied": lambda: fit(X, 3, family="tied", rng=0, n_starts=8),
    "em": lambda: em(X, np.eye(3)[np.arange(150) % 3], max_iter=20),
    "em, accelerated": lambda: em(X, np.eye(3)[np.arange(150) % 3], accelerate=True),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_after_an_interrupt_is_as_if_there_was_none(name):
    call, before = CALLS[name], cores()
    right = call()
    with Interrupting() as counting:
        call()
    assert counting.seen > 50
    for n in np.random.default_rng(0).integers(1, counting.seen, 25):
        with pytest.raises(KeyboardInterrupt), Interrupting(n):
            call()
        assert cores() == before
    assert call() == right


def test_fits_side_by_side_are_the_fits_one_by_one():
    jobs = [(family, seed) for family in FAMILIES for seed in range(3)]

    def one(job):
        family, seed = job
        return fit(X, 2 + seed, family=family, rng=seed, n_starts=6)

    before = cores()
    right = [one(job) for job in jobs]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, jobs)) == right
    assert cores() == before
