"""Bugs that show on any schedule: each is caught in all three ways, by the property it is known for and no other."""

from contextlib import suppress
from unittest import mock

import pytest

from spec.bugs.batching_v3 import BATCHING_V3, SpecBug
from spec.bugs.history import SEEDED_BUGS
from spec.explore.bfs import search
from spec.scope import Scope
from stateful.bugs import by_machine
from stateful.bugs.patches import Patches
from stateful.bugs.seeded import MACHINE, SeededBug, by_name
from stateful.lockstep.divergence import Divergence
from stateful.lockstep.machine import BudgetMachine, ReadingMachine
from stateful.lockstep.retrace import retrace
from stateful.lockstep.run_machine import Until, run_machine
from zram_impl import decisions
from zram_impl.pages.clean_pages import CleanPages
from zram_impl.passes import writeback

OF_SPECIFICATION = (*BATCHING_V3, *[bug for bug in SEEDED_BUGS if bug.name == "kept_by_index_only"])

# Where the machine begins to look, and with what it finds the bug within RUNS runs.
FOUND = {
    "early_release": (0, "a_good_write_of_an_unchanged_slot_makes_it_wb"),
    "unassigned_index": (0, "a_kept_claim_means_unchanged_content"),
    "leak_on_error": (1000, "every_block_has_one_owner"),
    "leak_on_lost_slot": (0, "every_block_has_one_owner"),
    "leak_after_loop": (6000, "every_block_has_one_owner"),
    "no_refund": (1000, "the_budget_is_conserved"),
    "kept_by_index_only": (0, "a_read_ends_with_a_value_the_page_held"),
}
RUNS = 25
SECONDS = 5.0


def test_bugs_of_the_specification_are_seeded_here() -> None:
    expected = [(variant.name, (variant.breaks,)) for variant in OF_SPECIFICATION]
    assert [(bug.name, bug.breaks) for bug in MACHINE] == expected
    assert [bug.name for bug in MACHINE] == list(FOUND)


@pytest.mark.parametrize("variant", OF_SPECIFICATION, ids=lambda variant: variant.name)
def test_a_bug_is_found_retraced_and_found_by_the_machine(variant: SpecBug) -> None:
    number, found = FOUND[variant.name]
    judged = by_machine.judge(variant.name, number)
    expected = by_name(variant.name), variant.breaks, variant.breaks, found, ""
    assert (judged.bug, judged.walked, judged.retraced, judged.found, judged.wrong) == expected
    assert 0 < judged.runs <= RUNS
    assert len(judged.steps) == variant.steps
    assert judged.seconds < SECONDS


@pytest.mark.parametrize("variant", OF_SPECIFICATION, ids=lambda variant: variant.name)
def test_without_the_bug_both_sides_take_the_same_steps(variant: SpecBug) -> None:
    broken = search(variant.scope, variant.actions).broken
    assert broken is not None
    # The step before the last is still possible; what the last does depends on the bug, so it is only followed.
    retrace(broken.steps[:-1], variant.scope)


@pytest.mark.parametrize("number", sorted({number for number, _found in FOUND.values()}))
def test_without_a_bug_the_same_runs_are_clean(number: int) -> None:
    for machine in (BudgetMachine, ReadingMachine):
        campaign = run_machine(machine, Until(examples=RUNS), number=number, shrink=False)
        assert (campaign.found, campaign.runs >= RUNS) == ("", True)


def patched() -> list[dict[str, object]]:
    return [dict(vars(each)) for each in (writeback.WritebackPass, writeback, CleanPages)]


@pytest.mark.parametrize("bug", MACHINE, ids=lambda bug: bug.name)
def test_a_bug_is_removed_again(bug: SeededBug) -> None:
    before = patched()
    with suppress(KeyError), bug.applied():
        assert patched() != before
        raise KeyError
    assert patched() == before


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"breaks": "every_block_has_one_owner"},
            "the search finds the_budget_is_conserved, not every_block_has_one_owner",
        ),
        ({"steps": 10}, "11 steps, not 10"),
    ],
)
def test_a_bug_that_shows_otherwise_than_expected_is_wrong(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str | int], complaint: str
) -> None:
    theirs = [each._replace(**change) if each.name == "no_refund" else each for each in OF_SPECIFICATION]  # type: ignore[arg-type]  # on purpose
    monkeypatch.setattr(by_machine, "SEEDED_BUGS", tuple(theirs))
    assert by_machine.judge("no_refund", 1000).wrong == complaint


def test_a_bug_that_shows_too_early_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_early(steps: tuple[str, ...], _scope: Scope) -> None:
        raise Divergence("the_budget_is_conserved", "", steps[:3])

    monkeypatch.setattr(by_machine, "retrace", too_early)
    assert by_machine.judge("no_refund", 1000).wrong == "retraced it shows at step 3 of 11"


def nothing() -> Patches:
    return (mock.patch.object(writeback, "completion", decisions.completion),)


def test_a_bug_that_the_device_does_not_have_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_machine, "by_name", lambda name: by_name(name)._replace(patches=nothing))
    monkeypatch.setattr(by_machine, "SECONDS_TO_FIND", 0.1)
    assert by_machine.judge("no_refund").wrong == "; ".join([
        "retraced it breaks nothing, not the_budget_is_conserved",
        "the machine did not find it in 0 s",
    ])  # fmt: skip
