"""What EVERY STEP does and what SOMETIMES happens; what ALWAYS holds is in `invariant`.

A step property sees the state before, the parameters of the action and the state after. It is listed with the
actions it speaks about. SOMETIMES is the guard against vacuity: a walk must see each of them at least once.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from spec.actions import ACTIONS
from spec.effects import may_charge
from spec.scope import Scope
from spec.state import ASKED, AT_REST, DONE_ERROR, DONE_OK, FLIGHT, HELD, IDLE, SCANNING, WRITING, State
from spec.tables import KINDS, PP_SLOT, STORED, WB


class Step(NamedTuple):
    """A property of single steps."""

    holds: Callable[[State, tuple[int, ...], State], bool]
    actions: tuple[str, ...]
    """The actions it speaks about."""
    reads: tuple[str, ...]
    """The fields it looks at, so that it is evaluated once per combination of their values."""


def a_good_write_of_an_unchanged_slot_makes_it_wb(before: State, args: tuple[int, ...], after: State) -> bool:
    """a successful write of a slot that kept its claim makes it written back, with that block"""
    q = before.reqs[args[0]]
    if q.phase != DONE_OK or before.slots[q.slot].kind != PP_SLOT:
        return True
    return after.slots[q.slot].kind == WB and after.slots[q.slot].blk == q.blk


def a_failed_write_changes_nothing_but_the_claim(before: State, args: tuple[int, ...], after: State) -> bool:
    """a failed write leaves its slot as it was, without the claim; a lost write does not touch its slot"""
    q = before.reqs[args[0]]
    slot = before.slots[q.slot]
    if slot.kind != PP_SLOT:
        return after.slots == before.slots
    return q.phase == DONE_OK or after.slots[q.slot] == slot._replace(kind=STORED)


def a_pp_slot_is_released_after_its_request_completed(before: State, _args: tuple[int, ...], after: State) -> bool:
    """no step of the pass or of the device takes a pp_slot away from a request that is not answered, or twice"""
    flying = [(old, new) for old, new in zip(before.reqs, after.reqs, strict=True) if old.phase == FLIGHT]
    return all(
        new.slot == old.slot and after.slots[old.slot].kind == before.slots[old.slot].kind for old, new in flying
    )


def a_read_ends_with_a_value_the_page_held(before: State, args: tuple[int, ...], _after: State) -> bool:
    """a read ends with bytes that the page contained while the read ran"""
    return before.readers[args[0]].sound == 1


def a_refusal_changes_nothing(before: State, _args: tuple[int, ...], after: State) -> bool:
    """what is refused changes nothing"""
    return before == after


def work_left(s: State) -> int:
    """Count what the pass and the device still have to do: a measure that each of their steps lowers."""
    more = any(s.queued) and s.running == WRITING
    per_phase = (2 * more, 1, 9, 4, 4)
    held = 1 if s.held >= 0 else 2 * more
    reading = sum(r.phase == ASKED for r in s.readers)
    io = sum((0, 2, 1, 1)[b.io] for b in s.blocks)
    requests = sum(per_phase[q.phase] + q.inside for q in s.reqs)
    running = (0, 10 + 20 * len(s.slots) + 2 * len(s.reqs), 5)[s.running]
    unscanned = 20 * sum(x.kind == STORED for x in s.slots) * (s.running == SCANNING)
    return running + unscanned + 17 * sum(s.queued) + held + requests + io + reading


def at_rest(s: State) -> bool:
    """Return whether neither the pass nor the device has anything to do."""
    return s.running == AT_REST and all(r.phase != ASKED for r in s.readers)


_WRITEBACK: Final = tuple(a.name for a in ACTIONS if a.actor != "user")

EVERY_STEP: Final = (
    Step(a_good_write_of_an_unchanged_slot_makes_it_wb, ("reap",), ("slots", "reqs")),
    Step(a_failed_write_changes_nothing_but_the_claim, ("reap",), ("slots", "reqs")),
    Step(a_pp_slot_is_released_after_its_request_completed, _WRITEBACK, ("slots", "reqs")),
    Step(a_read_ends_with_a_value_the_page_held, ("read_end",), ("readers",)),
    Step(a_refusal_changes_nothing, ("refuse_pass",), State._fields),
)

COMES_TO_REST: Final = "left alone, the pass and the device come to rest: until then one of them can move"
MOVES_TOWARDS_REST: Final = "left alone, the pass and the device come to rest: every step leaves them less to do"

SOMETIMES: Final[dict[str, Callable[[State], bool]]] = {
    **{f"a slot is {name}": lambda s, k=k: any(x.kind == k for x in s.slots) for k, name in enumerate(KINDS)},
    "a write fails and its slot kept the claim": lambda s: _done(s, DONE_ERROR, kept=True),
    "a write fails and its slot lost the claim": lambda s: _done(s, DONE_ERROR, kept=False),
    "a write succeeds and its slot kept the claim": lambda s: _done(s, DONE_OK, kept=True),
    "a write succeeds and its slot lost the claim": lambda s: _done(s, DONE_OK, kept=False),
    "a claim is lost in flight": lambda s: any(q.phase == FLIGHT and s.slots[q.slot].kind != PP_SLOT for q in s.reqs),
    "a claim is lost while a block is held": lambda s: (
        s.held >= 0 and any(q and x.kind != PP_SLOT for q, x in zip(s.queued, s.slots, strict=True))
    ),
    "the budget is used up with candidates left": lambda s: any(s.queued) and not may_charge(s.budget),
    "the device comes to rest full": lambda s: s.running == AT_REST and all(b.used for b in s.blocks),
}

SOMETIMES_WITH_TWO_REQUESTS: Final[dict[str, Callable[[State], bool]]] = {
    "two requests are in flight": lambda s: sum(q.phase == FLIGHT for q in s.reqs) >= 2,
    "a request waits while another is in flight": lambda s: {HELD, FLIGHT} <= {q.phase for q in s.reqs},
}

SOMETIMES_WITH_TOO_FEW_BLOCKS: Final[dict[str, Callable[[State], bool]]] = {
    "the device is full with candidates left": lambda s: any(s.queued) and s.held < 0 and all(b.used for b in s.blocks),
}

SOMETIMES_WITH_READERS: Final[dict[str, Callable[[State], bool]]] = {
    "a read has to be retried": lambda s: any(r.phase > IDLE and not r.valid for r in s.readers),
    "a read has got another page's bytes": lambda s: any(r.phase > IDLE and not r.sound for r in s.readers),
    "a page is read while its write-back block is reused": lambda s: any(
        r.phase > IDLE and not r.valid and s.blocks[r.blk].used for r in s.readers
    ),
}


def sometimes(scope: Scope) -> Iterator[tuple[str, Callable[[State], bool]]]:
    """Yield the sentences that a complete walk of `scope` must see."""
    yield from SOMETIMES.items()
    if scope.requests > 1:
        yield from SOMETIMES_WITH_TWO_REQUESTS.items()
    if scope.slots > scope.blocks:
        yield from SOMETIMES_WITH_TOO_FEW_BLOCKS.items()
    if scope.readers:
        yield from SOMETIMES_WITH_READERS.items()


def _done(s: State, phase: int, *, kept: bool) -> bool:
    return any(q.phase == phase and (s.slots[q.slot].kind == PP_SLOT) == kept for q in s.reqs)
