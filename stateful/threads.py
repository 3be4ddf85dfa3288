"""Real threads, real writes: users at work while passes run, every page verified, nothing left over.

Each writer owns some pages, so it knows what they must read back; readers read everybody's pages and know what a page
of that number may look like, since every page is stamped with its number. A free-running run practically never hits a
race, so this is no search for them: it shows that the whole thing, with production's engine and a real file, works.
"""

import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from stateful.pages import same_filled, stamp_of, stamped
from zram_impl import PAGE_SIZE, WritebackResult, Zram
from zram_impl.decide import Kind

PAGES: Final = 6000
BLOCKS: Final = 4000
WRITERS: Final = 3
READERS: Final = 2
PROBLEMS_SHOWN: Final = 3
"""Of each kind, or of each user."""
MODES: Final = ("huge", "idle", "huge_idle")


class Account(NamedTuple):
    """What a run did."""

    seconds: float
    passes: int
    result: WritebackResult
    """Summed over the passes."""
    writes: int
    reads: int
    problems: tuple[str, ...]


class _User:
    """A thread that works on pages until it is told to stop; a writer has some of its own, and knows what is on them.

    Attributes:
        pages: Its own, which nobody else writes; without any it reads everybody's.
        content: What is on its own pages.
    """

    def __init__(self, device: Zram, number: int, pages: range, stop: threading.Event) -> None:
        self.pages = pages
        self.content: dict[int, bytes] = {}
        self.writes = self.reads = 0
        self.problems: list[str] = []
        self._device, self._stop = device, stop
        self._random = random.Random(number)
        self.thread = threading.Thread(target=self._work, name=f"user {number}")

    def put(self, page: int, content: bytes) -> None:
        """Write one of its own pages."""
        self._device.write_page(page, content)
        self.content[page] = content

    def _work(self) -> None:
        kinds = [self._write, self._write, self._write_huge, self._write_same, self._discard, self._read_own]
        try:
            while not self._stop.is_set():
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


def run(seconds: float, report: Callable[[str], None] | None = None) -> Account:
    """Run for `seconds` and return the account; nothing is left running or on disk."""
    before = set(threading.enumerate())
    with tempfile.TemporaryDirectory(prefix="zram-") as folder:
        account = _run(Path(folder) / "backing", seconds, report or (lambda _text: None))
    left = set(threading.enumerate()) - before
    problems = [f"thread {thread.name} is still running" for thread in left]
    return account._replace(problems=(*account.problems, *problems))


def _run(path: Path, seconds: float, report: Callable[[str], None]) -> Account:
    began = time.perf_counter()
    stop = threading.Event()
    total = WritebackResult()
    passes = 0
    with Zram.create(PAGES * PAGE_SIZE, backing=path, backing_size=BLOCKS * PAGE_SIZE) as device:
        share = PAGES // WRITERS
        writers = [_User(device, n, range(n * share, (n + 1) * share), stop) for n in range(WRITERS)]
        for writer in writers:
            for page in writer.pages:
                writer.put(page, stamped(page, 0, huge=page % 3 == 0))
        users = [*writers, *(_User(device, WRITERS + n, range(0), stop) for n in range(READERS))]
        for user in users:
            user.thread.start()
        try:
            while time.perf_counter() - began < seconds:
                _add(total, _one_pass(device, passes))
                passes += 1
                report(f"{passes} passes, {total.written} pages written, {sum(user.writes for user in users)} writes")
        finally:
            stop.set()
            for user in users:
                user.thread.join()
        problems = [problem for user in users for problem in user.problems[:PROBLEMS_SHOWN]]
        problems += _left_over(device) + _differences(device, writers) + _unaccounted(device, total)
        writes, reads = sum(user.writes for user in users), sum(user.reads for user in users)
    return Account(time.perf_counter() - began, passes, total, writes, reads, tuple(problems))


def _one_pass(device: Zram, number: int) -> WritebackResult:
    device.set_batch_size((32, 1, 8, 64)[number % 4])
    mode = MODES[number % 3]
    if "idle" in mode:
        device.mark_idle()
    return device.writeback(mode)


def _add(total: WritebackResult, one: WritebackResult) -> None:
    for name in ("selected", "written", "lost", "failed", "skipped", "left"):
        setattr(total, name, getattr(total, name) + getattr(one, name))
    total.errors += one.errors


def _unaccounted(device: Zram, total: WritebackResult) -> list[str]:
    settled = total.written + total.lost + total.failed + total.skipped + total.left
    problems = [] if settled == total.selected else [f"{total.selected} pages selected, {settled} accounted for"]
    if device.stats.bd.bd_writes != total.written + total.lost:
        problems.append(f"bd_writes {device.stats.bd.bd_writes}, {total.written + total.lost} pages were written")
    return problems + [f"writing page {page} failed with errno {code}" for page, code in total.errors[:PROBLEMS_SHOWN]]


def _left_over(device: Zram) -> list[str]:
    """Say what a device at rest has that it should not have."""
    view = device.snapshot()
    backed = sorted(slot.blk_idx for slot in view.slots if slot.blk_idx is not None)
    used = [block for block, taken in enumerate(view.blocks) if taken]
    claimed = [page for page, slot in enumerate(view.slots) if slot.owned or slot.kind is Kind.PP_SLOT]
    problems = [f"page {page} is still claimed" for page in claimed[:PROBLEMS_SHOWN]]
    if backed != used or view.bd_count != len(used):
        problems.append(f"{len(used)} blocks in use, {len(backed)} written-back pages, bd_count {view.bd_count}")
    recount = sum(slot.kind is not Kind.EMPTY for slot in view.slots)
    if view.pages_stored != recount:
        problems.append(f"pages_stored {view.pages_stored}, a recount gives {recount}")
    return problems


def _differences(device: Zram, writers: list[_User]) -> list[str]:
    known = {page: content for writer in writers for page, content in writer.content.items()}
    wrong = [page for page, content in known.items() if device.read_page(page) != content]
    return [f"page {page} does not read back what was last written to it" for page in wrong[:PROBLEMS_SHOWN]]
