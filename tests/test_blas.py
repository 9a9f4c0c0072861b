"""The limit on BLAS's threads is there inside, and gone after the last one out."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from emgmm import fit
from emgmm._engine.blas import FEW, one_thread


def blas():
    return {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}


def test_whoever_leaves_last_takes_the_limit_away():
    with threadpool_limits(2, user_api="blas"):
        first, second = one_thread(2), one_thread(2)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert blas() == {1}  # the second one is still at work
        second.__exit__(None, None, None)
        assert blas() == {2}


def test_many_features_may_use_all_cores():
    with threadpool_limits(2, user_api="blas"), one_thread(FEW):
        assert blas() == {2}


def test_overlapping_fits_leave_blas_as_it_was():
    x, both = np.random.default_rng(0).normal(size=(60, 2)), Barrier(2)

    def run(seed):
        def meets(n, theta, value):
            if n == 0:
                both.wait(60)

        return fit(x, 1, rng=seed, callback=meets)

    with threadpool_limits(2, user_api="blas"):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, range(2)))
        assert blas() == {2}


def test_an_error_inside_takes_the_limit_away():
    with threadpool_limits(2, user_api="blas"):
        try:
            with one_thread(2):
                raise KeyError
        except KeyError:
            assert blas() == {2}
