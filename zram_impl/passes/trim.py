"""Giving memory that Python and the C library hold, but do not use, back to the system."""

import ctypes
from collections.abc import Callable


def _find_malloc_trim() -> Callable[[int], int]:
    try:
        found = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):  # another C library: it gives back what it likes
        return lambda _keep: 0
    found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_int
    return lambda keep: int(found(keep))


_malloc_trim = _find_malloc_trim()


def trim() -> None:
    """Give free memory back to the system, as far as whole pages of it are free."""
    _malloc_trim(0)
