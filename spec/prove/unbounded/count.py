"""Numbers of a kind: what a recount would find, without counting.

A number of slots, blocks or requests is unknown where there may be any number of them. Two facts about counting say
how it changes; `induction` proves them.

1. If something holds of none of them, there are 0 of it.
2. If afterwards it holds of the same as before except in one place, their number changes by what changed there.

So each action names that place, and that nothing else is counted differently is a condition to be proved.
"""

from typing import Final

from spec.model.invariant import active
from spec.model.tables import EMPTY, SAME
from spec.model.terms import no
from spec.model.transitions import in_memory_huge
from spec.prove.unbounded.rows import BLOCKS, READERS, REQUESTS, SLOTS, CountedKind, SymbolicDevice, each, inside, pick
from spec.prove.unbounded.transitions import Change

STORED_PAGES: Final = CountedKind("stored pages", SLOTS, lambda s, i: s.slots(i).kind > EMPTY)
SAME_PAGES: Final = CountedKind("same-filled pages", SLOTS, lambda s, i: s.slots(i).kind == SAME)
HUGE_PAGES: Final = CountedKind("huge pages", SLOTS, lambda s, i: in_memory_huge(s.slots(i)))
USED_BLOCKS: Final = CountedKind("used blocks", BLOCKS, lambda s, b: s.blocks(b).used == 1)
CHARGED: Final = CountedKind(
    "charged requests", REQUESTS, lambda s, r: active(s.reqs(r)) & (s.reqs(r).grant == s.budget.grant)
)
COUNTED: Final = (STORED_PAGES, SAME_PAGES, HUGE_PAGES, USED_BLOCKS, CHARGED)


def counted_alike(before: SymbolicDevice, change: Change, counted: CountedKind) -> bool:
    """Return whether nothing is counted differently but where the action says so: what the two facts ask for."""
    if counted in change.none_of:
        return each(before, counted.row, lambda j: no(counted.holds(change.after, j)))
    place = _place(change, counted)
    return each(
        before, counted.row, lambda j: (j == place) | (counted.holds(change.after, j) == counted.holds(before, j))
    )


def with_recount(before: SymbolicDevice, change: Change) -> SymbolicDevice:
    """Return the device after the change, with what a recount would find, by the two facts."""

    def recount(counted: CountedKind) -> int:
        if counted in change.none_of:
            return 0
        place = _place(change, counted)
        difference = counted.holds(change.after, place) * 1 - counted.holds(before, place) * 1
        return before.recount(counted) + pick(inside(before, counted.row, place), difference, 0)

    return change.after._replace(recount=recount)


def _place(change: Change, counted: CountedKind) -> int:
    return {SLOTS: change.slot, BLOCKS: change.block, REQUESTS: change.request, READERS: change.reader}[counted.row]
