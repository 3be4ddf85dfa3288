"""Each field update of an action is said once, holds of its steps, and fails of doctored steps."""

from collections import deque
from functools import cache

import pytest

from spec.bugs.history import SEEDED_BUGS
from spec.explore import bfs
from spec.model.actions import ACTIONS, Action
from spec.model.state import AT_REST, Block, Reader, Req, Slot, State
from spec.model.tables import NONE
from spec.restated import frame
from spec.restated.frame import FIELD_UPDATES
from spec.scope import Scope, choices

SCOPE = Scope(1, 1, 1, 1, readers=1, stores=1, toggles=1, huge=1, idle=1, recompress=1, resets=1, keeps=1)
FIELDS = [field for field in State._fields if field != "counts"]

# What a field may be confused with: never what a step of a small device makes of it.
NONSENSE: dict[str, object] = {
    "slots": (Slot(kind=9),) * SCOPE.slots,
    "queued": (9,) * SCOPE.slots,
    "blocks": (Block(used=9),) * SCOPE.blocks,
    "reqs": (Req(inside=9),) * SCOPE.requests,
    "readers": (Reader(valid=9),) * SCOPE.readers,
    "running": AT_REST - 1,
    "held": NONE - 1,
    "budget": SCOPE.initial().budget._replace(spent=-1),
}


@cache
def first_steps() -> dict[str, tuple[State, tuple[int, ...]]]:
    """A state in which each action can be taken for the first time, and its parameters."""
    found: dict[str, tuple[State, tuple[int, ...]]] = {}
    waiting, seen = deque([SCOPE.initial()]), {SCOPE.initial()}
    every = list(choices(SCOPE))
    while len(found) < len(ACTIONS):
        s = waiting.popleft()
        for action, args in [(choice.action, args) for choice in every for args in choice.args]:
            if action.guard(s, *args):
                found.setdefault(action.name, (s, args))
                after = action.effect(s, *args)
                if after not in seen and SCOPE.admits(after.budget):
                    seen.add(after)
                    waiting.append(after)
    return found


@pytest.mark.parametrize("action", ACTIONS, ids=[action.name for action in ACTIONS])
def test_a_field_update_that_differs_is_noticed(action: Action) -> None:
    before, args = first_steps()[action.name]
    after = action.effect(before, *args)
    said = frame.frame(action)
    assert [step.holds.__name__ for step in said if not step.holds(before, args, after)] == []
    doctored = [after._replace(**{field: NONSENSE[field]}) for field in FIELDS]  # type: ignore[arg-type]  # nonsense
    noticed = [[step.holds(before, args, each) for step in said] for each in doctored]
    assert noticed == [[field != other for other in FIELDS] for field in FIELDS]


def test_each_field_of_an_action_has_one_field_update() -> None:
    said = [(each.field, name) for each in FIELD_UPDATES for name in each.actions]
    assert len(set(said)) == len(said)
    assert {name for _field, name in said} <= {action.name for action in ACTIONS}
    assert {field for field, _name in said} == set(FIELDS)
    assert all(each.value.__doc__ for each in FIELD_UPDATES)


def test_what_stays_is_said_in_a_sentence() -> None:
    refuse = next(action for action in ACTIONS if action.name == "refuse_pass")
    sentences = {step.holds.__name__: step.holds.__doc__ for step in frame.frame(refuse) if step.keeps}
    assert len(sentences) == len(FIELDS)
    assert sentences["held_stays"] == "refuse_pass leaves `held` alone"


def test_frames_are_not_required_of_seeded_bugs() -> None:
    replaced = [action for bug in SEEDED_BUGS for action in bug.replaced]
    assert [action.name for action in replaced if frame.frame(action)] == []


def test_a_search_notices_a_mark_that_is_not_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    read = next(action for action in ACTIONS if action.name == "read")

    def still_idle(s: State, i: int) -> State:
        after = read.effect(s, i)
        slots = [new._replace(idle=old.idle) for old, new in zip(s.slots, after.slots, strict=True)]
        return after._replace(slots=tuple(slots))

    wrong = tuple(each._replace(effect=still_idle) if each is read else each for each in ACTIONS)
    scope = Scope(1, 1, 1, 1, idle=1)
    assert bfs.search(scope, wrong).broken is None
    monkeypatch.setattr(frame, "ACTIONS", wrong)
    broken = bfs.search(scope, wrong).broken
    assert broken is not None
    assert (broken.name, broken.steps) == ("a_read_page_was_accessed", ("write(0, 0)", "mark_idle(0)", "read(0)"))
