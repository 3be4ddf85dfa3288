"""A ring over native AIO: io_submit and io_getevents, of kernels since 4.18.

Writes past the page cache alone: others are done before io_submit returns.
"""

import os
import select
from collections.abc import Sequence
from struct import Struct
from typing import Final

from zram_impl.engine.ring_queue import WAKE, Addresses, Answer, SystemCalls, Write, address_of
from zram_impl.units import PAGE_SHIFT

_SETUP, _DESTROY, _GETEVENTS, _SUBMIT = 206, 207, 208, 209
_PWRITE, _POLL, _PWRITEV = 1, 5, 8
_IOCB: Final = Struct("=Q8xH2xIQQq16x")  # data, 2 unused, operation, 1 unused, fd, address, length, offset, 3 unused
_EVENT: Final = Struct("=qQqq")  # data, iocb, result, 1 unused
_POINTER: Final = Struct("=Q")
_TIMESPEC: Final = Struct("=qq")
PATIENCE: Final = 100_000
"""Nanoseconds after which fewer answers than asked for will do: little beside the time of a write to a slow device."""
_NO_KEY: Final = WAKE & (1 << 64) - 1


class NativeAio:
    """Up to `entries` writes to one file."""

    name = "native AIO"

    def __init__(self, fd: int, entries: int) -> None:
        """Write to `fd`, which was opened with O_DIRECT and stays its maker's.

        Raises:
            OSError: The system refuses; its limit on all such requests (fs.aio-max-nr) is reached, perhaps.
        """
        self._call = SystemCalls()
        self._fd = fd
        self._addresses = Addresses(entries)
        self._iocbs = bytearray(_IOCB.size * (entries + 1))
        self._pointers = bytearray(_POINTER.size * (entries + 1))
        self._events = bytearray(_EVENT.size * (entries + 1))
        first = address_of(self._iocbs)
        for number in range(entries + 1):
            _POINTER.pack_into(self._pointers, number * _POINTER.size, first + number * _IOCB.size)
        self._patience = bytearray(_TIMESPEC.pack(0, PATIENCE))
        self._patience_at = address_of(self._patience)
        self._pointers_at, self._events_at = address_of(self._pointers), address_of(self._events)
        self._most = entries + 1
        context = bytearray(_POINTER.size)
        refused = self._call(_SETUP, self._most, address_of(context))
        if refused < 0:
            raise OSError(-refused, f"io_setup: {os.strerror(-refused)}")
        self._context: int = _POINTER.unpack(context)[0]
        # Tried here, as an engine that cannot wake its thread could not close.
        if not self.wake():
            self.close()
            raise OSError("io_submit does not poll")
        self.wait()

    def submit(self, writes: Sequence[Write]) -> int:
        """Begin writes; those the system does not take are the last ones."""
        pack, iocbs, fd = _IOCB.pack_into, self._iocbs, self._fd
        where = self._addresses.of(writes)
        for number, ((key, run), (address, pieces)) in enumerate(zip(writes, where, strict=True)):
            operation, length = (_PWRITEV, pieces) if pieces else (_PWRITE, len(run) << PAGE_SHIFT)
            pack(iocbs, number * _IOCB.size, key, operation, fd, address, length, run[0].blk_idx << PAGE_SHIFT)
        return self._submit(len(writes))

    def wake(self) -> bool:
        """Wait until the file can be written: which is answered at once for any, and takes no descriptor of its own."""
        _IOCB.pack_into(self._iocbs, 0, _NO_KEY, _POLL, self._fd, select.POLLOUT, 0, 0)
        return self._submit(1) == 1

    def wait(self, least: int = 1) -> list[Answer]:
        """Return the next answers; the wait is the system's, and in the end nothing but an answer ends it."""
        got = 0
        if least > 1:
            got = self._call(_GETEVENTS, self._context, least, self._most, self._events_at, self._patience_at)
        if got <= 0:
            got = self._call(_GETEVENTS, self._context, 1, self._most, self._events_at)
        events = self._events[: max(got, 0) * _EVENT.size]
        return [(key, result) for key, _, result, _ in _EVENT.iter_unpack(events)]

    def close(self) -> None:
        """Destroy the context. A forked child does not have it: it belongs to the process that made it."""
        context, self._context = self._context, 0
        if context:
            self._call(_DESTROY, context)

    def _submit(self, count: int) -> int:
        taken = 0
        while taken < count:
            got = self._call(_SUBMIT, self._context, count - taken, self._pointers_at + taken * _POINTER.size)
            if got <= 0:
                break
            taken += got
        return taken
