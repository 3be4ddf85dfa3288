"""Guards taken apart: which condition is false, and the value that decides it."""

import pytest

from spec.bugs.history import SEEDED_BUGS
from spec.explore.never import shortest, story_of_never
from spec.explore.stopped import BY_NAME, arguments_of, judged, stopped
from spec.model.actions import ACTIONS, Action
from spec.model.state import FLIGHT, SCANNING, WRITING, Reader, Req, State, initial
from spec.model.tables import PP_SLOT
from spec.outputs.why import GuardPart, verdict
from spec.scope import Scope
from tests.spec.states import BUSY

FRESH = initial(2, 2, 1, 2, 1)
CASES = [
    ("scan", (1,), FRESH, "s.running == SCANNING, but s.running is AT_REST; slots[1].kind == STORED, but slots[1]"),
    ("end_pass", (), FRESH._replace(running=WRITING, reqs=(Req(FLIGHT),)), "reqs[0].phase == IDLE, but reqs[0].phase"),
    ("end_pass", (), FRESH._replace(running=WRITING, held=1), "s.held == NONE, but s.held is 1"),
    ("reap", (0,), FRESH, "reqs[0].phase >= DONE_OK, but reqs[0].phase is IDLE"),
    ("read_end", (0,), FRESH._replace(readers=(Reader(phase=2),)), "readers[0].valid == 1, but readers[0].valid is 0"),
    ("drop_held", (), FRESH._replace(running=SCANNING), "s.running == WRITING, but s.running is SCANNING"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "args", "s", "why"), CASES)
def test_the_false_conditions_are_named_with_their_values(
    action: str, args: tuple[int, ...], s: State, why: str
) -> None:
    assert why in judged(action, s, args).false


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_the_conditions_say_what_the_guard_says(action: Action) -> None:
    """Their conjunction is the guard, in every state that is tried and for all parameters."""
    for s in (FRESH, BUSY, FRESH._replace(running=SCANNING), FRESH._replace(running=WRITING)):
        for args in arguments_of(action, s):
            found = verdict(action.name, action.guard, s, args)
            assert found.holds == action.guard(s, *args)
            assert found.holds == all(each.holds for each in found.conditions)
            assert found.conditions
            assert bool(found.false) != found.holds


def test_a_guard_without_a_text_is_one_condition() -> None:
    made: dict[str, object] = {}
    exec("def guard(s):\n    'It never holds.'\n    return False", made)
    found = verdict("step", made["guard"], FRESH, ())  # type: ignore[arg-type]  # it is a guard
    assert found.conditions == (GuardPart("It never holds.", holds=False, found="false"),)
    assert verdict("step", lambda _s: True, FRESH, ()).holds


def test_where_nothing_can_happen_every_guard_is_false() -> None:
    stuck = FRESH._replace(running=WRITING, reqs=(Req(FLIGHT, 0, 0),))
    found = stopped(stuck, ())
    assert found.headline == "Every guard of the pass and of the device is false: nothing can happen."
    assert not any(guard.holds for guard in found.guards)
    assert {guard.action.partition("(")[0] for guard in found.guards} == {
        action.name for action in ACTIONS if action.actor != "user"
    }
    claimed = FRESH.slots[0]._replace(kind=PP_SLOT)
    moving = stuck._replace(queued=(1, 0), slots=(claimed, FRESH.slots[1]))
    assert stopped(moving, ()).headline == "No guard: the specification takes each of these steps."
    assert BY_NAME["give_up"].guard(moving, 0)


def test_a_bug_that_hides_something_forbids_a_step() -> None:
    bug = next(bug for bug in SEEDED_BUGS if bug.name == "inverted_no_space")
    made = story_of_never(bug, bug.breaks, "again")
    assert (made.rule, made.stopped.at, len(made.steps)) == ("never_seen", 6, 6)
    forbidden, specified = made.stopped.guards
    assert forbidden.false == "blocks[0].used == 1, but blocks[0].used is 0"
    assert specified.holds
    assert made.steps[-1].text == "reserve_block(blk 0) is refused"
    with pytest.raises(AssertionError, match="goal must hold in some state of the scope"):
        shortest(Scope(1, 1, 1, 1), lambda _s: False)
