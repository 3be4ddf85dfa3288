"""A list that Python's cycle collector does not look at.

The collector walks a whole list each time it meets it, with the interpreter stopped: 15 ms for a quarter of a million
slots. It meets the list of a new device twice before it is an old one, and again in every full run, no matter what
caused that. No entry of a slot table refers to anything but its type, so no cycle could lead through one.
"""

import ctypes
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def _find_untrack() -> Callable[[object], object]:
    try:
        found = ctypes.pythonapi.PyObject_GC_UnTrack
    except AttributeError:  # another implementation of Python, with a collector of another kind
        return lambda _list: None
    found.argtypes, found.restype = [ctypes.py_object], None
    return found


_untrack = _find_untrack()


def uncollected(entries: list[T]) -> list[T]:
    """Return the list, which the collector does not look at any more; only what cannot be in a cycle may enter it."""
    _untrack(entries)
    return entries
