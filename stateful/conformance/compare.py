"""Comparison of answers and states with the recorded ones: the fields that count, and their differences."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from stateful.conformance.fields import Json
from stateful.conformance.operations import Operation, Show
from stateful.conformance.schema import RecordedAnswer, State

_MM_COLUMNS: Final = {
    0: "orig_data_size",
    1: "compr_data_size",
    3: "mem_limit",
    5: "same_pages",
    7: "huge_pages",
    8: "huge_pages_since",
}
"""Columns of mm_stat that a device with another allocator has in common with the recorded one."""
_PARTS: Final[dict[str, dict[int, str]]] = {
    "mm": _MM_COLUMNS,
    "bd": {0: "bd_count", 1: "bd_reads", 2: "bd_writes"},
    "io": {0: "failed_reads", 1: "failed_writes", 2: "invalid_io", 3: "notify_free"},
}
_NEVER_ABSENT: Final = ("bs",)
"""Fields of which null means something; any other null is an attribute that the recorded kernel did not have."""
_BY_NAME: Final = ("bs", "ts", "blk")
"""Fields that are compared part by part, each with its name."""


class Difference(NamedTuple):
    """One thing that is not as recorded.

    Attributes:
        sequence: Name of the recording.
        number: Of the operation, from 0; -1: before the first.
        field: What differs: rc, err, crc, text, or a part of the state.
        expected: What was recorded.
        got: What this device has.
    """

    sequence: str
    number: int
    field: str
    expected: Json
    got: Json

    @property
    def line(self) -> str:
        """The difference as a line to print."""
        return f"{self.sequence} op {self.number} {self.field}: expected {self.expected!r}, got {self.got!r}"


Pair = tuple[Json, Json]


def compare_answers(
    operation: Operation, expected: RecordedAnswer, got: RecordedAnswer, *, timing: bool
) -> Iterator[tuple[str, Pair]]:
    """Yield the fields of an answer that differ; with `timing`, only those that do not depend on it."""
    if expected.rc != got.rc:
        yield "rc", (expected.rc, got.rc)
    if expected.err != got.err:
        yield "err", (expected.err, got.err)
    if expected.crc != got.crc:
        yield "crc", (list(expected.crc or ()), list(got.crc or ()))
    if timing:
        return
    if isinstance(operation, Show) and operation.attribute == "mm_stat" and expected.text and got.text:
        wanted, have = expected.text.split(), got.text.split()
        for column, name in _MM_COLUMNS.items():
            if wanted[column : column + 1] != have[column : column + 1]:
                yield f"text.{name}", (expected.text, got.text)
    elif expected.text != got.text:
        yield "text", (expected.text, got.text)


class StateComparison:
    """Compares states one after the other; a difference that stays the same is reported once."""

    def __init__(self) -> None:
        self._told: dict[str, Pair] = {}

    def compare(self, expected: State, got: State) -> Iterator[tuple[str, Pair]]:
        """Yield the fields that differ, and did not differ in the same way before."""
        fields = dict(_pairs(expected, got))
        for field, pair in fields.items():
            if pair[0] == pair[1]:
                self._told.pop(field, None)
            elif self._told.get(field) != pair:
                self._told[field] = pair
                yield field, pair


def _pairs(expected: State, got: State) -> Iterator[tuple[str, Pair]]:
    for key, value in expected.items():
        have = got.get(key)
        if (value is None and key not in _NEVER_ABSENT) or key == "clk":
            continue
        if key == "ts" and expected.get("bs") is None:  # of a device without a size the times were not looked at
            continue
        if key in _PARTS and isinstance(value, list) and isinstance(have, list):
            for column, name in _PARTS[key].items():
                yield f"{key}.{name}", (_at(value, column), _at(have, column))
        elif key in _BY_NAME and isinstance(value, dict) and isinstance(have, dict):
            for part in sorted(set(value) | set(have), key=lambda name: (len(name), name)):
                yield f"{key}.{part}", (value.get(part), have.get(part))
        else:
            yield key, (value, have)


def _at(values: list[Json], column: int) -> Json:
    return values[column] if column < len(values) else None
