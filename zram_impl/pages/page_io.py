"""The pages of an initialised device: reading, writing, patching and freeing them.

Compression and decompression run outside of every lock on immutable bytes; the table lock is held only to put a
finished entry into the table. Reading a page in memory takes no lock at all.

Kernel: zram_read_page(), zram_write_page(), zram_bvec_write_partial(), zram_bio_discard(), zram_slot_free_notify().
"""

from collections.abc import Callable, Sequence
from errno import EINVAL, ENOMEM
from functools import partial
from struct import unpack
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.compression.codec import encode, filled
from zram_impl.compression.compressors import Comps
from zram_impl.errors import ZramError, from_os, refuse, shown
from zram_impl.events.observer import Observer, takes_read_steps
from zram_impl.events.read_steps import ReadSteps
from zram_impl.pages.backing_reads import BackingReads, WasResetError
from zram_impl.pages.clean_pages import CleanPages
from zram_impl.pages.room import Room
from zram_impl.pages.run_reads import BulkRead, RunReads
from zram_impl.passes.idle import mark_idle
from zram_impl.runtime import Runtime
from zram_impl.shield import raised_by_handler
from zram_impl.table.access_times import AccessTimes
from zram_impl.table.block_map import NextFit
from zram_impl.table.entries import Backed, Entry
from zram_impl.table.moved import Moved
from zram_impl.table.shared import Shared
from zram_impl.table.slot_table import ACCESS, SlotTable, limit_of
from zram_impl.units import PAGE_SIZE, ZERO_PAGE

CHUNK: Final = 64
"""Pages a bulk call puts into the table in one hold of the table lock."""


class Pages:
    """Pages, indexed from 0. Ranges are checked by the caller, except where a method says otherwise.

    Attributes:
        pages: How many there are.
        failed_reads: Pages that could not be read (not: refused by the backing device); all three by the table lock.
        failed_writes: Pages that could not be written.
        notify_free: Whole pages that were discarded, zeroed or notified as free, stored or not.
    """

    def __init__(  # noqa: PLR0913  (what a device is made of, by keyword)
        self,
        shared: Shared,
        comps: Comps,
        *,
        backing: BackingDevice | None,
        runtime: Runtime,
        observer: Observer | None,
        read_takes_off: int = ACCESS,
        clean: CleanPages | None = None,
    ) -> None:
        """Read and write the slots of `shared`, whose table lock is taken here; a read takes some marks off."""
        self.shared: Shared = shared
        self.comps: Comps = comps
        self.table: SlotTable = shared.table
        self.blocks: NextFit = shared.blocks
        self.pages: int = len(shared.table.entries)
        self.backing: BackingDevice | None = backing
        self.reads: BackingReads = BackingReads(runtime, backing)
        self.times: AccessTimes = AccessTimes(self.pages, runtime.now, shared.lock)
        self.failed_reads: int = 0
        self.failed_writes: int = 0
        self.notify_free: int = 0
        self.room: Room | None = None
        """Place where writers wait while a keeper frees memory; like `clean` stored under the table lock."""
        self.clean: CleanPages | None = clean
        self._runs = RunReads(shared, comps, backing, self.reads)
        self._lock = shared.lock
        self._runtime = runtime
        self._observer = observer
        self._read_steps = ReadSteps(observer) if takes_read_steps(observer) else None
        self._read_takes_off = read_takes_off
        self._entries, self._flags = self.table.entries, self.table.flags
        self._replace = self.table.replace
        self._compress = self._compress_counting if comps.primary.refuses else comps.primary.compress
        self._unpack = comps.primary.unpack or (lambda data, _size: comps.primary.decompress(data))
        self._now = self.times.clock
        self._ticks = self.times.ticks

    def set_limit(self, pages: int) -> None:
        """Limit the memory of objects to this many pages, 0 is no limit; what is there stays. Needs the table lock."""
        self.table.limit = limit_of(pages)

    def mark_idle(self, before: int | None) -> None:
        """Mark pages idle, as `idle.mark_idle` says."""
        mark_idle(self.table, self.times, self._lock, before, self._observer)

    # --- reading ---------------------------------------------------------------------------------------------------

    def read_page(self, index: int) -> bytes:
        """Return page `index`; EINVAL when there is no such page, EIO when the backing device fails."""
        if index < 0:
            raise self._no_such_page(index)
        try:
            entry = self._entries[index]
        except IndexError:  # which the list finds anyway: one comparison less
            raise self._no_such_page(index) from None
        # The entry was taken first: an access mark put on after this look belongs to a later access.
        if self._flags[index] & ACCESS or self._observer is not None:
            page = self._read_other(index, *self._note_access(index, entry))
        elif type(entry) is bytes:
            if len(entry) == PAGE_SIZE:
                page = entry
            else:
                try:
                    page = self._unpack(entry, PAGE_SIZE)
                except Exception as error:
                    page = self._unpack_again(entry, error)
                if len(page) != PAGE_SIZE:
                    page = self._decode(index, entry)
        elif type(entry) is int:
            page = filled(entry)
        else:
            kept = clean.get(index, entry) if type(entry) is Backed and (clean := self.clean) is not None else None
            page = self._read_other(index, entry) if kept is None else kept
        times = self.times
        if self._now() >= times.ends:
            times.begin()
        self._ticks[index] = times.tick
        return page

    def _read_other(self, index: int, entry: Entry, reader: int | None = None) -> bytes:
        """Decode an entry; a read of the backing device that fails is an access too, noted when it is asked."""
        try:
            return self._decode(index, entry, reader)
        except ZramError:
            if type(entry) is Backed:
                self.times.stamp(index, index + 1)
            raise

    def read_pages_into(self, start: int, buffer: memoryview) -> None:
        """Fill `buffer`, whole pages of bytes, from `start`; each page is read as `read_page` does."""
        entries, flags, unpack, plain, at = self._entries, self._flags, self._unpack, self._observer is None, -PAGE_SIZE
        bulk = BulkRead(buffer, start)
        for first in range(start, bulk.end, CHUNK):
            for index in range(first, min(first + CHUNK, bulk.end)):
                entry = entries[index]
                at += PAGE_SIZE
                simple = plain and not flags[index] & ACCESS
                if simple and type(entry) is bytes:
                    if len(entry) == PAGE_SIZE:
                        page = entry
                    else:
                        try:
                            page = unpack(entry, PAGE_SIZE)
                        except Exception as error:
                            page = self._unpack_again(entry, error)
                        if len(page) != PAGE_SIZE:
                            page = self._decode(index, entry)
                elif simple and type(entry) is int:
                    page = filled(entry)
                elif plain and type(entry) is Backed and self._runs.fill(bulk, index):
                    continue
                else:
                    page = self.read_page(index)
                buffer[at : at + PAGE_SIZE] = page
            self.times.stamp(first, index + 1)

    def _unpack_again(self, entry: bytes, error: Exception) -> bytes:
        """Say whether `error`, which came out of decompressing, is the package's own: then raise EIO, else raise it.

        A signal handler may have raised it. The package refuses a damaged object each time, a handler raises once.
        """
        try:
            self.comps.decode(entry)
        except ZramError:
            self._count_failed_read()
            raise
        raise error

    def _count_failed_read(self) -> None:
        with self._lock:
            self.failed_reads += 1

    def peek_page(self, index: int) -> bytes:
        """Return page `index` without its counting as an access."""
        return self._decode(index, self._entries[index])

    def _decode(self, index: int, entry: Entry, reader: int | None = None) -> bytes:
        if entry is None:
            return ZERO_PAGE
        if isinstance(entry, bytes):
            try:
                return self.comps.decode(entry)
            except ZramError:
                self._count_failed_read()
                raise
        if type(entry) is Backed:
            clean = self.clean if reader is None else None
            return (clean and self._runs.kept(clean, index, entry)) or self._read_back(index, entry, reader)
        if type(entry) is Moved:
            stored = self.table.load(entry)
            # When its segment has gone, so has the entry: the slot is something else by now.
            return self._decode(index, self._entries[index] if stored is None else stored)
        assert isinstance(entry, int), "an entry is None, a word, an object or a block"
        return filled(entry)

    def _read_back(self, index: int, entry: Backed, reader: int | None = None) -> bytes:
        """Read a written-back page from its block.

        Race with writers and passes: no lock is held, so the block may be freed and get another page before the device
        answers. That the slot still has the very same entry proves that it did not. Otherwise the answer, good or bad,
        says nothing, and the read begins again with what the slot is by then.
        """
        assert self.backing is not None, "a written-back slot has a backing device"
        while True:
            try:
                page = self.reads.read(self.backing, entry.blk_idx)
                failure = None
            except WasResetError:
                raise
            except OSError as error:
                if raised_by_handler(error):  # no answer of the device
                    raise
                page, failure = b"", error
            present = self._entries[index] if reader is None else self._look_again(index, entry, reader)
            if present is entry:
                break
            if type(present) is not Backed:
                return self._decode(index, present)
            entry = present
        if failure is not None:
            raise from_os(failure, f"page {index}, block {entry.blk_idx} of {self.backing.name}") from failure
        try:
            page = self._runs.page_of(index, entry, page)
        except ZramError:
            self._count_failed_read()
            raise
        if (clean := self.clean) is not None:
            clean.keep(index, entry, page, 1)
        return page

    def _note_access(self, index: int, entry: Entry) -> tuple[Entry, int | None]:
        """Note an access; return the entry to read, or a kept page, and the number of a read with reported steps."""
        with self._lock:
            self.table.accessed(index, self._read_takes_off)
            if self._read_steps is not None:
                # Race with writers since the caller's look: the report must fit, so the entry of this moment is read.
                entry = self._entries[index]
                if type(entry) is Backed:
                    return self._read_steps.look(index, entry, self.clean)
            self._observe("read", index)
            return entry, None

    def _look_again(self, index: int, entry: Backed, reader: int) -> Entry:
        """Return what the slot is after the device answered, and report it."""
        steps = self._read_steps
        assert steps is not None, "only a read whose steps are reported has a number"
        steps.answered(reader)
        with self._lock:
            present = self._entries[index]
            steps.look_again(reader, index, unchanged=present is entry, backed=type(present) is Backed)
            return present

    # --- writing ---------------------------------------------------------------------------------------------------

    def _compress_counting(self, page: bytes) -> bytes:
        """Compress; each refusal counts as a failed write."""
        try:
            return self.comps.primary.compress(page)
        except ZramError:
            with self._lock:
                self.failed_writes += 1
            raise

    def write_page(self, index: int, page: bytes) -> None:
        """Store page `index` (PAGE_SIZE bytes); EINVAL when there is no such page, ENOMEM beyond the limit."""
        if not 0 <= index < self.pages:
            raise self._no_such_page(index)
        entry = encode(page, self._compress)
        try:
            with self._lock:
                self._replace(index, entry)
                if self._observer is not None:
                    self._installed(index, entry)
        except ZramError as error:
            self._in_time(partial(self._install_alone, index, entry), error)
        times = self.times
        if self._now() >= times.ends:
            times.begin()
        self._ticks[index] = times.tick

    def write_pages(self, start: int, buffer: memoryview) -> None:
        """Store whole pages of bytes, each atomically; ENOMEM for the first without room, those before are stored."""
        compress = self._compress
        for at in range(0, len(buffer), CHUNK * PAGE_SIZE):
            piece = buffer[at : at + CHUNK * PAGE_SIZE]
            # All copied here: the caller's buffer may change. (An iterator over it, as garbage, crashes Python 3.11.)
            entries = [encode(page, compress) for page in unpack(f"{PAGE_SIZE}s" * (len(piece) // PAGE_SIZE), piece)]
            first = start + at // PAGE_SIZE
            with self._lock:
                end, failure = self._install_all(first, entries)
            self.times.stamp(first, end)
            if failure is not None:
                for index, entry in enumerate(entries[end - first :], start=end):
                    self._in_time(partial(self._install_alone, index, entry), failure)
                    self.times.stamp(index, index + 1)

    def _in_time(self, attempt: Callable[[], None], error: ZramError) -> None:
        """Attempt again what `error` refused for want of memory, as often as a keeper makes room; else raise it."""
        room = self.room
        try:
            if room is None or error.errno != ENOMEM:
                raise error
            self._runtime.shielded(lambda interrupts: room.retry(attempt, error, interrupts))
        except ZramError as failure:
            if failure.errno == ENOMEM:
                with self._lock:
                    self.failed_writes += 1
            raise

    def _install_alone(self, index: int, entry: int | bytes) -> None:
        with self._lock:
            self._replace(index, entry)
            self._installed(index, entry)

    def _install_all(self, index: int, entries: Sequence[int | bytes]) -> tuple[int, ZramError | None]:
        """Put finished entries into the table from `index`; return where that ended, and why. The lock is held."""
        # A function of its own, as every loop under a lock: in Python 3.13 what a signal handler raises at the jump
        # back of a loop inside `with` leaves the lock taken.
        replace, observed = self._replace, self._observer is not None
        if not observed and self.table.replace_objects(index, entries):  # what most writes are
            return index + len(entries), None
        for entry in entries:
            try:
                replace(index, entry)
            except ZramError as error:
                return index, error
            if observed:
                self._installed(index, entry)
            index += 1
        return index, None

    def patch_page(self, index: int, at: int, data: bytes) -> None:
        """Replace `data` at byte `at` of a page: a read-modify-write that no other write gets lost in.

        ENOMEM beyond the limit, even if somebody makes room: `patch_in_time` waits for that.
        """
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
                # Race with writers since the look above: the slot was not locked. A change since then comes first.
                if self._entries[index] is not old:
                    continue
                self._replace(index, entry)
                self._installed(index, entry)
            self.times.stamp(index, index + 1)
            return

    def patch_in_time(self, index: int, at: int, data: bytes) -> None:
        """Replace a part of a page, as `patch_page`, once there is room for what it becomes."""
        try:
            self.patch_page(index, at, data)
        except ZramError as error:
            self._in_time(partial(self.patch_page, index, at, data), error)

    def free_pages(self, lo: int, hi: int) -> None:
        """Free pages `lo` to `hi`, excluded: they read as zeros. Each counts as a notification, stored or not."""
        for chunk in range(lo, hi, CHUNK):
            end = min(chunk + CHUNK, hi)
            with self._lock:
                self._free(chunk, end)

    def _free(self, first: int, end: int) -> None:
        self.notify_free += end - first
        for index in range(first, end):
            if self._entries[index] is not None:
                self._replace(index, None)
                self.times.forget(index)
                self._observe("discard", index)

    def _installed(self, index: int, entry: int | bytes) -> None:
        if isinstance(entry, bytes):
            self._observe("write", index, len(entry) == PAGE_SIZE)
        else:
            self._observe("write_same", index)

    def _no_such_page(self, index: int) -> ZramError:
        return refuse(EINVAL, f"page must be 0 to {self.pages - 1}, got {shown(index)}")

    def _observe(self, kind: str, *args: int) -> None:
        if self._observer is not None:
            self._observer(kind, *args)
