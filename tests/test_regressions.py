"""Every failure that was found, as a program that can be read, with a postmortem of two lines.

What a machine prints is pasted here as it is (`state = ...`), then the fault is corrected; a run that a walk prints is
led through `play`. The example database is a cache; this is the memory. A program stays when the code changes: one that
has become impossible is replaced by what came in its place.
"""

from spec.model.tables import NONE
from stateful.lockstep.machine import BudgetMachine
from tests.stateful.lockstep.playing import BACKED, ERROR, IN_FLIGHT, OK, ONE, kinds, lockstep, play
from zram_impl import WritebackResult
from zram_impl.passes.base import PassProgress


def test_001_a_reserved_block_is_released_when_its_candidate_never_comes() -> None:
    """A pass that was cancelled between reserving a block and submitting ended without giving the block back.

    Version 3 of the batching patch dropped the lines after its loop; whoever takes something must say who releases it.
    """
    state = BudgetMachine()
    state.write_first(stored=[False, False, False, False], backed=0, ahead=0)
    state.begin_pass(mode="huge", pages=None)
    state.advance(failing=[], steps=10)
    state.cancel()
    state.advance_past(last="scan")
    state.teardown()
    left = state.both.state
    assert (left.held, sum(block.used for block in left.blocks)) == (NONE, left.counts.bd_count)


def test_002_a_page_written_back_can_be_selected_again_once_it_is_rewritten() -> None:
    """A committed slot that kept its owner mark was passed over by every later scan, and no check looked at the mark.

    The state of a written-back slot does not show it, so flags are compared beside the states.
    """
    with lockstep() as both:
        play(both, f"{BACKED} {BACKED}")
        assert both.subject.result == WritebackResult(selected=1, written=1)


def test_003_blocks_written_are_counted_even_when_the_slot_was_lost() -> None:
    """A completion that did not count bd_writes passed every comparison of states, since no decision reads the count.

    What a device reports is part of what it does: statistics and results are compared after every step.
    """
    with lockstep() as both:
        play(both, f"{IN_FLIGHT} write(0, 0) {OK} reap(0) end_pass() {IN_FLIGHT} {ERROR} reap(0) end_pass()")
        assert (both.subject.device.stats.bd.bd_writes, kinds(both)) == (1, "S.")


def test_004_a_pass_ends_although_a_request_was_lost_and_another_failed() -> None:
    """A request that stayed counted as alive made the pass wait for ever, and the machine with it: nothing was said.

    A pass that waits although nothing is in flight is a difference of its own, and letting go is bounded.
    """
    with lockstep(ONE._replace(blocks=2, requests=2)) as both:
        play(both, "write(0, 0) write(1, 0)")
        both.begin(None, [0, 1])
        while both.advance() is PassProgress.PROGRESS:
            pass
        both.do("write", 0, 0)
        both.answer(both.in_flight()[0], failing=True)
        both.come_to_rest()
        assert both.subject.result == WritebackResult(selected=2, failed=1, lost=1, errors=[(1, 5)])


def test_005_a_reset_in_the_middle_of_a_pass_still_accounts_for_every_page() -> None:
    """Nothing reset the device while a pass ran, so what a reset does to a running pass was never compared.

    The steps that end the pass are followed one by one before the reset's own.
    """
    with lockstep() as both:
        play(both, f"write(1, 0) {IN_FLIGHT} reset()")
        assert " ".join(both.steps).endswith(f"{IN_FLIGHT}{OK}reap(0) end_pass() reset()")
        assert both.subject.result == WritebackResult(selected=1, written=1)
