"""Memory that any device takes, and a write that stops anywhere."""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from zram_impl.bdev.device import BackingDevice
from zram_impl.units import PAGE_SIZE


@contextmanager
def aligned_pages(count: int) -> Iterator[list[memoryview]]:
    """Lend `count` page-aligned pages of zeros; no view of them may be kept."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    with mmap.mmap(-1, count * PAGE_SIZE, flags=flags) as memory, memoryview(memory) as whole:
        pages = [whole[start : start + PAGE_SIZE] for start in range(0, count * PAGE_SIZE, PAGE_SIZE)]
        try:
            yield pages
        finally:
            for page in pages:
                page.release()


def write_prefix(device: BackingDevice, blk_idx: int, pages: Sequence[memoryview], length: int) -> None:
    """Let the first `length` bytes of a write reach the device; what lies behind them stays as it is.

    Raises:
        OSError: What the device answered.
    """
    whole, rest = divmod(min(length, len(pages) * PAGE_SIZE), PAGE_SIZE)
    if whole:
        device.write(blk_idx, pages[:whole])
    if rest:
        with aligned_pages(1) as (page,):
            device.read(blk_idx + whole, page)
            page[:rest] = pages[whole][:rest]
            device.write(blk_idx + whole, [page])
