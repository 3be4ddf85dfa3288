"""The effects of actions on a device of any size, and the parts they are made of.

What concerns a single slot, request or block, or the budget, is taken from `spec.model.transitions`.
"""

from collections.abc import Callable
from typing import NamedTuple

from spec.model.state import HELD, KEPT, WRITING, Block, Reader, Req, Slot
from spec.model.tables import COMMIT, COMPLETION_TABLE, NONE, PP_SLOT, SLOT_TABLE, Completion
from spec.model.transitions import recount, refund, spend
from spec.prove.unbounded.rows import (
    REQUESTS,
    SLOT,
    SLOTS,
    CountedKind,
    Owner,
    SymbolicDevice,
    cell,
    each,
    mapped,
    pick,
    some,
    updated,
)

# What follows the device are the values of the action's own parameters.
Guard = Callable[..., bool]  # type: ignore[explicit-any]  # each has parameters of its own


class Change(NamedTuple):
    """The change that an action makes, and where in each row something may be counted differently afterwards."""

    after: SymbolicDevice
    slot: int = NONE
    block: int = NONE
    request: int = NONE
    reader: int = NONE
    none_of: tuple[CountedKind, ...] = ()
    """Kinds that count zero afterwards, wherever they were."""


Effect = Callable[..., Change]  # type: ignore[explicit-any]  # each has parameters of its own


class Move(NamedTuple):
    """An action of `spec.model.actions`, said of a device of any size."""

    guard: Guard
    change: Effect


def unguarded(_s: SymbolicDevice, *_args: int) -> bool:
    """Nothing forbids it."""
    return True


def with_block(s: SymbolicDevice, b: int, block: Block) -> SymbolicDevice:
    """Replace block `b`."""
    return s._replace(blocks=updated(s.blocks, b, block))


def with_request(s: SymbolicDevice, r: int, request: Req) -> SymbolicDevice:
    """Replace request `r`."""
    return s._replace(reqs=updated(s.reqs, r, request))


def release_block(s: SymbolicDevice, b: int) -> SymbolicDevice:
    """Give block `b` back; NONE is nothing to give."""
    counts = s.counts._replace(bd_count=s.counts.bd_count - (b > NONE))
    return s._replace(blocks=updated(s.blocks, b, Block()), owner=updated(s.owner, b, Owner()), counts=counts)


def set_slot(s: SymbolicDevice, i: int, slot: Slot) -> SymbolicDevice:
    """Replace slot `i`, whose content stays; the statistics follow."""
    return s._replace(slots=updated(s.slots, i, slot), counts=recount(s.counts, s.slots(i), slot))


def replace_content(s: SymbolicDevice, i: int, slot: Slot) -> Change:
    """Replace slot `i` and its content: its block is free, nothing on the device is its content any more."""
    b = s.slots(i).blk
    s = s._replace(
        blocks=mapped(s.blocks, lambda x: x._replace(holds=pick(x.holds == i, NONE, x.holds))),
        readers=mapped(s.readers, lambda x: pick(x.slot == i, stale(x), x)),
    )
    return Change(release_block(set_slot(s, i, slot), b), slot=i, block=b)


def stale(x: Reader) -> Reader:
    """Return a read, or a kept page, whose slot was replaced."""
    return x._replace(valid=0, sound=pick(x.phase == KEPT, 0, x.sound))


def loop_over(s: SymbolicDevice) -> bool:
    """Return whether the pass has no candidate left."""
    return (s.running == WRITING) & each(s, SLOTS, lambda i: s.queued(i) == 0)


def holds_request(s: SymbolicDevice) -> bool:
    """Return whether the pass has taken a request that it has not submitted yet."""
    return some(s, REQUESTS, lambda r: s.reqs(r).phase == HELD)


def completion(ok: bool, kept: bool, table: tuple[Completion, ...] = COMPLETION_TABLE) -> Completion:
    """Decide what becomes of an answered request whose slot kept its claim or lost it."""
    error_lost, error_kept, ok_lost, ok_kept = table
    return pick(ok, pick(kept, ok_kept, ok_lost), pick(kept, error_kept, error_lost))


def finish(s: SymbolicDevice, r: int, row: Completion) -> Change:
    """Carry out `row` for request `r`, which is idle afterwards."""
    q = s.reqs(r)
    slot = s.slots(q.slot)
    released = slot._replace(kind=pick(slot.kind == PP_SLOT, cell(SLOT_TABLE.release, slot.kind), slot.kind))
    committed = Slot(kind=cell(SLOT_TABLE.commit, slot.kind), huge=slot.huge, blk=q.blk)
    keeps = row.block == COMMIT
    s = s._replace(
        reqs=updated(s.reqs, r, Req(inside=q.inside)),  # a callback that has not left is still inside
        carrier=updated(s.carrier, q.slot, NONE),
        owner=updated(s.owner, q.blk, pick(keeps, Owner(SLOT, q.slot), s.owner(q.blk))),
        budget=spend(refund(s.budget, pick(row.refund == 1, q.grant, 0)), pick(row.bd_writes == 1, q.grant, 0)),
    )
    s = set_slot(s, q.slot, pick(row.slot == COMMIT, committed, released))
    return Change(release_block(s, pick(keeps, NONE, q.blk)), slot=q.slot, block=q.blk, request=r)
