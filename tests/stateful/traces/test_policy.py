"""Deviations of a driver, one at a time: tolerated and counted under its policy, impossible without."""

import json

import pytest

from stateful.traces.check import Judgement, judge
from stateful.traces.policy import (
    DECODED,
    DEVIATIONS,
    DRIVER,
    EARLY,
    INSIDE,
    KEPT,
    OUTLIVED,
    SPECIFICATION,
    STALE,
    TWICE,
    UNSOUND,
    Policy,
)
from stateful.traces.schema import MalformedTrace, read

HEADER = {"trace": 1, "slots": 3, "blocks": 3, "requests": 2, "readers": 1, "limit": None}
Step = tuple[object, ...]


def lines(steps: list[Step], **header: object) -> list[str]:
    events = [{"task": "t", "does": step[0], "args": list(step[1:])} for step in steps]
    return [json.dumps(line) for line in ({**HEADER, **header}, *events)]


def ruled(steps: list[Step], policy: Policy) -> Judgement:
    return judge(read(lines(steps)), policy)


def said(judgement: Judgement) -> str:
    """The sentence of what is wrong; "" when nothing is."""
    return judgement.finding.sentence if judgement.finding else ""


def submitted(slot: int, request: int, block: int) -> list[Step]:
    return [("take_request", request), ("reserve_block", block), ("submit", slot, request, block)]


def answered(request: int, block: int) -> list[Step]:
    return [("device_ok", block), ("endio_queue", request), ("endio_leave", request)]


BACK: list[Step] = [
    *[("write", 0, 0), ("begin_pass",), ("scan", 0), ("end_scan",)],
    *[*submitted(0, 0, 0), *answered(0, 0), ("reap", 0, 0, 0, 1), ("end_pass",)],
]
"""Page 0 is written back to block 0."""
SECOND: list[Step] = [("write", 1, 0), ("begin_pass",), ("scan", 1), ("end_scan",), *submitted(1, 0, 0)]
READ: list[Step] = [("read_begin", 0, 0)]

CASES: dict[str, list[Step]] = {
    STALE: [*BACK, *READ, ("free", 0), ("read_answer", 0), ("read_end", 0)],
    UNSOUND: [*BACK, *READ, ("free", 0), *SECOND, ("read_answer", 0), ("read_end", 0)],
    DECODED: [
        *[*BACK, *READ, ("write", 0, 1), ("begin_pass",), ("scan", 0), ("end_scan",), *submitted(0, 0, 1)],
        *[*answered(0, 1), ("reap", 0, 0, 1, 1), ("end_pass",), ("read_answer", 0), ("read_checked", 0)],
    ],
    TWICE: [
        *[("write", 0, 0), ("begin_pass",), ("scan", 0), ("scan", 0), ("end_scan",)],
        *[*submitted(0, 0, 0), *submitted(0, 1, 1), *answered(0, 0), ("reap", 0, 0, 0, 1)],
        *[*answered(1, 1), ("reap", 1, 0, 1, 0), ("end_pass",)],
    ],
    KEPT: [("toggle_limit",), ("store_limit", 5), ("reset",)],
    INSIDE: [
        *[("write", 0, 0), ("begin_pass",), ("scan", 0), ("end_scan",), *submitted(0, 0, 0)],
        *[("device_ok", 0), ("endio_queue", 0), ("reap", 0, 0, 0, 1), ("endio_leave", 0), ("end_pass",)],
    ],
}
"""The steps of each deviation; the last one needs the others before it."""


@pytest.mark.parametrize("name", CASES)
def test_deviation_is_counted_under_the_driver_s_policy(name: str) -> None:
    judged = ruled(CASES[name], DRIVER)
    assert judged.finding is None
    assert [each.name for each in judged.deviations] == [name]


@pytest.mark.parametrize("name", [name for name in CASES if name != KEPT])
def test_deviation_is_impossible_in_the_specification(name: str) -> None:
    assert said(ruled(CASES[name], SPECIFICATION)).endswith(" is impossible")


@pytest.mark.parametrize("name", [name for name in CASES if name != KEPT])
def test_deviation_that_is_not_tolerated_is_impossible(name: str) -> None:
    policy = DRIVER._replace(tolerated=DRIVER.tolerated - {name})
    assert ruled(CASES[name], policy).finding is not None


def test_kept_limit_is_seen_at_the_end() -> None:
    end = json.dumps({"end": {"limit": 5}})
    assert judge(read([*lines(CASES[KEPT]), end]), DRIVER).finding is None
    assert "the limit is 5, and has to be 0" in said(judge(read([*lines(CASES[KEPT]), end]), SPECIFICATION))


def test_callback_that_outlives_its_pass_is_counted() -> None:
    steps = CASES[INSIDE]
    leave, over = steps[-2:]
    judged = ruled([*steps[:-2], over, leave], DRIVER)
    assert judged.finding is None
    assert [each.name for each in judged.deviations] == [INSIDE, OUTLIVED]


def test_all_deviations_have_a_case() -> None:
    assert {*CASES, EARLY, OUTLIVED} == set(DEVIATIONS)


GIVEN_UP: list[Step] = [("write", 0, 0), ("begin_pass",), ("scan", 0), ("end_scan",), ("drop", 0), ("end_pass",)]


def test_giving_up_early_is_what_strictness_is_about() -> None:
    trace = read(lines(GIVEN_UP))
    assert judge(trace, SPECIFICATION)[:2] == (None, [])
    strict = judge(trace, SPECIFICATION._replace(strict_give_up=True))
    assert said(strict) == "drop(slot 0) is impossible: there are budget and a free block"
    assert [each.name for each in judge(trace, DRIVER).deviations] == [EARLY]


def test_giving_up_without_budget_is_not_early() -> None:
    assert judge(read(lines(GIVEN_UP, limit=0)), SPECIFICATION._replace(strict_give_up=True))[:2] == (None, [])


def test_a_page_named_twice_and_lost_is_skipped_twice() -> None:
    begun: list[Step] = [("write", 0, 0), ("begin_pass",), ("scan", 0), ("scan", 0), ("end_scan",), ("access", 0)]
    assert ruled([*begun, ("drop", 0), ("drop", 0), ("end_pass",)], DRIVER).finding is None
    assert ruled([*begun, ("drop", 0), ("drop", 0), ("drop", 0)], DRIVER).finding is not None


def test_a_second_scan_claims_again_what_was_lost() -> None:
    begun: list[Step] = [("write", 0, 0), ("begin_pass",), ("scan", 0), ("access", 0), ("scan", 0), ("end_scan",)]
    judged = ruled([*begun, *submitted(0, 0, 0), *submitted(0, 1, 1)], DRIVER)
    assert judged.finding is None
    assert [each.name for each in judged.deviations] == [TWICE]


LATE: list[Step] = [("write", 0, 0), ("begin_pass",), ("scan", 0), ("end_scan",), ("scan", 0)]


@pytest.mark.parametrize(
    "steps", [[("drop", 0)], [("read_checked", 0)], [("write", 0, 0), ("scan", 0)], [("reap", 0)], LATE]
)
def test_what_no_driver_could_do_stays_impossible(steps: list[Step]) -> None:
    assert ruled(steps, DRIVER).finding is not None


def test_total_actions_are_what_the_slot_makes_of_them() -> None:
    steps: list[Step] = [("access", 0), ("free", 0), *BACK, ("access", 0), *READ, ("read_answer", 0)]
    assert ruled([*steps, ("read_checked", 0)], SPECIFICATION).finding is None
    lost: list[Step] = [*BACK, *READ, ("free", 0), ("read_answer", 0)]
    assert ruled([*lost, ("read_checked", 0)], SPECIFICATION).finding is None
    assert ruled([*lost, ("read_failed", 0)], SPECIFICATION).finding is None


def test_mark_alone_is_not_enough_of_a_check() -> None:
    """A slot that was replaced and written back again looks as before to one who asks for the mark alone."""
    again: list[Step] = [("write", 0, 0), ("begin_pass",), ("scan", 0), ("end_scan",), *submitted(0, 0, 1)]
    steps = [*BACK, *READ, *again, *answered(0, 1), ("reap", 0, 0, 1, 1), ("end_pass",), ("read_answer", 0)]
    assert said(ruled([*steps, ("read_checked", 0)], SPECIFICATION)) == "read_checked(reader 0) is impossible"


@pytest.mark.parametrize(("committed", "sentence"), [(1, ""), (0, "reap(req 0) reports slot 0, blk 0, committed 0")])
def test_reap_says_whether_it_committed(committed: int, sentence: str) -> None:
    steps: list[Step] = [*BACK[:-2], ("reap", 0, 0, 0, committed)]
    assert said(ruled(steps, SPECIFICATION)).partition("; ")[0] == sentence


def test_hidden_actions_and_tolerance_exclude_each_other() -> None:
    trace = read(lines([("write", 0, 0)], hidden=["end_scan"]))
    assert judge(trace, SPECIFICATION).finding is None
    with pytest.raises(MalformedTrace, match="`hidden`: expected nothing where deviations are tolerated"):
        judge(trace, DRIVER)
