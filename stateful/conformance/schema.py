"""Recordings, versions 1 and 2 of their schema: what was done to a device, and what it answered.

`NAME.ops.jsonl` has one operation a line after a line of meta; `NAME.expected.jsonl` one answer a line after a line of
meta and one for the state before the first operation. tests/data/kernel-traces/README.md describes every field.
Version 2 has more operations and keys of the state; they are read under either number.
"""

from pathlib import Path
from typing import Final, NamedTuple

from stateful.conformance.fields import Fields, Json, MalformedRecording, read_lines
from stateful.conformance.operations import Operation, parse_operation

OPS: Final = ".ops.jsonl"
EXPECTED: Final = ".expected.jsonl"
SCHEMAS: Final = (1, 2)

STATE_KEYS: Final = ("mm", "bd", "io", "wl", "wle", "wbs", "cw", "init", "ds", "bk", "bs", "ts", "clk", "blk")
"""Fields of a recorded state: statistics, settings, marks and times of the pages, the time, contents of the files."""

State = dict[str, Json]


class RecordedAnswer(NamedTuple):
    """Result of an operation.

    Attributes:
        rc: Bytes moved, 0 for what moves none, -1 for a refusal.
        err: Name of the errno; "" without one.
        crc: CRC-32 of each page read, eight hexadecimal digits; None when nothing was read.
        text: What was shown, or how a store in the background began; None for other operations.
    """

    rc: int
    err: str = ""
    crc: tuple[str, ...] | None = None
    text: str | None = None


class Expected(NamedTuple):
    """A kernel's answer, and the state it was in afterwards; None when that could not be looked at."""

    answer: RecordedAnswer
    state: State | None


class Recording(NamedTuple):
    """One sequence of operations.

    Attributes:
        name: Of the file.
        timing: Some of its outcome depended on when writes were answered, and is not compared.
        operations: What was done.
        kernel: Version of the recorded kernel; "" when that was not recorded.
        attributes: Those that the recorded device had; None when that was not recorded.
        before: The state before the first operation.
        expected: Result of each operation.
    """

    name: str
    timing: bool
    operations: tuple[Operation, ...]
    kernel: str
    attributes: frozenset[str] | None
    before: State | None
    expected: tuple[Expected, ...]


def recorded_names(directory: Path) -> list[str]:
    """Return the names of the recordings in a directory, sorted; MalformedRecording if there are no recordings."""
    try:
        next(directory.iterdir(), None)  # says why, where there is no directory
        paths = [path.relative_to(directory) for path in directory.rglob(f"*{OPS}")]
    except OSError as error:
        raise MalformedRecording(directory, 0, error.strerror or str(error)) from error
    names = sorted(path.as_posix().removesuffix(OPS) for path in paths)
    if not names:
        raise MalformedRecording(directory, 0, f"there is no NAME{OPS} in it")
    return names


def read_recording(directory: Path, name: str) -> Recording:
    """Read one recording; MalformedRecording says what is wrong where."""
    timing, operations = read_operations(directory / f"{name}{OPS}")
    path = directory / f"{name}{EXPECTED}"
    kernel, attributes, (before, *expected) = _read_expected(path)
    if len(expected) != len(operations):
        raise MalformedRecording(path, 0, f"there are {len(expected)} answers to {len(operations)} operations")
    return Recording(name, timing, operations, kernel, attributes, before.state, tuple(expected))


def read_operations(path: Path) -> tuple[bool, tuple[Operation, ...]]:
    """Read the operations of a recording, and whether its outcome depended on timing."""
    meta, lines = _after_meta(path)
    if meta.values.get("schema") not in SCHEMAS:
        raise meta.wrong(f"schema must be {' or '.join(map(str, SCHEMAS))}, got {meta.values.get('schema')!r}")
    return bool(meta.values.get("timing")), tuple(map(parse_operation, lines))


def _after_meta(path: Path) -> tuple[Fields, list[Fields]]:
    lines = read_lines(path)
    if not lines:
        raise MalformedRecording(path, 0, "is empty")
    if not lines[0].has("meta"):
        raise lines[0].wrong("the first line must be meta")
    return Fields(path, 1, lines[0].table("meta")), lines[1:]


def _read_expected(path: Path) -> tuple[str, frozenset[str] | None, list[Expected]]:
    """Read the kernel's version, the attributes there were, and the answers, first the state before any operation."""
    meta, lines = _after_meta(path)
    kernel = meta.text("kernel") if meta.has("kernel") else ""
    attributes = frozenset(meta.texts("attrs")) if meta.has("attrs") else None
    if not lines:
        raise MalformedRecording(path, 0, "has no answers")
    state: State = {}
    found = []
    for number, line in enumerate(lines, start=-1):
        if line.number("i", least=-1) != number:
            raise line.wrong(f"i must be {number}, got {line.number('i', least=-1)}")
        seen = line.has("st")
        if seen:
            changed = line.table("st")
            unknown = sorted(set(changed) - set(STATE_KEYS))
            if unknown:
                raise line.wrong(f"st has an unknown key {', '.join(unknown)}")
            state = state | changed
        found.append(Expected(_answer(line), state if seen else None))
    return kernel, attributes, found


def _answer(line: Fields) -> RecordedAnswer:
    line.only("i", "rc", "err", "crc", "text", "st")
    return RecordedAnswer(
        line.number("rc", least=-1),
        line.text("err") if line.has("err") else "",
        tuple(line.texts("crc")) if line.has("crc") else None,
        line.text("text") if line.has("text") else None,
    )
