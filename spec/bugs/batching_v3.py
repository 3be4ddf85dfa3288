"""The seeded bugs this specification exists for: each replaces a few actions by what the driver once did.

A bug says which property it breaks and in how many steps at least; a test holds it to that. The first five were
in version 3 of the batching patch (November 2025); the missing refund is a mistake of design that the patch avoided.
"""

from typing import Final, NamedTuple

from spec.model import transitions, writeback
from spec.model.actions import ACTIONS, Action, Effect, Guard
from spec.model.state import DONE_OK, State
from spec.model.tables import COMMIT, COMPLETION_TABLE, PP_SLOT, Completion
from spec.model.terms import at
from spec.scope import Scope


class SpecBug(NamedTuple):
    """A bug: what replaces which action, and how it shows."""

    name: str
    mistake: str
    replaced: tuple[Action, ...]
    breaks: str
    """Name of the function that says which property is broken first."""
    steps: int
    """Length of the shortest way there."""
    scope: Scope = Scope(slots=2, blocks=2, requests=1, limit=2)
    asks_for_a_number: bool = False
    """Some slot or block is unlike the others to it, so a search must not take one for another."""

    @property
    def actions(self) -> tuple[Action, ...]:
        """The whole list, with the replaced actions in it."""
        mine = {action.name: action for action in self.replaced}
        assert mine.keys() <= {action.name for action in ACTIONS}, "a bug replaces what exists"
        return tuple(mine.get(action.name, action) for action in ACTIONS)


_KEEPS_BLOCK: Final = tuple(row._replace(block=COMMIT) for row in COMPLETION_TABLE)
_NO_REFUND: Final = tuple(row._replace(refund=0) for row in COMPLETION_TABLE)


def instead(name: str, effect: Effect, guard: Guard | None = None) -> Action:
    """Return the action of that name with another effect, and another guard if one is given."""
    action = next(action for action in ACTIONS if action.name == name)
    return action._replace(effect=effect, guard=guard or action.guard)


def _reap_by(table: tuple[Completion, ...]) -> Action:
    def reap(s: State, r: int) -> State:
        q = at(s.reqs, r)
        kept = at(s.slots, q.slot).kind == PP_SLOT
        return transitions.finish(s, r, transitions.completion((q.phase == DONE_OK) * 1, kept * 1, table))

    return instead("reap", reap)


def _reap_after_release(s: State, r: int) -> State:
    return transitions.finish(s, r, transitions.completion((at(s.reqs, r).phase == DONE_OK) * 1, 0))


def _can_submit_by_slot_0(s: State, i: int, r: int) -> bool:
    return (at(s.queued, i) == 1) & (at(s.slots, 0).kind == PP_SLOT) & writeback.can_send(s, r)


def _submit_slot_0(s: State, i: int, r: int) -> State:
    return writeback.send(s, i, 0, r)


BATCHING_V3: Final = (
    SpecBug(
        "early_release",
        "completion takes the claim off the slot before it tests it",
        (instead("reap", _reap_after_release),),
        breaks="a_good_write_of_an_unchanged_slot_makes_it_wb",
        steps=11,
    ),
    SpecBug(
        "unassigned_index",
        "the candidate's index is never assigned, so slot 0 is tested and copied for every candidate",
        (instead("submit", _submit_slot_0, _can_submit_by_slot_0),),
        breaks="a_kept_claim_means_unchanged_content",
        steps=9,
        asks_for_a_number=True,
    ),
    SpecBug(
        "leak_on_error",
        "the block of a failed write is not released",
        (_reap_by((*_KEEPS_BLOCK[:2], *COMPLETION_TABLE[2:])),),
        breaks="every_block_has_one_owner",
        steps=11,
    ),
    SpecBug(
        "leak_on_lost_slot",
        "the block of a slot that lost its claim in flight is not released",
        (_reap_by((*COMPLETION_TABLE[:2], _KEEPS_BLOCK[2], COMPLETION_TABLE[3])),),
        breaks="every_block_has_one_owner",
        steps=12,
    ),
    SpecBug(
        "leak_after_loop",
        "a block that was reserved and never submitted is not released when the pass ends",
        (instead("drop_held", writeback.forget_held),),
        breaks="every_block_has_one_owner",
        steps=8,
    ),
    SpecBug(
        "no_refund",
        "a failed write is not given back to the budget",
        (_reap_by(_NO_REFUND),),
        breaks="the_budget_is_conserved",
        steps=11,
    ),
)
