"""Requirements on the tables and the fresh device, independent of the text: a few sentences that read them."""

from collections.abc import Callable
from typing import Final

from spec.model.state import AT_REST, IDLE, QUIET, Block, Budget, Counts, Reader, Req, Slot, State, initial
from spec.model.tables import (
    COMMIT,
    COMPLETION_TABLE,
    EMPTY,
    ILLEGAL,
    NONE,
    PP_SLOT,
    RELEASE,
    SAME,
    SLOT_TABLE,
    STORED,
    WB,
)

_KINDS: Final = (EMPTY, SAME, STORED, PP_SLOT, WB)


def what_is_written_is_there() -> bool:
    """a write leaves a stored page and a write of one word a same-filled one, whatever the slot was"""
    return set(SLOT_TABLE.write) == {STORED} and set(SLOT_TABLE.write_same) == {SAME}


def what_is_freed_is_empty() -> bool:
    """a page that is freed leaves an empty slot"""
    return set(SLOT_TABLE.free) == {EMPTY}


def an_access_takes_the_claim_and_nothing_else() -> bool:
    """a read leaves every slot what it was, but for a claim on it"""
    return all(
        after == (STORED if kind == PP_SLOT else kind) for kind, after in zip(_KINDS, SLOT_TABLE.read, strict=True)
    )


def only_a_stored_page_is_selected() -> bool:
    """a pass claims stored pages and no others"""
    return SLOT_TABLE.select == tuple(PP_SLOT if kind == STORED else ILLEGAL for kind in _KINDS)


def only_a_claim_is_released_or_committed() -> bool:
    """a slot that is not claimed can neither be released nor become written back"""
    released = tuple(STORED if kind == PP_SLOT else ILLEGAL for kind in _KINDS)
    return SLOT_TABLE.release == released and SLOT_TABLE.commit == tuple(WB if x == STORED else x for x in released)


def a_block_goes_where_its_slot_goes() -> bool:
    """only a good write of a slot that kept its claim is committed, slot and block"""
    ends = [(row.slot, row.block) for row in COMPLETION_TABLE]
    return ends == [(RELEASE, RELEASE)] * 3 + [(COMMIT, COMMIT)]


def a_write_is_counted_or_refunded() -> bool:
    """a write that failed is refunded and one that did not is counted, claim or no claim"""
    return [(row.refund, row.bd_writes) for row in COMPLETION_TABLE] == [(1, 0)] * 2 + [(0, 1)] * 2


def a_fresh_device_is_as_asked_for() -> bool:
    """a fresh device has nothing in it, is at rest, and is of the size and has the limit that were asked for"""
    return all(_fresh(given) == initial(5, 4, 3, given, 2) for given in (None, 0, 1))


def _fresh(given: int | None) -> State:
    limit, enabled = (0, 0) if given is None else (given, 1)
    return State(
        slots=(Slot(EMPTY, 0, 0, NONE),) * 5,
        queued=(0,) * 5,
        blocks=(Block(0, QUIET, NONE),) * 4,
        reqs=(Req(IDLE, NONE, NONE, 0, 0),) * 3,
        readers=(Reader(IDLE, NONE, NONE, 0, 0),) * 2,
        running=AT_REST,
        held=NONE,
        budget=Budget(enabled, limit, 1, limit, 0),
        counts=Counts(0, 0, 0, 0),
    )


RULES: Final[tuple[Callable[[], bool], ...]] = (
    what_is_written_is_there,
    what_is_freed_is_empty,
    an_access_takes_the_claim_and_nothing_else,
    only_a_stored_page_is_selected,
    only_a_claim_is_released_or_committed,
    a_block_goes_where_its_slot_goes,
    a_write_is_counted_or_refunded,
    a_fresh_device_is_as_asked_for,
)
