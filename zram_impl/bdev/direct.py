"""Transfers past the page cache (O_DIRECT): a file system that takes them, and memory at page boundaries."""

import ctypes
import fcntl
import mmap
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from zram_impl.units import PAGE_SIZE

_BOUNCE_PAGES: Final = 32
"""Size of one bounce buffer; memory behind it is spent only as far as it is used."""


def set_direct(fd: int) -> bool:
    """Switch `fd` to O_DIRECT if its first page can really be read that way; say whether it is on."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    try:
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_DIRECT)
        with mmap.mmap(-1, PAGE_SIZE) as page:
            if os.preadv(fd, [page], 0) == PAGE_SIZE:
                return True
    except OSError:
        # Some file systems refuse the flag, others take it and refuse the transfer; both work without it.
        pass
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)
    return False


def is_aligned(memory: memoryview) -> bool:
    """Return whether writable `memory` starts at a page boundary."""
    return not ctypes.addressof(ctypes.c_char.from_buffer(memory)) % PAGE_SIZE


class BouncePages:
    """Aligned memory for transfers whose own memory is not; may be used by several threads at once.

    There are as many buffers as were ever in use together; `close` returns them to the system.
    """

    __slots__ = ("_idle",)

    def __init__(self) -> None:
        # Buffers in nobody's hands. A deque's append and pop are atomic, so it needs no lock.
        self._idle: deque[mmap.mmap] = deque()

    @contextmanager
    def borrow(self) -> Iterator[memoryview]:
        """Lend one buffer of some pages to the caller alone; no view of it may be kept."""
        try:
            bounce = self._idle.pop()
        except IndexError:
            bounce = mmap.mmap(-1, _BOUNCE_PAGES * PAGE_SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        try:
            with memoryview(bounce) as pages:
                yield pages
        finally:
            self._idle.append(bounce)

    def close(self) -> None:
        """Return the buffers to the system; none may be lent out. Idempotent."""
        while self._idle:
            self._idle.pop().close()
