"""A raw trace: a line of JSON about the machine and the device, then the text of the kernel's own trace.

docs/kernel-judge.md describes it. A trace in which anything was lost is refused: what is missing could be anything.
"""

import json
import lzma
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

VERSION: Final = 1
MARK: Final = "tracing_mark_write"
"""The event of a line that a program of the guest wrote into the trace."""
NEEDED: Final = frozenset(
    {"bio", "bio_over", "alloc", "free", "access", "copy", "look", "read_sent", "read_done", "limit", "limit_ret"}
    | {"enable", "enable_ret", "reset", "scanning", "scan", "scanned", "rawcopy", "writing", "sent", "endio"}
    | {"endio_over", "commit", "pp", "over"}
)
"""Probes without which a step of the driver would not be seen."""
_LINE: Final = re.compile(r"^\s*(.+?-\d+)\s+\[\d+\]\s+\S+\s+(\d+): (\w+): (.*)$")
_FIELD: Final = re.compile(r"(\w+)=(0x[0-9a-f]+|-?\d+)")
_TEXT: Final = re.compile(r'text="([^"]*)')
_COUNTS: Final = re.compile(r"entries-in-buffer/entries-written: (\d+)/(\d+)")
_LOST: Final = re.compile(r"(overrun|dropped events): ([1-9]\d*)")


class RefusedTrace(ValueError):  # noqa: N818  (it is an answer, not an error of ours)
    """Nothing can be said about this trace."""


class ProbeEvent(NamedTuple):
    """A hit of one probe."""

    key: int
    """Its place in the one order of all processors."""
    task: str
    name: str
    fields: Mapping[str, int]
    text: str


class TracedDevice(NamedTuple):
    """The traced device: its settings, and what it says of itself after the last event."""

    name: str
    release: str
    entry: int
    """Bytes of an entry of the slot table."""
    symbols: Mapping[str, int]
    """Addresses of the driver's functions."""
    slots: int
    blocks: int
    batch: int
    limit: int
    enabled: int
    compressed: int
    end: Mapping[str, object] | None
    """None when it was not looked at, or is no more."""


class RawTrace(NamedTuple):
    """A whole raw trace, the events in order."""

    device: TracedDevice
    events: list[ProbeEvent]


def open_text(path: Path) -> str:
    """Return the text of a file, compressed with xz or not."""
    data = path.read_bytes()
    return (lzma.decompress(data) if path.suffix == ".xz" else data).decode()


def read_raw(text: str) -> RawTrace:
    """Read a raw trace.

    Raises:
        RefusedTrace: It is not a trace, a probe was not set, events were lost, or it was cut short.
    """
    first, _, rest = text.partition("\n")
    header = _header(first)
    _refuse_losses(header)
    if not rest.endswith("\n"):
        raise RefusedTrace(f"a raw trace must end in a whole line, got {text[-20:]!r}: it was cut short")
    events = [*_events(rest.splitlines())]
    counts = _COUNTS.search(rest)
    if counts is None or len(events) != int(counts[2]):
        raise RefusedTrace(f"every event must be there, got {len(events)} of {counts[2] if counts else 'unknown'}")
    events.sort(key=lambda event: event.key)
    return RawTrace(_device(header), events)


def losses(text: str) -> str:
    """Return why a raw trace is refused for what the machine lost; "" where it lost nothing."""
    try:
        _refuse_losses(_header(text.partition("\n")[0]))
    except RefusedTrace as refused:
        return str(refused)
    return ""


def _events(lines: Sequence[str]) -> Iterator[ProbeEvent]:
    for line in lines:
        found = _LINE.match(line)
        if found:
            task, key, name, rest = found.groups()
            said = _TEXT.search(rest)
            fields = {name: int(value, 0) for name, value in _FIELD.findall(rest)} if name != MARK else {}
            yield ProbeEvent(int(key), task, name, fields, said[1] if said else rest)


def _header(line: str) -> Mapping[str, object]:
    try:
        found: object = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("kernel_trace") != VERSION:
        raise RefusedTrace(f"a raw trace must begin with kernel_trace {VERSION}, got {line[:60]!r}")
    return found


def _refuse_losses(header: Mapping[str, object]) -> None:
    probes, missed = _numbers(header, "probes"), _numbers(header, "missed")
    unset = sorted(name for name in NEEDED | set(probes) if probes.get(name, -1))
    if unset:
        raise RefusedTrace(f"every probe must be set, got none of {', '.join(unset)}")
    lost = [f"{name} ({count})" for name, count in missed.items() if count]
    if lost:
        raise RefusedTrace(f"no hit of a probe may be missed, got {', '.join(lost)}")
    stats = header.get("stats")
    dropped = _LOST.findall(" ".join(stats) if isinstance(stats, list) else "")
    if dropped or not stats:
        said = ", ".join(f"{name} {count}" for name, count in dropped)
        raise RefusedTrace(f"no event may be dropped, got {said or 'no statistics'}")


def _device(header: Mapping[str, object]) -> TracedDevice:
    names = ("entry", "slots", "blocks", "batch", "limit", "enabled", "compressed")
    values = {name: _number(header, name) for name in names}
    end = header.get("end")
    return TracedDevice(
        name=str(header.get("name", "")),
        release=str(header.get("release", "")),
        symbols=_numbers(header, "symbols"),
        end=end if isinstance(end, dict) else None,
        **values,
    )


def _number(of: Mapping[str, object], name: str) -> int:
    value = of.get(name)
    if type(value) is not int:
        raise RefusedTrace(f"{name} must be a whole number, got {value!r}")
    return value


def _numbers(of: Mapping[str, object], name: str) -> dict[str, int]:
    value = of.get(name)
    if not isinstance(value, dict):
        raise RefusedTrace(f"{name} must be an object, got {value!r}")
    return {str(key): _number(value, key) for key in value}
