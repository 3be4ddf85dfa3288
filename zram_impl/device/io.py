"""The device as its users have it: made in one call, read and written by pages and by bytes."""

import os
from errno import EINVAL
from typing import Self

from zram_impl.bdev.device import BackingDevice
from zram_impl.compression.algorithms import DEFAULT_ALGORITHM
from zram_impl.device.config import MakeEngine, OpenBacking, open_backing_file, thread_engine
from zram_impl.device.lifecycle import check_fits
from zram_impl.device.maintenance import Maintenance
from zram_impl.errors import refuse, shown
from zram_impl.events.observer import Observer
from zram_impl.parsing.ranges import page_range, pieces, whole_pages
from zram_impl.quirks import Quirks
from zram_impl.runtime import Runtime
from zram_impl.shield import Interrupts
from zram_impl.units import DEFAULT_BATCH_SIZE, PAGE_SIZE

Buffer = bytes | bytearray | memoryview


class Device(Maintenance):
    """A compressed block device in memory that can write pages back; `zram.Zram` adds its attributes.

    All calls may be made from any thread. What is refused raises `ZramError` with the driver's errno and leaves the
    device as it was. Use it as a context manager, or close it.
    """

    @classmethod
    def create(  # noqa: PLR0913  (everything that can be configured, by keyword)
        cls,
        size: int | str,
        *,
        backing: str | os.PathLike[str] | BackingDevice | None = None,
        backing_size: int | str | None = None,
        algorithm: str = DEFAULT_ALGORITHM,
        batch_size: int = DEFAULT_BATCH_SIZE,
        quirks: Quirks | None = None,
        runtime: Runtime | None = None,
        engine: MakeEngine = thread_engine,
        open_backing: OpenBacking = open_backing_file,
        observer: Observer | None = None,
    ) -> Self:
        """Make and initialise a device.

        Args:
            size: Bytes, or text with K, M, G; rounded up to whole pages.
            backing: Path of the backing file or block device, or an object that is one. Its contents are overwritten.
                A missing file is made with `backing_size`; an existing one is never truncated or extended.
            backing_size: How much of it to use; must fit. Without it all of an existing one is used.
            algorithm: Name of the compressor.
            batch_size: Write requests in flight during writeback.
            quirks: What to do as the driver does; nothing by default.
            runtime: Where locks, threads and the clock come from.
            engine: Makes the engine for a backing device.
            open_backing: Opens `backing` when it is a path.
            observer: Told about every action.

        Raises:
            ZramError: As the single steps; nothing is left open or behind then.
        """
        check_fits(size)  # refused before a file is made
        if backing is None and backing_size is not None:
            raise refuse(EINVAL, f"backing_size={shown(backing_size)} without backing")
        dev = cls(quirks=quirks, runtime=runtime, engine=engine, open_backing=open_backing, observer=observer)

        def make(_interrupts: Interrupts) -> None:
            try:
                dev.set_algorithm(algorithm)
                dev.set_batch_size(batch_size)
                if backing is not None:
                    dev.set_backing(backing, backing_size)
                dev.initialise(size)
            except BaseException:
                dev.close()
                raise

        dev.runtime.shielded(make, lambda _: dev.close())
        return dev

    # --- pages -----------------------------------------------------------------------------------------------------

    def read_page(self, index: int) -> bytes:
        """Return page `index`; EINVAL when there is no such page, EIO when the backing device fails."""
        disk = self._disk
        try:
            return (disk if disk is not None else self._live()).read_page(index)
        except TypeError as error:
            raise _no_index(index, error) from error

    def write_page(self, index: int, page: Buffer) -> None:
        """Store page `index` from PAGE_SIZE bytes; EINVAL for any other index or length."""
        if type(page) is not bytes or len(page) != PAGE_SIZE:
            page = _whole_page(page)
        disk = self._disk
        try:
            (disk if disk is not None else self._live()).write_page(index, page)
        except TypeError as error:
            raise _no_index(index, error) from error

    def write_pages(self, start: int, buffer: Buffer) -> None:
        """Store whole pages from page `start`; each page is stored atomically."""
        disk = self._live()
        view = flat(buffer)
        page_range(disk.pages, start, view.nbytes)
        disk.write_pages(start, view)

    def read_pages_into(self, start: int, buffer: bytearray | memoryview) -> None:
        """Fill `buffer`, whole pages, from page `start`."""
        disk = self._live()
        view = flat(buffer)
        if view.readonly:
            raise refuse(EINVAL, "what is read into is read-only")
        page_range(disk.pages, start, view.nbytes)
        disk.read_pages_into(start, view)

    # --- bytes -----------------------------------------------------------------------------------------------------

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from byte `offset`; EINVAL when they are not all on the device."""
        disk = self._live()
        return b"".join(disk.read_page(i)[lo:hi] for i, lo, hi in pieces(disk.pages, offset, length))

    def write(self, offset: int, data: Buffer) -> None:
        """Store bytes from `offset`; the part of a page is put into it atomically, whole calls are not atomic."""
        disk = self._live()
        view = flat(data)
        at = 0
        for index, lo, hi in list(pieces(disk.pages, offset, view.nbytes)):
            piece = bytes(view[at : at + hi - lo])
            at += hi - lo
            if hi - lo == PAGE_SIZE:
                disk.write_page(index, piece)
            else:
                disk.patch_page(index, lo, piece)

    def discard(self, offset: int, length: int) -> None:
        """Free the whole pages within the range; a part of a page at either end is left alone, as the driver does."""
        disk = self._live()
        lo, hi = whole_pages(disk.pages, offset, length)
        disk.free_pages(lo, hi)

    def slot_free_notify(self, index: int) -> None:
        """Free page `index`, as swap tells when it needs it no more; EINVAL when there is no such page.

        The driver, which must not wait there, may have to leave the page alone; this never does.
        """
        disk = self._live()
        page_range(disk.pages, index, PAGE_SIZE)
        disk.free_pages(index, index + 1)

    def write_zeroes(self, offset: int, length: int) -> None:
        """Make the range read as zeros: whole pages are freed, parts of pages are zeroed."""
        disk = self._live()
        lo, hi = whole_pages(disk.pages, offset, length)
        disk.free_pages(lo, hi)
        head = min(length, -offset % PAGE_SIZE)
        tail = (offset + length) % PAGE_SIZE if lo <= hi else 0
        for at, size in ((offset, head), (offset + length - tail, tail)):
            for index, first, end in pieces(disk.pages, at, size):
                disk.patch_page(index, first, bytes(end - first))


def _no_index(index: int, error: TypeError) -> Exception:
    """Return what is wrong when a page's number was none; an error of another origin as it is."""
    # The numbers are not checked beforehand, because that would cost every access some of its time.
    return error if type(index) in (int, bool) else refuse(EINVAL, f"page {shown(index)} is not a whole number")


def _whole_page(page: Buffer) -> bytes:
    view = flat(page)
    if view.nbytes != PAGE_SIZE:
        raise refuse(EINVAL, f"a page is {PAGE_SIZE} bytes, not {view.nbytes}")
    return bytes(view)


def flat(buffer: Buffer) -> memoryview:
    """Look at any buffer as bytes; EINVAL when its bytes do not lie side by side."""
    try:
        return memoryview(buffer).cast("B")
    except (TypeError, ValueError, BufferError) as error:
        raise refuse(EINVAL, f"the buffer cannot be used as bytes: {error}") from error
