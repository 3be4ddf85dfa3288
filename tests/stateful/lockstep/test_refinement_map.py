"""The refinement map returns the state of the device."""

import pytest

from spec.model.state import (
    ASKED,
    AT_REST,
    DONE_ERROR,
    DONE_OK,
    FLIGHT,
    HELD,
    IO_ERROR,
    IO_OK,
    PENDING,
    QUIET,
    SCANNING,
    WRITING,
    Block,
    Budget,
    Counts,
    Reader,
    Req,
    Slot,
    State,
)  # fmt: skip
from spec.model.tables import EMPTY, PP_SLOT, SAME, STORED, WB
from stateful.lockstep.refinement_map import abstract
from tests.stateful.lockstep.playing import BACKED, IN_FLIGHT, ONE, led, put_on_block
from zram_impl import PAGE_SIZE

FREE = Block()
IDLE = Req()
CLAIMED = Slot(PP_SLOT)
HELD_PROGRAM = "write(0, 0) begin_pass() scan(0) end_scan() take_request(0) reserve_block(0)"


def state(slots: tuple[Slot, ...], block: Block = FREE, req: Req = IDLE, **fields: object) -> State:
    """A device of ONE's sizes, of which nothing else is to be said."""
    stored = sum(slot.kind != EMPTY for slot in slots)
    same = sum(slot.kind == SAME for slot in slots)
    huge = sum(slot.huge and slot.kind in (STORED, PP_SLOT) for slot in slots)
    rest = State(
        slots=slots, queued=(0, 0), blocks=(block,), reqs=(req,), readers=(Reader(),), running=AT_REST, held=-1,
        budget=Budget(0, 0, 1, 0), counts=Counts(stored, same, huge, block.used),
    )  # fmt: skip
    return rest._replace(**fields)  # type: ignore[arg-type]  # fields of State


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("", state((Slot(), Slot()))),
        ("write(0, 1) write_same(1)", state((Slot(STORED, huge=1), Slot(SAME)))),
        ("write(0, 0) mark_idle(0)", state((Slot(STORED, idle=1), Slot()))),
        ("write(1, 0) begin_pass() scan(1)", state((Slot(), CLAIMED), queued=(0, 1), running=SCANNING)),
        (HELD_PROGRAM, state((CLAIMED, Slot()), Block(used=1), Req(HELD), queued=(1, 0), running=WRITING, held=0)),
        (IN_FLIGHT, state((CLAIMED, Slot()), Block(1, PENDING, 0), Req(FLIGHT, 0, 0), running=WRITING)),
        (
            f"{IN_FLIGHT} write(0, 0)",
            state((Slot(STORED), Slot()), Block(1, PENDING, -1), Req(FLIGHT, 0, 0), running=WRITING),
        ),
        (f"{IN_FLIGHT} device_ok(0)", state((CLAIMED, Slot()), Block(1, IO_OK, 0), Req(FLIGHT, 0, 0), running=WRITING)),
        (
            f"{IN_FLIGHT} device_error(0)",
            state((CLAIMED, Slot()), Block(1, IO_ERROR, -1), Req(FLIGHT, 0, 0), running=WRITING),
        ),
        (
            f"{IN_FLIGHT} device_ok(0) endio_queue(0)",
            state((CLAIMED, Slot()), Block(1, QUIET, 0), Req(DONE_OK, 0, 0, inside=1), running=WRITING),
        ),
        (
            f"{IN_FLIGHT} device_error(0) endio_queue(0) endio_leave(0)",
            state((CLAIMED, Slot()), Block(1, QUIET, -1), Req(DONE_ERROR, 0, 0), running=WRITING),
        ),
        (BACKED, state((Slot(WB, blk=0), Slot()), Block(1, QUIET, 0))),
        (
            f"{BACKED} read_begin(0, 0)",
            state((Slot(WB, blk=0), Slot()), Block(1, QUIET, 0), readers=(Reader(ASKED, 0, 0, valid=1, sound=1),)),
        ),
        (
            f"{BACKED} read_begin(0, 0) discard(0)",
            state((Slot(), Slot()), readers=(Reader(ASKED, 0, 0, valid=0, sound=1),)),
        ),
    ],
)
def test_the_state_read_off_a_device(program: str, expected: State) -> None:
    with led(program) as both:
        assert abstract(both.subject, both.state) == expected


def test_limit_and_grant_are_the_devices_and_the_ghosts_are_not() -> None:
    with led(IN_FLIGHT, ONE._replace(limit=3)) as both:
        grant = both.state.budget.grant
        ghost = both.state._replace(budget=Budget(0, 99, 99, granted=7, spent=5))
        found = abstract(both.subject, ghost)
        assert (found.budget, found.reqs[0].grant) == (Budget(1, 2, grant, granted=7, spent=5), grant)


def test_what_a_block_holds_is_known_by_its_bytes() -> None:
    with led(f"{BACKED} write_same(1)") as both:
        put_on_block(both.subject.gates, both.subject.content[1])
        assert abstract(both.subject, both.state).blocks == (Block(1, QUIET, 1),)
        put_on_block(both.subject.gates, bytes(PAGE_SIZE))
        assert abstract(both.subject, both.state).blocks == (Block(1, QUIET, -1),)
