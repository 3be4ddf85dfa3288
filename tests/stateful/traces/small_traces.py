"""A small trace that has everything, recorded from a device that is led step by step."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TextIO

from stateful.common.stamped_pages import stamped
from stateful.traces.check import TraceFinding, check
from stateful.traces.record import TraceWriter
from stateful.traces.schema import Header, Trace, read
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.decisions import SlotKind
from zram_impl.engine.sync import SyncEngine
from zram_impl.events.observer import Observer
from zram_impl.faults import Failing, on_blocks
from zram_impl.passes.base import PassProgress
from zram_impl.passes.writeback import WritebackPass
from zram_impl.runtime import Runtime

HEADER = Header(slots=6, blocks=5, requests=4, readers=1, limit=None)
Doctor = Callable[[list[dict[str, object]]], object]


class Watching:
    """An observer that writes a trace and keeps the events since the last `clear`."""

    def __init__(self, file: TextIO) -> None:
        self.writer = TraceWriter(file, HEADER)
        self.seen: dict[str, tuple[int, ...]] = {}

    def __call__(self, kind: str, /, *args: int) -> None:
        self.seen[kind] = args
        self.writer(kind, *args)

    def on_read_step(self, kind: str, /, *args: int) -> None:
        self.writer.on_read_step(kind, *args)


def engine(observer: Observer, device: BackingDevice, _runtime: Runtime) -> SyncEngine:
    return SyncEngine(device, depth=8, observer=observer)


def record() -> str:
    """A pass whose writes are good, failed, and lost in flight; a page loses its claim when a block is held for it."""
    file = io.StringIO()
    watching = Watching(file)
    backing = Failing(MemoryDevice(HEADER.blocks), on_blocks([1], kind="write"))
    dev = Zram.create(
        HEADER.slots * PAGE_SIZE,
        backing=backing,
        engine=partial(engine, watching),
        observer=watching,
        batch_size=HEADER.requests,
    )
    for number in range(4):
        dev.write_page(number, stamped(number, number))
    dev.set_writeback_limit(9)
    dev.enable_writeback_limit(True)
    dev.read_page(5)
    with suppress(AssertionError):  # a seeded bug may be found there and then
        lead(dev, watching, dev.begin_writeback(pages=range(4)))
    for number in range(4):
        with suppress(OSError, AssertionError):
            dev.read_page(number)
    dev.discard(2 * PAGE_SIZE, PAGE_SIZE)
    dev.write_page(4, bytes([7]) * PAGE_SIZE)
    watching.writer.end(dev)
    text = file.getvalue()
    with suppress(OSError, AssertionError):  # likewise
        dev.close()
    return text


def record_kept() -> str:
    """Two pages that are read and kept; one is replaced, written back again, and both are read once more."""
    file = io.StringIO()
    writer = TraceWriter(file, HEADER._replace(readers=HEADER.slots + 1))
    with Zram.create(HEADER.slots * PAGE_SIZE, backing=MemoryDevice(HEADER.blocks), observer=writer) as dev:
        dev.set_read_cache("64K")
        for rewritten in ((0, 1), (0,)):
            for number in rewritten:
                dev.write_page(number, stamped(number, len(rewritten)))
            dev.writeback(pages=rewritten)
            for number in (0, 1, 0):
                dev.read_page(number)
        writer.end(dev)
    return file.getvalue()


def lead(dev: Zram, watching: Watching, running: WritebackPass) -> None:
    submitted = 0
    while running.advance(1) is not PassProgress.DONE:
        submitted += "submit" in watching.seen
        if "submit" in watching.seen and submitted == 3:
            dev.write_page(watching.seen["submit"][0], stamped(watching.seen["submit"][0], 99))
        if "reserve_block" in watching.seen and submitted == 3:
            dev.read_page(next(page for page, slot in enumerate(dev.snapshot().slots) if slot.kind is SlotKind.PP_SLOT))
        watching.seen.clear()


def doctored(text: str, doctor: Doctor) -> Trace:
    """A trace whose lines were changed."""
    lines = [json.loads(line) for line in text.splitlines()]
    doctor(lines)
    return read(json.dumps(line) for line in lines)


def finding(text: str, doctor: Doctor = lambda _lines: None) -> TraceFinding | None:
    return check(doctored(text, doctor))


def without_versions(lines: list[dict[str, object]]) -> None:
    """Leave out what was touched: the order of the file, which one task wrote, is the order."""
    for line in lines:
        line.pop("touches", None)


def place(lines: list[dict[str, object]], kind: str, number: int = 0) -> int:
    """Index of the n-th event of a kind."""
    return [index for index, line in enumerate(lines) if line.get("does") == kind][number]
