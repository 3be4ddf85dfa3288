"""The initialised device: pages in, pages out, and what writeback needs of it.

A `Disk` lives from `disksize` to `reset`. Compression and decompression run outside of every lock on immutable bytes;
the table lock is held only to put a finished entry into the table. Reading a page in memory takes no lock at all.
"""

import zlib
from collections.abc import Callable
from contextlib import suppress
from errno import EINVAL, EIO, ENOMEM
from typing import Final

from zram_impl.access_times import AccessTimes
from zram_impl.backing_reads import BackingReads, WasResetError
from zram_impl.bdev.device import BackingDevice
from zram_impl.blocks import BlockMap, NextFit
from zram_impl.budget import Budget
from zram_impl.codec import encode, filled
from zram_impl.comps import Comps
from zram_impl.engine.protocol import Engine
from zram_impl.entries import ACCESS, NO_LIMIT, Backed, Entry, SlotTable
from zram_impl.errors import ZramError, from_os, refuse
from zram_impl.events import Observer
from zram_impl.grammar import Scan
from zram_impl.idle import mark_idle
from zram_impl.quirks import Quirks
from zram_impl.runtime import Lock, Rank, Runtime
from zram_impl.scan import Cursor
from zram_impl.stats import BdStat, DebugStat, IoStat, MmStat, Stats
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE, ZERO_PAGE, BlkIdx
from zram_impl.wbpass import Progress, Shared, WritebackPass, request_of

LAST_WAITS: Final = 10
"""Waits for an answer, each of a tenth of a second, that an abandoned device is given when it is closed."""

CHUNK: Final = 64
"""Pages a bulk call puts into the table in one hold of the table lock."""


class Disk:
    """Pages, indexed from 0. Ranges are checked by the caller, except where a method says otherwise."""

    def __init__(  # noqa: PLR0913  (what it is made of, named at the one place that makes it)
        self,
        pages: int,
        comps: Comps,
        lock: Lock,
        budget: Budget,
        *,
        runtime: Runtime,
        quirks: Quirks,
        observer: Observer | None,
        backing: BackingDevice | None,
        make_engine: Callable[[BackingDevice], Engine],
        limit_pages: int = 0,
        compressed_writeback: bool = False,
    ) -> None:
        self.pages = pages
        self.comps = comps
        self.table = SlotTable(pages)
        self.set_limit(limit_pages)
        self.times = AccessTimes(pages, runtime.now, lock)
        self.backing = backing
        self.blocks: BlockMap = NextFit(backing.blocks if backing else 0, lowest=quirks.lowest_free_block)
        self.shared = Shared(lock, self.table, self.blocks, budget, comps.decode, compressed=compressed_writeback)
        self.reads = BackingReads(runtime)
        self.running_pass: WritebackPass | None = None
        """The pass under way; guarded by the table lock."""
        # Guards nothing: whoever waits for a pass to end waits here.
        self._ended = runtime.condition("pass ended", Rank.ENGINE)
        self._closed = False
        # Pages that could not be read or written, and pages freed by a discard; guarded by the table lock.
        self.failed_reads = 0
        self.failed_writes = 0
        self.notify_free = 0
        self._lock = lock
        self._runtime = runtime
        self._quirks = quirks
        self._observer = observer
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._entries = self.table.entries
        self._flags = self.table.flags
        self._replace = self.table.replace
        self._compress = comps.primary.compress
        self._decompress = comps.primary.decompress
        self._now = self.times.clock
        self._ticks = self.times.ticks

    # --- reading ---------------------------------------------------------------------------------------------------

    def read_page(self, index: int) -> bytes:
        """Return page `index`; EINVAL when there is no such page, EIO when the backing device fails."""
        if not 0 <= index < self.pages:
            raise self._no_such_page(index)
        entry = self._entries[index]
        # The entry was taken first: an access mark that is put on after this look belongs to a later access.
        if self._flags[index] & ACCESS or self._observer is not None:
            self._note_access(index)
        if type(entry) is not bytes:
            page = self._decode(index, entry)
        elif len(entry) == PAGE_SIZE:
            page = entry
        else:
            try:
                page = self._decompress(entry)
            except ZramError:
                self._count_failed_read()
                raise
        times = self.times
        if self._now() >= times.ends:
            times.begin()
        self._ticks[index] = times.tick
        return page

    def read_pages_into(self, start: int, buffer: memoryview) -> None:
        """Fill `buffer`, whole pages of bytes, from `start`; each page is read as `read_page` does."""
        entries, flags, decompress, read_page = self._entries, self._flags, self._decompress, self.read_page
        plain, at = self._observer is None, 0
        for first in range(start, start + len(buffer) // PAGE_SIZE, CHUNK):
            end = min(first + CHUNK, start + len(buffer) // PAGE_SIZE)
            for index in range(first, end):
                entry = entries[index]
                if type(entry) is not bytes or flags[index] & ACCESS or not plain:
                    page = read_page(index)
                elif len(entry) == PAGE_SIZE:
                    page = entry
                else:
                    try:
                        page = decompress(entry)
                    except ZramError:
                        self._count_failed_read()
                        raise
                buffer[at : at + PAGE_SIZE] = page
                at += PAGE_SIZE
            self.times.stamp(first, end)

    def _count_failed_read(self) -> None:
        with self._lock:
            self.failed_reads += 1

    def peek_page(self, index: int) -> bytes:
        """Return page `index` without its counting as an access."""
        return self._decode(index, self._entries[index])

    def _decode(self, index: int, entry: Entry) -> bytes:
        if entry is None:
            return ZERO_PAGE
        if isinstance(entry, bytes):
            try:
                return self.comps.decode(entry)
            except ZramError:
                self._count_failed_read()
                raise
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
        try:
            if zlib.crc32(page) != entry.checksum:
                raise refuse(EIO, f"page {index}: block {entry.blk_idx} of {self.backing.name} is not what was written")
            return self.comps.unpack(page, entry.size, entry.priority) if self.shared.compressed else page
        except ZramError:
            self._count_failed_read()
            raise

    def _note_access(self, index: int) -> None:
        with self._lock:
            self.table.accessed(index)
            self._observe("read", index)

    # --- writing ---------------------------------------------------------------------------------------------------

    def write_page(self, index: int, page: bytes) -> None:
        """Store page `index` (PAGE_SIZE bytes); EINVAL when there is no such page, ENOMEM beyond the limit."""
        if not 0 <= index < self.pages:
            raise self._no_such_page(index)
        entry = encode(page, self._compress)
        with self._lock:
            self._install(index, entry)
        times = self.times
        if self._now() >= times.ends:
            times.begin()
        self._ticks[index] = times.tick

    def write_pages(self, start: int, buffer: memoryview) -> None:
        """Store whole pages of bytes from `start`; each is stored atomically, CHUNK of them in one hold of the lock.

        Raises:
            ZramError: ENOMEM for the first page beyond the limit; those before it are stored.
        """
        compress, install = self._compress, self._install
        for at in range(0, len(buffer), CHUNK * PAGE_SIZE):
            piece = buffer[at : at + CHUNK * PAGE_SIZE]
            # Each page is copied once: what is kept must not change when the caller's buffer does.
            entries = [encode(piece[lo : lo + PAGE_SIZE].tobytes(), compress) for lo in range(0, len(piece), PAGE_SIZE)]
            first = index = start + at // PAGE_SIZE
            try:
                with self._lock:
                    for entry in entries:
                        install(index, entry)
                        index += 1
            finally:
                self.times.stamp(first, index)

    def patch_page(self, index: int, at: int, data: bytes) -> None:
        """Replace `data` at byte `at` of a page: a read-modify-write that no other write gets lost in."""
        while True:
            old = self._entries[index]
            try:
                page = bytearray(self._decode(index, old))
            except ZramError:
                with self._lock:
                    self.failed_writes += 1
                raise
            page[at : at + len(data)] = data
            entry = encode(bytes(page), self._compress)
            with self._lock:
                # The slot was not locked while the page was read and compressed; who changed it meanwhile comes first.
                if self._entries[index] is not old:
                    continue
                self._install(index, entry)
            self.times.stamp(index, index + 1)
            return

    def free_pages(self, lo: int, hi: int) -> None:
        """Free pages `lo` to `hi`, excluded: they read as zeros. Each counts as a notification, stored or not."""
        for chunk in range(lo, hi, CHUNK):
            end = min(chunk + CHUNK, hi)
            with self._lock:
                self.notify_free += end - chunk
                for index in range(chunk, end):
                    if self._entries[index] is not None:
                        self._release(self._replace(index, None))
                        self.times.forget(index)
                        self._observe("discard", index)

    def _install(self, index: int, entry: int | bytes) -> None:
        try:
            freed = self._replace(index, entry)
        except ZramError:
            self.failed_writes += 1
            raise
        if freed is not None:
            self.blocks.release(freed)
        if self._observer is not None:
            if isinstance(entry, bytes):
                self._observer("write", index, len(entry) == PAGE_SIZE)
            else:
                self._observer("write_same", index)

    def _release(self, block: BlkIdx | None) -> None:
        if block is not None:
            self.blocks.release(block)

    # --- memory and statistics -------------------------------------------------------------------------------------

    def set_limit(self, pages: int) -> None:
        """Let objects have at most this many pages together; 0 is no limit. What is there already stays."""
        self.table.limit = pages << PAGE_SHIFT if pages else NO_LIMIT

    def stats(self, limit_pages: int) -> Stats:
        """Return the statistics of this moment; takes the table lock."""
        with self._lock:
            table = self.table
            mm = MmStat(
                orig_data_size=table.pages_stored << PAGE_SHIFT,
                compr_data_size=table.compr_data_size,
                mem_used_total=_whole_pages(table.compr_data_size),
                mem_limit=limit_pages << PAGE_SHIFT,
                mem_used_max=_whole_pages(table.compr_data_max),
                same_pages=table.same_pages,
                huge_pages=table.huge_pages,
                huge_pages_since=table.huge_pages_since,
            )
            bd = BdStat(self.blocks.used, self.reads.bd_reads, self.shared.bd_writes)
            return Stats(mm, bd, IoStat(self.failed_reads, self.failed_writes, 0, self.notify_free), DebugStat())

    def mark_idle(self, before: int | None) -> None:
        """Mark pages idle, as `idle.mark_idle` says."""
        mark_idle(self.table, self.times, self._lock, before, self._observer)

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


def _whole_pages(size: int) -> int:
    return -(-size // PAGE_SIZE) * PAGE_SIZE
