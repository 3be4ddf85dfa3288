"""The symmetry in indices is proved of the specification, and refuted where a bug asks for an index."""

import pytest

from spec.bugs.batching_v3 import SpecBug
from spec.bugs.history import SEEDED_BUGS
from spec.model.state import State
from spec.model.tables import STORED
from spec.prove import index_symmetry
from spec.prove.index_symmetry import conditions, prove
from spec.prove.obligations import Sizes
from spec.prove.verdict import CONFIRMED, REFUTED
from spec.prove.z3_proof import DEVICE

SIZES = Sizes(3, 2, 2, readers=1)
SAME_STEP = "the same step with other numbers of"


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_numbers_do_not_matter() -> None:
    verdicts = list(prove(Sizes(2, 2, 2, readers=2)))
    assert [verdict.condition for verdict in verdicts if not verdict.good] == []
    actions = list(dict.fromkeys(verdict.condition.partition(":")[0] for verdict in verdicts))
    assert [verdict.condition for verdict in verdicts] == conditions(Sizes(2, 2, 2, readers=2), actions)
    assert len(verdicts) == 4 * (2 * 34 + 17 + 2)


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize("bug", [pytest.param(each, id=each.name) for each in SEEDED_BUGS])
def test_they_matter_to_the_bugs_that_say_so_and_to_no_other(bug: SpecBug) -> None:
    verdicts = list(prove(SIZES, bug.actions, [action.name for action in bug.replaced]))
    assert {verdict.said for verdict in verdicts} <= {CONFIRMED, REFUTED}
    assert {verdict.vacuity_said for verdict in verdicts} == {REFUTED}
    assert any(verdict.said == REFUTED for verdict in verdicts) == bug.asks_for_a_number


def test_a_refutation_shows_a_step() -> None:
    bug = next(each for each in SEEDED_BUGS if each.name == "unassigned_index")
    said = {verdict.condition: verdict for verdict in prove(SIZES, bug.actions, ["submit"])}
    assert said.pop(f"submit: {SAME_STEP} slots").problem.splitlines()[1].startswith("submit(slot ")
    assert not said.pop("submit: possible as before with other numbers of slots").good
    assert len(said) == 4
    assert all(verdict.good for verdict in said.values())


def test_a_property_that_asks_for_a_number_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def slot_0_is_stored(s: State) -> bool:
        return s.slots[0].kind == STORED

    monkeypatch.setattr(index_symmetry, "at_rest", slot_0_is_stored)
    said = {verdict.condition: verdict.said for verdict in prove(SIZES, names=[DEVICE])}
    assert [condition for condition, verdict in said.items() if verdict != CONFIRMED] == [
        f"{DEVICE}: slot_0_is_stored with other numbers of slots"
    ]
    monkeypatch.setattr(index_symmetry, "CLAUSES", (slot_0_is_stored,))
    refuted = [verdict.said for verdict in prove(SIZES, names=[DEVICE]) if "of slots" in verdict.condition]
    assert refuted == [REFUTED, CONFIRMED, REFUTED]


def test_what_is_never_possible_is_not_proved() -> None:
    never = [bug._replace(guard=lambda _s, _r: False) for bug in SEEDED_BUGS[0].replaced]
    steps = [verdict for verdict in prove(SIZES, never, ["reap"]) if SAME_STEP in verdict.condition]
    assert [(verdict.said, verdict.good) for verdict in steps] == [(CONFIRMED, False)] * 3


def test_conditions_are_those_with_a_verdict() -> None:
    sizes, names = Sizes(2, 1, 1), ["scan", DEVICE]
    found = list(prove(sizes, names=names))
    assert [each.condition for each in found] == conditions(sizes, names)
    assert {each.said for each in found} == {CONFIRMED}
