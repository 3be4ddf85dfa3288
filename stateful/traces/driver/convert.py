"""From a raw trace of the driver to a trace of the specification's actions.

A step is placed where its critical section is; what is known of it only later (which page a scan looked at, which block
a copy goes to) is filled in then. Of a slot nothing is remembered: what an access or a free does to it depends on what
it is, which the one who judges knows (`access`, `free`, `drop`).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from stateful.traces.driver.raw import MARK, ProbeEvent, RawTrace, RefusedTrace
from stateful.traces.schema import VERSION

_READ, _WRITE = 0, 1
"""Operations of the block layer, in the low byte of a request's flags."""
_PAGE: Final = 4096
_SECTORS: Final = 8
"""Of a page."""
_CHECKED: Final = "checked"

JsonLine = dict[str, object]


class Foreign(NamedTuple):
    """A program of the guest read a page and found another page's number in it."""

    slot: int
    read_end: int | None
    """Line of the trace in which that read ended."""


class Converted(NamedTuple):
    """A trace as lines of JSON, and what the programs of the guest noticed."""

    lines: list[JsonLine]
    foreign: list[Foreign]


class _Step(NamedTuple):
    key: int
    number: int
    """Among steps of the same key, and for finding it again."""
    task: str
    does: str
    args: tuple[int, ...]


@dataclass(slots=True)
class _Task:
    """State of a task between events."""

    bio: int | None = None
    """The operation it carries out."""
    size: int | None = None
    """Bytes it got for the page it writes; None: it needs none, the page is one word."""
    page: int | None = None
    """The page it will mark as accessed."""
    reader: int = 0
    copied: int | None = None
    scanned: int | None = None
    committed: int | None = None
    """Events at which a copy, a selection, a commit began of which the rest is not known yet."""
    stored: str = ""
    checks: int | None = None
    """The read that it looks at the slot again for."""
    inside: list[int] = field(default_factory=list)
    """Requests whose callbacks it is in, the innermost last."""


class _Converter:
    def __init__(self, raw: RawTrace) -> None:
        self._device = raw.device
        self._names = sorted((address, name.partition(".")[0]) for name, address in raw.device.symbols.items())
        self._addresses = [address for address, _name in self._names]
        self._tasks: defaultdict[str, _Task] = defaultdict(_Task)
        self.steps: list[_Step] = []
        self.readers = self.requests = 0
        self._free_readers: list[int] = []
        self._reading: dict[int, int] = {}
        """Readers by the address of their request to the backing device."""
        self._deferred: dict[int, int] = {}
        """And by the address of the work that looks again."""
        self._last_read: dict[str, int] = {}
        self.read_ends: dict[int, int] = {}
        """By the number of the step that began a read, that which ended it."""
        self._began: dict[int, int] = {}
        self.noticed: list[tuple[int, int | None]] = []
        self._table = 0
        self._enabled = raw.device.enabled
        self._new_pass()
        if raw.device.limit and not raw.device.enabled:
            self._step(0, "-", "store_limit", raw.device.limit)

    def _new_pass(self) -> None:
        self._requests: dict[int, int] = {}
        self._sent: dict[int, tuple[int, int, int]] = {}
        self._blocks: dict[int, int] = {}
        self._begun = self._writing = False

    def feed(self, event: ProbeEvent) -> None:
        """Take the next event."""
        name = _CHECKED if event.name.startswith(_CHECKED) else event.name
        handle = _HANDLERS.get(name)
        if handle is None:
            raise RefusedTrace(f"events must be of probes that are known, got {event.name}")
        handle(self, event, self._tasks[event.task])

    def _step(self, key: int, task: str, does: str, *args: int) -> int:
        self.steps.append(_Step(key, len(self.steps), task, does, args))
        return len(self.steps) - 1

    def _caller(self, event: ProbeEvent) -> str:
        place = bisect_right(self._addresses, event.fields["ra"]) - 1
        return self._names[place][1] if place >= 0 else ""

    def _slot(self, event: ProbeEvent, address: int) -> int:
        return (address - self._table) // self._device.entry

    # --- users -------------------------------------------------------------------------------------------------------

    def bio(self, event: ProbeEvent, task: _Task) -> None:
        task.bio, task.size, task.page = event.fields["op"] & 0xFF, None, None

    def bio_over(self, _event: ProbeEvent, task: _Task) -> None:
        task.bio = None

    def alloc(self, event: ProbeEvent, task: _Task) -> None:
        task.size = event.fields["size"]

    def free(self, event: ProbeEvent, task: _Task) -> None:
        self._table = event.fields["tab"]
        slot = event.fields["idx"]
        if self._caller(event) == "zram_reset_device":
            return  # one step for all of them
        if task.bio != _WRITE:
            self._step(event.key, event.task, "free", slot)
            return
        if task.size is None:
            self._step(event.key, event.task, "write_same", slot)
        else:
            self._step(event.key, event.task, "write", slot, int(task.size == _PAGE))
        task.page, task.size = slot, None

    def copy(self, event: ProbeEvent, task: _Task) -> None:
        self._table = event.fields["tab"]
        if self._caller(event) == "zram_writeback_slots":
            task.copied = event.key
        elif task.bio == _READ:
            task.page = event.fields["idx"]

    def access(self, event: ProbeEvent, task: _Task) -> None:
        if task.page is not None:
            self._step(event.key, event.task, "access", task.page)
        task.page = None

    # --- reads of written-back pages ---------------------------------------------------------------------------------

    def look(self, event: ProbeEvent, task: _Task) -> None:
        if not self._free_readers:
            self._free_readers.append(self.readers)
            self.readers += 1
        task.page, task.reader = self._slot(event, event.fields["entry"]), self._free_readers.pop()
        begun = self._step(event.key, event.task, "read_begin", task.page, task.reader)
        self._began[task.reader] = self._last_read[event.task] = begun

    def read_sent(self, event: ProbeEvent, task: _Task) -> None:
        self._reading[event.fields["bio"]] = task.reader

    def read_done(self, event: ProbeEvent, _task: _Task) -> None:
        reader = self._reading.pop(event.fields["bio"])
        self._step(event.key, f"reader {reader}", "read_answer", reader)
        if event.fields["st"]:
            self._read_over(event.key, reader, "read_failed")
        elif self._device.compressed:
            self._deferred[event.fields["req"]] = reader
        else:
            self._read_over(event.key, reader, "read_end")

    def deferred(self, event: ProbeEvent, task: _Task) -> None:
        task.checks = self._deferred.pop(event.fields["req"])

    def checked(self, event: ProbeEvent, task: _Task) -> None:
        if task.checks is not None:
            self._read_over(event.key, task.checks, "read_checked")
        task.checks = None

    def _read_over(self, key: int, reader: int, does: str) -> None:
        self.read_ends[self._began[reader]] = self._step(key, f"reader {reader}", does, reader)
        self._free_readers.append(reader)

    # --- the pass ----------------------------------------------------------------------------------------------------

    def scanning(self, event: ProbeEvent, _task: _Task) -> None:
        self._table = event.fields["tab"]
        if not self._begun:
            self._begun = True
            self._step(event.key, event.task, "begin_pass")

    def scan(self, event: ProbeEvent, task: _Task) -> None:
        task.scanned = event.key

    def scanned(self, event: ProbeEvent, task: _Task) -> None:
        if task.scanned is not None:
            self._step(task.scanned, event.task, "scan", self._slot(event, event.fields["word"]))
        task.scanned = None

    def writing(self, event: ProbeEvent, _task: _Task) -> None:
        self._end_scan(event)

    def _end_scan(self, event: ProbeEvent) -> None:
        if not self._writing:
            self._writing = True
            self._step(event.key, event.task, "end_scan")

    def rawcopy(self, event: ProbeEvent, task: _Task) -> None:
        task.copied = event.key

    def sent(self, event: ProbeEvent, task: _Task) -> None:
        slot, block = event.fields["idx"], event.fields["blk"]
        if event.fields["sec"] != block * _SECTORS:
            raise RefusedTrace(f"a write must go to its block {block}, got sector {event.fields['sec']}")
        if task.copied is None:
            raise RefusedTrace(f"a write must be copied before it is sent, got none for slot {slot}")
        request = self._requests.setdefault(event.fields["bio"], len(self._requests))
        self.requests = max(self.requests, request + 1)
        self._step(task.copied, event.task, "take_request", request)
        self._step(task.copied, event.task, "reserve_block", block)
        self._step(task.copied, event.task, "submit", slot, request, block)
        self._sent[event.fields["pps"]] = (request, slot, block)
        self._blocks[request] = block
        task.copied = None

    def endio(self, event: ProbeEvent, task: _Task) -> None:
        request = self._requests[event.fields["bio"]]
        device = f"device {request}"
        self._step(event.key, device, "device_error" if event.fields["st"] else "device_ok", self._blocks[request])
        self._step(event.key, device, "endio_queue", request)
        task.inside.append(request)

    def endio_over(self, event: ProbeEvent, task: _Task) -> None:
        request = task.inside.pop()
        self._step(event.key, f"device {request}", "endio_leave", request)

    def commit(self, event: ProbeEvent, task: _Task) -> None:
        task.committed = event.key

    def pp(self, event: ProbeEvent, task: _Task) -> None:
        """A pp_slot is released: by the completion of its request, or before it had one."""
        caller = self._caller(event)
        if caller == "zram_complete_done_reqs":
            key, committed = (event.key, 0) if task.committed is None else (task.committed, 1)
            request, slot, block = self._sent.pop(event.fields["pps"])
            if slot != event.fields["idx"]:
                raise RefusedTrace(f"a pp_slot must be of the slot {slot} that was sent, got {event.fields['idx']}")
            self._step(key, event.task, "reap", request, slot, block, committed)
            task.committed = None
        else:
            self._end_scan(event)
            self._step(event.key, event.task, "drop", event.fields["idx"])

    def over(self, event: ProbeEvent, _task: _Task) -> None:
        if self._begun:
            self._end_scan(event)
            self._step(event.key, event.task, "end_pass")
        self._new_pass()

    # --- attributes --------------------------------------------------------------------------------------------------

    def store(self, event: ProbeEvent, task: _Task) -> None:
        task.stored = event.text

    def limit_ret(self, event: ProbeEvent, task: _Task) -> None:
        if event.fields["ret"] > 0:
            self._step(event.key, event.task, "store_limit", int(task.stored))

    def enable_ret(self, event: ProbeEvent, task: _Task) -> None:
        enabled = int(event.fields["ret"] > 0 and int(task.stored) > 0)
        if event.fields["ret"] > 0 and enabled != self._enabled:
            self._enabled = enabled
            self._step(event.key, event.task, "toggle_limit")

    def reset(self, event: ProbeEvent, _task: _Task) -> None:
        self._step(event.key, event.task, "reset")

    def mark(self, event: ProbeEvent, _task: _Task) -> None:
        words = event.text.split()
        if words[:2] == ["U", "foreign"]:
            self.noticed.append((int(words[2]), self._last_read.get(event.task)))


_HANDLERS: Final[Mapping[str, Callable[[_Converter, ProbeEvent, _Task], None]]] = {
    **{
        name: getattr(_Converter, name)
        for name in (
            *("bio", "bio_over", "alloc", "free", "copy", "access", "look", "read_sent", "read_done", "deferred"),
            *("checked", "scanning", "scan", "scanned", "writing", "rawcopy", "sent", "endio", "endio_over"),
            *("commit", "pp", "over", "limit_ret", "enable_ret", "reset"),
        )
    },
    "limit": _Converter.store,
    "enable": _Converter.store,
    MARK: _Converter.mark,
}


def convert(raw: RawTrace) -> Converted:
    """Convert a raw trace.

    Raises:
        RefusedTrace: It is not what the driver could have done, whatever the specification says.
    """
    converter = _Converter(raw)
    for event in raw.events:
        try:
            converter.feed(event)
        except (KeyError, IndexError, ValueError) as error:
            if isinstance(error, RefusedTrace):
                raise
            raise RefusedTrace(
                f"event {event.key} must follow from those before, got {event.name} of {event.task}"
            ) from error
    ordered = sorted(converter.steps)
    line_of = {step.number: line for line, step in enumerate(ordered, start=2)}
    lines: list[JsonLine] = [_header(raw, converter)]
    lines += [{"task": step.task, "does": step.does, "args": list(step.args)} for step in ordered]
    lines += _end(raw)
    ends = converter.read_ends
    found = [Foreign(slot, line_of[ends[begun]] if begun in ends else None) for slot, begun in converter.noticed]
    return Converted(lines, found)


def _header(raw: RawTrace, converter: _Converter) -> JsonLine:
    device = raw.device
    sizes = {
        "slots": device.slots,
        "blocks": device.blocks,
        "requests": max(device.batch, 1),
        "readers": converter.readers,
    }
    if converter.requests > device.batch:
        raise RefusedTrace(f"requests must be at most the batch size {device.batch}, got {converter.requests}")
    limit = device.limit if device.enabled else None
    return {"trace": VERSION, **sizes, "limit": limit, "about": f"{device.name}, Linux {device.release}"}


def _end(raw: RawTrace) -> Iterator[JsonLine]:
    """Yield the last line, from what the driver says of itself."""
    end = raw.device.end
    marks, mm, bd = (end.get("bs"), end.get("mm"), end.get("bd")) if end else (None, None, None)
    if end is None or not isinstance(marks, dict) or not isinstance(mm, list) or not isinstance(bd, list):
        return
    slots = ["."] * raw.device.slots
    for slot, letters in marks.items():
        slots[int(slot)] = "s" if letters[0] == "s" else "W" if letters[1] == "w" else "S"
    counts = {"stored": mm[0] // _PAGE, "same": mm[5], "huge": mm[7], "bd_count": bd[0]}
    huge = sorted(int(slot) for slot, letters in marks.items() if letters[2] == "h")
    yield {"end": {"slots": "".join(slots), "limit": end.get("wl"), "counts": counts, "huge": huge}}
