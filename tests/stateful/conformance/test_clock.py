"""Time of an operation, as far as a recording says so."""

import pytest

from stateful.conformance.clock import FirstLook, Times, looks_after, times_of
from stateful.conformance.fields import Json
from stateful.conformance.operations import Discard, Join, Operation, Read, Sleep, Store, Zeroout
from stateful.conformance.schema import Expected, RecordedAnswer, State

BEFORE: State = {"clk": 9.9, "bs": {"0": "......", "1": "..h...", "2": ".wh...", "3": "s....."}}
OLD: dict[str, Json] = {"0": 6, "1": 8, "2": 1, "3": 1}


def times(operation: Operation, after: State, *, before: State | None = None, since: int = 0) -> Times:
    then: State = {"ts": OLD}
    return times_of(operation, BEFORE | then | (before or {}), then | after, since)


def test_within_one_second_there_is_nothing_to_choose() -> None:
    assert times(Read(0, 1), {"clk": 11.2}, before={"clk": 12.1}, since=11) == Times(11, {})
    assert times(Read(0, 1), {"clk": 9.95, "ts": {"0": 9}}, since=9) == Times(9, {0: 9})


def test_pages_say_when_they_were_accessed() -> None:
    """Recording ze_dsz_lz4: a page was written in a second that the clock, read before, had left."""
    after: State = {"clk": 10.01, "ts": {**OLD, "0": 9, "1": 10}}
    assert times(Read(0, 2), after) == Times(8, {0: 9, 1: 10})
    assert times(Read(0, 2), after, since=9) == Times(9, {0: 9, 1: 10})
    assert times(Read(0, 2), {**after, "ts": {**OLD, "0": 11}}).accessed == {1: 8}, "no second that is still to come"


def test_without_a_trace_the_earliest_second_is_taken() -> None:
    assert times(Sleep(1), {"clk": 12.0}).second == 8
    assert times(Sleep(1), {"clk": 12.0}, since=10).second == 10


@pytest.mark.parametrize(("marked", "second"), [({"0"}, 9), ({"0", "1"}, 11), (set(), 8), ({"1"}, 8)])
def test_idle_marks_say_when_an_age_was_stored(marked: set[str], second: int) -> None:
    marks: dict[str, Json] = {
        "0": "...i.." if "0" in marked else "......",
        "1": "..hi.." if "1" in marked else "..h...",
    }
    assert times(Store("idle", "2"), {"clk": 11.0, "bs": marks, "ts": OLD}).second == second


@pytest.mark.parametrize(("text", "init", "second"), [("1", 0, 2), ("2", 0, 1), ("all", 0, 1), ("1", 1, 1)])
def test_refused_age_was_below_the_uptime(text: str, init: int, second: int) -> None:
    """A machine that was up for 2.94 s refused age 1, for want of pages: the driver's clock said 2, not 1."""
    before: State = {"clk": 2.94, "init": init}
    after: State = {"clk": 2.941, "init": init}
    assert times_of(Store("idle", text), before, after, 0, refused=True).second == second
    assert times_of(Store("idle", text), before, after, 0).second == 1


@pytest.mark.parametrize("text", ["all", "x", "100000"])
def test_other_texts_to_idle_say_nothing(text: str) -> None:
    assert times(Store("idle", text), {"clk": 11.0, "bs": {"0": "...i.."}}).second == 8


def test_a_state_without_a_clock_is_one_of_no_time() -> None:
    assert times_of(Sleep(1), {}, {}, 0) == Times(0, {})


def test_what_happens_behind_a_gate_is_dated_by_the_next_look() -> None:
    """While a pass waits nobody looks, and accesses were dated by the last look: ages were seconds too long.

    Recording gate_ages: the driver was right. A page that is used again later says nothing of its first use.
    """
    seen: State = {"clk": 14.0}
    done, refused = RecordedAnswer(0), RecordedAnswer(-1, "EINVAL")
    operations: list[Operation] = [Read(0, 2), Discard(4096, 4096), Zeroout(1 << 62, 1 << 62), Read(0, 1), Join()]
    answers = [Expected(done, None)] * 3 + [Expected(refused, None), Expected(done, seen)]
    looks = looks_after([*operations, Read(7, 1)], [*answers, Expected(done, None)])
    assert [look.state for look in looks] == [*[seen] * 5, {}]
    again = [{page for page in range(8) if any(page in others for others in look.again)} for look in looks]
    assert again == [{1}, *[set()] * 5]


def test_no_operations_have_no_looks() -> None:
    assert looks_after([], []) == []
    clock: State = {"clk": 1.0}
    assert looks_after([Sleep(1)], [Expected(RecordedAnswer(0), clock)]) == [FirstLook(clock, ())]
