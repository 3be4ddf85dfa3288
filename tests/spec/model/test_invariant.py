"""Each clause can fail: a state that breaks it, and it alone wherever that is possible."""

import pytest

from spec.model.invariant import CLAUSES, broken_clause, inv
from spec.model.state import AT_REST, HELD, KEPT, PENDING, QUIET, SCANNING, Counts, Req, State, initial
from spec.model.tables import NONE, PP_SLOT, STORED
from tests.spec.states import BUSY, with_block, with_reader, with_req, with_slot

CLAIMED = with_slot(initial(slots=1, blocks=1, requests=1, limit=1), 0, kind=PP_SLOT)._replace(
    queued=(1,), counts=Counts(stored=1)
)
VIOLATIONS = {
    "slots_and_blocks_are_in_range": [
        with_slot(BUSY, 3, idle=2),
        with_slot(BUSY, 4, kind=-1),
        with_slot(BUSY._replace(counts=BUSY.counts._replace(stored=5)), 4, kind=5),
        with_slot(BUSY, 4, blk=-2),
        with_slot(BUSY, 1, huge=-1),
        with_block(BUSY, 1, io=4),
        with_block(BUSY, 3, holds=5),
        with_block(BUSY, 3, holds=-2),
    ],
    "requests_are_in_range": [
        with_req(BUSY, 2, inside=2),
        with_req(BUSY, 2, phase=-1),
        with_req(BUSY, 2, slot=-2),
        with_req(BUSY, 2, blk=-2),
    ],
    "readers_are_in_range": [
        with_reader(BUSY, 1, sound=2),
        with_reader(BUSY, 1, valid=-1),
        with_reader(BUSY, 1, phase=4),
        with_reader(BUSY, 1, slot=5),
        with_reader(BUSY, 1, blk=4),
    ],
    "the_pass_is_in_range": [
        BUSY._replace(running=3),
        BUSY._replace(queued=(0, 0, 1, 0, -1)),
        BUSY._replace(
            held=-2, blocks=(*BUSY.blocks[:2], BUSY.blocks[3], BUSY.blocks[3]), counts=BUSY.counts._replace(bd_count=2)
        ),
    ],
    "every_block_has_one_owner": [
        BUSY._replace(held=NONE),
        BUSY._replace(
            held=1, blocks=(*BUSY.blocks[:2], BUSY.blocks[3], BUSY.blocks[3]), counts=BUSY.counts._replace(bd_count=2)
        ),
        BUSY._replace(held=3),
    ],
    "only_written_back_slots_have_blocks": [
        with_slot(BUSY, 4, idle=1),
        with_slot(BUSY, 4, huge=1),
        with_slot(BUSY._replace(held=NONE), 3, blk=2),
    ],
    "every_request_is_in_one_place": [
        with_req(BUSY, 2, phase=HELD),
        with_req(BUSY, 2, slot=4),
        with_req(BUSY._replace(held=NONE), 1, blk=2),
        with_req(BUSY._replace(budget=BUSY.budget._replace(grant=2, granted=2)), 2, grant=1),
        with_req(BUSY, 1, inside=1),
    ],
    "the_device_works_for_requests_in_flight": [with_block(BUSY, 1, io=QUIET), with_block(BUSY, 3, io=1)],
    "every_pp_slot_is_owned_once": [
        BUSY._replace(queued=(0, 1, 1, 0, 0)),
        BUSY._replace(queued=(0, 0, 0, 0, 0)),
        with_slot(BUSY._replace(queued=(0, 1, 1, 0, 0)), 1, kind=STORED),
    ],
    "the_budget_is_conserved": [
        BUSY._replace(budget=BUSY.budget._replace(limit=0)),
        BUSY._replace(budget=BUSY.budget._replace(spent=2)),
        BUSY._replace(budget=BUSY.budget._replace(limit=-1, spent=3)),
        BUSY._replace(budget=BUSY.budget._replace(enabled=2)),
        with_req(BUSY, 0, grant=0),
        with_req(BUSY._replace(budget=BUSY.budget._replace(limit=2)), 0, grant=2),
    ],
    "nothing_remains_at_rest": [
        BUSY._replace(running=SCANNING),
        BUSY._replace(running=AT_REST),
        CLAIMED._replace(running=AT_REST),
    ],
    "counters_equal_a_recount": [
        BUSY._replace(counts=BUSY.counts._replace(stored=3)),
        BUSY._replace(counts=BUSY.counts._replace(same=1)),
        BUSY._replace(counts=BUSY.counts._replace(huge=0)),
        BUSY._replace(counts=BUSY.counts._replace(bd_count=2)),
    ],
    "a_written_back_block_holds_the_page": [with_block(BUSY, 0, holds=NONE), with_block(BUSY, 0, holds=1)],
    "a_kept_claim_means_unchanged_content": [with_block(BUSY, 1, holds=NONE), with_block(BUSY, 1, holds=2)],
    "a_read_that_re_validates_is_sound": [
        with_reader(BUSY, 0, sound=0),
        with_reader(BUSY, 0, phase=0),
        with_reader(BUSY, 0, blk=1),
        with_reader(BUSY, 0, slot=1),
    ],
    "a_kept_page_is_returned_while_it_is_the_page": [with_reader(BUSY, 0, phase=KEPT, valid=0)],
}
CASES = [(name, s) for name, states in VIOLATIONS.items() for s in states]
LIFETIME = "nobody_touches_a_freed_control_block"


def broken(s: State) -> list[str]:
    return [clause.__name__ for clause in CLAUSES if not clause(s)]


def test_every_clause_holds_of_a_busy_state() -> None:
    assert broken(BUSY) == []
    assert inv(BUSY)
    assert broken_clause(BUSY) is None


@pytest.mark.parametrize(("name", "s"), CASES, ids=[f"{name}-{n}" for n, (name, _s) in enumerate(CASES)])
def test_a_state_that_breaks_this_clause_alone(name: str, s: State) -> None:
    assert broken(s) == [name]
    assert not inv(s)
    found = broken_clause(s)
    assert found is not None
    assert found.__name__ == name


@pytest.mark.parametrize("s", [with_slot(BUSY, 0, blk=4), with_block(BUSY, 3, used=2)])
def test_a_field_out_of_range_is_named_before_other_clauses(s: State) -> None:
    found = broken_clause(s)
    assert found is not None
    assert found.__name__ == "slots_and_blocks_are_in_range"


def test_a_callback_inside_a_freed_control_block() -> None:
    assert LIFETIME in broken(BUSY._replace(running=AT_REST, reqs=(*BUSY.reqs[:2], Req(inside=1))))


def test_a_write_on_its_way_to_a_written_back_block() -> None:
    assert "a_written_back_block_holds_the_page" in broken(with_block(BUSY, 0, io=PENDING))


def test_no_clause_is_left_out() -> None:
    assert {*VIOLATIONS, LIFETIME} == {clause.__name__ for clause in CLAUSES}


def test_every_clause_has_its_sentence() -> None:
    sentences = [clause.__doc__ or "" for clause in CLAUSES]
    assert all(sentences)
    assert len(set(sentences)) == len(CLAUSES)
    assert [text for text in sentences if "\n" in text or text.endswith(".") or not text[0].islower()] == []
