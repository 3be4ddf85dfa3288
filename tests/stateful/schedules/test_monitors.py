"""Each monitor notices what it is there for."""

import pytest

from stateful.schedules import harness as stages
from stateful.schedules import program as programs
from stateful.schedules.memory_device import BlocksInMemory, NumberedFaults
from stateful.schedules.monitors import Freed
from stateful.schedules.page_oracle import ExpectedPages, overwrite
from stateful.schedules.program import OpFootprint, OpKind, on, program
from stateful.schedules.run import execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.seam.blocks import GARBAGE
from zram_impl import PAGE_SIZE
from zram_impl.engine.request import WbReq
from zram_impl.passes.writeback import WritebackPass

PAGE = memoryview(b"p" * PAGE_SIZE)


def memory(faults: NumberedFaults | None = None) -> BlocksInMemory:
    return BlocksInMemory(3, faults or NumberedFaults(), lambda _where: None)


def test_a_write_to_a_block_that_is_nobodys_is_noticed() -> None:
    blocks = memory()
    blocks.in_use = lambda block: block != 1
    assert blocks.write(0, [PAGE]) == PAGE_SIZE
    with pytest.raises(AssertionError, match="nothing_is_released_before_it_completed: block 1"):
        blocks.write(0, [PAGE, PAGE])


def test_a_block_released_while_it_is_written_is_noticed() -> None:
    owned = [True]
    blocks = BlocksInMemory(1, NumberedFaults(), lambda _where: owned.clear())
    blocks.in_use = lambda _block: bool(owned)
    with pytest.raises(AssertionError, match="released in flight"):
        blocks.write(0, [PAGE])


def test_two_writes_of_a_block_at_the_same_time_are_noticed() -> None:
    def again(_where: str) -> None:
        blocks.write(0, [PAGE])

    blocks = BlocksInMemory(1, NumberedFaults(), again)
    with pytest.raises(AssertionError, match="one_write_at_a_time"):
        blocks.write(0, [PAGE])


def test_a_failed_write_leaves_garbage_a_torn_one_half_a_page() -> None:
    blocks = memory(NumberedFaults(writes=frozenset({1}), short=frozenset({2})))
    with pytest.raises(OSError, match="was to fail"):
        blocks.write(0, [PAGE, PAGE])
    assert [blocks.block(0), blocks.block(1)] == [bytes(PAGE), GARBAGE]
    assert blocks.write(2, [PAGE]) == PAGE_SIZE // 2
    assert blocks.block(2) == bytes(PAGE[: PAGE_SIZE // 2]) + GARBAGE[PAGE_SIZE // 2 :]


def test_a_read_that_returns_what_the_page_never_was_is_noticed() -> None:
    pages = ExpectedPages(1)
    pages.intend("a task", 0, overwrite(bytes(PAGE)))
    pages.read("another", 0, lambda _page: bytes(PAGE_SIZE))
    with pytest.raises(AssertionError, match="a_read_ends_with_a_value_the_page_held"):
        pages.read("another", 0, lambda _page: bytes(PAGE))
    pages.happened("a task", 0)
    pages.read("another", 0, lambda _page: bytes(PAGE))


def test_a_freed_request_can_be_neither_read_nor_written() -> None:
    req = WbReq(0, PAGE)
    req.__class__ = Freed
    with pytest.raises(AssertionError, match="nobody_touches_a_freed_control_block: page of"):
        _ = req.page
    with pytest.raises(AssertionError, match="nobody_touches_a_freed_control_block: error of"):
        req.error = 5


def test_a_result_that_does_not_add_up_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "_accounted", lambda result: (result.selected, result.selected - 1))
    assert execute(program([OpKind.WRITEBACK])).found == "the_result_adds_up"


def test_an_undeclared_footprint_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(programs.FOOTPRINTS, OpKind.STORE_LIMIT, OpFootprint(frozenset(), takes=True))
    programs.shared.cache_clear()
    played = execute(program([OpKind.WRITEBACK], [on(OpKind.STORE_LIMIT, 1)]))
    programs.shared.cache_clear()
    assert str(played.error).startswith("declared_footprints: table is touched by lane")


def test_a_change_that_nobody_reports_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    skip = WritebackPass._scan

    def also_forgets(self: WritebackPass, actions: int) -> None:
        skip(self, actions)
        self._shared.table.pages_stored += 1

    monkeypatch.setattr(WritebackPass, "_scan", also_forgets)
    played = execute(SCENARIOS["pass and write"])
    assert played.found == "counters_equal_a_recount"
    assert "counts is 3 stored" in str(played.error)
