"""The queue that the ring engine asks of the system: it takes writes and answers them in any order."""

import ctypes
import platform
import sys
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final, Protocol

from zram_impl.engine.request import WbReq
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE

WAKE: Final = -1
"""Key of the answer that `wake` asks for; a write has a key from 0."""

Write = tuple[int, Sequence[WbReq]]
"""A key that no other write in flight has, and requests on consecutive blocks."""

Answer = tuple[int, int]
"""The key of a write, and the bytes written or an errno below 0."""


class RingQueue(Protocol):
    """Writes in the hands of the system. One task at a time calls `submit` or `wake`, one other calls `wait`.

    Attributes:
        name: Its name, for people.
    """

    @property
    def name(self) -> str:
        """Its name, for people."""
        ...

    def submit(self, writes: Sequence[Write]) -> int:
        """Begin writes, in order, and return how many were taken; of those that follow nothing is known later."""
        ...

    def wake(self) -> bool:
        """Ask for an answer of key WAKE, so that `wait` returns; False when the system has no room for it."""
        ...

    def wait(self, least: int = 1) -> Sequence[Answer]:
        """Return the next answers; wait until there is at least one, or return nothing when the system says so.

        Args:
            least: How many to wait for a short while, if the system can: a wake-up costs as much for one as for many.
        """
        ...

    def close(self) -> None:
        """Give everything back to the system. Nothing may be in flight, in this process. Idempotent."""
        ...


class Addresses:
    """Addresses of the pages of writes, and arrays of addresses that the system reads while it takes a write.

    Pages that lie side by side, in the order of their blocks, are one piece of memory: the system has one thing to hold
    in place, and the device one to read, where it would have one for each page.
    """

    __slots__ = ("_array", "_at", "_known")

    _ENTRY: Final = Struct("=QQ")

    def __init__(self, pages: int) -> None:
        """Have room for `pages` pages in one submission."""
        # One piece of memory, written anew for each submission: the system keeps a copy of its own.
        self._array = bytearray(self._ENTRY.size * pages)
        self._at: Final = address_of(self._array)
        # By identity: an engine keeps its pages, and the views of them, until it closes.
        self._known: dict[int, int] = {}

    def of(self, writes: Sequence[Write]) -> list[tuple[int, int]]:
        """Return for each write an address and 0, or the address of an array and the number of its entries."""
        known, found, used = self._known, list[tuple[int, int]](), 0
        for _key, run in writes:
            try:
                pages = [known[id(request.page)] for request in run]
            except KeyError:  # a page of one of them was never written before
                pages = [self._address(request) for request in run]
            first = pages[0]
            if len(pages) == 1 or pages == list(range(first, first + (len(pages) << PAGE_SHIFT), PAGE_SIZE)):
                found.append((first, 0))
                continue
            entries = b"".join([self._ENTRY.pack(page, PAGE_SIZE) for page in pages])
            self._array[used : used + len(entries)] = entries
            found.append((self._at + used, len(pages)))
            used += len(entries)
        return found

    def _address(self, request: WbReq) -> int:
        return self._known.setdefault(id(request.page), address_of(request.page))


def address_of(memory: bytearray | memoryview) -> int:
    """Return the address of writable memory; its user keeps the memory alive."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


class SystemCalls:
    """System calls that Python has no function for. The interpreter's lock is released while one is under way.

    Attributes:
        function: Does one, of a number and five arguments; -1 for any error.
    """

    def __init__(self) -> None:
        """Look the C library's `syscall` up; OSError where that cannot be had.

        Only where it was tried: the layout of what is passed, and the order in which two processors see each other's
        stores, are those of x86-64.
        """
        if sys.platform != "linux" or platform.machine() != "x86_64" or sys.maxsize < 1 << 32:
            raise OSError(f"no numbers of system calls are known for {sys.platform} on {platform.machine()}")
        try:
            function = ctypes.CDLL(None, use_errno=True).syscall
        except AttributeError as error:  # a C library without it
            raise OSError(f"the C library has no syscall(): {error}") from error
        function.restype = ctypes.c_long
        function.argtypes = [ctypes.c_long] * 6
        self.function: Callable[[int, int, int, int, int, int], int] = function

    def __call__(self, number: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0, e: int = 0) -> int:
        """Do a system call; a negative number is an errno below 0."""
        result = self.function(number, a, b, c, d, e)
        return result if result >= 0 else -ctypes.get_errno()
