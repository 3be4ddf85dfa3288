"""Quiescence of a device of any size: the work left, and the actions that can lower it."""

from collections.abc import Mapping
from typing import Final

from spec.model.state import ASKED, AT_REST, DONE_OK, FLIGHT, HELD, IDLE, IO_OK, PENDING, SCANNING, WRITING
from spec.model.tables import STORED
from spec.model.terms import every, implies, no
from spec.prove.unbounded.rows import (
    BLOCKS,
    READERS,
    REQUESTS,
    SLOTS,
    CountedKind,
    SymbolicDevice,
    cell,
    each,
    pick,
    some,
)
from spec.prove.unbounded.transitions import Move, loop_over

_IDLE: Final = CountedKind("idle requests", REQUESTS, lambda s, r: s.reqs(r).phase == IDLE)
_HELD: Final = CountedKind("held requests", REQUESTS, lambda s, r: s.reqs(r).phase == HELD)
_FLYING: Final = CountedKind("requests in flight", REQUESTS, lambda s, r: s.reqs(r).phase == FLIGHT)
_DONE: Final = CountedKind("answered requests", REQUESTS, lambda s, r: s.reqs(r).phase >= DONE_OK)
_INSIDE: Final = CountedKind("callbacks inside", REQUESTS, lambda s, r: s.reqs(r).inside == 1)
_PENDING: Final = CountedKind("blocks being written", BLOCKS, lambda s, b: s.blocks(b).io == PENDING)
_WRITTEN: Final = CountedKind("blocks written", BLOCKS, lambda s, b: s.blocks(b).io >= IO_OK)
_ASKED: Final = CountedKind("reads asked for", READERS, lambda s, k: s.readers(k).phase == ASKED)
_UNCLAIMED: Final = CountedKind("stored pages without a claim", SLOTS, lambda s, i: s.slots(i).kind == STORED)
_QUEUED: Final = CountedKind("candidates", SLOTS, lambda s, i: s.queued(i) == 1)

COUNTED: Final = (_IDLE, _HELD, _FLYING, _DONE, _INSIDE, _PENDING, _WRITTEN, _ASKED, _UNCLAIMED, _QUEUED)


def work_left(s: SymbolicDevice) -> int:
    """Count what the pass and the device still have to do."""
    more = _more(s)
    return pick(more, _work(s, more=True), _work(s, more=False))


def less_is_left(before: SymbolicDevice, _args: tuple[int, ...], after: SymbolicDevice) -> bool:
    """Return whether a step has left less to do, whether there were candidates and are."""
    cases = [(had, has) for had in (False, True) for has in (False, True)]
    return every(
        [
            implies((_more(before) == had) & (_more(after) == has), _work(after, more=has) < _work(before, more=had))
            for had, has in cases
        ]
    )


def one_can_move(s: SymbolicDevice, moves: Mapping[str, Move], parameters: Mapping[str, tuple[str, ...]]) -> bool:
    """Return whether something is left to do, and then whether the pass or the device can do it."""
    found = every([no(_possible(s, moves[name], rows)) for name, rows in parameters.items()])
    return every([_work(s, more=more) >= 0 for more in (False, True)]) & (_at_rest(s) | no(found))


def _possible(s: SymbolicDevice, move: Move, rows: tuple[str, ...], *args: int) -> bool:
    if len(args) == len(rows):
        return move.guard(s, *args)
    return some(s, rows[len(args)], lambda i: _possible(s, move, rows, *args, i))


def _at_rest(s: SymbolicDevice) -> bool:
    return (s.running == AT_REST) & each(s, READERS, lambda k: no(s.readers(k).phase == ASKED))


def _more(s: SymbolicDevice) -> bool:
    return no(loop_over(s)) & (s.running == WRITING)


def _work(s: SymbolicDevice, *, more: bool) -> int:
    many = s.recount
    requests = 2 * more * many(_IDLE) + many(_HELD) + 9 * many(_FLYING) + 4 * many(_DONE) + many(_INSIDE)
    running = cell((0, 10 + 20 * s.sizes.slots + 2 * s.sizes.requests, 5), s.running)
    unscanned = pick(s.running == SCANNING, 20 * many(_UNCLAIMED), 0)
    held = pick(s.held >= 0, 1, 2 * more)
    io = 2 * many(_PENDING) + many(_WRITTEN)
    return running + unscanned + 17 * many(_QUEUED) + held + requests + io + many(_ASKED)
