"""Lies in raw traces: an event of a probe is missing as if it had never been written, says something else, or is late.

That an event was lost is seen by the counts before anything is converted. Here the counts agree with what is there, so
that it is the converter and the judge who have to notice.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from stateful.traces.check import judge
from stateful.traces.driver.convert import convert
from stateful.traces.driver.raw import ProbeEvent, RawTrace, RefusedTrace
from stateful.traces.policy import Policy
from stateful.traces.schema import read
from tests.kernel.lies import Lie, Step
from tests.kernel.planting import ANOTHER, REJECTED, SAME, Planted, Truth

PROTOCOL: Final = ("scanning", "scan", "scanned", "writing", "rawcopy", "sent", "endio", "endio_over", "commit", "pp")
"""Probes of a pass and of its callbacks, but for the one that it ends with."""
LAST: Final = "over"
USERS: Final = (
    *("bio", "bio_over", "alloc", "free", "copy", "access", "look", "read_sent", "read_done", "deferred"),
    *("checked0", "checked1", "checked2", "limit", "limit_ret", "enable", "enable_ret", "reset"),
)
SAYING: Final = ("idx", "blk", "bio", "pps", "st", "sec", "word", "entry", "op", "size", "req", "ret")
"""Fields that say of which page, block or request an event is, and how it was answered."""
FAR: Final = 20
_TRIED_MOST: Final = 20
"""Draws for each lie of a kind of which there are few."""

Events = list[ProbeEvent]


Kind = Callable[[Sequence[ProbeEvent], random.Random], tuple[object, Events] | None]
"""Draws a lie: the events with it, and what tells it from others of its kind; None when there is no place for one."""


def kinds() -> Mapping[str, Kind]:
    """Return every kind by name; those of the protocol's own events first."""
    protocol = (*PROTOCOL, LAST)
    return {
        **{f"raw {name} dropped": _dropping(name) for name in protocol},
        **{f"raw {name} says another": _saying(name) for name in protocol},
        **{f"raw {name} dropped": _dropping(name) for name in USERS},
        **{f"raw {name} says another": _saying(name) for name in USERS},
        "raw neighbours of two tasks exchanged": _swapping(1),
        f"raw events of two tasks up to {FAR} apart exchanged": _swapping(FAR),
    }


def is_of_the_protocol(kind: str) -> bool:
    """Return whether a kind drops an event of a pass or changes one."""
    words = kind.split()
    return words[0] == "raw" and words[1] in (*PROTOCOL, LAST)


def measure(raw: RawTrace, each: int, seed: int = 0) -> Iterator[Planted]:
    """Plant `each` lies of every kind, no two alike, into a raw trace that is accepted; fewer where it has not so many.

    Raises:
        UntrueError: The trace is not accepted under the driver's policy, or has no end.
    """
    true = convert(raw).lines
    truth = Truth(true)
    outcomes = {name: Counter[str]() for name in kinds()}
    later: list[tuple[str, Lie]] = []
    for kind, draw in kinds().items():
        for events in _drawn(draw, raw.events, random.Random(f"{seed} {kind}"), each):
            said = _converted(raw._replace(events=events))
            if said is None:
                outcomes[kind][REJECTED] += 1
            elif said == true:
                outcomes[kind][SAME] += 1
            elif said[0] != true[0]:
                outcomes[kind][_judged(said, truth.policy)] += 1
            else:
                later.append((kind, _lie(true, said)))
    for kind, outcome in truth.outcomes(sorted(later, key=lambda pair: pair[1].place)):
        outcomes[kind][outcome] += 1
    return (Planted(name, found) for name, found in outcomes.items())


def _drawn(draw: Kind, events: Sequence[ProbeEvent], rng: random.Random, each: int) -> Iterator[Events]:
    seen: set[object] = set()
    for _ in range(each * _TRIED_MOST):
        found = draw(events, rng)
        if found is not None and found[0] not in seen:
            seen.add(found[0])
            yield found[1]
        if len(seen) == each:
            return


def _converted(raw: RawTrace) -> list[Step] | None:
    try:
        return convert(raw).lines
    except RefusedTrace:
        return None


def _lie(true: Sequence[Step], said: Sequence[Step]) -> Lie:
    """Return in which steps a trace differs from the true one; both have the same header and end."""
    first = next(at for at, (old, new) in enumerate(zip(true, said, strict=False)) if old != new)
    most = min(len(true), len(said)) - first
    alike = next((at for at in range(most) if true[-1 - at] != said[-1 - at]), most)
    return Lie(first - 1, len(true) - alike - first, list(said[first : len(said) - alike]))


def _judged(said: Sequence[Step], policy: Policy) -> str:
    """Judge a trace with more requests or readers than there were: its state is another throughout."""
    return REJECTED if judge(read(json.dumps(line) for line in said), policy).problem else ANOTHER


def _dropping(name: str) -> Kind:
    def draw(events: Sequence[ProbeEvent], rng: random.Random) -> tuple[object, Events] | None:
        places = _places(events, name)
        if not places:
            return None
        place = rng.choice(places)
        return place, [*events[:place], *events[place + 1 :]]

    return draw


def _saying(name: str) -> Kind:
    """Have a field of an event say what it says in another event of the same probe."""

    def draw(events: Sequence[ProbeEvent], rng: random.Random) -> tuple[object, Events] | None:
        places = _places(events, name)
        said = {
            field: sorted({events[place].fields[field] for place in places})
            for field in SAYING
            if places and field in events[places[0]].fields
        }
        several = [field for field, values in said.items() if len(values) > 1]
        if not several:
            return None
        place, field = rng.choice(places), rng.choice(several)
        other = rng.choice([value for value in said[field] if value != events[place].fields[field]])
        changed = events[place]._replace(fields={**events[place].fields, field: other})
        return (place, field, other), [*events[:place], changed, *events[place + 1 :]]

    return draw


def _swapping(most: int) -> Kind:
    """Exchange two events of different tasks in the order of all processors."""

    def draw(events: Sequence[ProbeEvent], rng: random.Random) -> tuple[object, Events] | None:
        if len(events) <= most:
            return None
        one = rng.randrange(len(events) - most)
        other = one + rng.randrange(1, most + 1)
        if events[one].task == events[other].task:
            return None
        changed = [*events]
        changed[one] = events[other]._replace(key=events[one].key)
        changed[other] = events[one]._replace(key=events[other].key)
        return (one, other), changed

    return draw


def _places(events: Sequence[ProbeEvent], name: str) -> list[int]:
    return [place for place, event in enumerate(events) if event.name == name]
