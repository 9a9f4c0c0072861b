"""How many cores the matrix products may use."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread(d: int) -> AbstractContextManager[object]:
    """BLAS on one core: more only slow down products with few features."""
    return _thread_pools().limit(limits=1 if d < 48 else None, user_api="blas")


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()
