"""Breadth-first search over every reachable state of a scope, checking every property on the way.

The first broken property found is broken in the fewest steps there are. What a guard, an effect or a property says is
worked out once per combination of the fields it reads, so the search itself only looks up and adds (see `encoding`).
Every clause is checked on every state, every step property on every transition, reached anew or not.

With `symmetry`, states that differ only in numbers are visited once (see `symmetry`): the properties are checked on
the one that stands for all of them, and a counterexample has the indices of a real run.
"""

import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from spec.explore.encoding import WIDTH, Encoding, mask, mask_of
from spec.explore.permutation import arguments
from spec.explore.result import Counterexample, ExploreResult, RunStep
from spec.explore.symmetry import Representatives, to_canonical
from spec.footprint import Piece, footprint
from spec.model import properties
from spec.model.actions import ACTIONS, Action
from spec.model.invariant import CLAUSES, Clause
from spec.model.state import State
from spec.reachable import sometimes, taken
from spec.restated.enabled import ENABLED, as_it_should
from spec.restated.frame import FIELD_UPDATES, frame
from spec.restated.tables_say import RULES
from spec.scope import ActionChoice, Scope, choices

Report = Callable[[int, int, int], None]
"""Called several times a second with the depth, the states so far and the size of the frontier."""

_Clauses = list[tuple[int, list[Clause], set[int]]]
_REPORT_EVERY: Final = 1024
_BUDGET: Final = mask((State._fields.index("budget"),))
_ALWAYS: Final = len((*CLAUSES, *properties.EVERY_STEP, *properties.REST, *FIELD_UPDATES, *RULES, as_it_should))


class _Broken(Exception):  # noqa: N818  (it is what a search is for, not an error)
    """A property does not hold of the step that leads from `before` to `after`, or of the state they both are."""

    def __init__(self, said: tuple[str, str], before: int, after: int, move: "_Move | None" = None) -> None:
        self.said, self.before, self.after, self.move = said, before, after, move


class _Move:
    """One action with its parameters."""

    def __init__(self, action: Action, args: tuple[int, ...], first: State) -> None:
        self.action, self.args, self.fired = action, args, 0
        self.by_user = action.actor == "user"
        self.own = action in ACTIONS
        """It is one of the specification's own, and no seeded bug."""
        touched = footprint(action.effect, first, args)
        written = {State._fields[field] for field in touched.writes}
        self.steps = [step for step in properties.EVERY_STEP if action.name in step.actions]
        updates = [step for step in frame(action) if not step.keeps or step.keeps in written]
        self.updates = [(mask(_positions(step.reads or (step.keeps,))), step.holds, set[int]()) for step in updates]
        """For each field it writes: what decides the new value, the property, and where it was seen to hold."""
        looked_at = {position for step in (*self.steps, *updates) for position in _positions(step.reads)}
        self.writes = touched.writes
        self.mask = mask(tuple({*touched.reads, *looked_at}))
        self.clauses: _Clauses = []
        """Those that speak about what it writes."""
        self.differences: dict[int, int] = {}
        """The difference that the step adds to an encoded state, by the fields it reads."""


class _Choices:
    """Choices whose guards read the same fields."""

    def __init__(self, guard_mask: int) -> None:
        self.mask = guard_mask
        self.rows: list[tuple[bool, list[_Move]]] = []
        self.enabled: dict[int, list[_Move]] = {}

    def wrong(self, s: State) -> Iterator[_Move]:
        """Yield the moves that are possible in `s` and should not be, or should be and are not."""
        for _canonical, moves in self.rows:
            yield from (move for move in moves if move.own and not as_it_should(move.action, s, move.args))

    def allowed(self, s: State) -> Iterator[_Move]:
        """Yield the moves that are possible in `s`."""
        for canonical, moves in self.rows:
            for move in moves:
                if move.action.guard(s, *move.args):
                    yield move
                    if canonical:
                        break


class BreadthFirstSearch:
    """A search; `run` does it."""

    def __init__(self, scope: Scope, actions: Iterable[Action] = ACTIONS, *, symmetry: bool = False) -> None:
        first = scope.initial()
        self.scope = scope
        self.encoding = Encoding()
        self.symmetry = symmetry
        self.representative: Callable[[int], int] = Representatives(self.encoding).of if symmetry else lambda code: code
        """Return the state that is visited for this one."""
        self.start = self.encoding.encode(first)
        self.seen: dict[int, int] = {self.start: self.start}
        """Every state visited, and the one it was first reached from."""
        # what is chosen by its number is not chosen alike under other numbers
        possible = (choice._replace(canonical=choice.canonical and not symmetry) for choice in choices(scope, actions))
        self._choices = _by_guard(possible, first)
        self._moves = [move for group in self._choices for _canonical, moves in group.rows for move in moves]
        by_mask: defaultdict[int, list[Clause]] = defaultdict(list)
        for clause in CLAUSES:
            by_mask[mask_of(clause, first)].append(clause)
        self._clauses = [(clause_mask, clauses, set[int]()) for clause_mask, clauses in by_mask.items()]
        """Clauses that read the same fields, and what these are in the states of which they hold."""
        for move in self._moves:  # other clauses hold after the step as before it; other numbers may be in any field
            written = mask(move.writes)
            move.clauses = [each for each in self._clauses if symmetry or each[0] & written]
        self._admitted: dict[int, bool] = {}
        self._left: dict[int, int] = {}
        self._left_mask = mask_of(properties.work_left, first)
        self._unseen = sometimes(scope)
        self._sentences = len(self._unseen)

    def run(self, progress: Report | None = None) -> ExploreResult:
        """Search to the end or to the first broken property."""
        began = time.perf_counter()
        depth, broken = 0, None
        try:
            self._check_tables()
            self._check_state(self.start, self._clauses)
            for depth in self._levels(progress):  # noqa: B007  (what is left in it is the depth reached)
                pass
        except _Broken as found:
            depth, broken = depth + 1, self._counterexample(found)
        fired: Counter[str] = Counter()
        for move in self._moves:
            fired[move.action.name] += move.fired
        due = taken(self.scope, fired)
        never = [*self._unseen, *(f"{name} is taken" for name in due if not fired[name])]
        return ExploreResult(
            scope=self.scope,
            states=len(self.seen),
            transitions=fired.total(),
            depth=depth,
            seconds=time.perf_counter() - began,
            fired=+fired,
            always=_ALWAYS,
            sometimes=self._sentences + len(due),
            never=() if broken else tuple(never),
            broken=broken,
            symmetry=self.symmetry,
        )

    def _levels(self, progress: Report | None) -> Iterator[int]:
        """Expand level after level and yield how deep that is."""
        frontier, depth = [self.start], 0
        while frontier:
            following: list[int] = []
            for done, code in enumerate(frontier):
                if progress and done % _REPORT_EVERY == 0:
                    progress(depth, len(self.seen), len(frontier))
                self._expand(code, following)
            frontier = following
            depth += 1
            yield depth

    def _expand(self, code: int, following: list[int]) -> None:
        seen, moves_on = self.seen, False
        left = self._work_left(code)
        for group in self._choices:
            key = code & group.mask
            moves = group.enabled.get(key)
            if moves is None:
                moves = group.enabled[key] = self._possible(group, code)
            for move in moves:
                difference = move.differences.get(code & move.mask)
                if difference is None:
                    difference = self._work_out(move, code)
                after = code + difference
                if after not in seen and (after := self.representative(after)) not in seen:
                    if not self._admits(after):
                        continue
                    seen[after] = code
                    self._check_state(after, move.clauses)
                    following.append(after)
                move.fired += 1
                if not move.by_user:
                    moves_on = True
                    if self._work_left(after) >= left:
                        raise _Broken(properties.MOVES_TOWARDS_REST, code, after, move)
        if not moves_on and not properties.at_rest(self.encoding.decode(code)):
            raise _Broken(properties.QUIESCENT, code, code)

    def _possible(self, group: _Choices, code: int) -> list[_Move]:
        """Find out for the first time what is possible in a state that looks like this; check that it should be."""
        s = self.encoding.decode(code)
        for move in group.wrong(s):
            raise _Broken((as_it_should.__name__, f"{move.action.name}: {as_it_should.__doc__}"), code, code)
        return list(group.allowed(s))

    def _work_out(self, move: _Move, code: int) -> int:
        """Take the step for the first time from a state that looks like this; check what it has to keep."""
        before = self.encoding.decode(code)
        after = move.action.effect(before, *move.args)
        difference = self.encoding.difference(code, after, move.writes)
        for step in move.steps:
            if not step.holds(before, move.args, after):
                raise _Broken(said(step.holds), code, code + difference, move)
        for fields, holds, kept in move.updates:
            seen = (code & fields) << WIDTH | (code + difference) & fields
            if seen not in kept:
                if not holds(before, move.args, after):
                    raise _Broken(said(holds), code, code + difference, move)
                kept.add(seen)
        move.differences[code & move.mask] = difference
        return difference

    def _admits(self, code: int) -> bool:
        key = code & _BUDGET
        admitted = self._admitted.get(key)
        if admitted is None:
            admitted = self._admitted[key] = self.scope.admits(self.encoding.decode(code).budget)
        return admitted

    def _work_left(self, code: int) -> int:
        key = code & self._left_mask
        left = self._left.get(key)
        if left is None:
            left = self._left[key] = properties.work_left(self.encoding.decode(code))
        return left

    def _check_tables(self) -> None:
        for rule in RULES:
            if not rule():
                raise _Broken(said(rule), self.start, self.start)

    def _check_state(self, code: int, concerned: _Clauses) -> None:
        for clause_mask, clauses, sound in concerned:
            key = code & clause_mask
            if key not in sound:
                s = self.encoding.decode(code)
                for clause in clauses:
                    if not clause(s):
                        raise _Broken(said(clause), self.seen[code], code)
                sound.add(key)
        if self._unseen:
            s = self.encoding.decode(code)
            for sentence in [sentence for sentence, holds in self._unseen.items() if holds(s)]:
                del self._unseen[sentence]

    def _counterexample(self, found: _Broken) -> Counterexample:
        """Follow the way back, and take it from the start."""
        visited = [found.before]
        while visited[-1] != self.start:
            visited.append(self.seen[visited[-1]])
        moves = [self._between(*pair) for pair in itertools.pairwise(reversed(visited))]
        if found.move or found.before != found.after:
            moves.append(found.move or self._between(found.before, found.after))
        start = before = after = self.encoding.decode(self.start)
        taken = []
        for move in moves:
            args = self._really(move, after)
            before, after = after, move.action.effect(after, *args)
            taken.append(RunStep(move.action.name, args, after))
        before = before if found.before != found.after else after
        steps = tuple(f"{each.action}({', '.join(map(str, each.args))})" for each in taken)
        return Counterexample(*found.said, steps, before, after, start, tuple(taken))

    def _between(self, before: int, after: int) -> _Move:
        """Return the step that leads from one visited state to another."""
        s = self.encoding.decode(before)
        moves = [move for group in self._choices for move in group.allowed(s)]
        return next(
            move
            for move in moves
            if self.representative(self.encoding.encode(move.action.effect(s, *move.args))) == after
        )

    def _really(self, move: _Move, s: State) -> tuple[int, ...]:
        """Return what the parameters of a step from the state that was visited for `s` are in `s`."""
        return arguments(move.action.over, move.args, to_canonical(s).back) if self.symmetry else move.args


def search(
    scope: Scope, actions: Iterable[Action] = ACTIONS, progress: Report | None = None, *, symmetry: bool = False
) -> ExploreResult:
    """Search every reachable state of `scope`; with `symmetry`, one of each set that differs only in numbers."""
    return BreadthFirstSearch(scope, actions, symmetry=symmetry).run(progress)


def said(piece: Piece) -> tuple[str, str]:
    """Return the name and the sentence of a property."""
    return piece.__name__, piece.__doc__ or ""


def _positions(names: Iterable[str]) -> tuple[int, ...]:
    return tuple({State._fields.index(name) for name in names})


def _by_guard(every: Iterable[ActionChoice], first: State) -> list[_Choices]:
    """Gather the choices by what their guards read."""
    groups: dict[int, _Choices] = {}
    for choice in every:
        action, args = choice.action, choice.args[0]
        guard_mask = mask_of(action.guard, first, args) | mask_of(ENABLED[action.name], first, args)
        group = groups.setdefault(guard_mask, _Choices(guard_mask))
        group.rows.append((choice.canonical, [_Move(choice.action, args, first) for args in choice.args]))
    return list(groups.values())
