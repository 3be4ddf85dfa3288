"""Kinds of lies: one change at a time to a trace that is accepted. `planting` counts those that the judge finds."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from stateful.traces.schema import ALSO, BY_NAME

PROTOCOL: Final = (
    *("begin_pass", "scan", "end_scan", "take_request", "reserve_block", "submit", "drop"),
    *("device_ok", "device_error", "endio_queue", "endio_leave", "reap", "end_pass"),
)
"""Events of a pass and of the backing device."""
USERS: Final = ("write", "write_same", "free", "access", "read_begin", "read_answer", "read_end", "read_checked")
STORES: Final = ("store_limit", "toggle_limit", "reset")
SIZES: Final = {"slot": "slots", "block": "blocks", "request": "requests"}
CONTRARY: Final = ("ok and error exchanged", "committed and lost exchanged")
_OVER: Final = {"free_block": "block", "idle_request": "request"}
_NEAR: Final = 6
_FAR: Final = 20
_TRIED_MOST: Final = 1000

Step = dict[str, object]


class Lie(NamedTuple):
    """Some events of a trace, replaced."""

    place: int
    """Of the first, from 0."""
    length: int
    said: list[Step]
    """Events in their stead."""


Kind = Callable[[Sequence[Step], random.Random], Lie | None]
"""Draws a lie; None when there is no place for one of its kind."""


def kinds(header: Step) -> Mapping[str, Kind]:
    """Return every kind by name; those of the protocol's own events first."""
    found: dict[str, Kind] = {f"{name} dropped": _dropping(name) for name in PROTOCOL}
    for what in SIZES:
        found[f"{what} of a protocol event changed"] = _changing(what, header, PROTOCOL)
    ok_or_error, contrary = CONTRARY
    found[ok_or_error], found[contrary] = _exchanging, _contradicting
    found |= {f"{name} dropped": _dropping(name) for name in (*USERS, *STORES)}
    found["slot of a user's event changed"] = _changing("slot", header, USERS)
    found["huge of a write changed"] = _recounting("write", 1)
    found["limit of a store changed"] = _recounting("store_limit", 0)
    found["any event twice"] = _twice
    found["neighbours exchanged"] = _swapping(1)
    found[f"events up to {_FAR} apart exchanged"] = _swapping(_FAR)
    found["related events of two tasks exchanged"] = _swapping_related
    return found


def is_of_the_protocol(kind: str) -> bool:
    """Return whether a kind drops an event of the protocol or changes one."""
    return kind.removesuffix(" dropped") in PROTOCOL or "protocol" in kind or kind in CONTRARY


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


def _dropping(name: str) -> Kind:
    def draw(steps: Sequence[Step], rng: random.Random) -> Lie | None:
        places = _places(steps, [name])
        return Lie(rng.choice(places), 1, []) if places else None

    return draw


def _changing(what: str, header: Step, names: Sequence[str]) -> Kind:
    size = header[SIZES[what]]
    assert isinstance(size, int), "sizes are numbers"

    def draw(steps: Sequence[Step], rng: random.Random) -> Lie | None:
        places = [(place, at) for place in _places(steps, names) for at in _positions(steps[place], what)]
        if not places or size == 1:
            return None
        place, at = rng.choice(places)
        args = list(_arguments(steps[place]))
        args[at] = (args[at] + rng.randrange(1, size)) % size
        return Lie(place, 1, [{**steps[place], "args": args}])

    return draw


def _recounting(name: str, at: int) -> Kind:
    """Change a number that counts: 0 and 1 are exchanged, a larger one is one less."""

    def draw(steps: Sequence[Step], rng: random.Random) -> Lie | None:
        places = _places(steps, [name])
        if not places:
            return None
        place = rng.choice(places)
        args = list(_arguments(steps[place]))
        args[at] = abs(args[at] - 1)
        return Lie(place, 1, [{**steps[place], "args": args}])

    return draw


def _exchanging(steps: Sequence[Step], rng: random.Random) -> Lie | None:
    places = _places(steps, ["device_ok", "device_error"])
    if not places:
        return None
    place = rng.choice(places)
    other = "device_error" if steps[place]["does"] == "device_ok" else "device_ok"
    return Lie(place, 1, [{**steps[place], "does": other}])


def _contradicting(steps: Sequence[Step], rng: random.Random) -> Lie | None:
    places = _places(steps, ["reap"])
    if not places:
        return None
    place = rng.choice(places)
    *args, committed = _arguments(steps[place])
    return Lie(place, 1, [{**steps[place], "args": [*args, 1 - committed]}])


def _twice(steps: Sequence[Step], rng: random.Random) -> Lie:
    place = rng.randrange(len(steps))
    return Lie(place, 1, [steps[place], steps[place]])


def _swapping(most: int) -> Kind:
    def draw(steps: Sequence[Step], rng: random.Random) -> Lie | None:
        for _ in range(_TRIED_MOST if len(steps) > most else 0):
            place = rng.randrange(len(steps) - most)
            lie = _swapped(steps, place, place + rng.randrange(1, most + 1))
            if lie.said != [*steps[place : place + lie.length]]:
                return lie
        return None

    return draw


def _swapping_related(steps: Sequence[Step], rng: random.Random) -> Lie | None:
    """Exchange two near events of different tasks that name the same slot, block or request."""
    for _ in range(_TRIED_MOST if len(steps) > _NEAR else 0):
        one = rng.randrange(len(steps) - _NEAR)
        other = one + rng.randrange(1, _NEAR)
        if steps[one]["task"] != steps[other]["task"] and _names(steps[one]) & _names(steps[other]):
            return _swapped(steps, one, other)
    return None


def _names(step: Step) -> set[tuple[str, int]]:
    return {(what, _arguments(step)[at]) for what in SIZES for at in _positions(step, what)}


def _swapped(steps: Sequence[Step], one: int, other: int) -> Lie:
    said = [*steps[one : other + 1]]
    said[0], said[-1] = said[-1], said[0]
    return Lie(one, len(said), said)
