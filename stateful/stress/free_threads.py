"""Real threads, real writes: users at work while passes run, every page verified, nothing left over.

Each writer owns some pages, so it knows what they must read back; readers read everybody's pages and know what a page
of that number may look like, since every page is stamped with its number. A free-running run practically never hits a
race, so this is no search for them: it shows that the whole thing, with production's engine and a real file, works.

Beside them, sharers work on a few pages that are everybody's; what they saw must be explained by some order (see
`histories`). With a trace, everything that the device reports is written to a file, to be judged by the specification;
then somebody stores limits, too, and some blocks cannot be written.
"""

import random
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from stateful.common.stamped_pages import same_filled, stamp_of, stamped
from stateful.seam.chosen import chosen
from stateful.stress.recorder import Sharer, judge, together
from stateful.traces.record import TraceWriter, recording
from stateful.traces.schema import Header
from zram_impl import PAGE_SIZE, WritebackResult, Zram
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import open_file
from zram_impl.decisions import SlotKind
from zram_impl.faults import Failing, Short, at_random, on_blocks

PAGES: Final = 6000
KEPT_MOST: Final = 1500
"""Written-back pages that are kept where a trace is recorded."""
KEEPING_EVERY: Final = 20
"""Limits stored until that begins or ends."""
BLOCKS: Final = 4000
WRITERS: Final = 3
READERS: Final = 2
PROBLEMS_SHOWN: Final = 3
"""Of each kind, or of each user."""
MODES: Final = ("huge", "idle", "huge_idle")
RECOMPRESSED: Final = 200
"""Pages tried in a pass of recompression."""
SHARERS: Final = 2
SHARED: Final = 48
"""Pages of everybody, behind those that have an owner."""
BATCH_MOST: Final = 64
BAD_BLOCKS: Final = range(5, 1 << 20, 97)
"""Blocks that cannot be written, where a trace is recorded."""
SHORT_CHANCE: Final = 0.02
LIMIT_SECONDS: Final = 0.01
"""Between one store of a limit and the next."""
COMPACT_SECONDS: Final = 0.05
"""Between one compaction and the next."""
TOGETHER: Final = 8
"""Operations of a sharer between two pauses."""
PAUSE_SECONDS: Final = 0.0002
"""Of a sharer, and of every user where a trace is recorded: it is to have much of the passes."""


class ThreadsAccount(NamedTuple):
    """The figures of a run."""

    seconds: float
    passes: int
    result: WritebackResult
    """Summed over the passes."""
    writes: int
    reads: int
    shared: int
    """Operations on shared pages."""
    problems: tuple[str, ...]
    events: int = 0
    """Written to the trace."""


Surround = Callable[[BackingDevice], BackingDevice]
Stop = Callable[[], bool]
"""Asked by a user after each operation: whether it was the last one."""


class _User:
    """A thread that works on pages until it is stopped; a writer has some of its own, and knows what is on them.

    Attributes:
        pages: Its own, which nobody else writes; without any it reads everybody's.
        content: What is on its own pages.
    """

    def __init__(self, device: Zram, number: int, pages: range, stop: Stop, seed: int = 0) -> None:
        self.pages = pages
        self.content: dict[int, bytes] = {}
        self.writes = self.reads = 0
        self.problems: list[str] = []
        self._device, self._stop = device, stop
        self._random = random.Random(f"{seed} {number}")
        self.thread = threading.Thread(target=self._work, name=f"user {number}")

    def put(self, page: int, content: bytes) -> None:
        """Write one of its own pages."""
        self._device.write_page(page, content)
        self.content[page] = content

    def _work(self) -> None:
        kinds = [self._write, self._write, self._write_huge, self._write_same, self._discard, self._read_own]
        try:
            while not self._stop():
                if self.pages:
                    self._random.choice(kinds)(self._random.choice(self.pages))
                else:
                    self._read_any(self._random.randrange(PAGES))
        except Exception as error:  # a problem like any other, to be reported
            self.problems.append(f"{threading.current_thread().name}: {type(error).__name__}: {error}")

    def _write(self, page: int) -> None:
        self.writes += 1
        self.put(page, stamped(page, self.writes))

    def _write_huge(self, page: int) -> None:
        self.writes += 1
        self.put(page, stamped(page, self.writes, huge=True))

    def _write_same(self, page: int) -> None:
        self.writes += 1
        self.put(page, same_filled(self.writes))

    def _discard(self, page: int) -> None:
        self._device.discard(page * PAGE_SIZE, PAGE_SIZE)
        self.content[page] = bytes(PAGE_SIZE)

    def _read_own(self, page: int) -> None:
        self.reads += 1
        if self._device.read_page(page) != self.content[page]:
            self.problems.append(f"page {page} does not read back what its only writer wrote")

    def _read_any(self, page: int) -> None:
        """Read a page that others are writing: it is empty, same-filled, or a whole page of that number."""
        content = self._device.read_page(page)
        self.reads += 1
        stamp = stamp_of(content)
        if content[:8] * (PAGE_SIZE // 8) != content and (stamp is None or stamp[0] != page):
            self.problems.append(f"a read of page {page} returned a page stamped {stamp}")


def run(
    seconds: float,
    report: Callable[[str], None] | None = None,
    trace: Path | None = None,
    surround: Surround | None = None,
    seed: int = 0,
) -> ThreadsAccount:
    """Run for `seconds` and return the account; nothing is left running or on disk, but for the trace.

    `surround` puts faults of writes around the backing device; a trace has some by itself. With an odd `seed` pages
    are written back compressed.
    """
    before = set(threading.enumerate())
    with ExitStack() as undo:
        path = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="zram-"))) / "backing"
        backing: BackingDevice = open_file(path, size=BLOCKS * PAGE_SIZE)
        writer = None
        if trace is not None:
            surround = surround or some_faults
            writer = undo.enter_context(recording(trace, _header()))
        if surround is not None:
            backing = surround(backing)
        account = _run(backing, seconds, report or (lambda _text: None), writer, faulty=surround is not None, seed=seed)
    left = set(threading.enumerate()) - before
    problems = [f"thread {thread.name} is still running" for thread in left]
    return account._replace(problems=(*account.problems, *problems))


def _header() -> Header:
    return Header(
        slots=PAGES + SHARED,
        blocks=BLOCKS,
        requests=BATCH_MOST,
        readers=WRITERS + READERS + SHARERS + PAGES + SHARED,
        limit=None,
        about="python -m stateful trace-record",
    )


def some_faults(device: BackingDevice) -> BackingDevice:
    """Return a device some of whose blocks cannot be written, and some of whose writes end early."""
    return Short(Failing(device, on_blocks(BAD_BLOCKS, kind="write")), at_random(SHORT_CHANCE, seed=0))


def _run(
    backing: BackingDevice,
    seconds: float,
    report: Callable[[str], None],
    writer: TraceWriter | None,
    *,
    faulty: bool,
    seed: int,
) -> ThreadsAccount:
    began = time.perf_counter()
    stop = threading.Event()
    stopped = stop.is_set if writer is None else partial(stop.wait, PAUSE_SECONDS)
    total = WritebackResult()
    passes = 0
    with chosen().blank(observer=writer) as device:
        device.set_recomp_algorithm("deflate")
        device.set_compressed_writeback(seed % 2 == 1)
        device.set_backing(backing)
        device.initialise((PAGES + SHARED) * PAGE_SIZE)
        share = PAGES // WRITERS
        writers = [_User(device, n, range(n * share, (n + 1) * share), stopped, seed) for n in range(WRITERS)]
        for each in writers:
            for page in each.pages:
                each.put(page, stamped(page, 0, huge=page % 3 == 0))
        users = [*writers, *(_User(device, WRITERS + n, range(0), stopped, seed) for n in range(READERS))]
        paused = partial(stop.wait, PAUSE_SECONDS)  # what they note has to be judged, too
        sharers = [Sharer(device, n, range(PAGES, PAGES + SHARED), paused, seed) for n in range(SHARERS)]
        for sharer in sharers:
            sharer.together = TOGETHER if writer is None else 1
        threads = [*[user.thread for user in users], *[sharer.thread for sharer in sharers]]
        threads.append(threading.Thread(target=_compact, args=(device, stop), name="compaction"))
        if writer is not None:
            threads.append(threading.Thread(target=_store_limits, args=(device, stop), name="limits"))
        for thread in threads:
            thread.start()
        try:
            while passes < len(MODES) or time.perf_counter() - began < seconds:
                _add(total, _one_pass(device, passes))
                passes += 1
                report(f"{passes} passes, {total.written} pages written, {sum(user.writes for user in users)} writes")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        took = time.perf_counter() - began
        found = [*[user.problems for user in users], *[sharer.problems for sharer in sharers]]
        problems = [problem for problems in found for problem in problems[:PROBLEMS_SHOWN]]
        problems += _left_over(device) + _differences(device, writers)
        problems += _unaccounted(device, total) + ([] if faulty else _failures(total))
        report(f"judging {sum(each.operations for each in sharers):,} operations on shared pages")
        problems += judge(together(sharers))[:PROBLEMS_SHOWN]
        events = writer.end(device) if writer is not None else 0
    writes, reads = sum(user.writes for user in users), sum(user.reads for user in users)
    return ThreadsAccount(
        took, passes, total, writes, reads, sum(each.operations for each in sharers), tuple(problems), events
    )


def _compact(device: Zram, stop: threading.Event) -> None:
    while not stop.wait(COMPACT_SECONDS):
        device.compact()


def _store_limits(device: Zram, stop: threading.Event) -> None:
    """Store limits again and again; and begin to keep pages that are read, or stop it, which drops those kept."""
    chance = random.Random(0)
    while not stop.wait(LIMIT_SECONDS):
        if not chance.randrange(KEEPING_EVERY):
            device.set_read_cache(chance.choice((0, KEPT_MOST, KEPT_MOST)) * PAGE_SIZE)
        device.set_writeback_limit(chance.randrange(BLOCKS))
        device.enable_writeback_limit(enabled=chance.random() < 0.5)  # noqa: PLR2004  (as often as not)


def _one_pass(device: Zram, number: int) -> WritebackResult:
    device.set_batch_size((32, 1, 8, BATCH_MOST)[number % 4])
    if number % 3 == 2:  # noqa: PLR2004  (the last of the modes)
        device.recompress(max_pages=RECOMPRESSED)
    mode = MODES[number % 3]
    if "idle" in mode:
        device.mark_idle()
    return device.writeback(mode)  # type: ignore[arg-type]  # a text


def _add(total: WritebackResult, one: WritebackResult) -> None:
    for name in ("selected", "written", "lost", "failed", "skipped", "left"):
        setattr(total, name, getattr(total, name) + getattr(one, name))
    total.errors += one.errors


def _unaccounted(device: Zram, total: WritebackResult) -> list[str]:
    settled = total.written + total.lost + total.failed + total.skipped + total.left
    problems = [] if settled == total.selected else [f"{total.selected} pages selected, {settled} accounted for"]
    if device.stats.bd.bd_writes != total.written + total.lost:
        problems.append(f"bd_writes {device.stats.bd.bd_writes}, {total.written + total.lost} pages were written")
    if total.failed != len(total.errors):
        problems.append(f"{total.failed} pages failed, {len(total.errors)} errors are reported")
    return problems


def _failures(total: WritebackResult) -> list[str]:
    return [f"writing page {page} failed with errno {code}" for page, code in total.errors[:PROBLEMS_SHOWN]]


def _left_over(device: Zram) -> list[str]:
    """Say what a device at rest has that it should not have."""
    view = device.snapshot()
    backed = sorted(slot.blk_idx for slot in view.slots if slot.blk_idx is not None)
    used = [block for block, taken in enumerate(view.blocks) if taken]
    claimed = [page for page, slot in enumerate(view.slots) if slot.owned or slot.kind is SlotKind.PP_SLOT]
    problems = [f"page {page} is still claimed" for page in claimed[:PROBLEMS_SHOWN]]
    if backed != used or view.bd_count != len(used):
        problems.append(f"{len(used)} blocks in use, {len(backed)} written-back pages, bd_count {view.bd_count}")
    recount = sum(slot.kind is not SlotKind.EMPTY for slot in view.slots)
    if view.pages_stored != recount:
        problems.append(f"pages_stored {view.pages_stored}, a recount gives {recount}")
    return problems


def _differences(device: Zram, writers: list[_User]) -> list[str]:
    known = {page: content for writer in writers for page, content in writer.content.items()}
    wrong = [page for page, content in known.items() if device.read_page(page) != content]
    return [f"page {page} does not read back what was last written to it" for page in wrong[:PROBLEMS_SHOWN]]
