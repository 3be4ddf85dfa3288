"""Recordings: sequences of operations run on a kernel, written as pairs of files of tests/data/kernel-traces."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from stateful.conformance.fields import Json
from tests.kernel.machine import Options, Report, Row, run
from tests.kernel.packages import Kernel
from tests.kernel.scripts import SECOND, Operation, script_line

OPS: Final = ".ops.jsonl"
EXPECTED: Final = ".expected.jsonl"
Programs = Mapping[str, Sequence[Operation]]
_ANSWER: Final = ("err", "crc", "text")
_FIRST: Final = ("mm", "bd", "io", "wl", "wle", "wbs", "cw", "init", "ds", "bk", "bs", "blk")
_SECOND: Final = ("ts", "clk")
"""Of the state, what only schema 2 has."""


class UnreadableError(ValueError):
    """A file is no recording; the message is one line."""


def read_programs(directory: Path, names: Sequence[str] = ()) -> dict[str, list[Operation]]:
    """Read the operations of a directory's recordings.

    Raises:
        OSError: A file cannot be read.
        UnreadableError: A line is no operation that the guest knows.
    """
    chosen = names or sorted(path.name.removesuffix(OPS) for path in directory.glob(f"*{OPS}"))
    return {name: [*_operations(directory / f"{name}{OPS}")] for name in chosen}


def _operations(file: Path) -> Iterator[Operation]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{file} must be text, got {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            if "op" in row:
                script_line(row)
        except (ValueError, LookupError, TypeError, AssertionError) as error:
            raise UnreadableError(f"{file}, line {number}, must be an operation, got {line[:60]!r}: {error}") from error
        if "op" in row:
            yield row


def is_timing(directory: Path, name: str) -> bool:
    """Return whether a recording's outcome depended on when writes were answered."""
    first = (directory / f"{name}{OPS}").read_text(encoding="utf-8").partition("\n")[0]
    return bool(json.loads(first).get("meta", {}).get("timing"))


def has_recompression(operations: Sequence[Operation]) -> bool:
    """Return whether a sequence asks for what only a driver with several compressors has."""
    return any("recomp" in str(op.get("attr")) or "priority" in str(op.get("value")) for op in operations)


def ask(kernel: Kernel, programs: Programs, options: Options = Options()) -> Report:  # noqa: B008 (immutable)
    """Run programs on a kernel, all in one boot."""
    return run(kernel, {name: [script_line(op) for op in ops] for name, ops in programs.items()}, options)


def schema_of(operations: Sequence[Operation]) -> int:
    """Return the version of the schema that a sequence needs."""
    return 2 if any(op["op"] in SECOND for op in operations) else 1


def ops_text(name: str, operations: Sequence[Operation]) -> str:
    """Return the content of NAME.ops.jsonl."""
    return _lines([{"meta": {"schema": schema_of(operations), "seq": name}}, *[dict(op) for op in operations]])


def expected_text(kernel: Kernel, report: Report, name: str, operations: Sequence[Operation]) -> str:
    """Return the content of NAME.expected.jsonl: of the state after each operation, what changed."""
    schema = schema_of(operations)
    keys = _FIRST + (_SECOND if schema > 1 else ())
    digest = hashlib.sha256(ops_text(name, operations).encode()).hexdigest()
    rows = report.rows.get(name, [])
    meta: Row = {"schema": schema, "seq": name, "ops_sha256": digest, "kernel": kernel.version}
    meta |= {"package": kernel.package, "complete": name in report.complete and len(rows) == len(operations) + 1}
    meta |= {key: report.meta[key] for key in ("release", "version", "machine", "attrs") if key in report.meta}
    state: dict[str, Json] = {}
    out: list[Row] = [{"meta": meta}]
    for row in rows:
        line: Row = {"i": row["i"], "rc": row["rc"]} | {key: row[key] for key in _ANSWER if key in row}
        if any(key in row for key in keys):
            line["st"] = {key: row[key] for key in keys if key in row and (key not in state or state[key] != row[key])}
            state |= {key: row[key] for key in keys if key in row}
        out.append(line)
    return _lines(out)


def write_pair(directory: Path, kernel: Kernel, report: Report, name: str, operations: Sequence[Operation]) -> None:
    """Write both files of a recording."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}{OPS}").write_text(ops_text(name, operations), encoding="utf-8")
    (directory / f"{name}{EXPECTED}").write_text(expected_text(kernel, report, name, operations), encoding="utf-8")


def _lines(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
