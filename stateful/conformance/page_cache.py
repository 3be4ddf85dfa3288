"""The page cache of the recorded machine's device, for reads and writes that are not direct.

What is cached asks the driver for nothing, and what is read is read ahead, so it decides which pages count as accessed
and which blocks as read. Writes go to the device at once: the recorder waited for them.

Kernel: filemap_read(), page_cache_sync_ra(), page_cache_async_ra(), page_cache_ra_order(), iomap_file_buffered_write(),
mpage_readahead(), block_read_full_folio(), truncate_inode_pages_range(), as of 7.3.4.
"""

from errno import EIO
from itertools import takewhile
from typing import Final

from zram_impl import PAGE_SIZE, ZramError
from zram_impl.block_layer import NodeFile
from zram_impl.errors import refuse
from zram_impl.units import PAGE_SHIFT

WINDOW: Final = 32
"""Pages that are read ahead at most."""

BATCH: Final = 31
"""Pieces of the cache that are looked at together."""


class Folio:
    """Some pages of the device, cached together.

    Attributes:
        start: Number of the first.
        data: Their bytes; of a folio that is not `fresh` they mean nothing.
        fresh: They were read, or written.
        marked: Reading it starts more read-ahead.
    """

    def __init__(self, start: int, data: bytes, *, fresh: bool, marked: bool = False) -> None:
        self.start, self.data, self.fresh, self.marked = start, bytearray(data), fresh, marked

    @property
    def pages(self) -> range:
        """The pages it holds."""
        return range(self.start, self.start + len(self.data) // PAGE_SIZE)


class Window:
    """The last read-ahead of one open of the device; `ahead` pages before its end the next one begins."""

    def __init__(self) -> None:
        self.start = self.size = self.ahead = self.order = 0


class PageCache:
    """Folios by page. Every method takes the open of the device that it works for."""

    def __init__(self) -> None:
        self._folios: dict[int, Folio] = {}

    # --- reading ---------------------------------------------------------------------------------------------------

    def read(self, node: NodeFile, offset: int, length: int) -> bytes:
        """Read bytes that are on the device; less of them, or EIO, when a page cannot be had."""
        window, got, end = Window(), bytearray(), offset + length
        while offset + len(got) < end:
            at = offset + len(got)
            folios = self._uptodate(node, window, at >> PAGE_SHIFT, -(-end >> PAGE_SHIFT))
            if not folios:
                if got:
                    break
                raise refuse(EIO, f"page {at >> PAGE_SHIFT} cannot be read")
            for folio in folios:
                begin = offset + len(got) - folio.start * PAGE_SIZE
                got += folio.data[begin : end - folio.start * PAGE_SIZE]
        return bytes(got)

    def _uptodate(self, node: NodeFile, window: Window, index: int, last: int) -> list[Folio]:
        """Return what is cached from page `index` on, before `last`, once something is; nothing if it cannot be."""
        folios = self._batch(index, last)
        if not folios:
            self._read_ahead(node, window, index, last - index)
            folios = self._batch(index, last)
        tail = folios[-1]
        if tail.marked:
            tail.marked = False
            self._read_further(node, window, tail, last - tail.start)
        if not tail.fresh:
            self._fill(node, [tail])
        return folios if tail.fresh else folios[:-1]

    def _batch(self, index: int, last: int) -> list[Folio]:
        folios: list[Folio] = []
        while index < last and index in self._folios and len(folios) < BATCH:
            folio = self._folios[index]
            folios.append(folio)
            if not folio.fresh or folio.marked:
                break
            index = folio.pages.stop
        return folios

    # --- reading ahead ---------------------------------------------------------------------------------------------

    def _read_ahead(self, node: NodeFile, window: Window, index: int, count: int) -> None:
        """Read `count` pages that are wanted, of which the first is not cached, and more."""
        if not index or count > WINDOW:
            window.start, window.size = index, _first_size(count)
            window.ahead = window.size - count if window.size > count else window.size // 2
        else:
            before = self._cached_before(index)
            if before <= count:
                self._load_pages(node, range(index, index + count), mark=None)
                return
            window.start, window.ahead = index, 1
            window.size = min((2 if before == index else 1) * before + count, WINDOW)
        window.order = 0
        self._load_window(node, window)

    def _read_further(self, node: NodeFile, window: Window, folio: Folio, count: int) -> None:
        """Read what comes behind what was read ahead, as its mark was reached."""
        size = len(folio.pages)
        if folio.start == (window.start + window.size - window.ahead) // size * size:
            window.start, window.size = window.start + window.size, max(window.size, _next_size(window.size))
        else:
            start = self._first_missing(folio.start + 1)
            if start - folio.start > WINDOW:
                return
            window.start, window.size = start, _next_size(start - folio.start + count)
        window.order += 2
        align = 1 << min(window.order, WINDOW.bit_length() - 1)
        end = window.start + window.size
        if end // align * align > window.start:
            window.size -= end % align
        window.ahead = window.size
        self._load_window(node, window)

    def _cached_before(self, index: int) -> int:
        """Count what is cached before page `index`; of the folio that ends there, only its first page."""
        first = self._folios[index - 1].start if index - 1 in self._folios else index - 1
        return len(list(takewhile(self._folios.__contains__, range(first, first - WINDOW, -1))))

    def _first_missing(self, index: int) -> int:
        """Return the first page from `index` on that is not cached; within a folio, the one after it.

        The kernel looks from the folio's beginning and counts from `index`.
        """
        first = self._folios[index].start if index in self._folios else index
        return next((page for page in range(first, first + WINDOW) if page not in self._folios), first + WINDOW) + (
            index - first
        )

    def _load_window(self, node: NodeFile, window: Window) -> None:
        """Read a window in folios as large as it allows, up to the first page that is cached; then page by page."""
        pages, index, made = node.size >> PAGE_SHIFT, window.start, list[Folio]()
        end, mark = min(pages, window.start + window.size), window.start + window.size - window.ahead
        marks = window.start + window.size < pages
        window.order = min(window.order, window.size.bit_length() - 1)
        while index < end:
            order = window.order if index % (1 << window.order) == 0 else (index & -index).bit_length() - 1
            while order and index + (1 << order) > end:
                order -= 1
            if any(page in self._folios for page in range(index, index + (1 << order))):
                break
            marked = marks and index == mark >> order << order
            made.append(self._add(Folio(index, bytes(PAGE_SIZE << order), fresh=False, marked=marked)))
            index += 1 << order
        self._fill(node, made)
        if index < end:
            rest = range(index, window.start + window.size)
            self._load_pages(node, rest, mark if rest.stop - index <= pages - 1 - index else None)

    def _load_pages(self, node: NodeFile, pages: range, mark: int | None) -> None:
        """Read those of `pages` that are on the device and not cached, each run of them at once."""
        run: list[Folio] = []
        for index in range(pages.start, min(pages.stop, node.size >> PAGE_SHIFT)):
            if index in self._folios:
                self._fill(node, run)
                run = []
            else:
                run.append(self._add(Folio(index, bytes(PAGE_SIZE), fresh=False, marked=index == mark)))
        self._fill(node, run)

    def _add(self, folio: Folio) -> Folio:
        self._folios.update(dict.fromkeys(folio.pages, folio))
        return folio

    def _fill(self, node: NodeFile, folios: list[Folio]) -> None:
        """Read folios that lie side by side in one request; if it fails, none of them is fresh."""
        if not folios:
            return
        length = sum(len(folio.data) for folio in folios)
        try:
            data = node.pread(length, folios[0].start * PAGE_SIZE)
        except ZramError:
            return
        for folio in folios:
            at = (folio.start - folios[0].start) * PAGE_SIZE
            folio.data[:], folio.fresh = data[at : at + len(folio.data)], True

    # --- writing ---------------------------------------------------------------------------------------------------

    def write(self, node: NodeFile, offset: int, data: bytes) -> tuple[int, bool]:
        """Write to bytes that are on the device; return to how many, and whether the device took them.

        Raises:
            ZramError: EIO when the first page is to be changed in part and cannot be read.
        """
        end, at, dirty = offset + len(data), offset, list[int]()
        while at < end:
            folio = self._folio_for(at >> PAGE_SHIFT, end - at)
            upto = min(end, folio.pages.stop * PAGE_SIZE)
            if not self._complete(node, folio, at, upto):
                if not dirty:
                    raise refuse(EIO, f"page {at >> PAGE_SHIFT} cannot be read")
                break
            begin, pages = at - folio.start * PAGE_SIZE, range(at >> PAGE_SHIFT, -(-upto >> PAGE_SHIFT))
            folio.data[begin : begin + upto - at] = data[at - offset : upto - offset]
            folio.fresh |= pages == folio.pages
            folio.marked = False  # the mark's bit means something else of a page that is written
            dirty += pages
            at = upto
        taken = [self._write_page(node, page) for page in dirty]
        return at - offset, all(taken)

    def _folio_for(self, index: int, length: int) -> Folio:
        """Return the folio of a page that is written to; a new one is as large as what is written, if it is aligned."""
        if index in self._folios:
            return self._folios[index]
        order = max(0, length.bit_length() - 1 - PAGE_SHIFT)
        if index % (1 << order):
            order = (index & -index).bit_length() - 1
        while any(page in self._folios for page in range(index, index + (1 << order))):
            order -= 1
        return self._add(Folio(index, bytes(PAGE_SIZE << order), fresh=False))

    def _complete(self, node: NodeFile, folio: Folio, begin: int, end: int) -> bool:
        """Read the pages of a folio that are to be written in part; False when one cannot be had."""
        if folio.fresh:
            return True
        for page in sorted({at >> PAGE_SHIFT for at in (begin, end) if at % PAGE_SIZE}):
            first = (page - folio.start) * PAGE_SIZE
            try:
                folio.data[first : first + PAGE_SIZE] = node.pread(PAGE_SIZE, page * PAGE_SIZE)
            except ZramError:
                return False
        return True

    def _write_page(self, node: NodeFile, page: int) -> bool:
        folio = self._folios[page]
        begin = (page - folio.start) * PAGE_SIZE
        try:
            node.pwrite(folio.data[begin : begin + PAGE_SIZE], page * PAGE_SIZE)
        except ZramError:
            return False
        return True

    # --- forgetting ------------------------------------------------------------------------------------------------

    def invalidate(self, pages: range) -> None:
        """Forget every folio that holds one of `pages`."""
        for page in pages:
            folio = self._folios.get(page)
            for each in folio.pages if folio is not None else ():
                del self._folios[each]

    def truncate(self, begin: int, end: int) -> None:
        """Forget the pages between two bytes, and clear what of the range is of other pages."""
        pages = range(-(-begin >> PAGE_SHIFT), end >> PAGE_SHIFT)
        for page in range(begin >> PAGE_SHIFT, -(-end >> PAGE_SHIFT)):
            folio = self._folios.get(page)
            if folio is None:
                continue
            if len(folio.pages) > 1:
                self._split(folio)
            if page in pages:
                del self._folios[page]
            else:
                first = max(begin - page * PAGE_SIZE, 0)
                last = min(end - page * PAGE_SIZE, PAGE_SIZE)
                self._folios[page].data[first:last] = bytes(last - first)

    def _split(self, folio: Folio) -> None:
        for number, page in enumerate(folio.pages):
            data = bytes(folio.data[number * PAGE_SIZE :][:PAGE_SIZE])
            self._add(Folio(page, data, fresh=folio.fresh, marked=folio.marked and not number))

    def clear(self) -> None:
        """Forget everything: nobody has the device open any more, or it is flushed."""
        self._folios.clear()


def _first_size(count: int) -> int:
    """Return how many pages are read ahead as `count` are wanted from the beginning."""
    size = 1 << (count - 1).bit_length()
    if size <= WINDOW // 32:
        return size * 4
    return size * 2 if size <= WINDOW // 4 else WINDOW


def _next_size(size: int) -> int:
    """Return how many pages are read ahead after `size` were."""
    if size < WINDOW // 16:
        return size * 4
    return size * 2 if size <= WINDOW // 2 else WINDOW
