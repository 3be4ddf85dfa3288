"""Time of a page on its way in and out, measured by a bare loop around the compressor over the same pages.

Time of the processor, not of the clock: nothing here waits, and what else the machine does shall not count.
"""

from collections.abc import Callable, Sequence
from time import thread_time
from typing import Final, NamedTuple

import lz4.block

from zram_impl.cli.pairing import Measure, Paired, paired, timed
from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

PIECE: Final = 256
"""Pages measured in one turn; a bulk call is as long."""


class PageCosts(NamedTuple):
    """Each against the bare loop of its direction; seconds per piece."""

    write_page: Paired
    read_page: Paired
    write_pages: Paired
    read_pages_into: Paired


def page_costs(pages: Sequence[bytes], rounds: int, stop: Stop) -> PageCosts:
    """Measure the four ways on a device that holds `pages`, a multiple of PIECE of them."""
    pieces, rest = divmod(len(pages), PIECE)
    assert not rest, f"{len(pages)} pages are not whole pieces of {PIECE}"
    bare = _Bare(pages)
    with Zram.create(len(pages) * PAGE_SIZE) as dev:
        ours = _Ours(dev, pages)

        def compare(yardstick: Callable[[int], None], measured: Callable[[int], None]) -> Paired:
            return paired(_busy(yardstick), _busy(measured), pieces, rounds, stop)

        return PageCosts(
            write_page=compare(bare.write, ours.write),
            read_page=compare(bare.read, ours.read),
            write_pages=compare(bare.write, ours.write_bulk),
            read_pages_into=compare(bare.read, ours.read_bulk),
        )


def _busy(do: Callable[[int], None]) -> Measure:
    return timed(do, thread_time)


class _Bare:
    """The yardstick: compress a page and keep the object, decompress an object and forget the page."""

    def __init__(self, pages: Sequence[bytes]) -> None:
        self._pages = pages
        self._objects = [lz4.block.compress(page, "default", False) for page in pages]

    def write(self, piece: int) -> None:
        compress, pages, objects = lz4.block.compress, self._pages, self._objects
        for index in range(piece * PIECE, (piece + 1) * PIECE):
            objects[index] = compress(pages[index], "default", False)

    def read(self, piece: int) -> None:
        decompress, objects = lz4.block.decompress, self._objects
        for index in range(piece * PIECE, (piece + 1) * PIECE):
            decompress(objects[index], PAGE_SIZE)


class _Ours:
    """The device, by the page and in bulk."""

    def __init__(self, dev: Zram, pages: Sequence[bytes]) -> None:
        self._dev = dev
        self._pages = pages
        self._buffers = [b"".join(pages[at : at + PIECE]) for at in range(0, len(pages), PIECE)]
        self._into = bytearray(PIECE * PAGE_SIZE)

    def write(self, piece: int) -> None:
        write_page, pages = self._dev.write_page, self._pages
        for index in range(piece * PIECE, (piece + 1) * PIECE):
            write_page(index, pages[index])

    def read(self, piece: int) -> None:
        read_page = self._dev.read_page
        for index in range(piece * PIECE, (piece + 1) * PIECE):
            read_page(index)

    def write_bulk(self, piece: int) -> None:
        self._dev.write_pages(piece * PIECE, self._buffers[piece])

    def read_bulk(self, piece: int) -> None:
        self._dev.read_pages_into(piece * PIECE, self._into)
