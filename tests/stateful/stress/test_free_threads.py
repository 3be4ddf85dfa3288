"""Users and passes running freely on a real file, and what is seen when something is wrong with the device."""

import errno
import tempfile
import threading
from pathlib import Path

import pytest

from stateful.stress import free_threads
from zram_impl import PAGE_SIZE, WritebackResult
from zram_impl.bdev.device import BackingDevice
from zram_impl.faults import Failing, Filter, Full, Operation, Reordering, Short, Torn, at_random, on_blocks, since
from zram_impl.pages.page_io import Pages
from zram_impl.table.block_map import NextFit
from zram_impl.table.slot_table import SlotTable

SECONDS = 0.3
READ_PAGE = Pages.read_page


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of few pages, whose files are seen."""
    monkeypatch.setattr(free_threads, "PAGES", 600)
    monkeypatch.setattr(free_threads, "BLOCKS", 400)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_run_has_no_problems_and_leaves_nothing(small: Path) -> None:
    before, said = set(threading.enumerate()), list[str]()
    account = free_threads.run(SECONDS, said.append)
    assert account.problems == ()
    assert min(account.passes, account.result.selected, account.writes, account.reads) > 0
    assert (set(threading.enumerate()), list(small.iterdir())) == (before, [])
    assert said[0].startswith("1 passes, ")


def test_pages_may_be_written_back_compressed() -> None:
    assert free_threads.run(SECONDS, seed=1).problems == ()


def early(operation: Operation) -> bool:
    """The first write, and some of the others."""
    return operation.kind == "write" and (operation.number == 0 or often(operation))


often = at_random(0.3, seed=1)
FAULTS: dict[str, free_threads.Surround] = {
    "bad blocks": lambda device: Failing(device, on_blocks(range(0, 400, 7), kind="write")),
    "some fail": lambda device: Failing(device, early),
    "breaks": lambda device: Failing(device, since(1, kind="write"), code=errno.ENODEV),
    "short": lambda device: Short(device, early),
    "torn": lambda device: Torn(device, early),
    "full": lambda device: Full(device, 3),
    "reordered": lambda device: Reordering(Failing(device, early), on_blocks(range(400)), patience=1e-4),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_write_fails_under_its_users_nothing_is_lost(fault: str) -> None:
    made: list[BackingDevice] = []

    def surround(device: BackingDevice) -> BackingDevice:
        made.append(FAULTS[fault](device))
        return made[0]

    assert free_threads.run(SECONDS, surround=surround).problems == ()
    assert isinstance(made[0], Filter)
    assert made[0].selected


@pytest.mark.parametrize(
    ("where", "name", "broken", "complaint"),
    [
        (Pages, "read_page", lambda *read: bytes(len(READ_PAGE(*read))), "does not read back what"),
        (Pages, "_decode", lambda *_: b"not a page".ljust(PAGE_SIZE), "returned a page stamped None"),
        (SlotTable, "release_claim", lambda *_: None, "is still claimed"),
        (NextFit, "release", lambda *_: None, "blocks in use"),
        (Pages, "free_pages", lambda self, lo, _hi: self.page(lo), "AttributeError: 'Pages' object has no attribute"),
    ],
)
def test_what_is_wrong_with_the_device_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, where: type, name: str, broken: object, complaint: str
) -> None:
    monkeypatch.setattr(where, name, broken)
    problems = free_threads.run(SECONDS).problems
    assert any(complaint in problem for problem in problems), problems


def test_a_counter_that_does_not_count_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    replace = SlotTable.replace

    def uncounted(self: SlotTable, index: int, entry: bytes | int | None) -> object:
        before = self.pages_stored
        freed = replace(self, index, entry)
        self.pages_stored = before
        return freed

    monkeypatch.setattr(SlotTable, "replace", uncounted)
    assert any(problem.startswith("pages_stored 0, a recount gives ") for problem in free_threads.run(SECONDS).problems)


def test_a_thread_that_stays_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    gone, left = threading.Event(), list[threading.Thread]()

    def leaving_one(*_: object, **_more: object) -> free_threads.ThreadsAccount:
        left.append(threading.Thread(target=gone.wait, name="straggler"))
        left[0].start()
        return free_threads.ThreadsAccount(0.0, 0, WritebackResult(), 0, 0, 0, ())

    monkeypatch.setattr(free_threads, "_run", leaving_one)
    assert free_threads.run(SECONDS).problems == ("thread straggler is still running",)
    gone.set()
    left[0].join()
