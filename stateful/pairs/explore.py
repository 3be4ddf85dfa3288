"""Making two calls meet: one of them stops at one of its points, the other is made, the first is finished.

Which points matter is measured: each call is made alone, and what it accesses between two of its points is recorded. To
stop it at a point makes a difference only if, before it and after it, it accesses something that the other call
changes, or changes something that the other one accesses.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, pairwise, product
from typing import Final, NamedTuple

from stateful.guards.judge import Judge
from stateful.pairs import oracle
from stateful.pairs.calls import CALLS
from stateful.pairs.oracle import Seen, contradiction, seen
from stateful.pairs.states import BY_NAME
from stateful.pairs.world import PairState, PairWorld
from stateful.schedules.scheduler import Policy

NEVER: Final = 1 << 30
"""A point that no call is ever at: the calls are made one after the other."""
EVENTS: Final = frozenset({"interrupt", "seconds pass"})
"""Events of a call itself, rather than beside it."""
_STEP: Final = 7
"""Points from one to the next at which they happen, when not at all."""
_OF_SOME_STATES: Final = ("store ", "show ", "Keeper.", "PageMap.", "the page returns", "seconds pass")
"""Attributes do what methods do; keepers, mappings and events are for states that have them."""
METHODS_AND_LOOKS: Final = tuple(name for name in CALLS if not name.startswith(_OF_SOME_STATES))
"""The calls of a state that names no others."""

Touch = tuple[tuple[str, int], bool, str]
"""An access: field and object, read or write, and the function that does it."""
Conflicts = dict[int, frozenset[Touch]]
"""The accesses of a call that another changes, or changes for it, by the number of points it has been at."""


class CallFootprint(NamedTuple):
    """The accesses of a call made alone, by the number of points it has been at."""

    touches: dict[int, frozenset[Touch]]
    unlocked: Sequence[int] = ()
    """The points at which it holds no lock."""

    def conflicts(self, other: "CallFootprint") -> Conflicts:
        """Return what this call and another are in conflict about."""
        theirs = _all(other.touches)
        accessed = {what for what, _write, _place in theirs}
        changed = {what for what, write, _place in theirs if write}
        met = {
            points: frozenset(touch for touch in touches if touch[0] in (accessed if touch[1] else changed))
            for points, touches in self.touches.items()
        }
        return {points: touches for points, touches in met.items() if touches}


def _all(touches: Conflicts) -> frozenset[Touch]:
    return frozenset[Touch]().union(*touches.values())


def _footprint_of(world: PairWorld, task: int) -> CallFootprint:
    touches = defaultdict[int, set[Touch]](set)
    for access in world.accesses:
        # What a call has made is nobody else's; at most it is handed over, which shows in what it is put into.
        if access.task == task and access.number is not None:
            what = access.what.rstrip("[]"), access.number
            touches[access.points].add((what, access.write, access.place))
    return CallFootprint(
        {points: frozenset(touches[points]) for points in sorted(touches)}, world.runtime.unlocked[task]
    )


class Meeting(NamedTuple):
    """Two calls in a state, which of them stops, 0 or 1, and at which of its points, counted from 1."""

    state: str
    calls: tuple[str, str]
    stops: int
    at: int

    @property
    def said(self) -> str:
        """The meeting as a command line."""
        names = " ".join(repr(name) for name in (self.state, *self.calls))
        return f"python -m stateful guards --meeting {names} {self.stops} {self.at}"


def meet(meeting: Meeting, judge: Judge, *, record: bool = False) -> PairWorld:
    """Play a meeting; raises what was found."""
    world = PairWorld(BY_NAME[meeting.state], [(name, CALLS.get(name)) for name in meeting.calls], judge)
    world.runtime.policy = _policy(world, meeting)
    world.rest = oracle.rest
    world.run(record=record)
    return world


def _policy(world: PairWorld, meeting: Meeting) -> Policy:
    """Run what is besides to its landmark, one call to its point, then the other, then what is left."""
    arrived = False

    def choose(ready: Sequence[int], _can_run: bool) -> int:
        nonlocal arrived
        arrived = arrived or world.state.landmark(world)
        stops, other, *besides = world.lanes[meeting.stops], world.lanes[1 - meeting.stops], *world.lanes[2:]
        order = [stops, other] if _passed(world, meeting.stops) < meeting.at else [other, stops]
        first, *others = [*order, *besides] if arrived else [*besides, *order]
        # Who is first may wait for a thread of the engine, or for a worker, which are in nobody's order.
        rank = {first: 0, **{task: place for place, task in enumerate(others, start=2)}}
        return min(range(len(ready)), key=lambda place: rank.get(ready[place], 1))

    return choose


def _passed(world: PairWorld, stops: int) -> int:
    """Return how many points a call has been at, those of tasks that work for it included if it may be interrupted."""
    points = world.runtime.points
    return sum(points[1:]) - points[world.lanes[1 - stops]] if world.interrupts else points[world.lanes[stops]]


class Explorer:
    """Lets the calls of one state meet.

    Attributes:
        pairs: How many pairs of calls were looked at.
        meetings: How many runs there were.
        findings: A line each.
    """

    def __init__(self, state: PairState, judge: Judge, *, every: bool = False) -> None:
        """Explore a state; with `every`, also meetings in which the same functions access the same things."""
        self.pairs = 0
        self.meetings = 0
        self.findings: list[str] = []
        self._state = state
        self._judge = judge
        self._every = every
        self._footprints: dict[tuple[str, int], CallFootprint] = {}
        self._met = set[object]()

    def run(self) -> Iterator[str]:
        """Let every call meet every other; yields how far that is."""
        names = self._state.calls or METHODS_AND_LOOKS
        for first, second in product(names, names) if self._every else combinations_with_replacement(names, 2):
            self.pair(first, second)
            yield f"{self._state.name}: {self.pairs:,} pairs, {self.meetings:,} meetings"

    def pair(self, first: str, second: str) -> None:
        """Let two calls meet: one after the other, and wherever else it matters."""
        self.pairs += 1
        if EVENTS.isdisjoint((first, second)):
            self._wherever_it_matters(first, second)
        elif first != second:
            self._everywhere(first, second)

    def _everywhere(self, first: str, second: str) -> None:
        """Let something happen at the points of a call, whatever it accesses there."""
        calls, event = (first, second), int(second in EVENTS)
        alone = self._run(Meeting(self._state.name, calls, 1 - event, NEVER))
        step = 1 if self._every else _STEP
        meant = alone is not None and (alone.may_be_interrupted or not alone.interrupts)
        for at in range(1, _passed(alone, 1 - event) if alone is not None and meant else 0, step):
            self._run(Meeting(self._state.name, calls, 1 - event, at))

    def _wherever_it_matters(self, first: str, second: str) -> None:
        footprints = self._footprint(first, 0), self._footprint(second, 1)
        met = footprints[0].conflicts(footprints[1]), footprints[1].conflicts(footprints[0])
        if not met[0] or self._like_one_before((_all(met[0]), _all(met[1]))):
            return
        orders = [self._play(Meeting(self._state.name, (first, second), stops, NEVER)) for stops in range(2)]
        known = [order for order in orders if order is not None]
        for stops, at in self._points((first, second), met) if len(known) == len(orders) else ():
            meeting = Meeting(self._state.name, (first, second), stops, at)
            found = self._play(meeting)
            wrong = contradiction(self._state, meeting.calls, found, known) if found is not None else ""
            if wrong:
                self.findings.append(f"{wrong} ({meeting.said})")

    def _points(self, calls: tuple[str, str], met: tuple[Conflicts, Conflicts]) -> Iterator[tuple[int, int]]:
        """Yield which call is to stop, and where."""
        for stops, mine in enumerate(met):
            unlocked = self._footprint(calls[stops], stops).unlocked
            other = frozenset((what, write) for what, write, _place in _all(met[1 - stops]))
            for (last, before), (at, after) in pairwise(mine.items()):
                if not self._like_one_before((before, after, other)):
                    # The other call finds the same at each point between, but where this one holds a lock it may
                    # have to wait for it, and then it comes too late.
                    free = [point for point in unlocked if last < point <= at][-1:]
                    yield from ((stops, point) for point in sorted({*free, at}))

    def _like_one_before(self, signature: object) -> bool:
        """Return whether a meeting of the same functions at the same accesses was played."""
        before = len(self._met)
        self._met.add(signature)
        return len(self._met) == before and not self._every

    def _footprint(self, call: str, lane: int) -> CallFootprint:
        """Return what a call accesses, made alone in a lane."""
        key = call, lane
        if key not in self._footprints:
            meeting = Meeting(self._state.name, (call, "") if lane == 0 else ("", call), lane, NEVER)
            world = self._run(meeting, record=True)
            self._footprints[key] = CallFootprint({}) if world is None else _footprint_of(world, world.lanes[lane])
        return self._footprints[key]

    def _play(self, meeting: Meeting) -> Seen | None:
        world = self._run(meeting)
        return seen(world) if world is not None else None

    def _run(self, meeting: Meeting, *, record: bool = False) -> PairWorld | None:
        self.meetings += 1
        try:
            return meet(meeting, self._judge, record=record)
        except Exception as error:  # what was found is a result
            text = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            self.findings.append(f"{text} ({meeting.said})")
            return None
