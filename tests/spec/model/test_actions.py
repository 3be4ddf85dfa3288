"""The list of actions, what guards refuse, and what effects do to small states."""

from collections.abc import Callable

import pytest

from spec.model import backing_device, user, writeback
from spec.model.actions import ACTIONS, Action, always
from spec.model.invariant import inv
from spec.model.state import (
    ANSWERED,
    ASKED,
    AT_REST,
    DONE_ERROR,
    DONE_OK,
    FLIGHT,
    HELD,
    IDLE,
    IO_ERROR,
    IO_OK,
    KEPT,
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
    initial,
)
from spec.model.tables import EMPTY, NONE, PP_SLOT, SAME, STORED, WB
from spec.model.transitions import may_charge, refund, release_block, spend
from spec.scope import Scope, choices
from tests.spec.states import BUSY, with_block, with_reader, with_req, with_slot

FRESH = initial(slots=2, blocks=1, requests=1, limit=1, readers=1)
ANSWERED_OK = with_block(with_req(BUSY, 0, phase=DONE_OK), 1, io=QUIET)
ANSWERED_ERROR = with_block(with_req(BUSY, 0, phase=DONE_ERROR), 1, io=QUIET, holds=NONE)
DRAINED = BUSY._replace(
    queued=(0, 0, 0, 0, 0),
    slots=(BUSY.slots[0], Slot(STORED), Slot(STORED), *BUSY.slots[3:]),
    reqs=(Req(), Req(), Req()),
    blocks=(BUSY.blocks[0], Block(), Block(), Block()),
    held=NONE,
    budget=BUSY.budget._replace(limit=2),
    counts=BUSY.counts._replace(bd_count=1),
)
AT_LAST = DRAINED._replace(running=AT_REST)
KEEPING = with_reader(BUSY, 0, phase=KEPT)

# name, a state and parameters that are allowed, and the same with one thing different that are refused
GUARDS: list[tuple[str, State, tuple[int, ...], State, tuple[int, ...]]] = [
    ("discard", BUSY, (0,), BUSY, (4,)),
    ("read", BUSY, (3,), BUSY, (0,)),
    ("read", BUSY, (3,), BUSY, (4,)),
    ("read_begin", BUSY, (0, 1), BUSY, (0, 0)),
    ("read_begin", BUSY, (0, 1), BUSY, (3, 1)),
    ("read_answer", with_reader(BUSY, 0, phase=ASKED), (0,), BUSY, (0,)),
    ("read_end", BUSY, (0,), with_reader(BUSY, 0, valid=0), (0,)),
    ("read_end", BUSY, (0,), with_reader(BUSY, 0, phase=ASKED), (0,)),
    ("read_retry", with_reader(BUSY, 0, valid=0), (0,), BUSY, (0,)),
    ("read_retry", with_reader(BUSY, 0, valid=0), (0,), with_reader(BUSY, 0, valid=0, phase=ASKED), (0,)),
    ("read_keep", BUSY, (0,), with_reader(BUSY, 0, valid=0), (0,)),
    ("read_keep", BUSY, (0,), with_reader(BUSY, 0, phase=ASKED), (0,)),
    ("read_kept", KEEPING, (0,), with_reader(KEEPING, 0, valid=0), (0,)),
    ("read_kept", KEEPING, (0,), BUSY, (0,)),
    ("drop_kept", KEEPING, (0,), BUSY, (0,)),
    ("drop_kept", with_reader(KEEPING, 0, valid=0), (0,), KEEPING, (1,)),
    ("mark_idle", BUSY, (1,), BUSY, (3,)),
    ("mark_idle", BUSY, (2,), BUSY, (0,)),
    ("clear_idle", with_slot(BUSY, 2, idle=1), (2,), BUSY, (2,)),
    ("clear_idle", with_slot(BUSY, 2, idle=1), (2,), with_slot(BUSY, 0, idle=1), (0,)),
    ("recompress", AT_LAST, (3,), DRAINED, (3,)),
    ("recompress", AT_LAST, (3,), AT_LAST, (0,)),
    ("recompress_in_vain", AT_LAST, (3,), DRAINED, (3,)),
    ("recompress_in_vain", AT_LAST, (3,), AT_LAST, (0,)),
    ("reset", with_reader(AT_LAST, 0, phase=IDLE), (), AT_LAST, ()),
    ("reset", with_reader(AT_LAST, 0, phase=KEPT), (), with_reader(AT_LAST, 0, phase=ASKED), ()),
    ("reset", with_reader(AT_LAST, 0, phase=IDLE), (), with_reader(DRAINED, 0, phase=IDLE), ()),
    ("begin_pass", AT_LAST, (), BUSY, ()),
    ("refuse_pass", BUSY, (), AT_LAST, ()),
    ("scan", AT_LAST._replace(running=SCANNING), (3,), AT_LAST, (3,)),
    ("scan", AT_LAST._replace(running=SCANNING), (3,), AT_LAST._replace(running=SCANNING), (0,)),
    (
        "scan",
        AT_LAST._replace(running=SCANNING),
        (3,),
        AT_LAST._replace(running=SCANNING, queued=(0, 0, 0, 1, 0)),
        (3,),
    ),
    ("end_scan", AT_LAST._replace(running=SCANNING), (), BUSY, ()),
    ("take_request", with_req(BUSY, 1, phase=IDLE), (1,), BUSY, (2,)),
    ("take_request", with_req(BUSY, 1, phase=IDLE), (1,), with_req(BUSY, 1, phase=IDLE), (0,)),
    ("take_request", with_req(BUSY, 1, phase=IDLE), (1,), DRAINED, (1,)),
    ("reserve_block", BUSY._replace(held=NONE), (3,), BUSY, (3,)),
    ("reserve_block", BUSY._replace(held=NONE), (3,), BUSY._replace(held=NONE), (0,)),
    ("reserve_block", BUSY._replace(held=NONE), (3,), with_req(BUSY._replace(held=NONE), 1, phase=IDLE), (3,)),
    ("submit", BUSY, (2, 1), BUSY, (3, 1)),
    ("submit", BUSY, (2, 1), BUSY, (2, 2)),
    ("submit", BUSY, (2, 1), with_slot(BUSY, 2, kind=STORED), (2, 1)),
    ("submit", BUSY, (2, 1), BUSY._replace(held=NONE), (2, 1)),
    ("submit", BUSY, (2, 1), BUSY._replace(budget=BUSY.budget._replace(limit=0)), (2, 1)),
    ("skip", with_slot(BUSY, 2, kind=SAME), (2,), BUSY, (2,)),
    ("skip", with_slot(BUSY, 2, kind=SAME), (2,), BUSY, (3,)),
    ("give_up", BUSY, (2,), with_slot(BUSY, 2, kind=SAME), (2,)),
    ("give_up", BUSY, (2,), BUSY, (1,)),
    ("drop_held", DRAINED._replace(held=2), (), DRAINED, ()),
    ("drop_held", with_req(DRAINED, 1, phase=HELD), (), BUSY, ()),
    ("reap", ANSWERED_OK, (0,), BUSY, (0,)),
    ("reap", ANSWERED_OK, (0,), with_req(ANSWERED_OK, 0, inside=1), (0,)),
    ("end_pass", DRAINED, (), BUSY, ()),
    ("end_pass", DRAINED, (), DRAINED._replace(held=2), ()),
    ("end_pass", DRAINED, (), with_req(DRAINED, 0, phase=FLIGHT), ()),
    ("end_pass", DRAINED, (), with_req(DRAINED, 0, inside=1), ()),
    ("device_ok", BUSY, (1,), BUSY, (0,)),
    ("device_error", BUSY, (1,), BUSY, (2,)),
    ("endio_queue", with_block(BUSY, 1, io=IO_OK), (0,), BUSY, (0,)),
    ("endio_queue", with_block(BUSY, 1, io=IO_ERROR), (0,), with_block(BUSY, 1, io=IO_ERROR), (1,)),
    ("endio_leave", with_req(ANSWERED_OK, 0, inside=1), (0,), ANSWERED_OK, (0,)),
]


def action(name: str) -> Action:
    return next(action for action in ACTIONS if action.name == name)


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case[0]}-{n}") for n, case in enumerate(GUARDS)])
def test_a_guard_allows_and_refuses(case: tuple[str, State, tuple[int, ...], State, tuple[int, ...]]) -> None:
    name, good, args, bad, other = case
    assert action(name).guard(good, *args)
    assert not action(name).guard(bad, *other)


def test_every_action_has_a_guard_that_refuses_or_none() -> None:
    unguarded = {action.name for action in ACTIONS if action.guard is always}
    assert unguarded == {"write", "write_same", "store_limit", "toggle_limit"}
    assert {case[0] for case in GUARDS} == {action.name for action in ACTIONS} - unguarded
    assert always(BUSY, 1, 2)


def test_an_allowed_step_keeps_every_clause() -> None:
    taken = set()
    everything = Scope(5, 4, 3, 1, readers=2, stores=1, toggles=1, huge=1, idle=1, recompress=1, resets=1, keeps=1)
    for s in (
        BUSY,
        KEEPING,
        ANSWERED_OK,
        ANSWERED_ERROR,
        DRAINED,
        AT_LAST,
        with_reader(AT_LAST, 0, phase=IDLE, valid=0, sound=0),
    ):
        assert inv(s)
        for choice in choices(everything):
            for args in choice.args:
                if choice.action.guard(s, *args):
                    assert inv(choice.action.effect(s, *args)), (choice.action.name, args)
                    taken.add(choice.action.name)
    assert {"reap", "submit", "end_pass", "reset", "recompress", "read_begin", "read_keep", "read_kept"} <= taken


def test_names_are_unique_and_actors_known() -> None:
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    assert {action.actor for action in ACTIONS} == {"user", "pass", "device"}
    assert {action.switch for action in ACTIONS} - {""} <= set(Scope._fields)


@pytest.mark.parametrize("piece", dict.fromkeys(piece for each in ACTIONS for piece in (each.guard, each.effect)))
def test_guards_and_effects_say_what_they_are(piece: Callable[[State], object]) -> None:
    assert (piece.__doc__ or "").endswith(".")


def test_what_is_refused_changes_nothing() -> None:
    assert writeback.refuse_pass(BUSY) is BUSY


def test_a_write_frees_the_block_and_makes_reads_stale() -> None:
    s = user.write(BUSY, 0, 1)
    assert s.slots[0] == Slot(STORED, huge=1)
    assert s.blocks[0] == Block()
    assert s.readers[0] == Reader(ANSWERED, 0, 0, valid=0, sound=1)
    assert s.counts == Counts(stored=4, huge=2, bd_count=2)


def test_a_write_during_writeback_takes_the_claim_only() -> None:
    s = user.write_same(BUSY, 1)
    assert s.slots[1] == Slot(SAME)
    assert s.reqs == BUSY.reqs
    assert s.blocks[1] == Block(1, PENDING, NONE)
    assert s.counts == BUSY.counts._replace(same=1)


def test_a_discard_empties_the_slot() -> None:
    assert user.discard(BUSY, 3).slots[3] == Slot()
    assert user.discard(BUSY, 3).counts == BUSY.counts._replace(stored=3, huge=0)


def test_a_read_takes_claim_and_idle_mark() -> None:
    assert user.read(BUSY, 2).slots[2] == Slot(STORED)
    assert user.read(BUSY, 3).slots[3] == Slot(STORED, huge=1)


def test_a_kept_page_is_returned_and_stays() -> None:
    assert user.read_keep(BUSY, 0) == KEEPING
    assert user.read_kept(KEEPING, 0) is KEEPING


def test_a_kept_page_is_stale_when_its_slot_is_replaced() -> None:
    for replaced in (user.write(KEEPING, 0, 0), user.write_same(KEEPING, 0), user.discard(KEEPING, 0)):
        assert replaced.readers[0] == Reader(KEPT, 0, 0, valid=0, sound=0)
        assert user.reader_leaves(replaced, 0).readers[0] == Reader()
    assert user.write(KEEPING, 1, 0).readers == KEEPING.readers


def test_a_kept_page_stays_whatever_is_written_to_its_block() -> None:
    kept, asked = (with_reader(BUSY, 0, phase=phase, blk=BUSY.held) for phase in (KEPT, ASKED))
    assert writeback.submit(kept, 2, 1).readers[0].sound == 1
    assert writeback.submit(asked, 2, 1).readers[0].sound == 0


def test_a_reset_forgets_kept_pages() -> None:
    assert user.reset(with_reader(AT_LAST, 0, phase=KEPT)).readers == (Reader(), Reader())


def test_a_read_of_a_written_back_page_has_three_steps() -> None:
    s = user.read_begin(BUSY, 0, 1)
    assert s.readers[1] == Reader(ASKED, 0, 0, valid=1, sound=1)
    assert user.read_answer(s, 1).readers[1].phase == ANSWERED
    assert user.reader_leaves(s, 1).readers[1] == Reader()


def test_marks() -> None:
    assert user.mark_idle(BUSY, 1).slots[1] == Slot(PP_SLOT, idle=1)
    assert user.recompress(AT_LAST, 3).slots[3] == Slot(STORED)
    assert user.recompress(AT_LAST, 3).counts.huge == 0


def test_marking_by_age_takes_the_mark_off_and_leaves_the_claim() -> None:
    assert user.clear_idle(user.mark_idle(BUSY, 1), 1) == BUSY
    assert BUSY.slots[1].kind == PP_SLOT


def test_a_recompression_without_gain_only_clears_the_idle_mark() -> None:
    assert AT_LAST.slots[3] == Slot(STORED, huge=1, idle=1)
    tried = action("recompress_in_vain").effect(AT_LAST, 3)
    assert tried == with_slot(AT_LAST, 3, idle=0)
    assert action("recompress_in_vain").effect(tried, 3) == tried


def test_storing_a_limit_opens_a_grant_without_older_charges() -> None:
    assert user.store_limit(BUSY, 0).budget == Budget(enabled=1, limit=0, grant=2, granted=0)
    assert writeback.reap(user.store_limit(ANSWERED_ERROR, 0), 0).budget.limit == 0
    assert writeback.reap(ANSWERED_ERROR, 0).budget.limit == BUSY.budget.limit + 1


def test_the_budget() -> None:
    assert user.toggle_limit(BUSY).budget.enabled == 0
    assert user.toggle_limit(user.toggle_limit(BUSY)) == BUSY
    empty = Budget(enabled=1, limit=0, grant=2, granted=1)
    assert [may_charge(empty), may_charge(empty._replace(limit=1)), may_charge(empty._replace(enabled=0))] == [0, 1, 1]
    assert [refund(empty, grant).limit for grant in (0, 1, 2)] == [0, 0, 1]
    assert [spend(empty, grant).spent for grant in (0, 1, 2)] == [0, 0, 1]


def test_an_uncharged_write_is_not_counted_when_the_limit_is_off() -> None:
    s = writeback.submit(user.toggle_limit(BUSY), 2, 1)
    assert s.reqs[1].grant == 0
    assert s.budget.limit == BUSY.budget.limit


def test_reset_forgets_everything_and_the_budget() -> None:
    s = user.reset(with_reader(AT_LAST, 0, phase=IDLE, valid=0, sound=0))
    assert (s.slots, s.blocks, s.counts) == ((Slot(),) * 5, (Block(),) * 4, Counts())
    assert s.budget == Budget(enabled=0, limit=0, grant=2, granted=0)


def test_a_pass_from_scan_to_submission() -> None:
    s = user.write(FRESH, 0, 0)
    s = writeback.end_scan(writeback.scan(writeback.begin_pass(s), 0))
    assert (s.running, s.queued, s.slots[0].kind) == (WRITING, (1, 0), PP_SLOT)
    s = writeback.reserve_block(writeback.take_request(s, 0), 0)
    assert (s.held, s.reqs[0].phase, s.blocks[0], s.counts.bd_count) == (0, HELD, Block(used=1), 1)
    s = writeback.submit(s, 0, 0)
    assert (s.held, s.queued, s.budget.limit) == (NONE, (0, 0), 0)
    assert s.reqs == (Req(FLIGHT, slot=0, blk=0, grant=1),)
    assert s.blocks == (Block(used=1, io=PENDING, holds=0),)


def test_submitting_to_a_block_spoils_its_unanswered_reads() -> None:
    asked = with_reader(with_reader(BUSY, 1, phase=ASKED, slot=3, blk=2, sound=1), 0, phase=ASKED)
    assert [reader.sound for reader in writeback.submit(asked, 2, 1).readers] == [1, 0]
    answered = with_reader(asked, 1, phase=ANSWERED)
    assert [reader.sound for reader in writeback.submit(answered, 2, 1).readers] == [1, 1]


def test_the_device_and_the_callback() -> None:
    assert backing_device.device_ok(BUSY, 1).blocks[1] == Block(1, IO_OK, 1)
    assert backing_device.device_error(BUSY, 1).blocks[1] == Block(1, IO_ERROR, NONE)
    s = backing_device.endio_queue(backing_device.device_ok(BUSY, 1), 0)
    assert (s.reqs[0].phase, s.reqs[0].inside, s.blocks[1].io) == (DONE_OK, 1, QUIET)
    assert backing_device.endio_queue(backing_device.device_error(BUSY, 1), 0).reqs[0].phase == DONE_ERROR
    assert backing_device.endio_leave(s, 0).reqs[0].inside == 0


def test_reaping_a_good_write_commits_and_spends() -> None:
    s = writeback.reap(ANSWERED_OK, 0)
    assert s.slots[1] == Slot(WB, blk=1)
    assert s.reqs[0] == Req()
    assert s.blocks[1] == Block(1, QUIET, 1)
    assert (s.budget.limit, s.budget.spent) == (1, 2)


def test_reaping_a_failed_write_gives_block_and_budget_back() -> None:
    s = writeback.reap(ANSWERED_ERROR, 0)
    assert s.slots[1] == Slot(STORED)
    assert s.blocks[1] == Block()
    assert (s.budget.limit, s.budget.spent, s.counts.bd_count) == (2, 1, 2)


@pytest.mark.parametrize("kind", [EMPTY, SAME, STORED])
def test_reaping_a_lost_write_only_releases_the_block(kind: int) -> None:
    s = writeback.reap(with_slot(ANSWERED_OK, 1, kind=kind), 0)
    assert s.slots[1] == Slot(kind)
    assert s.blocks[1] == Block()
    assert (s.budget.limit, s.budget.spent) == (1, 2)


def test_giving_up_skipping_and_dropping() -> None:
    assert (writeback.give_up(BUSY, 2).slots[2], writeback.give_up(BUSY, 2).queued[2]) == (Slot(STORED), 0)
    skipped = writeback.skip(with_slot(BUSY, 2, kind=SAME), 2)
    assert (skipped.slots[2].kind, skipped.queued[2], skipped.held) == (SAME, 0, 2)
    dropped = writeback.drop_held(skipped)
    assert (dropped.held, dropped.reqs[1], dropped.blocks[2], dropped.counts.bd_count) == (NONE, Req(), Block(), 2)
    assert writeback.end_pass(DRAINED).running == AT_REST


def test_nothing_is_no_block_to_release() -> None:
    assert release_block(BUSY, NONE) == BUSY


def test_a_fresh_device() -> None:
    assert inv(FRESH)
    assert FRESH.budget == Budget(enabled=1, limit=1, grant=1, granted=1)
    assert initial(1, 1, 1, None).budget == Budget(enabled=0, limit=0, grant=1, granted=0)
