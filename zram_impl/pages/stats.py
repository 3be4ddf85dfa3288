"""The statistics, as the driver counts them and as sysfs prints them."""

from typing import NamedTuple

from zram_impl.pages.page_io import Pages
from zram_impl.table.slot_table import NO_LIMIT
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE


class BdStat(NamedTuple):
    """Blocks of 4 KiB on the backing device: in use now, read so far, written so far."""

    bd_count: int = 0
    bd_reads: int = 0
    bd_writes: int = 0


class MmStat(NamedTuple):
    """Memory; sizes in bytes, the rest in pages."""

    orig_data_size: int = 0
    compr_data_size: int = 0
    mem_used_total: int = 0
    mem_limit: int = 0
    mem_used_max: int = 0
    same_pages: int = 0
    pages_compacted: int = 0
    huge_pages: int = 0
    huge_pages_since: int = 0


class IoStat(NamedTuple):
    """Pages that could not be read or written, invalid requests (always 0 here), pages notified as free."""

    failed_reads: int = 0
    failed_writes: int = 0
    invalid_io: int = 0
    notify_free: int = 0


class DebugStat(NamedTuple):
    """Times that a writer stalled, and notifications that had no effect: neither happens here."""

    writestall: int = 0
    miss_free: int = 0


class Stats(NamedTuple):
    """Everything at one moment.

    Attributes:
        engine: What carries writes to the backing device, and why no ring does where none does; None before the first
            pass of writeback. No attribute of the driver shows it.
    """

    mm: MmStat = MmStat()
    bd: BdStat = BdStat()
    io: IoStat = IoStat()
    debug: DebugStat = DebugStat()
    engine: str | None = None


def stats_of(pages: Pages) -> Stats:
    """Return the statistics of this moment; takes the table lock."""
    with pages.shared.lock:
        table = pages.table
        mm = MmStat(
            orig_data_size=table.pages_stored << PAGE_SHIFT,
            compr_data_size=table.compr_data_size,
            mem_used_total=_whole_pages(table.used),
            # Not the device's setting, which a reset changes while these pages are still looked at.
            mem_limit=table.limit if table.limit != NO_LIMIT else 0,
            mem_used_max=_whole_pages(max(table.compr_data_max, table.used)),
            same_pages=table.same_pages,
            pages_compacted=table.pages_compacted,
            huge_pages=table.huge_pages,
            huge_pages_since=table.huge_pages_since,
        )
        bd = BdStat(table.blocks.used, pages.reads.bd_reads, pages.shared.bd_writes)
        return Stats(mm, bd, IoStat(pages.failed_reads, pages.failed_writes, 0, pages.notify_free), DebugStat())


def _whole_pages(size: int) -> int:
    return -(-size // PAGE_SIZE) * PAGE_SIZE


def columns(row: tuple[int, ...]) -> str:
    """Print a row as sysfs does, newline included."""
    return "".join(f" {value:8d}" for value in row).removeprefix(" ") + "\n"
