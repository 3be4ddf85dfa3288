"""Lies in raw traces: an event of a probe is missing as if it had never been written, or says something else.

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
from tests.kernel.lies import Step
from tests.kernel.planting import ANOTHER, DEVIATES, REJECTED, SAME, Planted, strictest

PROTOCOL: Final = ("scanning", "scan", "scanned", "writing", "sent", "endio", "endio_over", "commit", "pp", "over")
"""Probes of a pass and of its callbacks."""
SAYING: Final = ("idx", "blk", "bio", "pps", "st", "sec")
"""Fields that say of which page, block or request an event is, and how it was answered."""

Events = list[ProbeEvent]


def measure(raw: RawTrace, each: int, seed: int = 0) -> Iterator[Planted]:
    """Plant `each` lies of every kind into a raw trace that is accepted."""
    true = convert(raw).lines
    trace = read(json.dumps(line) for line in true)
    policy = strictest(trace)
    deviations = Counter(found.name for found in judge(trace, policy).deviations)
    for kind, draw in _kinds().items():
        rng = random.Random(f"{seed} {kind}")
        drawn = (draw(raw.events, rng) for _ in range(each))
        outcomes = (_outcome(raw._replace(events=lied), true, policy, deviations) for lied in drawn if lied)
        yield Planted(kind, Counter(outcomes))


def _kinds() -> Mapping[str, Callable[[Sequence[ProbeEvent], random.Random], Events | None]]:
    return {
        **{f"raw {name} dropped": _dropping(name) for name in PROTOCOL},
        **{f"raw {name} says another": _saying(name) for name in ("sent", "endio", "pp")},
    }


def _dropping(name: str) -> Callable[[Sequence[ProbeEvent], random.Random], Events | None]:
    def draw(events: Sequence[ProbeEvent], rng: random.Random) -> Events | None:
        places = [place for place, event in enumerate(events) if event.name == name]
        if not places:
            return None
        place = rng.choice(places)
        return [*events[:place], *events[place + 1 :]]

    return draw


def _saying(name: str) -> Callable[[Sequence[ProbeEvent], random.Random], Events | None]:
    """Have a field of an event say what it says in another event of the same probe."""

    def draw(events: Sequence[ProbeEvent], rng: random.Random) -> Events | None:
        places = [place for place, event in enumerate(events) if event.name == name]
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
        return [*events[:place], changed, *events[place + 1 :]]

    return draw


def _outcome(raw: RawTrace, true: Sequence[Step], policy: Policy, deviations: Counter[str]) -> str:
    try:
        lines = convert(raw).lines
    except RefusedTrace:
        return REJECTED
    if lines == true:
        return SAME
    try:
        judged = judge(read(json.dumps(line) for line in lines), policy)
    except ValueError:
        return REJECTED
    if judged.problem:
        return REJECTED
    more = Counter(found.name for found in judged.deviations) - deviations
    return DEVIATES if more else ANOTHER
