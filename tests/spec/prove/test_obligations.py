"""The proof obligations cover every action, and hold of states known to be sound."""

import pytest

from spec.model.actions import ACTIONS
from spec.model.invariant import CLAUSES, inv
from spec.model.properties import EVERY_STEP
from spec.model.state import AT_REST, SCANNING
from spec.model.writeback import begin_pass, end_scan
from spec.prove.obligations import Sizes, admitted, allowed, as_claimed, claims, fresh, one_can_move, possible, sensible
from tests.spec.states import BUSY

SIZES = Sizes(5, 4, 3, readers=2)
BY_NAME = {action.name: action for action in ACTIONS}


def test_without_readers_all_actions_but_reads_are_admitted() -> None:
    assert admitted(SIZES) == list(ACTIONS)
    without = {action.name for action in admitted(SIZES._replace(readers=0))}
    of_reads = {"read_begin", "read_answer", "read_end", "read_retry", "read_keep", "read_kept", "drop_kept"}
    assert set(BY_NAME) - without == of_reads


def test_clauses_and_step_properties_are_claimed_of_actions() -> None:
    claimed = {action.name: [claim.name for claim in claims(action)] for action in ACTIONS}
    assert all(names[: len(CLAUSES)] == [clause.__name__ for clause in CLAUSES] for names in claimed.values())
    for step in EVERY_STEP:
        assert {name for name, names in claimed.items() if step.holds.__name__ in names} == set(step.actions)
    assert {name for name, names in claimed.items() if "moves_towards_rest" in names} == {
        action.name for action in ACTIONS if action.actor != "user"
    }


@pytest.mark.parametrize(
    ("name", "args"), [("submit", (2, 1)), ("write", (4, 1)), ("store_limit", (9,)), ("read_end", (0,)), ("skip", (2,))]
)
def test_parameters_out_of_range_are_not_possible(name: str, args: tuple[int, ...]) -> None:
    action = BY_NAME[name]
    assert possible(SIZES, action, BUSY, args) == (name != "skip")
    outside = [tuple(-1 if i == j else arg for j, arg in enumerate(args)) for i in range(len(args))]
    assert [allowed(SIZES._replace(slots=len(BUSY.slots)), BY_NAME["write"], BUSY, (0, 2))] == [False]
    assert not any(allowed(SIZES, action._replace(guard=lambda *_args: True), BUSY, wrong) for wrong in outside)


def test_claims_hold_of_real_steps_and_fail_of_doctored_ones() -> None:
    action = BY_NAME["endio_leave"]
    s = BUSY._replace(reqs=(*BUSY.reqs[:2], BUSY.reqs[2]._replace(phase=3, inside=1)))
    assert as_claimed(action, s, (2,), action.effect(s, 2))
    assert not as_claimed(action, s, (2,), s)


def test_a_fresh_device_is_sound_whatever_its_budget() -> None:
    assert all(
        inv(fresh(SIZES, enabled, limit)) for enabled in (0, 1) for limit in (0, 1, 100) if sensible(enabled, limit)
    )
    assert [sensible(0, 0), sensible(2, 0), sensible(1, -1)] == [True, False, False]


def test_one_can_move_until_everything_is_at_rest() -> None:
    sizes = Sizes(1, 1, 1)
    rest = fresh(sizes, 0, 0)
    assert rest.running == AT_REST
    assert one_can_move(sizes, rest)
    scanning = begin_pass(rest)
    assert scanning.running == SCANNING
    assert one_can_move(sizes, scanning)
    assert not one_can_move(sizes, scanning, [])
    assert one_can_move(sizes, end_scan(scanning), [BY_NAME["end_pass"]])


@pytest.mark.parametrize(
    ("sizes", "label"),
    [(Sizes(3, 2, 2), "3/2/2"), (Sizes(2, 2, 2, 1), "2/2/2, 1 reader"), (Sizes(2, 2, 2, 2), "2/2/2, 2 readers")],
)
def test_sizes_have_a_label(sizes: Sizes, label: str) -> None:
    assert sizes.label() == label
