"""Driving a pass of a `Bench` by hand, and what must hold when it is over."""

from tests.impl.doubles import Bench
from zram_impl import WritebackResult
from zram_impl.decisions import SlotKind
from zram_impl.passes.base import PassProgress, PassStage
from zram_impl.passes.writeback import WritebackPass


def finish(running: WritebackPass) -> WritebackResult:
    """Drive a pass to its end; who waits has everything held answered."""
    while (progress := running.advance()) is not PassProgress.DONE:
        if progress is PassProgress.WAIT:
            running.wait()
    return running.result


def until_waiting(running: WritebackPass) -> None:
    """Advance until nothing can be done without an answer."""
    while running.advance() is PassProgress.PROGRESS:
        pass


def begin(bench: Bench, *slots: int) -> WritebackPass:
    """Begin a pass over slots and submit what can be submitted."""
    running = bench.dev.begin_writeback(pages=slots)
    until_waiting(running)
    return running


def stepped(bench: Bench, steps: int, *slots: int) -> WritebackPass:
    """Begin a pass over slots and let it do so many actions."""
    running = bench.dev.begin_writeback(pages=slots)
    for _ in range(steps):
        running.advance(1)
    return running


def kinds(bench: Bench) -> str:
    """One letter a slot: empty, same, stored, pp_slot, written back."""
    return "".join(".sSPW"[slot.kind] for slot in bench.snapshot.slots)


def assert_at_rest(bench: Bench) -> None:
    """No pass, no claim, no request, no block but those of written-back slots, none aside, and the counters agree."""
    now = bench.snapshot
    owned = sorted(slot.blk_idx for slot in now.slots if slot.blk_idx is not None)
    assert (now.stage, now.queued, now.requests, now.held_block) == (PassStage.OVER, (), (), None)
    assert [slot for slot in now.slots if slot.owned or slot.kind is SlotKind.PP_SLOT] == []
    assert (owned, now.bd_count) == ([block for block, used in enumerate(now.blocks) if used], sum(now.blocks))
    assert bench.engine.out == 0
    assert bench.pages.blocks._aside == 0, "a block whose write failed is free again once the pass is over"


def assert_adds_up(result: WritebackResult) -> None:
    parts = result.written + result.lost + result.failed + result.skipped + result.left
    assert parts == result.selected
