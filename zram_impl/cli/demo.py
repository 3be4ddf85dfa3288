"""`demo`: files become pages, pages go to memory, from there to disk, and every one comes back as it was."""

import zlib
from array import array
from typing import Final, NamedTuple

from zram_impl.cli import files, screen
from zram_impl.cli.demo_report import Story, report
from zram_impl.cli.scratch import describe, scratch_file
from zram_impl.cli.stop import Stop
from zram_impl.cli.throughput import throughput
from zram_impl.errors import ZramError
from zram_impl.result import WritebackResult
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import WritebackMode, Zram

_PIECE: Final = 256
"""Pages read from a file at a time: all that is in memory uncompressed."""

_SAMPLE: Final = 4096
"""Pages the throughput is measured with, at most."""

_PAIRS: Final = 7


class DemoOptions(NamedTuple):
    """The options of the command line; `backing` None is where temporary files go."""

    paths: list[str]
    limit_bytes: int
    batch: int
    backing: str | None


def run(options: DemoOptions, stop: Stop) -> int:
    """Run the demo and print its report; return the exit code.

    Raises:
        OSError: An input cannot be read, or there is no room for the backing file.
    """
    choice = files.choose(options.paths, options.limit_bytes, stop)
    device = scratch_file(options.backing, choice.pages)
    where = describe(device, options.backing)
    with Zram.create(max(choice.pages, 1) * PAGE_SIZE, backing=device, batch_size=options.batch) as dev:
        checks = _store(dev, choice, stop)
        stored = dev.stats
        passes = {"huge": _write_back(dev, "huge", stop)}
        dev.mark_idle()
        passes["idle"] = _write_back(dev, "idle", stop)
        mm_stat, bd_stat = dev.attrs.show("mm_stat"), dev.attrs.show("bd_stat")
        different = _read_back(dev, checks, stop)
        sample = _sample(dev, len(checks)) if not different and not any(r.failed for r in passes.values()) else []
    pair = None
    if sample:
        with screen.progress("measuring"):
            pair = throughput(sample, options.batch, options.backing, _PAIRS, stop)
    return report(Story(choice, checks, stored, mm_stat, passes, bd_stat, where, different, pair), options.batch)


def _store(dev: Zram, choice: files.FileChoice, stop: Stop) -> "array[int]":
    checks = array("I")
    total = choice.pages
    with screen.progress("storing pages") as advance:
        for file in choice.files:
            try:
                for data in files.read_pages(file, _PIECE):
                    stop.check()
                    dev.write_pages(len(checks), data)
                    checks.extend(zlib.crc32(data[at : at + PAGE_SIZE]) for at in range(0, len(data), PAGE_SIZE))
                    advance(len(checks), total)
            except ZramError:
                raise
            except OSError:
                choice.skipped["unreadable"] += 1
    return checks


def _write_back(dev: Zram, mode: WritebackMode, stop: Stop) -> WritebackResult:
    with screen.progress(f"writing {mode} pages back") as advance:
        result = dev.writeback(mode, progress=advance, cancel=stop.event)
    stop.check()
    return result


def _read_back(dev: Zram, checks: "array[int]", stop: Stop) -> dict[int, str]:
    different: dict[int, str] = {}
    with screen.progress("reading pages back") as advance:
        for index, check in enumerate(checks):
            if not index % _PIECE:
                stop.check()
                advance(index, len(checks))
            try:
                if zlib.crc32(dev.read_page(index)) != check:
                    different[index] = "other bytes than were stored"
            except ZramError as error:
                different[index] = str(error.strerror)
    return different


def _sample(dev: Zram, count: int) -> list[bytes]:
    """Return pages from all over the device that writeback has work with: none that is same-filled."""
    step = max(1, count // _SAMPLE)
    pages = (dev.read_page(index) for index in range(0, count, step))
    return [page for page in pages if page[8:] != page[:-8]][:_SAMPLE]
