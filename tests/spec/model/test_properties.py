"""Each step property holds of the step the specification takes, and fails on a doctored one."""

import pytest

from spec.model import writeback
from spec.model.actions import ACTIONS
from spec.model.properties import EVERY_STEP, REST, StepProperty, at_rest, work_left
from spec.model.state import ANSWERED, ASKED, AT_REST, DONE_ERROR, DONE_OK, QUIET, State
from spec.model.tables import EMPTY, NONE, STORED, WB
from tests.spec.states import BUSY, with_block, with_reader, with_req, with_slot

ANSWERED_OK = with_block(with_req(BUSY, 0, phase=DONE_OK), 1, io=QUIET)
ANSWERED_ERROR = with_block(with_req(BUSY, 0, phase=DONE_ERROR), 1, io=QUIET, holds=NONE)
LOST = with_slot(ANSWERED_OK, 1, kind=STORED)
REAPED = writeback.reap(ANSWERED_OK, 0)

# before, what the specification makes of it, and what it must not become
CASES: dict[str, list[tuple[State, State, State]]] = {
    "a_good_write_of_an_unchanged_slot_makes_it_wb": [
        (ANSWERED_OK, REAPED, with_slot(REAPED, 1, kind=STORED, blk=NONE)),
        (ANSWERED_OK, REAPED, with_slot(REAPED, 1, blk=0)),
    ],
    "a_failed_write_changes_nothing_but_the_claim": [
        (ANSWERED_ERROR, writeback.reap(ANSWERED_ERROR, 0), with_slot(ANSWERED_ERROR, 1, kind=WB, blk=1)),
        (ANSWERED_ERROR, writeback.reap(ANSWERED_ERROR, 0), with_slot(ANSWERED_ERROR, 1, kind=STORED, idle=1)),
        (LOST, writeback.reap(LOST, 0), with_slot(LOST, 1, kind=EMPTY)),
    ],
    "a_pp_slot_is_released_after_its_request_completed": [
        (BUSY, writeback.give_up(BUSY, 2), with_slot(BUSY, 1, kind=STORED)),
        (BUSY, writeback.give_up(BUSY, 2), with_req(BUSY, 0, slot=NONE)),
    ],
    "a_read_ends_with_a_value_the_page_held": [],
    "a_refusal_changes_nothing": [(BUSY, writeback.refuse_pass(BUSY), BUSY._replace(held=NONE))],
}


def step(name: str) -> StepProperty:
    return next(step for step in EVERY_STEP if step.holds.__name__ == name)


DOCTORED = [pytest.param(name, case, id=f"{name}-{n}") for name, cases in CASES.items() for n, case in enumerate(cases)]


@pytest.mark.parametrize(("name", "case"), DOCTORED)
def test_a_doctored_step_is_noticed(name: str, case: tuple[State, State, State]) -> None:
    before, after, doctored = case
    assert step(name).holds(before, (0,), after)
    assert not step(name).holds(before, (0,), doctored)


def test_a_read_with_another_pages_bytes_is_noticed() -> None:
    ends = step("a_read_ends_with_a_value_the_page_held")
    assert ends.holds(BUSY, (0,), BUSY)
    assert not ends.holds(with_reader(BUSY, 0, sound=0), (0,), BUSY)


def test_a_good_write_of_a_lost_slot_need_not_make_it_wb() -> None:
    assert step("a_good_write_of_an_unchanged_slot_makes_it_wb").holds(LOST, (0,), writeback.reap(LOST, 0))


def test_no_step_property_is_left_out_and_each_has_its_sentence() -> None:
    assert set(CASES) == {each.holds.__name__ for each in EVERY_STEP}
    assert all(each.holds.__doc__ for each in EVERY_STEP)


def test_a_step_property_speaks_about_actions_there_are() -> None:
    names = {action.name for action in ACTIONS}
    assert [name for each in EVERY_STEP for name in each.actions if name not in names] == []
    assert all(set(each.reads) <= set(State._fields) for each in EVERY_STEP)


def test_the_steps_of_pass_and_device_leave_less_to_do() -> None:
    assert work_left(REAPED) < work_left(ANSWERED_OK)
    assert work_left(writeback.give_up(BUSY, 2)) < work_left(BUSY)
    assert work_left(writeback.submit(BUSY, 2, 1)) < work_left(BUSY)
    assert len(REST) == len(dict(REST))


def test_rest_is_no_pass_and_no_read_that_was_not_answered() -> None:
    assert not at_rest(BUSY)
    assert at_rest(BUSY._replace(running=AT_REST))
    assert not at_rest(with_reader(BUSY._replace(running=AT_REST), 0, phase=ASKED))
    assert at_rest(with_reader(BUSY._replace(running=AT_REST), 0, phase=ANSWERED))
