"""The function of lz4's that decompresses into memory of the caller's, called with the interpreter's lock held.

The package has it inside and offers calls alone that return memory of their own, and that release the lock for the
microsecond they take. While another thread waits for the lock, as the one that brings answers of writes does, each
release wakes it, which costs several microseconds, and it finds the lock taken again.
"""

import sys
from ctypes import PyDLL

import lz4.block

from zram_impl.page_memory import UnpackInto, page_memory
from zram_impl.units import PAGE_SIZE


def find_unpack_into() -> UnpackInto | None:
    """Return the function; None where the package hides it, or where it does something else."""
    try:
        # Its types are not declared: what bytes, an array and two small numbers become is right, and found faster.
        found: UnpackInto = PyDLL(sys.modules["lz4.block._block"].__file__).LZ4_decompress_safe
    except (AttributeError, KeyError, OSError):
        return None
    page, memory = bytes(range(256)) * (PAGE_SIZE // 256), page_memory(memoryview(bytearray(PAGE_SIZE)))
    packed = lz4.block.compress(page, "default", False)
    return found if found(packed, memory, len(packed), PAGE_SIZE) == PAGE_SIZE and memory.raw == page else None
