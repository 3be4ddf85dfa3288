"""Reads in the hands of the system, by native AIO: many at a time, while who asked for them does something else.

Unlike the ring of the engine this one has no thread: who needs an answer fetches it. That may be the main thread, so
what a signal handler raises may land after any step of Python's. Each system call and the store of its result are one
step therefore, and what was fetched is kept until it has been handed on.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import FileDevice
from zram_impl.engine.ring_queue import SystemCalls, address_of

_SETUP, _DESTROY, _GETEVENTS, _SUBMIT = 206, 207, 208, 209
_PREAD: Final = 0
_IOCB: Final = Struct("=QIIHhIQQqQII")  # data, key, flags, operation, priority, fd, address, length, offset, 3 unused
_EVENT: Final = Struct("=qQqq")  # data, iocb, result, 1 unused
_POINTER: Final = Struct("=Q")


class FileRead(NamedTuple):
    """One transfer; the memory lives until it was answered, or the ring closed.

    Attributes:
        key: A number that no other read has.
        offset: Where in the file it begins, in bytes.
        address: Where in memory it goes, at a page boundary.
        length: How many bytes, whole pages.
    """

    key: int
    offset: int
    address: int
    length: int


def is_read_by_ring(device: BackingDevice) -> bool:
    """Return whether the system can read `device` by itself: a file that is read past the page cache."""
    return type(device) is FileDevice and device.direct  # itself, as for writes: see `open_ring`


class AioReads:
    """Up to `entries` reads of one device. One task at a time may use it."""

    __slots__ = ("_call", "_context", "_events", "_events_at", "_fd", "_fetched", "_iocbs", "_most", "_pointers")

    def __init__(self, device: BackingDevice, entries: int) -> None:
        """Read from `device`, which stays its maker's; OSError when the system refuses."""
        assert isinstance(device, FileDevice), "asked before"
        self._call: Final = SystemCalls().function
        self._fd = device.fileno()
        self._most = entries
        self._iocbs = bytearray(_IOCB.size * entries)
        self._pointers = bytearray(_POINTER.size * entries)
        self._events = bytearray(_EVENT.size * entries)
        self._events_at = address_of(self._events)
        self._fetched: list[int] = []
        """Number of the answers that lie in `_events`; empty while none were fetched."""
        first = address_of(self._iocbs)
        for number in range(entries):
            _POINTER.pack_into(self._pointers, number * _POINTER.size, first + number * _IOCB.size)
        context = bytearray(_POINTER.size)
        self._context = 0
        if self._call(_SETUP, entries, address_of(context), 0, 0, 0):
            raise OSError("io_setup was refused")
        self._context = int(_POINTER.unpack(context)[0])

    def submit(self, reads: Sequence[FileRead], taken: list[int]) -> None:
        """Begin reads, and append to `taken` how many, the first ones; -1 or nothing at all for none.

        Together with those that were not answered yet they are as many as there are entries, at most.
        """
        for number, (key, offset, address, length) in enumerate(reads):
            where = number * _IOCB.size
            _IOCB.pack_into(self._iocbs, where, key, 0, 0, _PREAD, 0, self._fd, address, length, offset, 0, 0, 0)
        at = address_of(self._pointers)
        taken.extend(map(self._call, (_SUBMIT,), (self._context,), (len(reads),), (at,), (0,), (0,)))

    def fetch(self, least: int) -> Sequence[tuple[int, int]]:
        """Return key, and bytes or an errno below 0, of answered reads; wait for `least`. A signal may end the wait.

        They are returned again until `handed_on` is called.
        """
        if not self._fetched:
            zero = (0,)
            most, at = (self._most,), (self._events_at,)
            self._fetched.extend(map(self._call, (_GETEVENTS,), (self._context,), (least,), most, at, zero))
        count = max(self._fetched[0], 0)
        # A copy: an iterator over a view of memory crashes Python 3.11 when both are garbage, in a cycle.
        events = self._events[: count * _EVENT.size]
        return [(key, result) for key, _, result, _ in _EVENT.iter_unpack(events)]

    def handed_on(self) -> None:
        """Note that what was fetched has arrived."""
        self._fetched.clear()

    def close(self) -> None:
        """Wait for all reads and give everything back. A forked child has no reads, and calls nothing."""
        context, self._context = self._context, 0
        if context:
            self._call(_DESTROY, context, 0, 0, 0, 0)
