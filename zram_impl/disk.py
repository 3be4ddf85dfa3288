"""The initialised device: pages in, pages out, and what writeback needs of it.

A `Disk` lives from `disksize` to `reset`. Compression and decompression run outside of every lock on immutable bytes;
the table lock is held only to put a finished entry into the table. Reading a page in memory takes no lock at all.
"""

import zlib
from collections.abc import Callable
from contextlib import suppress
from errno import EINVAL, EIO, ENOMEM
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.blocks import BlockMap, NextFit
from zram_impl.budget import Budget
from zram_impl.codec import Algorithm, decode, encode, filled
from zram_impl.engine.protocol import Engine
from zram_impl.entries import ACCESS, IDLE, Backed, Entry, SlotTable
from zram_impl.errors import ZramError, from_os, refuse
from zram_impl.events import Observer
from zram_impl.grammar import Scan
from zram_impl.quirks import Quirks
from zram_impl.runtime import Lock, Rank, Runtime
from zram_impl.scan import Cursor
from zram_impl.units import PAGE_SIZE, ZERO_PAGE, BlkIdx
from zram_impl.wbpass import Progress, Shared, WritebackPass, request_of

LAST_WAITS: Final = 10
"""Waits for an answer, each of a tenth of a second, that an abandoned device is given when it is closed."""

CHUNK: Final = 64
"""Pages a bulk call puts into the table in one hold of the table lock."""


class WasResetError(ZramError):
    """The device was reset while it was read."""


class BackingReads:
    """Counts the reads of the backing device that are under way, so that closing it can wait for them."""

    def __init__(self, runtime: Runtime) -> None:
        # Guards `_running`, `_closing` and `bd_reads`; `close` waits on it.
        self._idle = runtime.condition("backing reads", Rank.ENGINE)
        self._running = 0
        self._closing = False
        self.bd_reads = 0

    def read(self, device: BackingDevice, blk_idx: BlkIdx) -> bytes:
        """Read one block; WasResetError (EINVAL) once the device is being closed, OSError as the device says."""
        with self._idle:
            if self._closing:
                raise WasResetError(EINVAL, "EINVAL: the device was reset while it was read")
            self._running += 1
            self.bd_reads += 1
        try:
            page = bytearray(PAGE_SIZE)
            with memoryview(page) as into:
                device.read(blk_idx, into)
            return bytes(page)
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def close(self) -> None:
        """Let no read begin any more and wait for those under way."""
        with self._idle:
            self._closing = True
            self._idle.wait_for(lambda: not self._running)


class Disk:
    """Pages, indexed from 0. Ranges are checked by the caller, except where a method says otherwise."""

    def __init__(  # noqa: PLR0913  (what it is made of, named at the one place that makes it)
        self,
        pages: int,
        algorithm: Algorithm,
        lock: Lock,
        budget: Budget,
        *,
        runtime: Runtime,
        quirks: Quirks,
        observer: Observer | None,
        backing: BackingDevice | None,
        make_engine: Callable[[BackingDevice], Engine],
    ) -> None:
        self.pages = pages
        self.algorithm = algorithm
        self.table = SlotTable(pages)
        self.backing = backing
        self.blocks: BlockMap = NextFit(backing.blocks if backing else 0, lowest=quirks.lowest_free_block)
        self.shared = Shared(lock, self.table, self.blocks, budget, algorithm.decompress)
        self.reads = BackingReads(runtime)
        self.running_pass: WritebackPass | None = None
        """The pass under way; guarded by the table lock."""
        # Guards nothing: whoever waits for a pass to end waits here.
        self._ended = runtime.condition("pass ended", Rank.ENGINE)
        self._closed = False
        self._lock = lock
        self._runtime = runtime
        self._quirks = quirks
        self._observer = observer
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._entries = self.table.entries
        self._flags = self.table.flags
        self._replace = self.table.replace
        self._compress = algorithm.compress
        self._decompress = algorithm.decompress

    # --- reading ---------------------------------------------------------------------------------------------------

    def read_page(self, index: int) -> bytes:
        """Return page `index`; EINVAL when there is no such page, EIO when the backing device fails."""
        if not 0 <= index < self.pages:
            raise self._no_such_page(index)
        entry = self._entries[index]
        # The entry was taken first: an access mark that is put on after this look belongs to a later access.
        if self._flags[index] & ACCESS or self._observer is not None:
            self._note_access(index)
        if type(entry) is bytes:
            return entry if len(entry) == PAGE_SIZE else self._decompress(entry)
        return self._decode(index, entry)

    def read_pages_into(self, start: int, buffer: memoryview) -> None:
        """Fill `buffer`, whole pages of bytes, from `start`; each page is read as `read_page` does."""
        entries, flags, decompress = self._entries, self._flags, self._decompress
        plain = self._observer is None
        at = 0
        for index in range(start, start + len(buffer) // PAGE_SIZE):
            entry = entries[index]
            if type(entry) is bytes and plain and not flags[index] & ACCESS:
                page = entry if len(entry) == PAGE_SIZE else decompress(entry)
            else:
                page = self.read_page(index)
            buffer[at : at + PAGE_SIZE] = page
            at += PAGE_SIZE

    def peek_page(self, index: int) -> bytes:
        """Return page `index` without its counting as an access."""
        return self._decode(index, self._entries[index])

    def _decode(self, index: int, entry: Entry) -> bytes:
        if entry is None:
            return ZERO_PAGE
        if type(entry) is bytes:
            return decode(entry, self._decompress)
        if type(entry) is Backed:
            return self._read_back(index, entry)
        assert isinstance(entry, int), "an entry is None, a word, an object or a block"
        return filled(entry)

    def _read_back(self, index: int, entry: Backed) -> bytes:
        """Read a written-back page from its block.

        No lock is held meanwhile, so the block may be freed and get another page before the device answers. That the
        slot still has the very same entry proves that it did not; otherwise the answer, good or bad, says nothing, and
        the read begins again with what the slot is by then.
        """
        assert self.backing is not None, "a written-back slot has a backing device"
        while True:
            try:
                page = self.reads.read(self.backing, entry.blk_idx)
                failure = None
            except WasResetError:
                raise
            except OSError as error:
                page, failure = b"", error
            present = self._entries[index]
            if present is entry:
                break
            if type(present) is not Backed:
                return self._decode(index, present)
            entry = present
        if failure is not None:
            raise from_os(failure, f"page {index}, block {entry.blk_idx} of {self.backing.name}") from failure
        if zlib.crc32(page) != entry.checksum:
            raise refuse(EIO, f"page {index}: block {entry.blk_idx} of {self.backing.name} is not what was written")
        return page

    def _note_access(self, index: int) -> None:
        with self._lock:
            self.table.accessed(index)
            self._observe("read", index)

    # --- writing ---------------------------------------------------------------------------------------------------

    def write_page(self, index: int, page: bytes) -> None:
        """Store page `index` (PAGE_SIZE bytes); EINVAL when there is no such page."""
        if not 0 <= index < self.pages:
            raise self._no_such_page(index)
        entry = encode(page, self._compress)
        with self._lock:
            self._install(index, entry)

    def write_pages(self, start: int, buffer: memoryview) -> None:
        """Store whole pages of bytes from `start`; each is stored atomically, CHUNK of them in one hold of the lock."""
        compress = self._compress
        for at in range(0, len(buffer), CHUNK * PAGE_SIZE):
            piece = buffer[at : at + CHUNK * PAGE_SIZE]
            # Each page is copied once: what is kept must not change when the caller's buffer does.
            entries = [encode(piece[lo : lo + PAGE_SIZE].tobytes(), compress) for lo in range(0, len(piece), PAGE_SIZE)]
            with self._lock:
                for index, entry in enumerate(entries, start + at // PAGE_SIZE):
                    self._install(index, entry)

    def patch_page(self, index: int, at: int, data: bytes) -> None:
        """Replace `data` at byte `at` of a page: a read-modify-write that no other write gets lost in."""
        while True:
            old = self._entries[index]
            page = bytearray(self._decode(index, old))
            page[at : at + len(data)] = data
            entry = encode(bytes(page), self._compress)
            with self._lock:
                # The slot was not locked while the page was read and compressed; who changed it meanwhile comes first.
                if self._entries[index] is old:
                    self._install(index, entry)
                    return

    def free_pages(self, lo: int, hi: int) -> None:
        """Free pages `lo` to `hi`, excluded: they read as zeros."""
        for chunk in range(lo, hi, CHUNK):
            with self._lock:
                for index in range(chunk, min(chunk + CHUNK, hi)):
                    if self._entries[index] is not None:
                        self._release(self.table.replace(index, None))
                        self._observe("discard", index)

    def _install(self, index: int, entry: int | bytes) -> None:
        freed = self._replace(index, entry)
        if freed is not None:
            self.blocks.release(freed)
        if self._observer is not None:
            if type(entry) is bytes:
                self._observer("write", index, len(entry) == PAGE_SIZE)
            else:
                self._observer("write_same", index)

    def _release(self, block: BlkIdx | None) -> None:
        if block is not None:
            self.blocks.release(block)

    # --- idle ------------------------------------------------------------------------------------------------------

    def mark_idle(self) -> None:
        """Mark every page in memory idle; same-filled and written-back ones are passed over, as in the driver."""
        for chunk in range(0, self.pages, CHUNK * 16):
            with self._lock:
                for index in range(chunk, min(chunk + CHUNK * 16, self.pages)):
                    if type(self._entries[index]) is bytes and not self._flags[index] & IDLE:
                        self._flags[index] |= IDLE
                        self._observe("mark_idle", index)

    # --- writeback -------------------------------------------------------------------------------------------------

    def begin_pass(self, scans: list[Scan], batch_size: int) -> WritebackPass | None:
        """Begin a writeback pass; None when one is running.

        Raises:
            ZramError: ENOMEM when there is no memory for a single request; nothing started.
        """
        assert self.backing is not None, "the caller answers ENODEV"
        if self._engine is None:
            self._engine = self._make_engine(self.backing)
        with self._lock:
            if self.running_pass is not None:
                return None
            first = request_of(self._engine, 0)
            if first is None:
                raise refuse(ENOMEM, "no memory for a single write request")
            self.running_pass = WritebackPass(
                self.shared,
                self._engine,
                Cursor(scans, queue_twice=self._quirks.queue_twice),
                batch_size,
                runtime=self._runtime,
                quirks=self._quirks,
                observer=self._observer,
                first=first,
                on_end=self._pass_ended,
            )
            self._observe("begin_pass")
            return self.running_pass

    def wait_for_pass(self) -> None:
        """Wait until no pass runs; no lock may be held."""
        with self._ended:
            self._ended.wait_for(lambda: self.running_pass is None)

    def _pass_ended(self) -> None:
        self.running_pass = None
        with self._ended:
            self._ended.notify_all()

    # --- the end ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Drive a running pass to its end, wait for reads, stop the threads, let the backing device go.

        Idempotent, and may be called again after it was interrupted. A device that somebody gave up waiting for
        (`WritebackPass.abandoned`) gets another moment, then its threads and its file are left to the process.
        """
        if self._closed:
            return
        with self._lock:
            running = self.running_pass
        if running is not None:
            running.cancel()
            waits = LAST_WAITS if running.abandoned else None
            while (progress := running.advance()) is not Progress.DONE:
                if progress is Progress.WAIT:
                    if waits == 0:
                        return
                    running.wait()
                    waits = waits and waits - 1
        self.reads.close()
        try:
            if self._engine is not None:
                self._engine.close()
        finally:
            if self.backing is not None:
                with suppress(OSError):
                    self.backing.close()
            self._closed = True

    def _no_such_page(self, index: int) -> ZramError:
        return refuse(EINVAL, f"page {index} is not in 0 to {self.pages - 1}")

    def _observe(self, kind: str, *args: int) -> None:
        if self._observer is not None:
            self._observer(kind, *args)
