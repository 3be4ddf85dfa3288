"""A ring over io_uring, of kernels since 5.6 that allow it (kernel.io_uring_disabled, containers).

Kernel and process share the rings: heads and tails are plain stores, in the order of the statements. x86-64 keeps that
order, and every store of ours is followed by a system call before the kernel looks.
"""

import mmap
import os
import weakref
from collections.abc import Sequence
from struct import Struct, unpack_from
from typing import Final

from zram_impl.engine.ring_queue import WAKE, Addresses, Answer, SystemCalls, Write, address_of
from zram_impl.units import PAGE_SHIFT

_SETUP, _ENTER = 425, 426
_NOP, _WRITEV, _WRITE = 0, 2, 23
_GETEVENTS: Final = 1
_SQES_AT: Final = 0x10000000
_FEATURES: Final = 0b1111
"""One mapping for both rings, no answer dropped, what a submission refers to copied, plain writes (5.6)."""
_PARAMS_SIZE: Final = 120
_WORD: Final = (1 << 32) - 1
_SQE: Final = Struct("=B3xiQQI4xQ24x")  # operation, 2 unused, fd, offset, address, length, flags, key, 5 unused
_CQE: Final = Struct("=qiI")  # key, result, flags


class IoUring:
    """Up to `entries` writes to one file."""

    name = "io_uring"

    def __init__(self, fd: int, entries: int) -> None:
        """Write to `fd`, which stays its maker's; OSError when the system refuses."""
        self._call = SystemCalls()
        self._fd = fd
        self._addresses = Addresses(entries)
        params = bytearray(_PARAMS_SIZE)
        ring = self._call(_SETUP, entries + 1, address_of(params))
        if ring < 0:
            raise OSError(-ring, f"io_uring_setup: {os.strerror(-ring)}")
        self._ring = ring
        sq_entries, cq_entries, _, _, _, features = unpack_from("=6I", params)
        _, sq_tail, sq_mask, _, _, _, sq_array = unpack_from("=7I", params, 40)
        cq_head, cq_tail, cq_mask, _, _, cqes = unpack_from("=6I", params, 80)
        size = max(sq_array + 4 * sq_entries, cqes + _CQE.size * cq_entries)
        try:
            _check(features)
            self._rings = mmap.mmap(ring, size, offset=0)
            self._sqes = mmap.mmap(ring, sq_entries * _SQE.size, offset=_SQES_AT)
        except BaseException:
            os.close(ring)
            raise
        self._cqes = cqes
        self._words = memoryview(self._rings)[: size & ~3].cast("I")
        self._sq_tail, self._cq_head, self._cq_tail = (at // 4 for at in (sq_tail, cq_head, cq_tail))
        self._sq_mask, self._cq_mask = self._words[sq_mask // 4], self._words[cq_mask // 4]
        for number in range(sq_entries):  # entry n of the queue is always the n-th of the array
            self._words[sq_array // 4 + number] = number
        _open.add(self)
        # Tried here, as for native AIO: a filter of system calls may have the one for making a ring alone.
        if not self.wake():
            self.close()
            raise OSError("io_uring_enter submits nothing")
        self.wait()

    def submit(self, writes: Sequence[Write]) -> int:
        """Begin writes; those the system does not take are the last ones."""
        pack, sqes, fd = _SQE.pack_into, self._sqes, self._fd
        mask, tail = self._sq_mask, self._words[self._sq_tail]
        where = self._addresses.of(writes)
        for number, ((key, run), (address, pieces)) in enumerate(zip(writes, where, strict=True), tail):
            operation, length = (_WRITEV, pieces) if pieces else (_WRITE, len(run) << PAGE_SHIFT)
            slot, offset = (number & mask) * _SQE.size, run[0].blk_idx << PAGE_SHIFT
            pack(sqes, slot, operation, fd, offset, address, length, key)
        return self._submit(tail, len(writes))

    def wake(self) -> bool:
        """Ask for an operation that does nothing."""
        tail = self._words[self._sq_tail]
        slot = (tail & self._sq_mask) * _SQE.size
        _SQE.pack_into(self._sqes, slot, _NOP, -1, 0, 0, 0, WAKE & (1 << 64) - 1)
        return self._submit(tail, 1) == 1

    def wait(self, least: int = 1) -> list[Answer]:
        """Return the next answers; a signal to this thread may end the wait without one.

        For `least` it does not wait, which takes a time limit that kernels before 5.11 do not have.
        """
        del least
        words = self._words
        head = words[self._cq_head]
        if head == words[self._cq_tail]:
            self._call(_ENTER, self._ring, 0, 1, _GETEVENTS)
        count = (words[self._cq_tail] - head) & _WORD
        answers = []
        for number in range(head, head + count):
            key, result, _ = _CQE.unpack_from(self._rings, self._cqes + (number & self._cq_mask) * _CQE.size)
            answers.append((key, result))
        words[self._cq_head] = (head + count) & _WORD
        return answers

    def close(self) -> None:
        """Close the ring and unmap it; a forked child does so with its copy as soon as there is one."""
        ring, self._ring = self._ring, -1
        if ring >= 0:
            self._words.release()
            self._rings.close()
            self._sqes.close()
            os.close(ring)

    def _submit(self, tail: int, count: int) -> int:
        words = self._words
        left = count
        words[self._sq_tail] = (tail + count) & _WORD
        while left and (taken := self._call(_ENTER, self._ring, left)) > 0:
            left -= taken
        # The kernel looks at the queue only while it is asked to submit: what it left there can be taken out again.
        words[self._sq_tail] = (tail + count - left) & _WORD
        return count - left


def _check(features: int) -> None:
    if features & _FEATURES != _FEATURES:
        raise OSError(f"io_uring has features {features:#x}, {_FEATURES:#x} are needed")


_open: Final["weakref.WeakSet[IoUring]"] = weakref.WeakSet()


def _in_child() -> None:
    for each in list(_open):
        each.close()


os.register_at_fork(after_in_child=_in_child)
