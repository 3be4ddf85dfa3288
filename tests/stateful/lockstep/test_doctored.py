"""A device that is broken by hand is seen to be broken, each time by the property it breaks."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from errno import EIO

import pytest

from stateful.lockstep.divergence import Divergence
from stateful.lockstep.stepped_engine import SteppedEngine
from tests.stateful.lockstep.playing import BACKED, ERROR, IN_FLIGHT, OK, ONE, difference, kinds, led
from tests.stateful.mistakes import Mistake, around, instead_of, replacing
from zram_impl import PAGE_SIZE, decisions
from zram_impl.device.lifecycle import Lifecycle
from zram_impl.device.passes import Passes
from zram_impl.engine.request import WbReq
from zram_impl.errors import refuse
from zram_impl.pages.page_io import Pages
from zram_impl.parsing.writeback_args import Scan
from zram_impl.passes.pp_buckets import PpBuckets
from zram_impl.passes.scan import Cursor
from zram_impl.passes.writeback import WritebackPass
from zram_impl.table import entries
from zram_impl.table.block_map import USED, NextFit
from zram_impl.table.budget import Budget
from zram_impl.table.shared import Shared
from zram_impl.table.slot_table import SlotTable
from zram_impl.units import BlkIdx

REAPED = f"{IN_FLIGHT} {OK} reap(0)"
LIMITED = ONE._replace(limit=2)


OBSERVE = WritebackPass._observe
BEGIN = Passes.begin_writeback


@around(SlotTable, "replace")
def keeping_the_claim(self: SlotTable, index: int, _entry: entries.Entry) -> Iterator[None]:
    flags = self.flags[index]
    yield
    self.flags[index] = flags


@around(SlotTable, "replace")
def keeping_blocks(self: SlotTable, index: int, _entry: entries.Entry) -> Iterator[None]:
    old = self.entries[index]
    yield
    if type(old) is entries.Backed:
        self.blocks.map[old.blk_idx] = USED
        self.blocks.used += 1


@around(SlotTable, "replace")
def counting_nothing(self: SlotTable, _index: int, _entry: entries.Entry) -> Iterator[None]:
    before = self.pages_stored
    yield
    self.pages_stored = before


@around(SlotTable, "commit")
def miscounting_bytes(self: SlotTable, _written: Iterable[tuple[int, BlkIdx, int]]) -> Iterator[None]:
    before = self.compr_data_size
    yield
    self.compr_data_size = before


@instead_of(Pages, "_read_back")
def reading_what_is_on_the_block(self: Pages, index: int, entry: entries.Backed, _reader: int | None) -> bytes:
    assert self.backing is not None, f"page {index} is written back"
    return self.reads.read(self.backing, entry.blk_idx)


@instead_of(Pages, "_read_back")
def failing_to_read(_self: Pages, index: int, entry: entries.Backed, _reader: int | None) -> bytes:
    raise refuse(EIO, f"page {index} on block {entry.blk_idx}")


def scanning(instead: Callable[[Sequence[Scan]], Sequence[Scan]]) -> Mistake:
    init = Cursor.__init__

    def broken(self: Cursor, scans: Sequence[Scan], *, queue_twice: bool) -> None:
        init(self, instead(scans), queue_twice=queue_twice)

    return replacing(Cursor, "__init__", broken)


@around(Passes, "begin_writeback")
def writing_another_page(
    self: Passes, _scans: list[Scan], _batch_size: int, *, largest_first: bool = True
) -> Iterator[None]:
    del largest_first
    self.pages.shared.decode, self.pages.shared.unpack_into = lambda _stored: bytes(PAGE_SIZE), None
    yield


@around(WritebackPass, "_complete")
def not_counting_what_is_lost(self: WritebackPass, _reqs: Sequence[WbReq]) -> Iterator[None]:
    yield
    self.result.lost = 0


@instead_of(Passes, "begin_writeback")
def beginning_a_second_pass(
    self: Passes, scans: list[Scan], batch_size: int, *, largest_first: bool = True
) -> WritebackPass | None:
    running = self.running
    return (
        running if isinstance(running, WritebackPass) else BEGIN(self, scans, batch_size, largest_first=largest_first)
    )


@instead_of(WritebackPass, "_observe")
def saying_another_block(self: WritebackPass, kind: str, *args: int) -> None:
    OBSERVE(self, kind, *args[:2], *(block + 1 for block in args[2:]))


def taking_all_steps_at_once(patch: pytest.MonkeyPatch) -> None:
    advance = WritebackPass.advance
    patch.setattr(WritebackPass, "advance", lambda self, _actions=0: advance(self))


def counting_no_blocks_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Shared, "bd_writes", property(lambda _self: 0, lambda _self, _value: None), raising=False)


def saying_nothing_of(kind: str) -> Mistake:
    def quiet(self: WritebackPass, what: str, *args: int) -> None:
        if what != kind:
            OBSERVE(self, what, *args)

    return replacing(WritebackPass, "_observe", quiet)


@pytest.mark.parametrize(
    ("broken", "program", "found"),
    [
        # what users do
        (keeping_the_claim, f"{IN_FLIGHT} write(0, 0)", "a_kept_claim_means_unchanged_content"),
        (counting_nothing, "write(0, 0)", "counters_equal_a_recount"),
        (replacing(SlotTable, "accessed", lambda *_: None), f"{IN_FLIGHT} read(0)", "same_state"),
        (
            replacing(Pages, "_note_access", lambda _self, _index, entry: (entry, None)),
            f"{IN_FLIGHT} read(0)",
            "reported_step",
        ),
        (replacing(Pages, "read_page", lambda *_: bytes(PAGE_SIZE)), "write(0, 0) read(0)", "pages_read_back"),
        (replacing(Pages, "write_page", lambda *_: None), "write(0, 0)", "reported_step"),
        (replacing(Pages, "free_pages", lambda *_: None), "write(0, 0) discard(0)", "reported_step"),
        (replacing(Pages, "mark_idle", lambda *_: None), "write(0, 0) mark_idle(0)", "reported_step"),
        (replacing(Lifecycle, "reset", lambda *_: None), "reset()", "nothing_is_raised"),
        (replacing(Lifecycle, "enable_limit", lambda *_, **__: None), "toggle_limit()", "reported_step"),
        (beginning_a_second_pass, f"{IN_FLIGHT} refuse_pass()", "a_refusal_changes_nothing"),
        # what a read of a written-back page returns
        (failing_to_read, REAPED, "pages_read_back"),
        (
            reading_what_is_on_the_block,
            f"{BACKED} read_begin(0, 0) discard(0) write(1, 0) begin_pass() scan(1) end_scan() take_request(0)"
            f" reserve_block(0) submit(1, 0) {OK} reap(0) end_pass() read_answer(0) read_retry(0)",
            "a_read_ends_with_a_value_the_page_held",
        ),
        # blocks and budget
        (keeping_blocks, f"{BACKED} discard(0)", "every_block_has_one_owner"),
        (replacing(NextFit, "release", lambda *_: None), f"{IN_FLIGHT} {ERROR} reap(0)", "counters_equal_a_recount"),
        (replacing(NextFit, "reserve", lambda *_: None), IN_FLIGHT, "a_pass_gives_up_for_a_reason"),
        (replacing(NextFit, "reserve", lambda *_: BlkIdx(0)), IN_FLIGHT, "every_block_has_one_owner"),
        (replacing(Budget, "charge", lambda self, _blocks: self.grant), IN_FLIGHT, "the_budget_is_conserved"),
        (replacing(Budget, "refund", lambda *_: None), f"{IN_FLIGHT} {ERROR} reap(0)", "the_budget_is_conserved"),
        (
            lambda patch: patch.setattr(decisions, "refund", lambda limit, _grant, _charged: limit + 1),
            f"{IN_FLIGHT} store_limit(0) {ERROR} reap(0)",
            "the_budget_is_conserved",
        ),
        # the pass
        (
            scanning(lambda scans: [scan for scan in scans if scan.lo != 0]),
            "write(0, 0) begin_pass() scan(0)",
            "the_scan_selects_what_was_asked",
        ),
        (
            scanning(lambda scans: scans[::-1]),
            "write(0, 0) write(1, 0) begin_pass() scan(0) scan(1)",
            "the_scan_selects_what_was_asked",
        ),
        (writing_another_page, IN_FLIGHT, "a_kept_claim_means_unchanged_content"),
        (miscounting_bytes, REAPED, "statistics_equal_a_recount"),
        (not_counting_what_is_lost, f"{IN_FLIGHT} write(0, 0) {OK} reap(0)", "the_result_is_what_happened"),
        (replacing(PpBuckets, "detach", lambda *_: None), IN_FLIGHT, "every_pp_slot_is_owned_once"),
        (replacing(SteppedEngine, "release", lambda *_: None), BACKED, "nothing_remains_at_rest"),
        (replacing(SteppedEngine, "submit", lambda *_: None), IN_FLIGHT, "the_device_works_for_requests_in_flight"),
        (taking_all_steps_at_once, "write(0, 0) begin_pass() scan(0)", "one_step_at_a_time"),
        (saying_nothing_of("end_scan"), "begin_pass() end_scan()", "same_state"),
        (saying_nothing_of("end_pass"), BACKED, "same_state"),
        (saying_another_block, IN_FLIGHT, "reported_step"),
        (counting_no_blocks_written, REAPED, "statistics_equal_a_recount"),
    ],
)
def test_a_broken_device_is_seen_to_be_broken(
    monkeypatch: pytest.MonkeyPatch, broken: Mistake, program: str, found: str
) -> None:
    broken(monkeypatch)
    assert difference(program, LIMITED) == found


def test_a_whole_device_runs_the_programs_without_divergence() -> None:
    left = []
    for program in (f"{IN_FLIGHT} read(0)", f"{IN_FLIGHT} store_limit(0) {ERROR} reap(0)", f"{BACKED} discard(0)"):
        with led(program, LIMITED) as both:
            left.append(kinds(both))
    assert left == ["S.", "S.", ".."]


@pytest.mark.parametrize("limit", [1, -1], ids=["no budget", "no block"])
def test_a_pass_that_does_not_wait_for_refunds_is_seen(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(WritebackPass, "_may_get_more", lambda _self: False)
    with led("write(0, 0) write(1, 0)", ONE._replace(requests=2, limit=limit)) as both:
        both.begin(None, [0, 1])
        with pytest.raises(Divergence) as caught:
            both.reach_quiescence()
    assert caught.value.name == "a_pass_gives_up_for_a_reason"


def test_a_read_that_fails_is_seen_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    read_back = Pages._read_back

    def failing_when_it_counts(self: Pages, index: int, entry: entries.Backed, _reader: int | None) -> bytes:
        page = read_back(self, index, entry)
        if threading.current_thread().name.startswith("read of"):
            raise refuse(EIO, "this one fails")
        return page

    monkeypatch.setattr(Pages, "_read_back", failing_when_it_counts)
    assert difference(f"{BACKED} read_begin(0, 0) read_answer(0) read_end(0)") == "a_read_ends"
