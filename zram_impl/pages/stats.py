"""The statistics, as the driver counts them and as sysfs prints them."""

from typing import NamedTuple


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
    """Pages that could not be read or written, requests that made no sense (none gets here), pages told to be free."""

    failed_reads: int = 0
    failed_writes: int = 0
    invalid_io: int = 0
    notify_free: int = 0


class DebugStat(NamedTuple):
    """Times that a writer stalled, and notifications that came to nothing: neither happens here."""

    writestall: int = 0
    miss_free: int = 0


class Stats(NamedTuple):
    """Everything at one moment."""

    mm: MmStat = MmStat()
    bd: BdStat = BdStat()
    io: IoStat = IoStat()
    debug: DebugStat = DebugStat()


def columns(row: tuple[int, ...]) -> str:
    """Print a row as sysfs does, newline included."""
    return "".join(f" {value:8d}" for value in row).removeprefix(" ") + "\n"
