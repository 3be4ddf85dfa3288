"""The exact condition of each action: the guards once more, in other words and without their help.

A guard that allows too much lets something bad happen, and the invariant says so. One that allows too little, or too
much that does no harm, only makes the device do less or more than it should, which nothing else would notice.
"""

from collections.abc import Mapping
from typing import Final

from spec.model.actions import Action, Guard
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
    SCANNING,
    WRITING,
    State,
)
from spec.model.tables import EMPTY, NONE, PP_SLOT, SAME, STORED, WB
from spec.model.terms import at, choose, count, no, within


def _always(_s: State, *_args: int) -> bool:
    return True


def _is(s: State, i: int, kind: int) -> bool:
    return at(s.slots, i).kind == kind


def _in_memory(s: State, i: int, idle: int) -> bool:
    """Return whether the page is an object in memory, marked or not."""
    x = at(s.slots, i)
    return within(STORED, x.kind, PP_SLOT) & (x.idle == idle)


def _reads(s: State, k: int, phase: int) -> bool:
    return at(s.readers, k).phase == phase


def _reading(s: State) -> int:
    """Count the reads under way: what is kept is none of them."""
    return count([within(ASKED, x.phase, ANSWERED) for x in s.readers])


def _candidate(s: State, i: int) -> bool:
    """Return whether the pass writes, and the page is still to be written."""
    return (s.running == WRITING) & (at(s.queued, i) == 1)


def _candidates(s: State) -> int:
    return choose(s.running == WRITING, sum(s.queued), 0)


def _held(s: State) -> int:
    return count([q.phase == HELD for q in s.reqs])


def _quiet(s: State, r: int, first: int, last: int) -> bool:
    """Return whether the request has got so far, and no callback is inside with it."""
    return within(first, at(s.reqs, r).phase, last) & (at(s.reqs, r).inside == 0)


def _answered(s: State, r: int) -> bool:
    """Return whether the request is in flight, and the device is through with its block."""
    q = at(s.reqs, r)
    return (q.phase == FLIGHT) & within(IO_OK, at(s.blocks, choose(q.blk == NONE, 0, q.blk)).io, IO_ERROR)


def _sends(s: State, r: int) -> bool:
    """Return whether the request and a block are ready, and there is budget for one more."""
    affordable = no(s.budget.enabled == 1) | (s.budget.limit >= 1)
    return (at(s.reqs, r).phase == HELD) & no(s.held == NONE) & affordable


def _nobody_is_busy(s: State) -> bool:
    return count([no(q.phase == IDLE) | (q.inside == 1) for q in s.reqs]) == 0


ENABLED: Final[Mapping[str, Guard]] = {
    "write": _always,
    "write_same": _always,
    "discard": lambda s, i: no(_is(s, i, EMPTY)),
    "read": lambda s, i: within(SAME, at(s.slots, i).kind, PP_SLOT),
    "read_begin": lambda s, i, k: _is(s, i, WB) & _reads(s, k, IDLE),
    "read_answer": lambda s, k: _reads(s, k, ASKED),
    "read_end": lambda s, k: _reads(s, k, ANSWERED) & (at(s.readers, k).valid == 1),
    "read_retry": lambda s, k: _reads(s, k, ANSWERED) & no(at(s.readers, k).valid == 1),
    "read_keep": lambda s, k: _reads(s, k, ANSWERED) & no(at(s.readers, k).valid == 0),
    "read_kept": lambda s, k: _reads(s, k, KEPT) & no(at(s.readers, k).valid == 0),
    "drop_kept": lambda s, k: _reads(s, k, KEPT),
    "mark_idle": lambda s, i: _in_memory(s, i, idle=0),
    "clear_idle": lambda s, i: _in_memory(s, i, idle=1),
    "recompress": lambda s, i: (s.running == AT_REST) & _is(s, i, STORED),
    "recompress_in_vain": lambda s, i: (s.running == AT_REST) & _is(s, i, STORED),
    "store_limit": _always,
    "toggle_limit": _always,
    "reset": lambda s: (s.running == AT_REST) & (_reading(s) == 0),
    "begin_pass": lambda s: s.running == AT_REST,
    "refuse_pass": lambda s: within(SCANNING, s.running, WRITING),
    "scan": lambda s, i: (s.running == SCANNING) & _is(s, i, STORED) & no(at(s.queued, i) == 1),
    "end_scan": lambda s: s.running == SCANNING,
    "take_request": lambda s, r: (_candidates(s) >= 1) & (_held(s) == 0) & _quiet(s, r, IDLE, IDLE),
    "reserve_block": lambda s, b: (_candidates(s) >= 1) & (_held(s) == 1) & (s.held < 0) & (at(s.blocks, b).used == 0),
    "submit": lambda s, i, r: _candidate(s, i) & _is(s, i, PP_SLOT) & _sends(s, r),
    "skip": lambda s, i: _candidate(s, i) & no(_is(s, i, PP_SLOT)),
    "give_up": lambda s, i: _candidate(s, i) & _is(s, i, PP_SLOT),
    "drop_held": lambda s: (s.running == WRITING) & (_candidates(s) == 0) & ((_held(s) == 1) | no(s.held == NONE)),
    "reap": lambda s, r: _quiet(s, r, DONE_OK, DONE_ERROR),
    "end_pass": lambda s: (s.running == WRITING) & (_candidates(s) == 0) & _nobody_is_busy(s) & (s.held == NONE),
    "device_ok": lambda s, b: at(s.blocks, b).io == PENDING,
    "device_error": lambda s, b: at(s.blocks, b).io == PENDING,
    "endio_queue": _answered,
    "endio_leave": lambda s, r: no(at(s.reqs, r).inside == 0),
}


def as_it_should(action: Action, s: State, args: tuple[int, ...]) -> bool:
    """an action can be taken exactly when it should be possible"""
    return action.guard(s, *args) == ENABLED[action.name](s, *args)
