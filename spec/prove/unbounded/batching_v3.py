"""The bugs of `spec.bugs.batching_v3`, said of a device of any size."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from spec.model.state import DONE_OK
from spec.model.tables import COMMIT, COMPLETION_TABLE, PP_SLOT, Completion
from spec.prove.unbounded.actions import MOVES
from spec.prove.unbounded.history import REPLACED as IN_HISTORY
from spec.prove.unbounded.rows import SymbolicDevice
from spec.prove.unbounded.transitions import Change, Move, completion, finish
from spec.prove.unbounded.writeback import can_send, forget_held, reap_by, send

_KEEPS_BLOCK: Final = tuple(row._replace(block=COMMIT) for row in COMPLETION_TABLE)
_NO_REFUND: Final = tuple(row._replace(refund=0) for row in COMPLETION_TABLE)


def _reaps_by(table: tuple[Completion, ...]) -> Mapping[str, Move]:
    return {"reap": MOVES["reap"]._replace(change=partial(reap_by, table))}


def _reap_after_release(s: SymbolicDevice, r: int) -> Change:
    return finish(s, r, completion(s.reqs(r).phase == DONE_OK, kept=False))


def _can_submit_by_slot_0(s: SymbolicDevice, i: int, r: int) -> bool:
    return (s.queued(i) == 1) & (s.slots(0).kind == PP_SLOT) & can_send(s, r)


def _submit_slot_0(s: SymbolicDevice, i: int, r: int) -> Change:
    return send(s, i, 0, r)


REPLACED: Final[Mapping[str, Mapping[str, Move]]] = {
    "early_release": {"reap": MOVES["reap"]._replace(change=_reap_after_release)},
    "unassigned_index": {"submit": Move(_can_submit_by_slot_0, _submit_slot_0)},
    "leak_on_error": _reaps_by((*_KEEPS_BLOCK[:2], *COMPLETION_TABLE[2:])),
    "leak_on_lost_slot": _reaps_by((*COMPLETION_TABLE[:2], _KEEPS_BLOCK[2], COMPLETION_TABLE[3])),
    "leak_after_loop": {"drop_held": MOVES["drop_held"]._replace(change=forget_held)},
    "no_refund": _reaps_by(_NO_REFUND),
    **IN_HISTORY,
}
"""By name of the bug: what replaces which action."""
