"""A keeper in lockstep: one step at a time, and what it promises besides a sound pass is seen to be broken."""

from collections.abc import Callable, Iterator

import pytest

from spec.scope import Scope
from stateful.lockstep.divergence import Divergence
from stateful.lockstep.keeping import ENGINE, WhatIsIdle
from stateful.lockstep.lockstep import Lockstep
from stateful.lockstep.machine import KeepingMachine
from stateful.lockstep.run_machine import Until, run_machine
from stateful.lockstep.stepped_runtime import ROOM
from tests.stateful.lockstep.playing import kinds, lockstep, play
from tests.stateful.mistakes import Mistake, around, instead_of, replacing
from zram_impl import PAGE_SIZE
from zram_impl.pages.room import Room
from zram_impl.passes.base import PassProgress
from zram_impl.policy.coldest import ColdestFirst
from zram_impl.policy.keeper import Keeper
from zram_impl.policy.metrics import KeeperMetrics
from zram_impl.policy.ranking import Ranking

FOUR = Scope(slots=4, blocks=3, requests=2, limit=-1, huge=1, idle=1, resets=1, stores=1, toggles=1)
WHOLE = ColdestFirst(high=1.0, low=1.0)
ALL = ColdestFirst(high=0.0, low=0.0, idle_seconds=0)


def at(both: Lockstep) -> str | None:
    assert both.subject.keeping is not None
    return both.subject.keeping.at


def aged(both: Lockstep) -> None:
    """Write pages 0 to 2, which do not compress, a second apart, the last one first."""
    for page in (2, 1, 0):
        both.do("write", page, 1)
        both.mark_by_age(1, 9)


def test_a_writer_waits_until_the_coldest_page_is_written_back() -> None:
    with lockstep(FOUR) as both:
        aged(both)
        both.keep(3 * PAGE_SIZE + 3 * 48, WHOLE)
        both.do("write", 3, 1)
        assert (kinds(both), at(both), both.subject.refused) == ("SSWS", ROOM, False)


def test_a_writer_that_no_block_is_left_for_is_refused() -> None:
    with lockstep(FOUR._replace(blocks=1)) as both:
        both.keep(PAGE_SIZE, WHOLE)
        for page in range(3):
            both.do("write", page, 1)
        assert (kinds(both), both.subject.refused) == ("WS..", True)


def test_a_keeper_waits_for_the_device_as_any_pass_does() -> None:
    with lockstep(FOUR) as both:
        aged(both)
        both.keep(PAGE_SIZE, ALL)
        both.continue_keeping()
        assert (at(both), both.keeper_passes, kinds(both)) == (ENGINE, True, "PPP.")
        play(both, "read(0) refuse_pass()")
        both.answer(both.in_flight()[0], failing=True)
        assert (both.advance(), kinds(both)) == (PassProgress.WAIT, "SPS.")
        both.reach_quiescence()
        assert (kinds(both), at(both)) == ("WWW.", ROOM)


def test_a_keeper_waits_for_somebody_elses_pass() -> None:
    with lockstep(FOUR) as both:
        aged(both)
        both.begin(None, [1])
        both.keep(PAGE_SIZE, ALL)
        both.continue_keeping()
        assert (at(both), both.keeper_passes) == ("pass ended", False)
        both.reach_quiescence()
        assert kinds(both) == "SWS."
        for _ in range(2):  # it finds the other pass over, then looks again
            both.continue_keeping()
            both.reach_quiescence()
        assert kinds(both) == "WWW."


@pytest.mark.parametrize("end", [Lockstep.stop_keeping, lambda both: both.do("reset")], ids=["stop", "reset"])
def test_the_end_of_a_keeper_ends_its_pass(end: Callable[[Lockstep], None]) -> None:
    with lockstep(FOUR) as both:
        aged(both)
        both.keep(PAGE_SIZE, ALL)
        both.continue_keeping()
        end(both)
        assert (both.kept, both.running) == (False, False)


def test_a_policy_of_ones_own_writes_back_what_it_likes() -> None:
    with lockstep(FOUR) as both:
        aged(both)
        both.do("mark_idle", 0)
        both.do("read", 1)
        both.keep(PAGE_SIZE, WhatIsIdle())
        both.continue_keeping()
        both.reach_quiescence()
        assert kinds(both) == "WSW."


# --- what is noticed ---


@around(Ranking, "_rank")
def the_warmest_first(self: Ranking) -> Iterator[None]:
    yield
    self._ranked.reverse()


@instead_of(Room, "retry")
def no_second_attempt(_self: Room, _attempt: object, error: Exception, _interrupts: object) -> None:
    raise error


forgotten_coldness = replacing(Ranking, "forget", lambda _self: None)
passes_not_counted = replacing(
    Keeper, "metrics", property(lambda self: KeeperMetrics(self._metrics.memory, self._metrics.rounds))
)
a_keeper_that_ends = replacing(Keeper, "_turn", lambda _self, _asked: False)


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        (the_warmest_first, "the_coldest_go_first"),
        (forgotten_coldness, "the_coldest_go_first"),
        (no_second_attempt, "a_write_is_refused_for_a_reason"),
        (passes_not_counted, "metrics_are_the_sum_of_the_passes"),
        (a_keeper_that_ends, "a_keeper_runs_until_it_is_stopped"),
    ],
)
def test_a_broken_promise_is_noticed(mistake: Mistake, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake(monkeypatch)
    with pytest.raises(Divergence) as caught:
        keep_beside_a_pass()
    assert caught.value.name == name


def keep_beside_a_pass() -> None:
    """Have a keeper meet a pass of nobody's pages, then write until it has to write back itself."""
    with lockstep(FOUR) as both:
        aged(both)
        both.begin(None, [3])
        both.keep(2 * PAGE_SIZE, WHOLE)
        both.continue_keeping()
        both.reach_quiescence()
        for page in (3, 0):
            both.do("write", page, 1)


def test_the_machine_finds_pages_written_back_out_of_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    the_warmest_first(monkeypatch)
    assert run_machine(KeepingMachine, Until(examples=400), number=2, shrink=False).found == "the_coldest_go_first"
