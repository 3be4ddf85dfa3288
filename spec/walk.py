"""Breadth-first walk over every reachable state of a scope, checking every property on the way.

The first broken property found is broken in the fewest steps there are. A state is kept as a row of small numbers,
one per field, that stand for the field's values; what an action does to the fields it touches is worked out once per
combination of their values (see `footprint`). Only new states are checked; every transition is.
"""

import gc
import operator
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from spec import properties
from spec.actions import ACTIONS, Action
from spec.footprint import footprint
from spec.invariant import CLAUSES
from spec.scope import Scope, choices
from spec.state import State

Code = tuple[int, ...]



class Counterexample(NamedTuple):
    """A shortest way to break a property."""

    name: str
    """Of the function that says the property."""
    sentence: str
    steps: tuple[str, ...]
    before: State
    after: State


class Outcome(NamedTuple):
    """What a walk found."""

    scope: Scope
    states: int
    transitions: int
    depth: int
    seconds: float
    fired: Counter[str]
    """Transitions by action."""
    never: tuple[str, ...]
    """SOMETIMES sentences that were never seen, and actions that were never taken; only after a complete walk."""
    broken: Counterexample | None


def said(piece: Callable[..., object]) -> tuple[str, str]:
    """Return the name and the sentence of a property."""
    return piece.__name__, piece.__doc__ or ""


class _Fields:
    """Numbers for values, one table per field of the state."""

    def __init__(self) -> None:
        self.values: list[list[object]] = [[] for _ in State._fields]
        self._numbers: list[dict[object, int]] = [{} for _ in State._fields]

    def number(self, field: int, value: object) -> int:
        numbers = self._numbers[field]
        known = numbers.get(value)
        if known is None:
            known = numbers[value] = len(self.values[field])
            self.values[field].append(value)
        return known

    def encode(self, s: State) -> Code:
        return tuple(self.number(f, value) for f, value in enumerate(s))

    def decode(self, code: Code) -> State:
        return State(*[table[n] for table, n in zip(self.values, code, strict=True)])  # type: ignore[arg-type]  # fields


class _Memo:
    """A function of the state, worked out once per combination of the fields it reads."""

    def __init__(self, piece: Callable[..., object], args: tuple[int, ...], first: State) -> None:
        touched = footprint(piece, first, args)
        self.writes = touched.writes
        self.key = operator.itemgetter(*(touched.reads or (0,)))
        self.known: dict[object, Code | bool] = {}


class _Move:
    """One action with its parameters."""

    def __init__(self, action: Action, args: tuple[int, ...], first: State) -> None:
        self.action, self.args = action, args
        self.name = f"{action.name}({', '.join(map(str, args))})"
        self.guard, self.effect = _Memo(action.guard, args, first), _Memo(action.effect, args, first)


class _StepCheck:
    """A step property, remembered by the fields it looks at before and after."""

    def __init__(self, step: properties.Step) -> None:
        self.holds = step.holds
        self.key = operator.itemgetter(*(State._fields.index(name) for name in step.reads))
        self.good: set[object] = set()


class Walk:
    """A walk under way; `run` does it all, `states` and `step` are for those who want to stop in between."""

    def __init__(self, scope: Scope, actions: Iterable[Action] = ACTIONS) -> None:
        first = scope.initial()
        self.scope = scope
        self.fields = _Fields()
        self.seen: dict[Code, tuple[Code, str] | None] = {}
        self.transitions = 0
        self.fired: Counter[str] = Counter()
        self._moves = [(c.canonical, [_Move(c.action, args, first) for args in c.args]) for c in choices(scope, actions)]
        self._clauses = [(clause, _Memo(clause, (), first)) for clause in CLAUSES]
        self._steps: dict[str, list[_StepCheck]] = {}
        for check, step in [(_StepCheck(step), step) for step in properties.EVERY_STEP]:
            for name in step.actions:
                self._steps.setdefault(name, []).append(check)
        self._work: dict[Code, int] = {}
        self._unseen = dict(properties.sometimes(scope))

    def run(self, progress: Callable[[int, int, int], None] | None = None) -> Outcome:
        """Walk to the end or to the first broken property; `progress` gets depth, states and states of the frontier."""
        began = time.perf_counter()
        was_enabled = gc.isenabled()
        gc.disable()  # millions of small tuples, none in a cycle: collecting them costs a third of the walk
        try:
            depth, broken = self._run(progress)
        finally:
            if was_enabled:
                gc.enable()
        taken = {move.action.name for _canonical, moves in self._moves for move in moves}
        never = [*self._unseen, *(f"{name} is taken" for name in sorted(taken - set(self.fired)))]
        seconds = time.perf_counter() - began
        return Outcome(
            self.scope, len(self.seen), self.transitions, depth, seconds, self.fired,
            tuple(never) if broken is None else (), broken,
        )  # fmt: skip

    def _run(self, progress: Callable[[int, int, int], None] | None) -> tuple[int, Counterexample | None]:
        first = self.fields.encode(self.scope.initial())
        self.seen[first] = None
        self._work[first] = properties.work_left(self.scope.initial())
        broken = self._check_state(first)
        frontier, depth = [first], 0
        while frontier and broken is None:
            if progress:
                progress(depth, len(self.seen), len(frontier))
            following: list[Code] = []
            for code in frontier:
                broken = self._expand(code, following)
                if broken:
                    break
            frontier = following
            depth += 1
        return depth, broken

    def _expand(self, code: Code, following: list[Code]) -> Counterexample | None:
        moves_on = False
        for canonical, moves in self._moves:
            for move in moves:
                guard = move.guard
                key = guard.key(code)
                allowed = guard.known.get(key)
                if allowed is None:
                    allowed = guard.known[key] = bool(move.action.guard(self.fields.decode(code), *move.args))
                if not allowed:
                    continue
                moves_on |= move.action.actor != "user"
                broken = self._take(move, code, self._after(move, code), following)
                if broken:
                    return broken
                if canonical:
                    break
        if not moves_on and not properties.at_rest(self.fields.decode(code)):
            return self._counterexample("comes_to_rest", properties.COMES_TO_REST, code, code)
        return None

    def _after(self, move: _Move, code: Code) -> Code:
        effect = move.effect
        key = effect.key(code)
        new = effect.known.get(key)
        if new is None:
            after = move.action.effect(self.fields.decode(code), *move.args)
            new = effect.known[key] = tuple([self.fields.number(f, after[f]) for f in effect.writes])
        assert isinstance(new, tuple), "effects are remembered as the numbers of the fields they write"
        row = list(code)
        for field, value in zip(effect.writes, new, strict=True):
            row[field] = value
        return tuple(row)

    def _take(self, move: _Move, code: Code, after: Code, following: list[Code]) -> Counterexample | None:
        known = after in self.seen
        if not known and not self.scope.admits(self.fields.decode(after).budget):
            return None
        self.transitions += 1
        self.fired[move.action.name] += 1
        if not known:
            self.seen[after] = (code, move.name)
            self._work[after] = properties.work_left(self.fields.decode(after))
            following.append(after)
        for check in self._steps.get(move.action.name, ()):
            key = (move.args, check.key(code), check.key(after))
            if key not in check.good:
                if not check.holds(self.fields.decode(code), move.args, self.fields.decode(after)):
                    return self._counterexample(*said(check.holds), code, after, move.name)
                check.good.add(key)
        if move.action.actor != "user" and not self._work[after] < self._work[code]:
            return self._counterexample("moves_towards_rest", properties.MOVES_TOWARDS_REST, code, after, move.name)
        return None if known else self._check_state(after)

    def _check_state(self, code: Code) -> Counterexample | None:
        for clause, memo in self._clauses:
            key = memo.key(code)
            if key not in memo.known:
                if not clause(self.fields.decode(code)):
                    before = self.seen[code]
                    return self._counterexample(*said(clause), before[0] if before else code, code)
                memo.known[key] = True
        if self._unseen:
            s = self.fields.decode(code)
            for sentence in [sentence for sentence, holds in self._unseen.items() if holds(s)]:
                del self._unseen[sentence]
        return None

    def _counterexample(self, name: str, sentence: str, code: Code, after: Code, last: str = "") -> Counterexample:
        """Follow the way back from `after`, or from `code` and then the step named `last`."""
        steps = [last] if last else []
        at: tuple[Code, str] | None = self.seen[code if last else after]
        while at is not None:
            steps.append(at[1])
            at = self.seen[at[0]]
        return Counterexample(name, sentence, tuple(reversed(steps)), self.fields.decode(code), self.fields.decode(after))


def walk(
    scope: Scope,
    actions: Iterable[Action] = ACTIONS,
    progress: Callable[[int, int, int], None] | None = None,
) -> Outcome:
    """Walk every reachable state of `scope`."""
    return Walk(scope, actions).run(progress)
