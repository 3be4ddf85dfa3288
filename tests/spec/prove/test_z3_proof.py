"""z3 proves every condition of a small device, and says so when it cannot."""

from collections.abc import Sequence

import pytest

from spec.model.actions import ACTIONS, Action
from spec.model.invariant import CLAUSES
from spec.model.state import State
from spec.model.terms import every
from spec.prove import z3_proof
from spec.prove.obligations import Sizes
from spec.prove.verdict import CONFIRMED, REFUTED, ProofVerdict
from spec.prove.z3_proof import DEVICE, conditions, prove
from spec.prove.z3_terms import unknown
from spec.restated.tables_say import RULES

SMALL = Sizes(2, 2, 1, readers=1)
REAP = next(action for action in ACTIONS if action.name == "reap")


def verdicts(actions: Sequence[Action] = ACTIONS, names: Sequence[str] = ("reap",)) -> dict[str, ProofVerdict]:
    return {verdict.condition: verdict for verdict in prove(SMALL, actions, names)}


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_every_condition_of_a_small_device_is_proved() -> None:
    found = list(prove(SMALL))
    assert [verdict.problem for verdict in found if not verdict.good] == []
    names = [DEVICE, *(action.name for action in ACTIONS)]
    assert [verdict.condition for verdict in found] == conditions(SMALL, names)
    fields = len(State._fields) - 1  # the counters are a matter of the invariant
    of_actions = len(ACTIONS) * (len(CLAUSES) + fields + 1) + 17 + 2 + 1 + 1 + 15
    assert len(found) == of_actions + len(CLAUSES) + len(RULES) + 1


# Every clause but those that are ends in themselves is what another, or a step property, follows from.
NEEDED = {
    "slots_and_blocks_are_in_range": "write: every_block_has_one_owner",
    "requests_are_in_range": "reap: counters_equal_a_recount",
    "readers_are_in_range": "discard: a_read_that_re_validates_is_sound",
    "the_pass_is_in_range": "reserve_block: moves_towards_rest",
    "every_block_has_one_owner": "submit: a_written_back_block_holds_the_page",
    "only_written_back_slots_have_blocks": "drop_held: a_written_back_block_holds_the_page",
    "every_request_is_in_one_place": "scan: every_pp_slot_is_owned_once",
    "the_device_works_for_requests_in_flight": "device_error: a_kept_claim_means_unchanged_content",
    "every_pp_slot_is_owned_once": "end_pass: nothing_remains_at_rest",
    "nothing_remains_at_rest": "reset: every_block_has_one_owner",
    "a_kept_claim_means_unchanged_content": "reap: a_written_back_block_holds_the_page",
    "a_read_that_re_validates_is_sound": "read_end: a_read_ends_with_a_value_the_page_held",
}
ENDS = {
    "the_budget_is_conserved",
    "counters_equal_a_recount",
    "a_written_back_block_holds_the_page",
    "nobody_touches_a_freed_control_block",
    "a_kept_page_is_returned_while_it_is_the_page",
}


def test_every_clause_is_needed_or_an_end_in_itself() -> None:
    assert {*NEEDED, *ENDS} == {clause.__name__ for clause in CLAUSES}


@pytest.mark.parametrize("clause", NEEDED)
def test_without_a_clause_another_condition_does_not_follow(monkeypatch: pytest.MonkeyPatch, clause: str) -> None:
    rest = [each for each in CLAUSES if each.__name__ != clause]
    monkeypatch.setattr(z3_proof, "inv", lambda s: every([each(s) for each in rest]))
    action = NEEDED[clause].partition(":")[0]
    verdict = verdicts(names=(action,))[NEEDED[clause]]
    assert (verdict.said, verdict.vacuity_said) == (REFUTED, REFUTED)
    assert verdict.witness.startswith(action)
    assert "from a state that need not be reachable" in verdict.witness


def test_an_effect_that_forgets_a_field_has_a_witness() -> None:
    forgetful = REAP._replace(effect=lambda s, r: REAP.effect(s, r)._replace(counts=s.counts))
    found = verdicts([forgetful])
    assert [name for name, verdict in found.items() if not verdict.good] == ["reap: counters_equal_a_recount"]
    assert found["reap: counters_equal_a_recount"].witness.startswith("reap(req 0), from a state")


def test_an_action_that_is_never_possible_proves_nothing() -> None:
    found = verdicts([REAP._replace(guard=lambda s, r: (s.running == 0) & (s.running == 1))])
    assert {verdict.said for verdict in found.values()} == {CONFIRMED}
    assert {verdict.vacuity_said for verdict in found.values()} == {"vacuous: nothing satisfies what is assumed"}
    assert not any(verdict.good for verdict in found.values())


def test_no_answer_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(z3_proof, "_MILLISECONDS", 20)
    x, y, z = (unknown(name) for name in "xyz")
    hard = (x > 2) & (y > 2) & (z > 2)
    verdict = z3_proof.Premise(hard).prove("Fermat", (x * x * x + y * y * y == z * z * z) == False, str)  # noqa: E712  (a comparison is a term)
    assert verdict.said.startswith("no answer: ")
    assert not verdict.good
    # what is assumed may be so or not: nobody knows whether anything is said
    verdict = z3_proof.Premise(hard & (x * x * x + y * y * y == z * z * z)).prove("positive", x > 0, str)
    assert verdict.said == CONFIRMED
    assert verdict.vacuity_said.startswith("no answer: ")
    assert not verdict.good


def test_a_branch_on_the_state_is_an_error() -> None:
    branching = REAP._replace(guard=lambda s, r: s.running == 2 and REAP.guard(s, r))
    with pytest.raises(TypeError, match="branches on the state"):
        verdicts([branching])


def test_a_device_that_cannot_move_is_shown() -> None:
    found = list(prove(SMALL, [action for action in ACTIONS if action.name != "end_pass"], [DEVICE]))
    stuck = [verdict for verdict in found if not verdict.good]
    assert [verdict.condition for verdict in stuck] == ["device: one_can_move"]
    assert stuck[0].witness.startswith("nothing can move\n")


def test_conditions_are_those_with_a_verdict() -> None:
    sizes, names = Sizes(2, 1, 1), ["device", "end_pass"]
    found = list(prove(sizes, names=names))
    assert [verdict.condition for verdict in found] == conditions(sizes, names)
    assert all(verdict.good for verdict in found)


def test_a_number_out_of_range_is_shown_as_it_is() -> None:
    wild = REAP._replace(effect=lambda s, r: s._replace(running=s.running + 7))
    assert "running=9" in verdicts([wild])["reap: the_pass_is_in_range"].witness
