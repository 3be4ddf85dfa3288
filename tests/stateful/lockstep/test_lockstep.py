"""Runs by hand: what becomes of a page, of the blocks and of the account, whatever happens in between."""

from pathlib import Path

import pytest

from spec.model.state import Reader
from spec.scope import Scope
from stateful.lockstep.divergence import Divergence
from stateful.lockstep.lockstep import BY_NAME, Lockstep
from stateful.lockstep.stepped_engine import Io
from tests.stateful.lockstep.playing import ANSWERED, BACKED, ERROR, IN_FLIGHT, OK, ONE, kinds, led, lockstep, play
from zram_impl import WritebackResult
from zram_impl.passes.base import PassProgress

CLAIMED = "write(0, 0) begin_pass() scan(0) end_scan() "
TWO = Scope(slots=3, blocks=2, requests=2, limit=-1, stores=1, readers=2)
FAILED = [(0, 5)]


def until_waiting(both: Lockstep) -> None:
    """Write pages 0 and 1, and lead a pass over both to where it waits for answers."""
    play(both, "write(0, 0) write(1, 0)")
    both.begin(None, [0, 1])
    while both.advance() is not PassProgress.WAIT:
        pass


@pytest.mark.parametrize(
    ("program", "pages", "result"),
    [
        (f"{OK}", "W.", WritebackResult(selected=1, written=1)),
        (f"{ERROR}", "S.", WritebackResult(selected=1, failed=1, errors=FAILED)),
        (f"write(0, 1) {OK}", "S.", WritebackResult(selected=1, lost=1)),
        (f"write_same(0) {OK}", "s.", WritebackResult(selected=1, lost=1)),
        (f"discard(0) {OK}", "..", WritebackResult(selected=1, lost=1)),
        (f"read(0) {OK}", "S.", WritebackResult(selected=1, lost=1)),
        (f"read(0) {ERROR}", "S.", WritebackResult(selected=1, failed=1, errors=FAILED)),
        (f"discard(0) {ERROR}", "..", WritebackResult(selected=1, failed=1, errors=FAILED)),
        (f"device_ok(0) write(0, 0) {ANSWERED}", "S.", WritebackResult(selected=1, lost=1)),
        (f"device_ok(0) {ANSWERED} discard(0) write(0, 0)", "S.", WritebackResult(selected=1, lost=1)),
        (f"mark_idle(0) {OK}", "W.", WritebackResult(selected=1, written=1)),
        (f"write(1, 0) {OK}", "WS", WritebackResult(selected=1, written=1)),
        (f"refuse_pass() {OK}", "W.", WritebackResult(selected=1, written=1)),
    ],
)
def test_what_becomes_of_a_page_in_flight(program: str, pages: str, result: WritebackResult) -> None:
    with led(f"{IN_FLIGHT} {program} reap(0) end_pass()") as both:
        assert (kinds(both), both.subject.result) == (pages, result)
        assert list(both.subject.device.snapshot().blocks) == [pages.count("W")]


@pytest.mark.parametrize(
    ("touch", "pages"), [("write(0, 0)", "S."), ("write_same(0)", "s."), ("discard(0)", ".."), ("read(0)", "S.")]
)
@pytest.mark.parametrize(
    ("taken", "dropped"),
    [("", ""), ("take_request(0)", "drop_held()"), ("take_request(0) reserve_block(0)", "drop_held()")],
)
def test_a_page_touched_before_its_submission_is_skipped(touch: str, pages: str, taken: str, dropped: str) -> None:
    with led(f"{CLAIMED} {taken} {touch} skip(0) {dropped} end_pass()") as both:
        assert (kinds(both), both.subject.result) == (pages, WritebackResult(selected=1, skipped=1))


@pytest.mark.parametrize("taken", ["", "take_request(0)", "take_request(0) reserve_block(0)"])
def test_a_cancelled_pass_gives_up_what_it_has_not_submitted(taken: str) -> None:
    with led(f"{CLAIMED} {taken} give_up(0) {'drop_held()' if taken else ''} end_pass()") as both:
        assert (kinds(both), both.subject.result) == ("S.", WritebackResult(selected=1, left=1, stopped_by="cancelled"))


def test_a_cancelled_scan_selects_nothing_more() -> None:
    with led("write(0, 0) write(1, 0)") as both:
        both.begin(None, [0, 1])
        both.advance()
        both.cancel()
        both.reach_quiescence()
        assert both.steps[3:] == ["scan(0)", "end_scan()", "give_up(0)", "end_pass()"]
        assert both.subject.result == WritebackResult(selected=1, left=1, stopped_by="cancelled")


def test_a_used_up_budget_ends_a_pass_without_refunds() -> None:
    with lockstep(TWO._replace(limit=1)) as both:
        until_waiting(both)
        both.reach_quiescence()
        assert both.subject.result == WritebackResult(selected=2, written=1, left=1, stopped_by="limit")
        assert both.steps[-3:] == ["reap(0)", "give_up(0)", "end_pass()"]


def test_a_failed_write_gives_its_budget_to_the_next_page() -> None:
    with lockstep(TWO._replace(limit=1)) as both:
        until_waiting(both)
        both.answer(both.in_flight()[0], failing=True)
        both.reach_quiescence()
        assert both.subject.result == WritebackResult(selected=2, written=1, failed=1, errors=[(1, 5)])


@pytest.mark.parametrize(("touch", "limit"), [("store_limit(0)", 0), ("toggle_limit()", 1)], ids=["new", "off"])
def test_a_refund_goes_to_the_limit_it_was_charged_to(touch: str, limit: int) -> None:
    with led(f"{IN_FLIGHT} {touch} {ERROR} reap(0) end_pass()", ONE._replace(limit=1)) as both:
        assert (both.subject.device.writeback_limit, kinds(both)) == (limit, "S.")


def test_a_full_device_ends_a_pass_with_what_is_left_in_memory() -> None:
    with led(f"{BACKED} write(1, 0) begin_pass() scan(1) end_scan() take_request(0)") as both:
        play(both, "give_up(1) drop_held() end_pass()")
        assert (kinds(both), both.subject.result) == ("WS", WritebackResult(selected=1, left=1, stopped_by="no_space"))


def test_two_requests_are_reaped_in_the_order_of_their_answers() -> None:
    with lockstep(TWO) as both:
        until_waiting(both)
        first, second = both.in_flight()
        both.answer(second, failing=True)
        both.answer(first, failing=True)
        both.reach_quiescence()
        assert [step for step in both.steps if step.startswith("reap")] == ["reap(1)", "reap(0)"]
        assert both.subject.result == WritebackResult(selected=2, failed=2, errors=[(0, 5), (1, 5)])


def test_a_page_that_is_named_twice_is_selected_once() -> None:
    with led("write(0, 0)") as both:
        both.begin(None, [0, 0])
        both.reach_quiescence()
        assert both.subject.result == WritebackResult(selected=1, written=1)


@pytest.mark.parametrize(("mode", "selected"), [("huge", ["scan(1)"]), ("idle", ["scan(0)"]), ("huge_idle", [])])
def test_a_mode_selects_the_pages_it_names(mode: str, selected: list[str]) -> None:
    with led("write(0, 0) mark_idle(0) write(1, 1)") as both:
        both.begin(mode, None)
        both.reach_quiescence()
        assert [step for step in both.steps if step.startswith("scan")] == selected


def test_a_read_takes_the_idle_mark_and_the_claim_off() -> None:
    with led("write(0, 0) mark_idle(0)") as both:
        both.begin("idle", None)
        both.advance()
        play(both, "read(0)")
        assert (both.state.slots[0].idle, kinds(both)) == (0, "S.")


def test_a_reset_at_rest_forgets_everything() -> None:
    with led(f"{BACKED} reset()") as both:
        assert (kinds(both), both.account.bd_writes, both.subject.device.stats.bd) == ("..", 0, (0, 0, 0))


@pytest.mark.parametrize("begun", [CLAIMED, f"{CLAIMED} take_request(0) reserve_block(0)", IN_FLIGHT])
def test_a_reset_ends_a_running_pass_first(begun: str) -> None:
    with led(f"{begun} reset()") as both:
        assert (both.steps[-2:], kinds(both), both.running) == (["end_pass()", "reset()"], "..", False)


# --- reads of written-back pages -----------------------------------------------------------------------------------


def test_a_written_back_page_is_read_back() -> None:
    with led(f"{BACKED} read_begin(0, 0) read_answer(0) read_end(0)") as both:
        assert both.state.readers == (Reader(),)


@pytest.mark.parametrize("touch", ["write(0, 0)", "write_same(0)", "discard(0)"])
@pytest.mark.parametrize("answered", [False, True], ids=["before the answer", "after the answer"])
def test_a_read_whose_page_was_replaced_returns_the_new_one(touch: str, *, answered: bool) -> None:
    steps = ["read_answer(0)", touch] if answered else [touch, "read_answer(0)"]
    with led(f"{BACKED} read_begin(0, 0) {' '.join(steps)} read_retry(0)") as both:
        assert both.subject.readers == {}


def test_a_read_of_a_reused_block_returns_no_other_page() -> None:
    with led(f"{BACKED} read_begin(0, 0) discard(0)") as both:
        play(both, "write(1, 0) begin_pass() scan(1) end_scan() take_request(0) reserve_block(0) submit(1, 0)")
        play(both, f"{OK} reap(0) end_pass() read_answer(0) read_retry(0)")
        assert (kinds(both), both.subject.readers) == (".W", {})


def test_a_read_whose_page_was_written_back_again_begins_again() -> None:
    with led(f"{BACKED} read_begin(0, 0) read_answer(0) {IN_FLIGHT} {OK} reap(0) end_pass()") as both:
        both.do("read_retry", 0)
        assert both.steps[-2:] == ["read_retry(0)", "read_begin(0, 0)"]
        play(both, "read_answer(0) read_end(0)")
        assert both.subject.readers == {}


def test_two_reads_of_one_page_are_under_way_at_a_time() -> None:
    with led(f"{BACKED} read_begin(0, 0) read_begin(0, 1) read_answer(1) read_end(1) read_answer(0)", TWO) as both:
        assert both.reading() == [("read_end", 0)]


# --- the lockstep itself -------------------------------------------------------------------------------------------


def test_closing_leads_a_running_pass_to_its_end() -> None:
    with led(IN_FLIGHT) as both:
        both.close()
        assert (both.steps[-2:], kinds(both)) == (["reap(0)", "end_pass()"], "W.")


def test_nothing_is_left_on_disk() -> None:
    with lockstep() as both:
        folder = Path(both.subject.gates.name).parent
        play(both, f"{BACKED} read_begin(0, 0)")
        assert folder.exists()
    assert not folder.exists()


def test_a_request_is_answered_from_wherever_it_is() -> None:
    with led(f"{IN_FLIGHT} device_ok(0) endio_queue(0)") as both:
        (req,) = both.in_flight()
        both.answer(req, failing=True)
        assert both.subject.engine is not None
        assert (both.subject.engine.io[req], both.steps[-1]) == (Io.LEFT, "endio_leave(0)")


@pytest.mark.parametrize(
    ("name", "scope", "possible"),
    [
        ("mark_idle", ONE, [(0,)]),
        ("mark_idle", ONE._replace(idle=0), []),
        ("write", ONE, [(0, 0), (0, 1), (1, 0), (1, 1)]),
        ("toggle_limit", ONE, [()]),
        ("reset", ONE, [()]),
        ("device_ok", ONE, []),
    ],
)
def test_what_is_possible_is_what_scope_and_specification_allow(
    name: str, scope: Scope, possible: list[tuple[int, ...]]
) -> None:
    with led("write(0, 0)", scope) as both:
        assert both.enabled(BY_NAME[name]) == possible


def test_a_step_the_specification_does_not_allow_is_a_difference() -> None:
    with led("write_same(0)") as both:
        both.subject.observe("mark_idle", 0)
        with pytest.raises(Divergence, match="the specification does not allow mark_idle") as caught:
            both.do("write_same", 1)
    assert (caught.value.name, caught.value.steps) == ("allowed_step", ("write_same(0)", "mark_idle(0)"))
