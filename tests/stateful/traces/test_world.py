"""A large state changed in place goes where the specification goes, whatever is done."""

import itertools
import random

import pytest

from spec.model.actions import ACTIONS
from spec.model.state import State, initial
from spec.scope import Scope, domain
from stateful.traces.schema import BY_NAME
from stateful.traces.world import World

SCOPE = Scope(4, 3, 3, 2, readers=2, stores=9, toggles=9, huge=1, idle=1, recompress=1, resets=9, keeps=1)
INDEXES = ("_waiting", "_busy", "_inside", "_taken", "_reading")
# How often a walk goes each way: most is the pass's and the device's, so that it gets far.
WEIGHTS = {
    **dict.fromkeys(("reset",), 0.02),
    **dict.fromkeys(("store_limit", "toggle_limit", "refuse_pass", "recompress_in_vain"), 0.1),
    **dict.fromkeys(("discard", "write_same", "read", "recompress", "mark_idle", "clear_idle"), 0.3),
    **dict.fromkeys(("end_scan", "give_up"), 0.7),
    "write": 2.0,
}


def every_step(s: State) -> list[tuple[str, State]]:
    """Compare all steps from a state, allowed or not; return where the allowed ones lead."""
    following = []
    for action in ACTIONS:
        for args in itertools.product(*[list(domain(SCOPE, over)) for over in action.over]):
            world = World(s)
            allowed = action.guard(s, *args)
            assert world.allows(action, args) == allowed, f"{action.name}{args} in {s}"
            assert world.take(action, args) == allowed
            after = action.effect(s, *args) if allowed else s
            assert world.state() == after, f"{action.name}{args} in {s}"
            fresh = World(after)
            assert [getattr(world, name) for name in INDEXES] == [getattr(fresh, name) for name in INDEXES]
            assert {i: b for i, b in world._holding.items() if b} == fresh._holding
            assert {i: k for i, k in world._kept.items() if k} == fresh._kept
            if allowed:
                following.append((action.name, after))
    return following


def test_every_step_of_long_walks_is_the_specifications() -> None:
    chance, fired = random.Random(11), set[str]()
    s = SCOPE.initial()
    for _ in range(350):
        following = every_step(s)
        fired |= {name for name, _after in following}
        names = sorted({name for name, _after in following})
        (chosen,) = chance.choices(names, [WEIGHTS.get(name, 8.0) for name in names])
        s = chance.choice([after for name, after in following if name == chosen])
    assert fired == {action.name for action in ACTIONS}


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_page_goes_out_and_comes_back_on_a_device_of_any_size(size: int) -> None:
    world, last = World(initial(size, size, size, 5, 1)), size - 1
    steps = [
        ("write", (last, 1)),
        ("mark_idle", (last,)),
        ("begin_pass", ()),
        ("scan", (last,)),
        ("end_scan", ()),
        ("take_request", (last,)),
        ("reserve_block", (last,)),
        ("submit", (last, last)),
        ("device_ok", (last,)),
        ("endio_queue", (last,)),
        ("endio_leave", (last,)),
        ("reap", (last,)),
        ("end_pass", ()),
        ("read_begin", (last, 0)),
        ("read_answer", (0,)),
        ("discard", (last,)),
        ("read_retry", (0,)),
    ]
    for name, args in steps:
        assert world.take(BY_NAME[name], args), name
    assert (world.counts.stored, world.counts.bd_count, world.budget.spent) == (0, 0, 1)
    assert not world.take(BY_NAME["discard"], (last,))
    assert world.take(BY_NAME["reset"], ())
    assert world.state() == initial(size, size, size, None, 1)._replace(budget=world.budget)
