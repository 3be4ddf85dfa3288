"""The format of a trace, JSON lines: see docs/traces.md. A line that is not as described there is refused."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from spec.model.actions import ACTIONS, Action
from spec.model.state import State, initial
from spec.model.tables import KINDS
from stateful.common.seldom import seldom_collecting
from stateful.traces.total import TOTALS
from zram_impl.events.order import Touched

VERSION: Final = 1
_SHOWN: Final = 60
"""Characters of what was found instead."""
LARGEST: Final = 1 << 24
"""Of a size: a state of that many slots fits into memory."""
SIZES: Final = ("slots", "blocks", "requests", "readers")
LETTERS: Final = ".sSPW"
"""A slot of each kind at the end of a trace, in the order of the specification's kinds."""
assert len(LETTERS) == len(KINDS), "each kind has its letter"

SPECIFIED: Final[Mapping[str, Action]] = {action.name: action for action in ACTIONS}
BY_NAME: Final[Mapping[str, Action]] = {action.name: action for action in (*ACTIONS, *TOTALS)}
"""Events by name: an action of the specification, or a total one that stands for whichever it is then."""
ALSO: Final[Mapping[str, tuple[str, ...]]] = {"submit": ("block",), "reap": ("slot", "block", "committed")}
"""Values that may follow the parameters of an action, to be compared with what the specification knows."""
ALSO_COUNTS: Final[Mapping[str, tuple[int, ...]]] = {"submit": (0, 1), "reap": (0, 2, 3)}
"""Their number: a prefix."""
_SIZE_OF: Final = {
    "slot": "slots",
    **dict.fromkeys(("block", "free_block"), "blocks"),
    **dict.fromkeys(("request", "idle_request"), "requests"),
    **dict.fromkeys(("reader", "idle_reader"), "readers"),
}


class MalformedTrace(ValueError):  # noqa: N818  (it is an answer, not an error of ours)
    """A line that is not as it should be."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(f"line {line}: {sentence}")
        self.line = line


class Header(NamedTuple):
    """The device before the first event: empty, with these sizes."""

    slots: int
    blocks: int
    requests: int
    """Request numbers there are: what the largest batch needs."""
    readers: int
    limit: int | None
    """writeback_limit in blocks; None when it is not enabled."""
    hidden: tuple[str, ...] = ()
    """Actions that this device does not report; they may have been taken anywhere."""
    about: str = ""

    def state(self) -> State:
        """Return the state before the first event."""
        return initial(self.slots, self.blocks, self.requests, self.limit, self.readers)


class Line(NamedTuple):
    """One event."""

    number: int
    """Line of the file, from 1."""
    task: str
    action: Action
    args: tuple[int, ...]
    also: tuple[int, ...]
    touched: Touched
    more: Mapping[str, object] = {}
    """Keys of the writer's own."""

    @property
    def said(self) -> str:
        """The event as the specification prints it."""
        said = [f"{_NAMES[over]} {value}" for over, value in zip(self.action.over, self.args, strict=True)]
        return f"{self.action.name}({', '.join(said)})" if said else self.action.name


_NAMES: Final = {
    "slot": "slot",
    **dict.fromkeys(("block", "free_block"), "blk"),
    **dict.fromkeys(("request", "idle_request"), "req"),
    **dict.fromkeys(("reader", "idle_reader"), "reader"),
    **{name: name for name in ("huge", "limit", "committed")},
}


class End(NamedTuple):
    """The device after the last event; None for what was not looked at."""

    number: int
    slots: str | None = None
    """A letter each."""
    used: frozenset[int] | None = None
    """Blocks in use."""
    limit: int | None = None
    counts: Mapping[str, int] = {}
    huge: frozenset[int] | None = None
    """Slots whose pages did not compress."""


class Trace(NamedTuple):
    """A whole trace, the events in the order of the file."""

    header: Header
    lines: list[Line]
    ordered: bool
    """True if the events say what they touched; otherwise the order of the file is the order."""
    end: End | None
    cut: int | None = None
    """The number of the last line, if that is only the beginning of one and was left out."""


def own_object(task: str) -> str:
    """Return the name of the object, with the number 0, that the events of a task touch and nobody else's do."""
    return f"task {task}"


AS_FAR_AS_IT_GOES: Final = True
"""To read a trace that may have been cut short."""


@seldom_collecting()
def read(texts: Iterable[str | bytes], cut_short: bool = False) -> Trace:
    """Read a trace; with `cut_short`, the last line may be only the beginning of one.

    Raises:
        MalformedTrace: At the first line that is not as described.
    """
    numbered = _lines(texts, cut_short=cut_short)
    number, text = next(numbered, (1, ""))
    if not text:
        raise MalformedTrace(
            number, f"expected a header, found {'nothing' if text is not None else 'the beginning of one'}"
        )
    header = _header(number, _object(number, text))
    lines: list[Line] = []
    end: End | None = None
    ordered = False
    cut = None
    for number, text in numbered:
        if end is not None:
            raise MalformedTrace(number, f"expected nothing after the end at line {end.number}")
        if text is None:
            cut = number
            break
        found = _object(number, text)
        if "end" in found:
            end = _end(number, found["end"], header)
        else:
            lines.append(line_of(number, found, header))
            if len(lines) == 1:
                ordered = "touches" in found
            if ordered != ("touches" in found):
                raise MalformedTrace(number, "expected `touches` in every event or in none")
    return Trace(header, lines, ordered=ordered, end=end, cut=cut)


def _lines(texts: Iterable[str | bytes], *, cut_short: bool) -> Iterator[tuple[int, str | None]]:
    """Yield the lines that are not blank, with their numbers; None for one that was cut."""
    before: tuple[int, str | bytes] | None = None
    for number, text in enumerate(texts, 1):
        if text.strip():
            if before is not None:
                yield before[0], _text(*before)
            before = number, text
    if before is not None:
        yield before[0], None if cut_short and _is_cut(before[1]) else _text(*before)


def _is_cut(text: str | bytes) -> bool:
    """Return whether the last line of a trace, which begins as all do, is incomplete."""
    try:
        json.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except (ValueError, RecursionError):
        return text.lstrip()[:1] in ("{", b"{")
    return False


def _text(number: int, text: str | bytes) -> str:
    try:
        return text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedTrace(number, f"expected UTF-8: {error}") from None


def _object(number: int, text: str) -> dict[str, object]:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedTrace(number, f"expected JSON, found {text.strip()[:_SHOWN]!r}: {error}") from None
    if not isinstance(found, dict):
        raise MalformedTrace(number, f"expected a JSON object, found {_short(found)}")
    return found


def _header(number: int, found: dict[str, object]) -> Header:
    if found.get("trace") != VERSION:
        raise MalformedTrace(number, f"expected a header with `trace` {VERSION}, found {_short(found)}")
    _only(number, found, {"trace", *SIZES, "limit", "hidden", "about"})
    sizes = [_whole(number, name, found.get(name, 0 if name == "readers" else None)) for name in SIZES]
    if max(sizes) > LARGEST:
        raise MalformedTrace(number, f"expected sizes up to {LARGEST:,}, found {max(sizes):,}")
    if min(sizes[:3]) < 1:
        raise MalformedTrace(number, "expected at least 1 of `slots`, `blocks` and `requests`")
    limit = found.get("limit")
    hidden = found.get("hidden", [])
    if not isinstance(hidden, list) or not all(name in SPECIFIED for name in hidden):
        raise MalformedTrace(number, f"`hidden`: expected names of actions, found {_short(hidden)}")
    slots, blocks, requests, readers = sizes
    return Header(
        *(slots, blocks, requests, readers),
        *(None if limit is None else _whole(number, "limit", limit), tuple(hidden), str(found.get("about", ""))),
    )


def line_of(number: int, found: dict[str, object], header: Header) -> Line:
    """Return the event that an object says; MalformedTrace if it says no event."""
    name, task, values = found.get("does"), found.get("task"), found.get("args", [])
    if not isinstance(task, str):
        raise MalformedTrace(number, f"`task`: expected a name, found {_short(task)}")
    action = BY_NAME.get(name) if isinstance(name, str) else None
    if action is None:
        raise MalformedTrace(number, f"`does`: expected an action of the specification, found {_short(name)}")
    if action.name in header.hidden:
        raise MalformedTrace(number, f"`does`: expected no {action.name}, the header says it is hidden")
    also = ALSO.get(action.name, ())
    counts = [len(action.over) + more for more in ALSO_COUNTS.get(action.name, (0,))]
    if not isinstance(values, list) or len(values) not in counts:
        wanted = ", ".join([_NAMES[over] for over in action.over] + [f"[{_NAMES[over]}]" for over in also])
        raise MalformedTrace(number, f"`args`: expected ({wanted}), found {_short(values)}")
    args = [_within(number, over, value, header) for over, value in zip((*action.over, *also), values, strict=False)]
    few = len(action.over)
    touched = _touched(number, found["touches"]) if "touches" in found else ()
    more = {key: value for key, value in found.items() if key not in _EVENT}
    return Line(number, task, action, tuple(args[:few]), tuple(args[few:]), touched, more)


_EVENT: Final = frozenset({"task", "does", "args", "touches"})


def _within(number: int, over: str, value: object, header: Header) -> int:
    if type(value) is not int or value < 0:
        raise MalformedTrace(number, f"`args`: expected a whole number for {_NAMES[over]}, found {_short(value)}")
    size = 2 if over in ("huge", "committed") else getattr(header, _SIZE_OF[over]) if over in _SIZE_OF else None
    if size is not None and value >= size:
        raise MalformedTrace(number, f"`args`: expected {_NAMES[over]} below {size}, found {value}")
    return value


def _touched(number: int, found: object) -> Touched:
    touched = []
    for each in found if isinstance(found, list) else [None]:
        if not isinstance(each, list) or [type(part) for part in each] != [str, int, int]:
            raise MalformedTrace(
                number, f"`touches`: expected a list of [object, number, version], found {_short(found)}"
            )
        touched.append((each[0], each[1], each[2]))
    return tuple(touched)


def _end(number: int, found: object, header: Header) -> End:
    if not isinstance(found, dict):
        raise MalformedTrace(number, f"`end`: expected an object, found {_short(found)}")
    _only(number, found, {"slots", "used", "limit", "counts", "huge"})
    slots, limit, counts = (found.get(name) for name in ("slots", "limit", "counts"))
    if slots is not None and not (isinstance(slots, str) and len(slots) == header.slots and set(slots) <= set(LETTERS)):
        raise MalformedTrace(number, f"`slots`: expected {header.slots} letters of {LETTERS}, found {_short(slots)}")
    if counts is not None and not (isinstance(counts, dict) and set(counts) <= {"stored", "same", "huge", "bd_count"}):
        raise MalformedTrace(number, f"`counts`: expected stored, same, huge and bd_count, found {_short(counts)}")
    return End(
        number,
        slots,
        _members(number, found, "used", "block", header),
        None if limit is None else _whole(number, "limit", limit),
        {name: _whole(number, name, value) for name, value in (counts or {}).items()},
        _members(number, found, "huge", "slot", header),
    )


def _members(number: int, found: dict[str, object], name: str, over: str, header: Header) -> frozenset[int] | None:
    members = found.get(name)
    if members is None:
        return None
    if not isinstance(members, list):
        raise MalformedTrace(number, f"`{name}`: expected a list of {over}s, found {_short(members)}")
    return frozenset(_within(number, over, member, header) for member in members)


def _whole(number: int, name: str, value: object) -> int:
    if type(value) is not int or value < 0:
        raise MalformedTrace(number, f"`{name}`: expected a whole number, found {_short(value)}")
    return value


def _only(number: int, found: Mapping[str, object], known: set[str]) -> None:
    if not found.keys() <= known:
        unknown = _short(sorted(found.keys() - known))
        raise MalformedTrace(number, f"expected no other keys than {', '.join(sorted(known))}; found {unknown}")


def _short(found: object) -> str:
    text = json.dumps(found)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
