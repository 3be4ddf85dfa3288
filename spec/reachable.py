"""Sentences that hold SOMETIMES: the guard against vacuity. A complete search sees each at least once."""

import math
from collections.abc import Callable, Iterable
from typing import Final

from spec.model.state import AT_REST, DONE_ERROR, DONE_OK, FLIGHT, HELD, IDLE, KEPT, State
from spec.model.tables import EMPTY, PP_SLOT, SAME, STORED, WB
from spec.model.transitions import may_charge
from spec.scope import Scope

Sight = Callable[[State], bool]

_EVERYWHERE: Final[dict[str, Sight]] = {
    "a slot is empty": lambda s: _some_slot_is(EMPTY, s),
    "a slot is same": lambda s: _some_slot_is(SAME, s),
    "a slot is stored": lambda s: _some_slot_is(STORED, s),
    "a slot is pp_slot": lambda s: _some_slot_is(PP_SLOT, s),
    "a claim is lost while a block is held": lambda s: (
        s.held >= 0 and any(q and x.kind != PP_SLOT for q, x in zip(s.queued, s.slots, strict=True))
    ),
}
_WITH_A_WRITE: Final[dict[str, Sight]] = {
    "a slot is wb": lambda s: _some_slot_is(WB, s),
    "a write fails and its slot kept the claim": lambda s: _done(s, DONE_ERROR, kept=True),
    "a write fails and its slot lost the claim": lambda s: _done(s, DONE_ERROR, kept=False),
    "a write succeeds and its slot kept the claim": lambda s: _done(s, DONE_OK, kept=True),
    "a write succeeds and its slot lost the claim": lambda s: _done(s, DONE_OK, kept=False),
    "a claim is lost in flight": lambda s: any(q.phase == FLIGHT and s.slots[q.slot].kind != PP_SLOT for q in s.reqs),
}
_WITH_A_LIMIT: Final[dict[str, Sight]] = {
    "the budget is used up with candidates left": lambda s: any(s.queued) and not may_charge(s.budget),
}
_WITH_A_WRITE_PER_BLOCK: Final[dict[str, Sight]] = {
    "the device is at rest and full": lambda s: s.running == AT_REST and all(b.used for b in s.blocks),
}
_WITH_TOO_FEW_BLOCKS: Final[dict[str, Sight]] = {
    "the device is full with candidates left": lambda s: any(s.queued) and s.held < 0 and all(b.used for b in s.blocks),
}
_WITH_TWO_REQUESTS: Final[dict[str, Sight]] = {
    "a request waits while another is in flight": lambda s: {HELD, FLIGHT} <= {q.phase for q in s.reqs},
}
_WITH_TWO_OF_EVERYTHING: Final[dict[str, Sight]] = {
    "two requests are in flight": lambda s: sum(q.phase == FLIGHT for q in s.reqs) > 1,
}
_WITH_READERS: Final[dict[str, Sight]] = {
    "a read has to be retried": lambda s: any(r.phase > IDLE and not r.valid for r in s.readers),
    "a page is read while its block is reused": lambda s: any(
        r.phase > IDLE and not r.valid and s.blocks[r.blk].used for r in s.readers
    ),
}
_WITH_READERS_AND_TWO_WRITES: Final[dict[str, Sight]] = {
    "a read has got another page's bytes": lambda s: any(r.phase > IDLE and not r.sound for r in s.readers),
}
_WITH_KEPT_PAGES: Final[dict[str, Sight]] = {
    "a kept page is stale": lambda s: any(r.phase == KEPT and not r.valid for r in s.readers),
}
_WITH_KEPT_PAGES_AND_TWO_WRITES: Final[dict[str, Sight]] = {
    "a kept page is stale and its slot written back again": lambda s: any(
        r.phase == KEPT and not r.valid and s.slots[r.slot].kind == WB for r in s.readers
    ),
}
_AFTER_A_WRITE: Final = {
    *("submit", "reap", "device_ok", "device_error", "endio_queue", "endio_leave"),
    *("read_begin", "read_answer", "read_end", "read_retry", "read_keep", "read_kept", "drop_kept"),
}


def writes(scope: Scope) -> float:
    """Return how many blocks may be written at most."""
    unbounded = scope.limit < 0 or scope.toggles or scope.resets
    return math.inf if unbounded else scope.limit + scope.stores * max(scope.limit, 1)


def sometimes(scope: Scope) -> dict[str, Sight]:
    """Return the sentences that a complete search of `scope` must see."""
    fills = scope.slots >= scope.blocks and writes(scope) >= scope.blocks
    pairs = scope.slots > 1 and scope.requests > 1 and writes(scope) > 0
    due = [
        (True, _EVERYWHERE),
        (writes(scope) > 0, _WITH_A_WRITE),
        (scope.limit >= 0 or scope.toggles > 0, _WITH_A_LIMIT),
        (fills, _WITH_A_WRITE_PER_BLOCK),
        (fills and scope.slots > scope.blocks, _WITH_TOO_FEW_BLOCKS),
        (pairs, _WITH_TWO_REQUESTS),
        (pairs and scope.blocks > 1 and writes(scope) > 1, _WITH_TWO_OF_EVERYTHING),
        (scope.readers > 0 and writes(scope) > 0, _WITH_READERS),
        (scope.readers > 0 and writes(scope) > 1, _WITH_READERS_AND_TWO_WRITES),
        (scope.readers > 0 and scope.keeps > 0 and writes(scope) > 0, _WITH_KEPT_PAGES),
        (scope.readers > 0 and scope.keeps > 0 and writes(scope) > 1, _WITH_KEPT_PAGES_AND_TWO_WRITES),
    ]
    return {sentence: sight for wanted, sights in due if wanted for sentence, sight in sights.items()}


def taken(scope: Scope, actions: Iterable[str]) -> list[str]:
    """Return those of `actions` that a complete search of `scope` must take."""
    return [name for name in actions if writes(scope) > 0 or name not in _AFTER_A_WRITE]


def _some_slot_is(kind: int, s: State) -> bool:
    return any(x.kind == kind for x in s.slots)


def _done(s: State, phase: int, *, kept: bool) -> bool:
    return any(q.phase == phase and (s.slots[q.slot].kind == PP_SLOT) == kept for q in s.reqs)
