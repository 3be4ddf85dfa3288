"""The decisions writeback stands on, as pure functions of small ints; the shells apply them under the table lock.

Each is held equal to the specification's by a symbolic check, so none may do I/O, keep state or look at objects.

Kernel: zram_writeback_complete(), zram_account_writeback_submit(), zram_account_writeback_rollback(),
place_pp_slot(), scan_slots_for_writeback().
"""

from enum import IntEnum
from typing import Final, NamedTuple

from zram_impl.units import PP_BUCKET_WIDTH


class SlotKind(IntEnum):
    """The kinds of a slot. PP_SLOT is a stored slot whose claim (ZRAM_PP_SLOT) the running pass holds."""

    EMPTY = 0
    SAME = 1
    STORED = 2
    PP_SLOT = 3
    WB = 4


class Completion(NamedTuple):
    """The treatment of an answered request."""

    commit: int
    """1: the slot becomes written back and owns the block. 0: the slot stays as it is, without a claim."""
    release_block: int
    refund: int
    bd_writes: int


# Rows: the write failed and the claim was lost, failed and kept, succeeded and lost, succeeded and kept.
_COMPLETIONS: Final = (
    Completion(commit=0, release_block=1, refund=1, bd_writes=0),
    Completion(commit=0, release_block=1, refund=1, bd_writes=0),
    Completion(commit=0, release_block=1, refund=0, bd_writes=1),
    Completion(commit=1, release_block=0, refund=0, bd_writes=1),
)


def completion(ok: int, kept: int) -> Completion:
    """Decide what becomes of an answered request.

    Args:
        ok: 1 when the device wrote the page, 0 when it failed.
        kept: 1 when the slot still has its claim, read under the table lock: the only proof that the bytes on the
            device are the bytes of the page.
    """
    return _COMPLETIONS[2 * ok + kept]


def may_charge(enabled: int, limit: int) -> bool:
    """Return whether one more block may be submitted."""
    return enabled == 0 or limit > 0


def charge(enabled: int, limit: int, grant: int, blocks: int = 1) -> tuple[int, int]:
    """Charge so many blocks, one a request; return the limit left and the grant each carries (0: not charged)."""
    return (limit - blocks, grant) if enabled else (limit, 0)


def refund(limit: int, grant: int, charged: int) -> int:
    """Return the limit after a failed write that carried `charged`: only the present grant takes it back."""
    return limit + 1 if charged == grant else limit


def bucket(size: int) -> int:
    """Return the post-processing bucket of an object of `size` bytes."""
    return size // PP_BUCKET_WIDTH


class Mode(IntEnum):
    """The pages that a scan selects."""

    PAGES = 0
    IDLE = 1
    HUGE = 2
    HUGE_IDLE = 3
    INCOMPRESSIBLE = 4


def selects(mode: int, huge: int, idle: int, incompressible: int) -> bool:
    """Return whether a scan with `mode` wants a page that is in memory."""
    if mode == Mode.IDLE:
        return idle == 1
    if mode == Mode.HUGE:
        return huge == 1
    if mode == Mode.HUGE_IDLE:
        return huge == 1 and idle == 1
    if mode == Mode.INCOMPRESSIBLE:
        return incompressible == 1
    return True
