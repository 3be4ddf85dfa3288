"""Every bug of the zoo is caught in all three ways, each time by the property it is known for, and no other."""

from contextlib import suppress
from unittest import mock

import pytest

from spec.bugs.batching_v3 import VARIANTS as SPEC_VARIANTS
from spec.bugs.batching_v3 import Variant as SpecVariant
from spec.explore.bfs import walk
from stateful.lockstep import bugs, detection
from stateful.lockstep.machine import BudgetMachine
from stateful.lockstep.retrace import retrace
from stateful.lockstep.run_machine import Until, run_machine
from zram_impl import decisions
from zram_impl.passes import writeback

# Where the machine begins to look, and with what it finds the bug within RUNS runs.
FOUND = {
    "early_release": (0, "a_good_write_of_an_unchanged_slot_makes_it_wb"),
    "unassigned_index": (0, "a_kept_claim_means_unchanged_content"),
    "leak_on_error": (1000, "every_block_has_one_owner"),
    "leak_on_lost_slot": (0, "every_block_has_one_owner"),
    "leak_after_loop": (0, "every_block_has_one_owner"),
    "no_refund": (1000, "the_budget_is_conserved"),
}
RUNS = 25
SECONDS = 5.0


def test_every_bug_of_the_specification_has_a_twin_of_the_implementation() -> None:
    assert [variant.name for variant in bugs.VARIANTS] == [variant.name for variant in SPEC_VARIANTS]
    assert detection.names() == list(FOUND)


@pytest.mark.parametrize("variant", SPEC_VARIANTS, ids=lambda variant: variant.name)
def test_a_bug_is_walked_into_retraced_and_found(variant: SpecVariant) -> None:
    number, found = FOUND[variant.name]
    judged = detection.judge(variant.name, number)
    assert judged._replace(seconds=0.0) == detection.Verdict(
        variant.name, variant.mistake, judged.steps, variant.breaks, variant.breaks, found, 0.0, wrong=""
    )
    assert len(judged.steps) == variant.steps
    assert judged.seconds < SECONDS


@pytest.mark.parametrize("variant", SPEC_VARIANTS, ids=lambda variant: variant.name)
def test_without_the_bug_the_same_steps_are_those_of_both_sides(variant: SpecVariant) -> None:
    broken = walk(variant.scope, variant.actions).broken
    assert broken is not None
    # The step before the last is still possible; what the last does depends on the bug, so it is only followed.
    retrace(broken.steps[:-1], variant.scope)


@pytest.mark.parametrize("number", sorted({number for number, _found in FOUND.values()}))
def test_without_a_bug_the_same_runs_are_clean(number: int) -> None:
    campaign = run_machine(BudgetMachine, Until(examples=RUNS), number=number, shrink=False)
    assert (campaign.found, campaign.runs >= RUNS) == ("", True)


@pytest.mark.parametrize("variant", bugs.VARIANTS, ids=lambda variant: variant.name)
def test_a_bug_is_taken_out_again(variant: bugs.Variant) -> None:
    before = dict(vars(writeback.WritebackPass)), dict(vars(writeback))
    with suppress(KeyError), variant.applied():
        assert (dict(vars(writeback.WritebackPass)), dict(vars(writeback))) != before
        raise KeyError
    assert (dict(vars(writeback.WritebackPass)), dict(vars(writeback))) == before


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"breaks": "every_block_has_one_owner"},
            "the walk says the_budget_is_conserved, not every_block_has_one_owner",
        ),
        ({"steps": 10}, "11 steps, not 10"),
    ],
)
def test_a_bug_that_shows_otherwise_than_expected_is_wrong(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str | int], complaint: str
) -> None:
    theirs = [each._replace(**change) if each.name == "no_refund" else each for each in SPEC_VARIANTS]  # type: ignore[arg-type]
    monkeypatch.setattr(detection, "SPEC_VARIANTS", tuple(theirs))
    assert detection.judge("no_refund", 1000).wrong == complaint


def test_a_bug_that_shows_too_early_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "_retrace", lambda *_: ("the_budget_is_conserved", 3))
    assert detection.judge("no_refund", 1000).wrong == "retraced it shows at step 3 of 11"


def nothing() -> "mock._patch[object]":
    return mock.patch.object(writeback, "completion", decisions.completion)


def test_a_bug_without_its_twin_is_missed_by_retracing_and_by_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    harmless = [each._replace(patch=nothing) if each.name == "no_refund" else each for each in bugs.VARIANTS]
    monkeypatch.setattr(detection, "VARIANTS", tuple(harmless))
    monkeypatch.setattr(detection, "SECONDS_TO_FIND", 0.1)
    assert detection.judge("no_refund").wrong == "; ".join([
        "retraced it breaks nothing, not the_budget_is_conserved",
        "the machine did not find it in 0 s",
    ])  # fmt: skip
