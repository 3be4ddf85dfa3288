"""The report at the end of a demo."""

import errno
import os
from array import array
from typing import Final, NamedTuple

from zram_impl.cli.files import FileChoice
from zram_impl.cli.screen import complain, say, section, size
from zram_impl.cli.throughput import Throughput
from zram_impl.pages.stats import Stats
from zram_impl.result import WritebackResult
from zram_impl.units import PAGE_SIZE

CLEAN: Final = 0
DIFFERENT: Final = 1
UNUSABLE: Final = 2

_SHOWN: Final = 5
"""Pages that differ are shown one by one up to so many."""


class Story(NamedTuple):
    """The facts for the report."""

    choice: FileChoice
    checks: "array[int]"
    """CRC-32 of each page as it was read from its file."""
    stored: Stats
    mm_stat: str
    passes: dict[str, WritebackResult]
    bd_stat: str
    where: str
    different: dict[int, str]
    """Pages that did not come back as they were, and what came instead."""
    throughput: Throughput | None


def report(story: Story, batch: int) -> int:
    """Print it and return the exit code: 1 when a page differs, 2 when one could not be written, else 0."""
    section("stored", _stored(story))
    say()
    section(f"written back ({story.where}, batch size {batch})", _written(story))
    say()
    right = len(story.checks) - len(story.different)
    section("read back", [("verified", f"{right:,} of {len(story.checks):,} pages are as they were stored")])
    say()
    if story.throughput is None:
        say("throughput of writeback: not measured, there was nothing to write or it could not be written")
    else:
        _throughput(story.throughput, batch)
    return _verdict(story)


def _stored(story: Story) -> list[tuple[str, str]]:
    mm, pages = story.stored.mm, len(story.checks)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in story.choice.skipped.most_common())
    ratio = f"  ({pages * PAGE_SIZE / mm.compr_data_size:.2f} : 1)" if mm.compr_data_size else ""
    return [
        ("files", f"{len(story.choice.files):,}" + (f"  (passed over: {reasons})" if reasons else "")),
        ("bytes", f"{sum(file.size for file in story.choice.files):,}"),
        ("pages", f"{pages:,}  ({size(pages * PAGE_SIZE)}; a file's last page is filled up with zeros)"),
        ("compressed", size(mm.compr_data_size) + ratio),
        ("same-filled", f"{mm.same_pages:,}"),
        ("huge", f"{mm.huge_pages:,}  (kept as they are: compressing saves too little)"),
    ]


def _written(story: Story) -> list[tuple[str, str]]:
    return [
        *((f"{mode} pages", _account(result)) for mode, result in story.passes.items()),
        ("mm_stat", story.mm_stat.strip()),
        ("bd_stat", story.bd_stat.strip()),
    ]


def _account(result: WritebackResult) -> str:
    parts = f"lost {result.lost:,}, failed {result.failed:,}, skipped {result.skipped:,}, left {result.left:,}"
    stopped = f", stopped by {result.stopped_by}" if result.stopped_by else ""
    return f"selected {result.selected:,}: written {result.written:,}, {parts}{stopped}"


def _throughput(pair: Throughput, batch: int) -> None:
    title = f"throughput of writeback ({pair.where}; {pair.pages:,} pages, medians of {pair.rounds} pairs, "
    rows = [
        (f"batch size {number}", f"{rate:9,.0f} pages/s  {size(rate * PAGE_SIZE)}/s")
        for number, rate in ((1, pair.one), (batch, pair.many))
    ]
    section(title + "fdatasync included)", [*rows, ("ratio", f"{pair.ratio:9.1f}")])


def _verdict(story: Story) -> int:
    for index, what in list(story.different.items())[:_SHOWN]:
        complain(f"page {index} differs: {what}")
    if story.different:
        complain(f"error: {len(story.different):,} pages did not come back as they were stored")
        return DIFFERENT
    failed = [code for result in story.passes.values() for _, code in result.errors]
    if failed:
        name, text = errno.errorcode.get(failed[0], str(failed[0])), os.strerror(failed[0])
        complain(f"error: {len(failed):,} pages could not be written back: {name} ({text}); they are in memory still")
        return UNUSABLE
    return CLEAN
