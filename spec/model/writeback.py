"""Actions of a writeback pass: begin, scan, take a request, reserve a block, submit, reap, end."""

from spec.model.state import ASKED, AT_REST, DONE_OK, FLIGHT, HELD, IDLE, PENDING, SCANNING, WRITING, Block, State
from spec.model.tables import NONE, PP_SLOT, SLOT_TABLE, STORED
from spec.model.terms import at, choose, every, no, put
from spec.model.transitions import completion, finish, holds_request, loop_over, may_charge, release_block, set_slot


def can_begin_pass(s: State) -> bool:
    """Nothing runs."""
    return s.running == AT_REST


def begin_pass(s: State) -> State:
    """Make the control block."""
    return s._replace(running=SCANNING)


def can_refuse_pass(s: State) -> bool:
    """A pass runs."""
    return s.running > AT_REST


def refuse_pass(s: State) -> State:
    """Answer EAGAIN to a second pass."""
    return s


def can_scan(s: State, i: int) -> bool:
    """A page in memory without a pp_slot; which of them the mode selects is left open."""
    return (s.running == SCANNING) & (at(s.slots, i).kind == STORED) & (at(s.queued, i) == 0)


def scan(s: State, i: int) -> State:
    """Select the page: claim the slot, put its pp_slot into a bucket."""
    slot = at(s.slots, i)
    return set_slot(s._replace(queued=put(s.queued, i, 1)), i, slot._replace(kind=at(SLOT_TABLE.select, slot.kind)))


def can_end_scan(s: State) -> bool:
    """At any time: the mode decides what is selected."""
    return s.running == SCANNING


def end_scan(s: State) -> State:
    """Begin to write."""
    return s._replace(running=WRITING)


def can_take_request(s: State, r: int) -> bool:
    """There are candidates, no request is taken yet, and nobody is concerned with this one."""
    wanted = (s.running == WRITING) & no(loop_over(s)) & no(holds_request(s))
    return wanted & (at(s.reqs, r).phase == IDLE) & (at(s.reqs, r).inside == 0)


def take_request(s: State, r: int) -> State:
    """Take an idle request."""
    return s._replace(reqs=put(s.reqs, r, at(s.reqs, r)._replace(phase=HELD)))


def can_reserve_block(s: State, b: int) -> bool:
    """A request is taken, no block is held, and block `b` is free."""
    return no(loop_over(s)) & holds_request(s) & (s.held == NONE) & (at(s.blocks, b).used == 0)


def reserve_block(s: State, b: int) -> State:
    """Reserve the block for whichever candidate comes next."""
    counts = s.counts._replace(bd_count=s.counts.bd_count + 1)
    return s._replace(blocks=put(s.blocks, b, Block(used=1)), held=b, counts=counts)


def can_send(s: State, r: int) -> bool:
    """A request, a block, and budget for one more."""
    return (at(s.reqs, r).phase == HELD) & (s.held >= 0) & may_charge(s.budget)


def can_submit(s: State, i: int, r: int) -> bool:
    """A candidate that kept its claim, and all that it takes to send it."""
    return (at(s.queued, i) == 1) & (at(s.slots, i).kind == PP_SLOT) & can_send(s, r)


def submit(s: State, i: int, r: int) -> State:
    """Send the candidate. Its pp_slot leaves the bucket and belongs to the request from now on."""
    return send(s, i, i, r)


def send(s: State, i: int, source: int, r: int) -> State:
    """Copy page `source`, charge the budget, hand the request for slot `i` with the held block to the device."""
    b, enabled = s.held, s.budget.enabled
    grant = choose(enabled == 1, s.budget.grant, 0)
    reqs = put(s.reqs, r, at(s.reqs, r)._replace(phase=FLIGHT, slot=i, blk=b, grant=grant))
    blocks = put(s.blocks, b, Block(used=1, io=PENDING, holds=source))
    # from now on the device may write: a read of this block that it has not answered may see anything
    readers = [x._replace(sound=choose((x.phase == ASKED) & (x.blk == b), 0, x.sound)) for x in s.readers]
    budget = s.budget._replace(limit=s.budget.limit - enabled)
    s = s._replace(blocks=blocks, reqs=reqs, readers=tuple(readers), budget=budget)
    return s._replace(queued=put(s.queued, i, 0), held=NONE)


def can_skip(s: State, i: int) -> bool:
    """A candidate that lost its claim."""
    return (s.running == WRITING) & (at(s.queued, i) == 1) & no(at(s.slots, i).kind == PP_SLOT)


def skip(s: State, i: int) -> State:
    """Drop a candidate that lost its claim; request and block are kept for the next one."""
    return s._replace(queued=put(s.queued, i, 0))


def can_give_up(s: State, i: int) -> bool:
    """A candidate that kept its claim; why the pass gives up is left open."""
    return (s.running == WRITING) & (at(s.queued, i) == 1) & (at(s.slots, i).kind == PP_SLOT)


def give_up(s: State, i: int) -> State:
    """Release a candidate that will not be written: the pass was cancelled, or budget or blocks are used up."""
    released = at(s.slots, i)._replace(kind=at(SLOT_TABLE.release, at(s.slots, i).kind))
    return set_slot(s._replace(queued=put(s.queued, i, 0)), i, released)


def can_drop_held(s: State) -> bool:
    """No candidate is left for what the pass holds."""
    return loop_over(s) & (holds_request(s) | (s.held >= 0))


def forget_held(s: State) -> State:
    """Put the taken request back and hold no block any more."""
    reqs = [q._replace(phase=choose(q.phase == HELD, IDLE, q.phase)) for q in s.reqs]
    return s._replace(reqs=tuple(reqs), held=NONE)


def drop_held(s: State) -> State:
    """Release the reserved block and the taken request."""
    return forget_held(release_block(s, s.held))


def can_reap(s: State, r: int) -> bool:
    """The request is answered and its callback has left."""
    q = at(s.reqs, r)
    return (q.phase >= DONE_OK) & (q.inside == 0)


def reap(s: State, r: int) -> State:
    """Complete an answered request: decide under the lock, before the claim is taken off."""
    kept = at(s.slots, at(s.reqs, r).slot).kind == PP_SLOT
    return finish(s, r, completion((at(s.reqs, r).phase == DONE_OK) * 1, kept * 1))


def can_end_pass(s: State) -> bool:
    """Nothing is left, and no callback is inside the control block."""
    return loop_over(s) & (s.held == NONE) & every([(q.phase == IDLE) & (q.inside == 0) for q in s.reqs])


def end_pass(s: State) -> State:
    """Free the control block."""
    return s._replace(running=AT_REST)
