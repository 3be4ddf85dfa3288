"""Readers that return what they must not: the histories of users who share pages show it."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from stateful.bugs.seeded import by_name
from stateful.common.stamped_pages import same_filled, stamped
from stateful.stress.operation import FOREIGN, ZERO, of_another_page
from stateful.stress.recorder import Sharer, judge, together, value_of
from zram_impl import PAGE_SIZE, Zram
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.faults import Gated
from zram_impl.pages.page_io import Pages
from zram_impl.table.entries import Backed

PATIENCE = 20.0


def never() -> bool:
    return False


def test_a_value_says_who_wrote_it() -> None:
    assert value_of(bytes(PAGE_SIZE), 3) == ZERO
    assert value_of(stamped(3, 70), 3) == value_of(stamped(3, 70, huge=True), 3) == value_of(same_filled(70), 3) == 70
    assert value_of(b"x" + bytes(PAGE_SIZE - 1), 3) == FOREIGN
    assert value_of(stamped(4, 70), 3) == of_another_page(4) != FOREIGN


def reuse_under_a_read() -> list[str]:
    """A written-back page is read; before the device answers, it is freed and its block gets another page."""
    backing = Gated(MemoryDevice(1), lambda operation: operation.kind == "read")
    with Zram.create(2 * PAGE_SIZE, backing=backing) as dev:
        writer, reader = (Sharer(dev, number, range(2), never) for number in range(2))
        writer.write(0)
        writer.write(1)
        dev.writeback(pages=[0])
        backing.hold()
        reading = threading.Thread(target=reader.read, args=(0,))
        reading.start()
        assert backing.wait_for(1, PATIENCE)
        writer.discard(0)
        dev.writeback(pages=[1])
        backing.open()
        reading.join(PATIENCE)
        return judge(together([writer, reader]))


def test_a_read_that_looks_again_is_explained() -> None:
    assert reuse_under_a_read() == []


def test_a_read_that_returns_another_pages_bytes_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_looking_again(self: Pages, _index: int, entry: Backed, _reader: int | None = None) -> bytes:
        assert self.backing is not None
        return self.reads.read(self.backing, entry.blk_idx)

    monkeypatch.setattr(Pages, "_read_back", without_looking_again)
    (problem,) = reuse_under_a_read()
    assert problem.startswith("no order explains what was read from page 0:\n")
    assert problem.count("read bytes of page 1") == 1
    assert problem.count("write") == 0


Read = Callable[[Pages, int], bytes]


def remembering(read: Read) -> Read:
    """Break reading: what a page was once is returned again and again."""
    seen: dict[int, bytes] = {}

    def stale(self: Pages, index: int) -> bytes:
        return seen.setdefault(index, read(self, index))

    return stale


def use(sharers: list[Sharer], operations: int) -> list[str]:
    """Let sharers work in threads, so many operations each."""
    threads = []
    for sharer in sharers:
        left = iter(range(operations))
        sharer._stop = partial(lambda left: next(left, None) is None, left)
        threads.append(sharer.thread)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [problem for sharer in sharers for problem in sharer.problems] == []
    assert sum(sharer.operations for sharer in sharers) == operations * len(sharers)
    return judge(together(sharers))


def test_a_read_of_a_stale_page_is_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pages, "read_page", remembering(Pages.read_page))
    with Zram.create(4 * PAGE_SIZE) as dev:
        problems = use([Sharer(dev, number, range(4), never) for number in range(2)], 200)
    assert problems
    assert min(problem.count("\n") for problem in problems) <= 5


def test_users_of_a_sound_device_are_explained() -> None:
    with Zram.create(4 * PAGE_SIZE) as dev:
        assert use([Sharer(dev, number, range(4), never) for number in range(3)], 1000) == []


def test_a_pass_that_writes_the_wrong_page_is_not_explained() -> None:
    """The one seeded bug that a trace cannot show: its events are right, its bytes are not."""
    with by_name("unassigned_index").applied(), Zram.create(4 * PAGE_SIZE, backing=MemoryDevice(4)) as dev:
        sharer = Sharer(dev, 0, range(4), never)
        for page in range(4):
            sharer.write(page)
        dev.writeback(pages=range(4))
        for page in range(4):
            sharer.read(page)
        problems = judge(together([sharer]))
    assert len(problems) == 3


def test_what_goes_wrong_in_a_user_is_a_problem() -> None:
    with Zram.create(PAGE_SIZE) as dev:
        sharer = Sharer(dev, 0, range(7, 8), never)
        sharer.thread.start()
        sharer.thread.join(PATIENCE)
    assert len(sharer.problems) == 1
    assert "page must be 0 to 0, got 7" in sharer.problems[0] or "EINVAL" in sharer.problems[0]
