"""Planted lies: one change at a time to a trace that is accepted, and how many of them the judge finds."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from stateful.traces.check import judge
from stateful.traces.policy import SPECIFICATION
from stateful.traces.schema import ALSO, BY_NAME, MalformedTrace, read

PROTOCOL: Final = (
    *("begin_pass", "scan", "end_scan", "take_request", "reserve_block", "submit", "drop"),
    *("device_ok", "device_error", "endio_queue", "endio_leave", "reap", "end_pass"),
)
"""Events of a pass and of the backing device."""
SIZES: Final = {"slot": "slots", "block": "blocks", "request": "requests"}
_OVER: Final = {"free_block": "block", "idle_request": "request"}
_NEAR: Final = 6
_FAR: Final = 20

Step = dict[str, object]
Lie = Callable[[list[Step], random.Random], list[Step] | None]
"""Returns the steps with one change; None when there is no place for it."""


class Share(NamedTuple):
    """How many lies of a kind were found."""

    kind: str
    found: int
    planted: int


def measure(lines: Sequence[Step], each: int, seed: int = 0) -> Iterator[Share]:
    """Plant `each` lies of every kind into a converted trace, one at a time, and judge every one.

    A lie that changes nothing is not planted.
    """
    header, steps = lines[0], [line for line in lines[1:] if "does" in line]
    end = [line for line in lines[1:] if "end" in line]
    for kind, lie in _lies(header).items():
        rng = random.Random(f"{seed} {kind}")
        found = planted = 0
        for _ in range(each):
            lied = lie(steps, rng)
            if lied is None or lied == steps:
                continue
            planted += 1
            found += is_found([header, *lied, *end])
        yield Share(kind, found, planted)


def is_found(lines: Sequence[Step]) -> bool:
    """Return whether a trace is refused or rejected."""
    try:
        trace = read(json.dumps(line) for line in lines)
    except MalformedTrace:
        return True
    return judge(trace, SPECIFICATION).finding is not None


def _lies(header: Step) -> Mapping[str, Lie]:
    lies: dict[str, Lie] = {f"{name} dropped": _dropping(name) for name in PROTOCOL}
    for what in SIZES:
        lies[f"{what} of a protocol event changed"] = _changing(what, header, PROTOCOL)
    lies["ok and error exchanged"] = _exchanging
    lies["committed and lost exchanged"] = _contradicting
    users = ("write", "write_same", "free", "access", "read_begin")
    lies |= {f"{name} dropped": _dropping(name) for name in users}
    lies["slot of a user's event changed"] = _changing("slot", header, users)
    lies["any event twice"] = _twice
    lies["neighbours exchanged"] = _swapping(1)
    lies[f"events up to {_FAR} apart exchanged"] = _swapping(_FAR)
    lies["related events of two tasks exchanged"] = _swapping_related
    return lies


def _places(steps: Sequence[Step], names: Sequence[str]) -> list[int]:
    return [place for place, step in enumerate(steps) if step["does"] in names]


def _arguments(step: Step) -> list[int]:
    args = step["args"]
    assert isinstance(args, list), "arguments are a list"
    return args


def _positions(step: Step, what: str) -> list[int]:
    """Return which arguments of an event name a `what`."""
    name = str(step["does"])
    over = [*BY_NAME[name].over, *ALSO.get(name, ())][: len(_arguments(step))]
    return [place for place, each in enumerate(over) if _OVER.get(each, each) == what]


def _dropping(name: str) -> Lie:
    def lie(steps: list[Step], rng: random.Random) -> list[Step] | None:
        places = _places(steps, [name])
        if not places:
            return None
        place = rng.choice(places)
        return steps[:place] + steps[place + 1 :]

    return lie


def _changing(what: str, header: Step, names: Sequence[str]) -> Lie:
    size = header[SIZES[what]]
    assert isinstance(size, int), "sizes are numbers"

    def lie(steps: list[Step], rng: random.Random) -> list[Step] | None:
        places = [(place, at) for place in _places(steps, names) for at in _positions(steps[place], what)]
        if not places or size == 1:
            return None
        place, at = rng.choice(places)
        args = list(_arguments(steps[place]))
        args[at] = (args[at] + rng.randrange(1, size)) % size
        return [*steps[:place], {**steps[place], "args": args}, *steps[place + 1 :]]

    return lie


def _exchanging(steps: list[Step], rng: random.Random) -> list[Step] | None:
    places = _places(steps, ["device_ok", "device_error"])
    if not places:
        return None
    place = rng.choice(places)
    other = "device_error" if steps[place]["does"] == "device_ok" else "device_ok"
    return [*steps[:place], {**steps[place], "does": other}, *steps[place + 1 :]]


def _contradicting(steps: list[Step], rng: random.Random) -> list[Step] | None:
    places = _places(steps, ["reap"])
    if not places:
        return None
    place = rng.choice(places)
    *args, committed = _arguments(steps[place])
    return [*steps[:place], {**steps[place], "args": [*args, 1 - committed]}, *steps[place + 1 :]]


def _twice(steps: list[Step], rng: random.Random) -> list[Step]:
    place = rng.randrange(len(steps))
    return [*steps[: place + 1], *steps[place:]]


def _swapping(most: int) -> Lie:
    def lie(steps: list[Step], rng: random.Random) -> list[Step]:
        place = rng.randrange(len(steps) - most)
        return _swapped(steps, place, place + rng.randrange(1, most + 1))

    return lie


def _swapping_related(steps: list[Step], rng: random.Random) -> list[Step] | None:
    """Exchange two near events of different tasks that name the same slot, block or request."""
    for _ in range(1000):
        one = rng.randrange(len(steps) - _NEAR)
        other = one + rng.randrange(1, _NEAR)
        if steps[one]["task"] != steps[other]["task"] and _names(steps[one]) & _names(steps[other]):
            return _swapped(steps, one, other)
    return None


def _names(step: Step) -> set[tuple[str, int]]:
    return {(what, _arguments(step)[at]) for what in SIZES for at in _positions(step, what)}


def _swapped(steps: list[Step], one: int, other: int) -> list[Step]:
    changed = list(steps)
    changed[one], changed[other] = changed[other], changed[one]
    return changed
