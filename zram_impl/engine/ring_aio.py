"""A ring over native AIO: io_submit and io_getevents, of kernels since 4.18.

Writes past the page cache alone: others are done before io_submit returns.
"""

import os
import select
from collections.abc import Sequence
from struct import Struct
from typing import Final

from zram_impl.engine.ring_queue import IOVEC_SIZE, WAKE, Answer, Iovecs, SystemCalls, Write, address_of
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE

_SETUP, _DESTROY, _GETEVENTS, _SUBMIT = 206, 207, 208, 209
_PWRITE, _POLL, _PWRITEV = 1, 5, 8
_IOCB: Final = Struct("=QIIHhIQQqQII")  # data, key, flags, operation, priority, fd, address, length, offset, 3 unused
_EVENT: Final = Struct("=qQqq")  # data, iocb, result, 1 unused
_POINTER: Final = Struct("=Q")
_TIMESPEC: Final = Struct("=qq")
_PATIENCE: Final = 100_000
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
        self._iovecs = Iovecs(entries)
        self._iocbs = bytearray(_IOCB.size * (entries + 1))
        self._pointers = bytearray(_POINTER.size * (entries + 1))
        self._events = bytearray(_EVENT.size * (entries + 1))
        first = address_of(self._iocbs)
        for number in range(entries + 1):
            _POINTER.pack_into(self._pointers, number * _POINTER.size, first + number * _IOCB.size)
        self._patience = bytearray(_TIMESPEC.pack(0, _PATIENCE))
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
        self._iovecs.fill([run for _key, run in writes])
        pack, iocbs, fd, at = _IOCB.pack_into, self._iocbs, self._fd, self._iovecs.at
        for number, (key, run) in enumerate(writes):
            offset = run[0].blk_idx << PAGE_SHIFT
            if len(run) == 1:
                where, length, operation = self._iovecs.page(run[0]), PAGE_SIZE, _PWRITE
            else:
                where, length, operation = at, len(run), _PWRITEV
            pack(iocbs, number * _IOCB.size, key, 0, 0, operation, 0, fd, where, length, offset, 0, 0, 0)
            at += IOVEC_SIZE * len(run)
        return self._submit(len(writes))

    def wake(self) -> bool:
        """Wait until the file can be written: which is answered at once for any, and takes no descriptor of its own."""
        _IOCB.pack_into(self._iocbs, 0, _NO_KEY, 0, 0, _POLL, 0, self._fd, select.POLLOUT, 0, 0, 0, 0, 0)
        return self._submit(1) == 1

    def wait(self, least: int = 1) -> list[Answer]:
        """Return the next answers; the wait is the system's, and in the end nothing but an answer ends it."""
        got = 0
        if least > 1:
            got = self._call(_GETEVENTS, self._context, least, self._most, self._events_at, self._patience_at)
        if got <= 0:
            got = self._call(_GETEVENTS, self._context, 1, self._most, self._events_at)
        with memoryview(self._events) as events:
            return [(key, result) for key, _, result, _ in _EVENT.iter_unpack(events[: max(got, 0) * _EVENT.size])]

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
