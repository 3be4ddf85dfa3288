"""The judge of traces: is a trace a behaviour of the specification?

The events are put in order and followed, each from the state before it. Where a device hides some of its actions there
is not one state but all those that are possible, and an event leaves those that allow it. What a trace ends in must be
a state that is left. A trace without an end was cut short: it is followed as far as nothing is missing.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Final, NamedTuple

from spec.model.actions import Action
from spec.model.state import ANSWERED, AT_REST, DONE_OK, IDLE, State
from spec.model.tables import EMPTY, NONE, PP_SLOT, WB
from spec.scope import Scope, domain
from stateful.common.seldom import seldom_collecting
from stateful.traces import show
from stateful.traces.policy import SPECIFICATION, Deviation, Policy, Tolerance
from stateful.traces.schema import BY_NAME, LETTERS, End, Header, Line, MalformedTrace, Trace, own_object
from stateful.traces.total import resolve
from stateful.traces.world import World
from zram_impl.events.order import OrderError, in_order, in_order_so_far

POSSIBLE_MOST: Final = 20_000
"""States that may be possible at a time; more say nothing."""
REPORT_EVERY: Final = 5000
BEYOND: Final = ("reset", "store_limit")
"""Actions that cannot be hidden: one forgets everything, the other has no bounds."""

Report = Callable[[str], None]


class TraceFinding(NamedTuple):
    """Event at which a trace stops being a behaviour of the specification."""

    line: int
    sentence: str
    details: str

    @property
    def text(self) -> str:
        """All there is to say about it."""
        return f"line {self.line}: {self.sentence}\n{self.details}".rstrip()


class Judgement(NamedTuple):
    """The verdict on a trace."""

    finding: TraceFinding | None
    """The first thing that is wrong with it."""
    deviations: list[Deviation]
    """Deviations that the policy tolerated before."""
    judged: int
    """Events that were followed."""
    incomplete: str
    """The part that is missing; "" when it is whole."""

    @property
    def problem(self) -> str:
        """Return what is wrong with a trace that should be whole; "" when nothing is."""
        if self.finding is not None:
            return self.finding.text
        return self.incomplete and f"incomplete: {self.incomplete}"


class TooManyError(Exception):
    """So much is hidden that nothing can be said."""


def check(trace: Trace, report: Report = lambda _text: None) -> TraceFinding | None:
    """Follow a trace; return the first thing that is wrong with it, or None. For what is raised see `judge`."""
    return judge(trace, report=report).finding


@seldom_collecting()
def judge(trace: Trace, policy: Policy = SPECIFICATION, report: Report = lambda _text: None) -> Judgement:
    """Follow a trace under a policy, one that was cut short as far as it can be.

    Raises:
        MalformedTrace: The header hides what cannot be hidden, or anything while something is tolerated.
        TooManyError: Too many states are possible.
    """
    worlds = Worlds(trace.header, policy)
    try:
        lines, gap = _ordered(trace)
    except OrderError as error:
        return Judgement(_disordered(trace, error), [], 0, "")
    incomplete = _missing(trace, len(lines), gap)
    for count, line in enumerate(lines):
        if not count % REPORT_EVERY:
            report(f"{count:,} of {len(lines):,} events")
        wrong = worlds.follow(line)
        if wrong is not None:
            possible = worlds.possible()
            last = resolve(possible[0], line.action, line.args) or line.action
            shown = [*lines[max(0, count - show.LAST) : count], line._replace(action=last)]
            found = TraceFinding(line.number, wrong, show.impossible(possible, shown))
            return Judgement(found, worlds.deviations, count, incomplete)
    end = judge_end(worlds, trace.end, lines) if trace.end is not None else None
    return Judgement(end, worlds.deviations, len(lines), incomplete)


def _missing(trace: Trace, judged: int, gap: OrderError | None) -> str:
    """Say what is missing of a trace; nothing if it has an end, for then every gap is a finding."""
    if trace.end is not None:
        return ""
    reasons = ["there is no end"]
    if trace.cut is not None:
        reasons.append(f"line {trace.cut} is cut")
    if gap is not None:
        reasons.append(f"{gap}, so {len(trace.lines) - judged:,} of {len(trace.lines):,} events have no place")
    return ", ".join(reasons)


def _tasks(trace: Trace) -> list[list[Line]]:
    tasks: dict[str, list[Line]] = {}
    for line in trace.lines:
        tasks.setdefault(line.task, []).append(line)
    return list(tasks.values())


def _ordered(trace: Trace) -> tuple[list[Line], OrderError | None]:
    """Return the events in order, and of a trace without an end what is missing before others of them."""
    if not trace.ordered:
        return trace.lines, None
    tasks = _tasks(trace)
    if trace.end is not None:
        return in_order(tasks), None
    for number, lines in enumerate(tasks):
        _check_own(number, lines)
    return in_order_so_far(tasks)


def _check_own(number: int, lines: Sequence[Line]) -> None:
    """Raise OrderError where a task counts its events and one is missing: only what comes after the others was cut."""
    own, due = own_object(lines[0].task), 1
    for position, line in enumerate(lines):
        for name, index, version in line.touched:
            if name == own:
                if version > due:
                    raise OrderError(f"version {due} of {name} {index} is missing", {number: position}, number)
                due += 1


def _disordered(trace: Trace, error: OrderError) -> TraceFinding:
    tasks = _tasks(trace)
    first = tasks[error.at][error.stuck[error.at]]
    stuck = [tasks[number][place] for number, place in error.stuck.items()]
    said = [f"    line {line.number:>7}  {line.task}: {line.said}, touches {show.touches(line)}" for line in stuck]
    sentence = f"the events have no order: {error}, at {first.said}"
    return TraceFinding(first.number, sentence, "\n".join(["  the order ends before", *said[:_SHOWN]]))


class Worlds:
    """The states that are possible."""

    def __init__(self, header: Header, policy: Policy = SPECIFICATION) -> None:
        if header.hidden and policy.tolerated:
            raise MalformedTrace(1, "`hidden`: expected nothing where deviations are tolerated")
        self._header, self._tolerance = header, Tolerance(policy)
        for name in header.hidden:
            if name in BEYOND:
                raise MalformedTrace(1, f"`hidden`: {name} cannot be hidden")
        self._hidden = list(_hidden_steps(header))
        self._worlds = [World(header.state())]

    @property
    def deviations(self) -> list[Deviation]:
        """Deviations tolerated so far."""
        return self._tolerance.found

    @property
    def tracked(self) -> tuple[object, ...]:
        """All that tolerance knows beside the states that are possible, to be compared."""
        return self._tolerance.tracked

    def fork(self) -> "Worlds":
        """Return states that continue from here apart from these."""
        other = Worlds(self._header)
        other._tolerance = self._tolerance.copy()
        other._worlds = [*map(_copy, self._worlds)]
        return other

    def possible(self) -> Sequence[World]:
        """Return them."""
        return self._worlds

    def unfinished(self) -> Iterator[str]:
        """Yield what only tolerance knows of, and no whole trace ends with."""
        for request, _count in self._tolerance.unsettled:
            yield f"a callback of req {request}, which was reaped, is inside"

    def follow(self, line: Line) -> str | None:
        """Take a step in every state that allows it; return what is wrong when none does."""
        worlds = self._closed()
        self._worlds = worlds
        if len(worlds) == 1:  # nothing else is possible, so this state need not be kept
            wrong = _wrongly_reported(worlds[0], line)
            if wrong is None and not self._take(worlds[0], line):
                wrong = f"{line.said} is impossible{self._tolerance.reason}"
            return wrong
        left = [world for world in worlds if _wrongly_reported(world, line) is None]
        left = [world for world in map(_copy, left) if self._take(world, line)]
        if not left:
            return f"{line.said} is impossible in each of {len(worlds)} states"
        self._worlds = _different(left)
        return None

    def _take(self, world: World, line: Line) -> bool:
        if line.action.name == "read":
            kind = world.slots[line.args[0]].kind
            # An empty page reads as zeros, whatever else; one that is written back, without telling how, is one step.
            if kind == EMPTY or (kind == WB and not self._header.readers):
                return True
        action = resolve(world, line.action, line.args)
        return action is None or self._tolerance.take(world, action, line.args, line.number, said=line.action.name)

    def at_the_end(self) -> Sequence[World]:
        """Return the states that are possible once everything was reported."""
        self._worlds = self._closed()
        return self._worlds

    def _closed(self) -> list[World]:
        """Return these states and all that hidden actions lead to."""
        if not self._hidden:
            return self._worlds
        known = {world.state(): world for world in self._worlds}
        todo = list(known.values())
        while todo:
            world = todo.pop()
            for action, args in self._hidden:
                if world.allows(action, args):
                    following = _copy(world)
                    following.take(action, args)
                    state = following.state()
                    if state not in known:
                        known[state] = following
                        todo.append(following)
            if len(known) > POSSIBLE_MOST:
                raise TooManyError(f"more than {POSSIBLE_MOST:,} states are possible: too much is hidden")
        return list(known.values())


def _hidden_steps(header: Header) -> Iterator[tuple[Action, tuple[int, ...]]]:
    scope = Scope(header.slots, header.blocks, header.requests, readers=header.readers, huge=1)
    for name in header.hidden:
        for args in product(*[domain(scope, over) for over in BY_NAME[name].over]):
            yield BY_NAME[name], args


def _copy(world: World) -> World:
    return World(world.state())


def _different(worlds: Sequence[World]) -> list[World]:
    known: dict[State, World] = {}
    for world in worlds:
        known.setdefault(world.state(), world)
    return list(known.values())


def _wrongly_reported(world: World, line: Line) -> str | None:
    """Return what is wrong with what an event says besides its parameters."""
    if not line.also:
        return None
    if line.action.name == "submit":
        known = {"blk": world.held}
    else:
        req = world.reqs[line.args[0]]
        kept = req.slot > NONE and world.slots[req.slot].kind == PP_SLOT
        known = {"slot": req.slot, "blk": req.blk, "committed": int(kept and req.phase == DONE_OK)}
    said = dict(zip(known, line.also, strict=False))
    known = {name: known[name] for name in said}
    if said == known:
        return None
    expected = ", ".join(f"{name} {value if value > NONE else 'none'}" for name, value in known.items())
    found = ", ".join(f"{name} {value}" for name, value in said.items())
    return f"{line.said} reports {found}; it is {expected}"


def judge_end(worlds: Worlds, end: End, lines: Sequence[Line]) -> TraceFinding | None:
    """Return what is wrong with the end of a trace, whose last events are `lines`."""
    fewest = min((list(differences(world, end)) for world in worlds.at_the_end()), key=len)
    fewest += worlds.unfinished()
    if not fewest:
        return None
    return TraceFinding(
        end.number,
        f"the device ends in another state: {fewest[0]}",
        "\n".join(
            [
                *(f"  {difference}" for difference in fewest[:_SHOWN]),
                *([f"  and {len(fewest) - _SHOWN} more"] if len(fewest) > _SHOWN else []),
                show.lanes(lines[-show.LAST :]),
            ]
        ),
    )


_SHOWN: Final = 20


def differences(world: World, end: End) -> Iterator[str]:
    """Yield what a device says of its end that a state of the specification does not."""
    slots = "".join(LETTERS[slot.kind] for slot in world.slots)
    for i, (known, said) in enumerate(zip(slots, end.slots or slots, strict=True)):
        if known != said:
            yield f"slot {i} is {said!r}, and has to be {known!r} ({LETTERS}: empty, same, stored, pp_slot, wb)"
    used = frozenset(b for b, block in enumerate(world.blocks) if block.used)
    said_used = used if end.used is None else end.used
    yield from (f"blk {b} is in use, and nobody owns it" for b in sorted(said_used - used))
    yield from (f"blk {b} is free, and somebody owns it" for b in sorted(used - said_used))
    huge = frozenset(i for i, slot in enumerate(world.slots) if slot.huge)
    wrongly = () if end.huge is None else sorted(end.huge ^ huge)
    yield from (f"slot {i} is {('huge', 'not huge')[i in huge]}, and has to be the contrary" for i in wrongly)
    if end.limit is not None and end.limit != world.budget.limit:
        yield f"the limit is {end.limit}, and has to be {world.budget.limit}"
    if world.running != AT_REST:
        yield "a pass is under way"
    yield from (f"reader {k} is under way" for k, reader in enumerate(world.readers) if IDLE < reader.phase <= ANSWERED)
    for name, value in end.counts.items():
        if value != getattr(world.counts, name):
            yield f"{name} is {value}, and has to be {getattr(world.counts, name)}"
