"""Findings about the driver that no seeded bug can express: searched with what the driver does, and with its mend.

Each search is breadth-first over every state of a small device. A seeded bug breaks a property of the specification;
these three break what is said here: the specification leaves it open, or cannot write it down.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, TypeVar

from spec.model.actions import ACTIONS, Action, Effect, Guard
from spec.model.state import AT_REST, IDLE, SCANNING, State
from spec.model.tables import PP_SLOT, STORED
from spec.scope import Scope, domain

_BY_NAME: Final = {action.name: action for action in ACTIONS}
_PASS: Final = (
    *("begin_pass", "scan", "end_scan", "take_request", "reserve_block", "submit", "skip", "give_up", "drop_held"),
    *("device_ok", "device_error", "endio_queue", "endio_leave", "reap", "end_pass"),
)

T = TypeVar("T")
Watch = Callable[[State, str, State, bool], tuple[bool, bool]]
"""From a step, and what was remembered before it, to what is remembered after it, and whether the step is wrong."""


class Mend(NamedTuple):
    """A finding, and the smallest change of the protocol that mends it."""

    number: int
    sentence: str
    """The property that holds with the mend."""
    scope: Scope
    names: tuple[str, ...]
    """The actions; users write while no pass runs."""
    driver: Mapping[str, Action]
    """The actions of the driver, instead of the specification's."""
    mended: Mapping[str, Action]
    watch: Watch


class Searched(NamedTuple):
    """The result of a search: the shortest way to a wrong step, empty without one, and how many states it saw."""

    way: tuple[str, ...]
    states: int


def search(mend: Mend, *, mended: bool) -> Searched:
    """Look at every state that can be reached, until a step is wrong."""
    replaced = mend.mended if mended else mend.driver
    actions = [replaced.get(name, _BY_NAME[name]) for name in ("write", *mend.names)]
    start = (mend.scope.initial(), False)
    ways: dict[tuple[State, bool], tuple[str, ...]] = {start: ()}
    todo = deque([start])
    while todo:
        state, kept = found = todo.popleft()
        for action in actions:
            for args in _arguments(mend.scope, action.over):
                if not _may(action, state, args):
                    continue
                after = action.effect(state, *args)
                remembered, wrong = mend.watch(state, action.name, after, kept)
                step = f"{action.name}({', '.join(map(str, args))})"
                if wrong:
                    return Searched((*ways[found], step), len(ways))
                following = (after, remembered)
                if mend.scope.admits(after.budget) and following not in ways:
                    ways[following] = (*ways[found], step)
                    todo.append(following)
    return Searched((), len(ways))


def _may(action: Action, state: State, args: tuple[int, ...]) -> bool:
    return (action.name != "write" or state.running == AT_REST) and bool(action.guard(state, *args))


def _arguments(scope: Scope, over: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
    if not over:
        yield ()
        return
    for first in domain(scope, over[0]):
        for rest in _arguments(scope, over[1:]):
            yield (first, *rest)


# --- 27: a page that is named twice ----------------------------------------------------------------------------------


def _can_scan_again(s: State, i: int) -> bool:
    return s.running == SCANNING and s.slots[i].kind in (STORED, PP_SLOT) and s.queued[i] < 2


def _scan_again(s: State, i: int) -> State:
    once = s if s.slots[i].kind == STORED else s._replace(slots=_put(s.slots, i, s.slots[i]._replace(kind=STORED)))
    return _queued(_BY_NAME["scan"].effect(_queued(once, i, 0), i), i, s.queued[i] + 1)


def _of_several(name: str) -> Action:
    """Return an action on one of the pp_slots of a slot: the others stay in the bucket."""
    action = _BY_NAME[name]

    def guard(s: State, i: int, *args: int) -> bool:
        return action.guard(_queued(s, i, min(1, s.queued[i])), i, *args)

    def effect(s: State, i: int, *args: int) -> State:
        return _queued(action.effect(_queued(s, i, 1), i, *args), i, s.queued[i] - 1)

    return action._replace(guard=guard, effect=effect)


def _queued(s: State, i: int, count: int) -> State:
    return s._replace(queued=_put(s.queued, i, count))


def _put(values: tuple[T, ...], at: int, value: T) -> tuple[T, ...]:
    return (*values[:at], value, *values[at + 1 :])


def _two_requests_of_a_page(_before: State, name: str, after: State, _kept: bool) -> tuple[bool, bool]:
    slots = [req.slot for req in after.reqs if req.slot >= 0 and req.phase != IDLE]
    return False, name == "submit" and len(slots) > len(set(slots))


# --- 28: the batch size decides --------------------------------------------------------------------------------------


def _could_write(s: State) -> bool:
    return (not s.budget.enabled or s.budget.limit > 0) and not all(block.used for block in s.blocks)


def _gives_up_at_once(s: State, i: int) -> bool:
    return _BY_NAME["give_up"].guard(s, i) and not _could_write(s)


def _gives_up_after_reaping(s: State, i: int) -> bool:
    return _gives_up_at_once(s, i) and all(req.slot < 0 or req.phase == IDLE for req in s.reqs)


def _ends_with_a_page_left(before: State, name: str, after: State, kept: bool) -> tuple[bool, bool]:
    if name == "end_pass":
        return False, kept and _could_write(after)
    return before.running != AT_REST and (kept or name == "give_up"), False


# --- 32: a reset keeps the limit -------------------------------------------------------------------------------------


def _reset_but_the_limit(s: State) -> State:
    after = _BY_NAME["reset"].effect(s)
    return after._replace(budget=s.budget._replace(grant=after.budget.grant))


def _limit_after_a_reset(_before: State, name: str, after: State, _kept: bool) -> tuple[bool, bool]:
    return False, name == "reset" and bool(after.budget.enabled or after.budget.limit)


def _instead(name: str, guard: Guard | None = None, effect: Effect | None = None) -> dict[str, Action]:
    action = _BY_NAME[name]
    return {name: action._replace(guard=guard or action.guard, effect=effect or action.effect)}


MENDS: Final = (
    Mend(
        27,
        "no page is under way to two blocks",
        Scope(slots=1, blocks=2, requests=2, limit=-1),
        _PASS,
        _instead("scan", guard=_can_scan_again, effect=_scan_again)
        | {name: _of_several(name) for name in ("submit", "skip", "give_up")},
        {},
        _two_requests_of_a_page,
    ),
    Mend(
        28,
        "a pass that gave a page up ends without budget or without a free block",
        Scope(slots=2, blocks=2, requests=2, limit=1),
        _PASS,
        _instead("give_up", guard=_gives_up_at_once),
        _instead("give_up", guard=_gives_up_after_reaping),
        _ends_with_a_page_left,
    ),
    Mend(
        32,
        "after a reset no limit is in force",
        Scope(slots=1, blocks=1, requests=1, limit=1, resets=1),
        (*_PASS, "reset"),
        _instead("reset", effect=_reset_but_the_limit),
        {},
        _limit_after_a_reset,
    ),
)
