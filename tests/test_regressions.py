"""Failures that were found, each as a readable program with a postmortem of two lines.

The program that a machine prints is pasted unchanged (`state = ...`), then the fault is corrected; a run that a search
prints is replayed with `play`. The example database is only a cache. A program stays when the code changes; one that
has become impossible is replaced by its nearest possible relative.
"""

from spec.model.tables import NONE
from stateful.lockstep.machine import BudgetMachine
from tests.stateful.lockstep.playing import BACKED, ERROR, IN_FLIGHT, OK, ONE, kinds, led
from zram_impl import WritebackResult
from zram_impl.passes.base import PassProgress


def test_001_a_block_reserved_for_no_candidate_is_released() -> None:
    """A pass that was cancelled between reserving a block and submitting ended without giving the block back.

    Version 3 of the batching patch dropped the lines after its loop: what is taken needs a place that releases it.
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


def test_002_a_rewritten_page_can_be_selected_again() -> None:
    """A committed slot that kept its owner mark was passed over by every later scan, and no check looked at the mark.

    The state of a written-back slot does not show it, so flags are compared beside the states.
    """
    with led(f"{BACKED} {BACKED}") as both:
        assert both.subject.result == WritebackResult(selected=1, written=1)


def test_003_a_block_written_for_a_lost_slot_is_counted() -> None:
    """A completion that did not count bd_writes passed every comparison of states, since no decision reads the count.

    Reports are behaviour, too: statistics and results are compared after every step.
    """
    with led(f"{IN_FLIGHT} write(0, 0) {OK} reap(0) end_pass() {IN_FLIGHT} {ERROR} reap(0) end_pass()") as both:
        assert (both.subject.device.stats.bd.bd_writes, kinds(both)) == (1, "S.")


def test_004_a_pass_with_a_lost_and_a_failed_request_ends() -> None:
    """A request that stayed counted as alive made the pass wait for ever, and the machine with it, without a message.

    A pass that waits although nothing is in flight is now a divergence, and the machine waits a bounded time.
    """
    with led("write(0, 0) write(1, 0)", ONE._replace(blocks=2, requests=2)) as both:
        both.begin(None, [0, 1])
        while both.advance() is PassProgress.PROGRESS:
            pass
        both.do("write", 0, 0)
        both.answer(both.in_flight()[0], failing=True)
        both.reach_quiescence()
        assert both.subject.result == WritebackResult(selected=2, failed=1, lost=1, errors=[(1, 5)])


def test_005_a_reset_during_a_pass_accounts_for_every_page() -> None:
    """Nothing reset the device while a pass ran, so the effect of a reset on a running pass was never compared.

    The steps that end the pass are followed one by one before the reset's own.
    """
    with led(f"write(1, 0) {IN_FLIGHT} reset()") as both:
        assert " ".join(both.steps).endswith(f"{IN_FLIGHT}{OK}reap(0) end_pass() reset()")
        assert both.subject.result == WritebackResult(selected=1, written=1)
