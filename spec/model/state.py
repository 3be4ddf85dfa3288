"""The state of the device as far as writeback can tell: NamedTuples of ints and of rows of them.

A page's content is not here, only whether it changed: a block `holds` slot i as long as the bytes written (or being
written) to it are what page i contains right now. Device state and driver state are kept apart, because the worst
bugs confuse them: `Block.io` is what the device is doing, `Req.phase` is what the driver believes; the claim on a slot
(kind PP_SLOT) is apart from the pp_slot that owns it (`queued`, or a request); the control block of a pass (`running`)
is apart from the callbacks still inside it (`Req.inside`).
"""

from typing import NamedTuple

from spec.model.tables import EMPTY, NONE

# Req.phase: where the driver has the request.
IDLE, HELD, FLIGHT, DONE_OK, DONE_ERROR = range(5)

# Block.io: what the device does with the block.
QUIET, PENDING, IO_OK, IO_ERROR = range(4)

# Reader.phase, when it is not IDLE.
ASKED, ANSWERED, KEPT = 1, 2, 3

# State.running: the pass and its control block.
AT_REST, SCANNING, WRITING = range(3)


class Slot(NamedTuple):
    """An entry of the slot table."""

    kind: int = EMPTY
    huge: int = 0
    idle: int = 0
    blk: int = NONE
    """Block of a `wb` slot, else NONE."""


class Block(NamedTuple):
    """A block of the backing device."""

    used: int = 0
    """Its bit in the driver's bitmap."""
    io: int = QUIET
    holds: int = NONE
    """Ghost: the slot whose present content is on, or on its way to, this block."""


class Req(NamedTuple):
    """A write request of the pass."""

    phase: int = IDLE
    slot: int = NONE
    blk: int = NONE
    grant: int = 0
    """The grant it was charged to, 0 when it was not charged."""
    inside: int = 0
    """Its callback has queued the answer and is still inside the control block."""


class Reader(NamedTuple):
    """A read of a written-back page on its way, or a page that one has left behind: KEPT."""

    phase: int = IDLE
    slot: int = NONE
    blk: int = NONE
    valid: int = 0
    """The slot has not been replaced since the read began: what the re-validation finds out, each time."""
    sound: int = 0
    """Ghost: the bytes the device returned, or will, are the page's; a kept page's are only while it has them."""


class Budget(NamedTuple):
    """writeback_limit, in blocks."""

    enabled: int
    limit: int
    grant: int
    """Number of the present grant; every store of the limit opens the next."""
    granted: int
    """Ghost: the limit as the present grant began."""
    spent: int = 0
    """Ghost: blocks written on the present grant."""


class Counts(NamedTuple):
    """The statistics that follow from the state."""

    stored: int = 0
    same: int = 0
    huge: int = 0
    bd_count: int = 0


class State(NamedTuple):
    """Everything."""

    slots: tuple[Slot, ...]
    queued: tuple[int, ...]
    """Per slot: 1 while its pp_slot waits in a bucket of the pass."""
    blocks: tuple[Block, ...]
    reqs: tuple[Req, ...]
    readers: tuple[Reader, ...]
    running: int
    held: int
    """The block the pass has reserved and not yet given to a request, or NONE."""
    budget: Budget
    counts: Counts


def initial(slots: int, blocks: int, requests: int, limit: int | None, readers: int = 0) -> State:
    """Return a fresh device; `limit` None leaves the budget disabled."""
    rows = (Slot(),) * slots, (0,) * slots, (Block(),) * blocks, (Req(),) * requests, (Reader(),) * readers
    budget = Budget(enabled=int(limit is not None), limit=limit or 0, grant=1, granted=limit or 0)
    return State(*rows, running=AT_REST, held=NONE, budget=budget, counts=Counts())
