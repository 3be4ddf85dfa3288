"""The decisions of the implementation are those of the specification: contracts for CrossHair, which confirms them.

`spec.prove.crosshair_run.confirm(["stateful.equivalence.decisions"])` does that. What the specification leaves open,
which pages a mode selects and in what order they go, is held against the driver's documentation instead.
"""

from spec.model import transitions, writeback
from spec.model.state import DONE_ERROR, DONE_OK, HELD, WRITING, Block, Budget, Counts, Req, Slot, State  # noqa: F401  (used in contracts)
from spec.model.tables import COMMIT, EMPTY, PP_SLOT, RELEASE, WB  # noqa: F401  (used in contracts)
from spec.model.terms import bit, within  # noqa: F401  (used in contracts)
from zram_impl import decisions
from zram_impl.decisions import Mode
from zram_impl.units import PAGE_SIZE, PP_BUCKET_WIDTH, PP_BUCKETS  # noqa: F401  (used in contracts)


def completions_agree(ok: int, kept: int) -> bool:
    """Decide alike what becomes of an answered request.

    pre: bit(ok) & bit(kept)
    post: __return__
    """
    ours, theirs = decisions.completion(ok, kept), transitions.completion(ok, kept)
    commits = (ours.commit == 1) == (theirs.slot == COMMIT)
    releases = (ours.release_block == 1) == (theirs.block == RELEASE)
    return commits & releases & (ours.refund == theirs.refund) & (ours.bd_writes == theirs.bd_writes)


def whether_to_charge_agrees(enabled: int, limit: int) -> bool:
    """Allow one more block alike.

    pre: bit(enabled) & (limit >= 0)
    post: __return__
    """
    return decisions.may_charge(enabled, limit) == transitions.may_charge(Budget(enabled, limit, 1, limit))


def charges_agree(enabled: int, limit: int, grant: int) -> bool:
    """Charge alike, and give the request the same grant to carry.

    pre: bit(enabled) & (limit >= 0) & (grant >= 1) & transitions.may_charge(Budget(enabled, limit, grant, limit))
    post: __return__
    """
    sent = writeback.send(_one_of_each(PP_SLOT, Req(HELD), Budget(enabled, limit, grant, limit)), 0, 0, 0)
    return decisions.charge(enabled, limit, grant) == (sent.budget.limit, sent.reqs[0].grant)


def refunds_agree(limit: int, grant: int, charged: int) -> bool:
    """Give back alike: to the present grant only.

    pre: (limit >= 0) & (grant >= 1) & within(0, charged, grant)
    post: __return__
    """
    return decisions.refund(limit, grant, charged) == transitions.refund(Budget(1, limit, grant, limit), charged).limit


def what_is_reaped_agrees(kind: int, phase: int, limit: int, grant: int, charged: int) -> bool:
    """Complete alike, all decisions together: the slot, the block, the limit and what was written.

    pre: within(EMPTY, kind, PP_SLOT) & within(DONE_OK, phase, DONE_ERROR)
    pre: (limit >= 0) & (grant >= 1) & within(0, charged, grant)
    post: __return__
    """
    answered = Req(phase, slot=0, blk=0, grant=charged)
    after = writeback.reap(_one_of_each(kind, answered, Budget(1, limit, grant, limit)), 0)
    row = decisions.completion((phase == DONE_OK) * 1, (kind == PP_SLOT) * 1)
    left = decisions.refund(limit, grant, charged) if row.refund else limit
    spent = row.bd_writes * (charged == grant)
    slot = (row.commit == 1) == (after.slots[0].kind == WB)
    block = row.release_block == 1 - after.blocks[0].used
    return slot & block & (left == after.budget.limit) & (spent == after.budget.spent)


def _one_of_each(kind: int, req: Req, budget: Budget) -> State:
    """Return a pass with one slot, one block, which it holds, and one request."""
    rows = (Slot(kind),), (0,), (Block(used=1),), (req,), ()
    return State(*rows, running=WRITING, held=0, budget=budget, counts=Counts(stored=1, bd_count=1))


def a_bucket_is_as_wide_as_it_should_be(size: int) -> bool:
    """Put an object into the bucket for its size; there is one.

    pre: within(0, size, PAGE_SIZE)
    post: __return__
    """
    bucket = decisions.bucket(size)
    first = bucket * PP_BUCKET_WIDTH
    return within(0, bucket, PP_BUCKETS - 1) & within(first, size, first + PP_BUCKET_WIDTH - 1)


def a_mode_selects_what_is_documented(mode: int, huge: int, idle: int, incompressible: int) -> bool:
    """Select by mode alone.

    pre: within(Mode.PAGES, mode, Mode.INCOMPRESSIBLE) & bit(huge) & bit(idle) & bit(incompressible)
    post: __return__
    """
    documented = (
        (mode == Mode.PAGES)
        | ((mode == Mode.IDLE) & (idle == 1))
        | ((mode == Mode.HUGE) & (huge == 1))
        | ((mode == Mode.HUGE_IDLE) & (huge == 1) & (idle == 1))
        | ((mode == Mode.INCOMPRESSIBLE) & (incompressible == 1))
    )
    return decisions.selects(mode, huge, idle, incompressible) == documented
