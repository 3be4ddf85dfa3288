"""Reads of the backing device that are under way, known so that closing it can wait for them.

Kernel: read_from_bdev()
"""

import mmap
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EINVAL
from functools import partial
from typing import Final, TypeVar

from zram_impl.bdev.device import BackingDevice
from zram_impl.errors import ZramError
from zram_impl.forking import made_anew
from zram_impl.pages.read_ahead import ReadAhead, read_ahead
from zram_impl.runtime import Rank, Runtime
from zram_impl.units import PAGE_SIZE, BlkIdx

T = TypeVar("T")

RUN_MOST: Final = 512
"""Blocks read at once at most."""
_PATIENCE: Final = 0.1
"""Seconds after which who closes looks again: a reader that an exception stops need not wake it."""


class WasResetError(ZramError):
    """The device was reset while it was read."""


class BackingReads:
    """The reads of the backing device that are under way.

    A reader is known by a token of its own, which it adds before it looks whether it may read, and discards in one step
    whatever happens: an exception that lands anywhere in between leaves no reader behind. Who closes does it the other
    way round, so either the reader sees that it may not, or who closes sees the reader.

    Attributes:
        ahead: What is read while its reader uses other pages; None where the system has no such reads.
        bd_reads: Blocks of which a read was begun; guarded by the lock of the condition.
    """

    def __init__(self, runtime: Runtime, device: BackingDevice | None = None) -> None:
        self._runtime = runtime
        self.ahead: ReadAhead | None = read_ahead(runtime, device)
        # Guards `bd_reads`.
        self._lock = runtime.lock("backing reads", Rank.ENGINE)
        # Guards nothing: who closes waits here.
        self._ended = runtime.condition("backing reads ended", Rank.ENGINE)
        self._idle: deque[mmap.mmap] = deque()
        """Memory for several blocks that nobody uses."""
        self._under_way: set[object] = set()
        self._closing = False
        self.bd_reads: int = 0

    def read(self, device: BackingDevice, blk_idx: BlkIdx) -> bytes:
        """Read a block; WasResetError (EINVAL) once the device is being closed, OSError as the device says."""
        return self.reading(partial(self._one, device, blk_idx))

    def read_run(self, device: BackingDevice, blk_idx: BlkIdx, into: memoryview, take: Callable[[], object]) -> None:
        """Read consecutive blocks in one transfer, then call `take`. Raises as `read`.

        If they cannot be read together, none of them counts as read: they will be read one by one.
        """
        self.reading(partial(self._run, device, blk_idx, into, take))

    def reading(self, read: Callable[[], T]) -> T:
        """Do a read of which who closes knows; WasResetError once the device is being closed."""
        token = object()
        try:
            self._under_way.add(token)
            # Race with `close`, which stores before it looks: see above.
            if self._closing:
                raise WasResetError(EINVAL, "EINVAL: the device was reset while it was read")
            return read()
        finally:
            self._under_way.discard(token)
            if self._closing:
                self._runtime.shielded(lambda _interrupts: self._wake())

    def _one(self, device: BackingDevice, blk_idx: BlkIdx) -> bytes:
        self.count(1)
        page = bytearray(PAGE_SIZE)
        with memoryview(page) as into:
            device.read(blk_idx, into)
        return bytes(page)

    def _run(self, device: BackingDevice, blk_idx: BlkIdx, into: memoryview, take: Callable[[], object]) -> None:
        device.read(blk_idx, into)
        self.count(len(into) // PAGE_SIZE)
        take()

    @contextmanager
    def lent(self, blocks: int) -> Iterator[memoryview]:
        """Lend memory for some blocks, RUN_MOST at most."""
        # Aligned, so that a file's pages arrive where they are to be; and used again, because memory that the
        # system has yet to provide costs as much as the transfer.
        try:
            memory = self._idle.pop()
        except IndexError:
            memory = mmap.mmap(-1, RUN_MOST * PAGE_SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        try:
            with memoryview(memory)[: blocks * PAGE_SIZE] as into:
                yield into
        finally:
            self._idle.append(memory)

    def count(self, blocks: int) -> None:
        """Note that a read of so many blocks was begun."""
        with self._lock:
            self.bd_reads += blocks

    def forget_ahead(self) -> None:
        """Forget what is on its way: the pages that are kept are dropped. It does not wait."""
        if self.ahead is not None:
            self.ahead.forget()

    def after_fork(self) -> None:
        """Forget, in a forked child, the readers of its parent."""
        made_anew(self._lock, self._ended)
        self._under_way.clear()
        if self.ahead is not None:
            self.ahead.after_fork()

    def _wake(self) -> None:
        with self._ended:
            self._ended.notify_all()

    def close(self) -> None:
        """Let no read begin any more and wait for those under way; not for the main thread."""
        self._closing = True
        while not self._wait_a_while():
            pass
        if self.ahead is not None:
            self.ahead.close()

    def _wait_a_while(self) -> bool:
        with self._ended:
            return self._ended.wait_for(lambda: not self._under_way, _PATIENCE)
