"""A page of memory as functions of C take it."""

import ctypes
from collections.abc import Callable
from typing import TypeAlias

from zram_impl.units import PAGE_SIZE

PageMemory: TypeAlias = ctypes.Array[ctypes.c_char]
"""PAGE_SIZE bytes of somebody's; as long as it lives the memory stays where it is."""

UnpackInto: TypeAlias = Callable[[bytes, PageMemory, int, int], int]
"""Decompresses an object of so many bytes into at most so many; returns how many, below 0 for a damaged one."""

_PAGE_TYPE = ctypes.c_char * PAGE_SIZE


def page_memory(page: memoryview) -> PageMemory:
    """Return a writable buffer of a page as functions of C take it."""
    return _PAGE_TYPE.from_buffer(page)
