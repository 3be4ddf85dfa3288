"""The specification following a device step by step, however the schedule goes.

The same few states come up in schedule after schedule, so what was found out about one is kept: where each step leads,
that every clause of the invariant holds there, and which looks of a device were seen to be that state. A step or a look
costs a fraction of a microsecond once it is known.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

from spec.explore.trace import parts
from spec.model.actions import ACTIONS, Action
from spec.model.invariant import broken_clause
from spec.model.properties import EVERY_STEP
from spec.model.state import State
from spec.scope import Scope

BY_NAME: Final[dict[str, Action]] = {action.name: action for action in ACTIONS}
KNOWN_MOST: Final = 10_000
"""States that are kept; then they are forgotten, so that a long run does not grow."""

Steps = tuple[str, tuple[int, ...]]


class NotRefined(AssertionError):  # noqa: N818  (it is a finding, not an error)
    """A step that the specification does not allow, or that breaks a property."""

    device: State | None = None
    """The state of the device, where that is what is wrong."""


class Known:
    """A state of the specification, and what was found out about it."""

    __slots__ = ("looks", "next", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self.next: dict[Steps, Known] = {}
        self.looks: set[object] = set()
        """Looks of a device that is in this state."""


class _Atlas:
    """All states that are known, of all scopes."""

    def __init__(self) -> None:
        self.states: dict[State, Known] = {}
        self.seen = 0
        """States there were, the forgotten ones included."""

    def known(self, state: State) -> Known:
        found = self.states.get(state)
        if found is None:
            if len(self.states) >= KNOWN_MOST:
                self.states.clear()
            found = self.states[state] = Known(state)
            self.seen += 1
        return found


_ATLAS: Final = _Atlas()


def states_covered() -> int:
    """Return how many states of the specification this process has been in."""
    return _ATLAS.seen


@cache
def _initial(scope: Scope) -> State:
    return scope.initial()


class Follower:
    """One run of the specification."""

    def __init__(self, scope: Scope) -> None:
        self._at = _ATLAS.known(_initial(scope))
        self.steps: list[Steps] = []

    @property
    def state(self) -> State:
        """The state now."""
        return self._at.state

    def allows(self, kind: str, args: tuple[int, ...]) -> bool:
        """Return whether the specification allows a step now."""
        return (kind, args) in self._at.next or BY_NAME[kind].guard(self._at.state, *args)

    def step(self, kind: str, args: tuple[int, ...]) -> None:
        """Take a step; Broken when it is not allowed or breaks something."""
        step = (kind, args)
        self.steps.append(step)
        following = self._at.next.get(step)
        if following is None:
            following = self._at.next[step] = self._found_out(kind, args)
        self._at = following

    def _found_out(self, kind: str, args: tuple[int, ...]) -> Known:
        action, before = BY_NAME[kind], self._at.state
        if not action.guard(before, *args):
            raise NotRefined(f"allowed_step: the specification does not allow {said(kind, args)}{self._so_far()}")
        after = action.effect(before, *args)
        clause = broken_clause(after)
        if clause is not None:
            raise NotRefined(f"{clause.__name__}: {clause.__doc__}{self._so_far()}")
        for law in EVERY_STEP:
            if kind in law.actions and not law.holds(before, args, after):
                raise NotRefined(f"{law.holds.__name__}: {law.holds.__doc__}{self._so_far()}")
        return _ATLAS.known(after)

    def compare(self, look: object, abstract: Callable[[State], State]) -> None:
        """Compare with a device: `look` is all that `abstract` goes by, so one that was seen needs no second look."""
        if look in self._at.looks:
            return
        mine, state = abstract(self._at.state), self._at.state
        if mine != state:
            has, is_due = parts(mine), parts(state)
            different = "; ".join(
                f"{part} is {has[part]}, not {is_due[part]}" for part in has if has[part] != is_due[part]
            )
            clause = broken_clause(mine)
            name = clause.__name__ if clause is not None else "same_state"
            wrong = NotRefined(f"{name}: in the device {different}{self._so_far()}")
            wrong.device = mine
            raise wrong
        self._at.looks.add(look)

    def _so_far(self) -> str:
        return f"; after {len(self.steps)} steps: {' · '.join(said(*step) for step in self.steps)}"


def said(kind: str, args: tuple[int, ...]) -> str:
    """Return a step as a walk prints it."""
    return f"{kind}({', '.join(str(int(value)) for value in args)})"
