"""Running a machine until it finds something or it is time to stop."""

import os

import hypothesis
import pytest
from hypothesis.stateful import run_state_machine_as_test

from stateful.bugs.seeded import by_name
from stateful.lockstep import run_machine as campaigns
from stateful.lockstep.machine import BudgetMachine
from stateful.lockstep.run_machine import MachineCampaign, Until, run_machine

EARLY = by_name("early_release")


CHUNK = 8


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of few runs."""
    monkeypatch.setattr(campaigns, "CHUNK", CHUNK)


def without_time(campaign: MachineCampaign) -> MachineCampaign:
    return campaign._replace(seconds=0.0, finding=None)


def test_a_run_of_a_whole_device_finds_nothing() -> None:
    reported: list[tuple[int, int]] = []
    campaign = run_machine(BudgetMachine, Until(examples=2), report=lambda runs, steps: reported.append((runs, steps)))
    assert (campaign.found, campaign.finding) == ("", None)
    assert reported[-1] == (campaign.runs, campaign.steps)
    assert CHUNK <= campaign.runs < 3 * CHUNK


@pytest.mark.parametrize("examples", [1, 2, CHUNK + 1, 2 * CHUNK + 3])
def test_no_more_examples_are_run_than_asked_for(examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    done = [0]

    def noted(machine: type[BudgetMachine], *, settings: hypothesis.settings) -> None:
        assert settings.max_examples == min(CHUNK, examples - done[-1])
        run_state_machine_as_test(machine, settings=settings)

    monkeypatch.setattr(campaigns, "run_state_machine_as_test", noted)
    campaign = run_machine(BudgetMachine, Until(examples, exact=True), report=lambda runs, _steps: done.append(runs))
    assert (campaign.found, examples <= campaign.runs <= examples + 5) == ("", True)


def test_a_seed_means_the_same_runs_every_time() -> None:
    once, again, other = (without_time(run_machine(BudgetMachine, Until(examples=1), number=n)) for n in (7, 7, 8))
    assert once == again
    assert once != other


def test_every_chunk_has_a_seed_of_its_own() -> None:
    one = run_machine(BudgetMachine, Until(examples=1))
    assert run_machine(BudgetMachine, Until(examples=one.runs + 1)).steps != 2 * one.steps


def test_no_more_is_begun_when_the_time_is_over() -> None:
    assert run_machine(BudgetMachine, Until(seconds=0.0)).runs == 0


def test_a_bug_is_found_and_shrunk_to_a_short_program() -> None:
    campaign = run_machine(BudgetMachine, Until(examples=100), bug=EARLY.applied, number=1000)
    assert campaign.found == EARLY.breaks[0]
    program = getattr(campaign.finding, "__notes__", [])
    assert any(line.startswith("state.write_first(") for line in program)
    assert len(program) < 20
    assert run_machine(BudgetMachine, Until(examples=1), number=1000).found == ""


def test_an_assertion_that_is_no_difference_is_a_finding_as_well() -> None:
    campaign = MachineCampaign(1, 1, 0.1, frozenset(), AssertionError("at rest nothing is held"))
    assert campaign.found == "assert: at rest nothing is held"


@pytest.mark.parametrize("count", ["Threads", "FDSize"])
def test_nothing_is_left_of_a_run(count: str) -> None:
    def now() -> int:
        return len(os.listdir("/proc/self/task" if count == "Threads" else "/proc/self/fd"))

    before = now()
    run_machine(BudgetMachine, Until(examples=1))
    assert now() == before
