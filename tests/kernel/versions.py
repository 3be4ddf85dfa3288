"""Changes from one kernel to the next: the same recordings asked of each, the same workloads judged.

The answer is kept in tests/data/kernel-versions.json; `python -m docs.draw_kernels` makes a page of it.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from stateful.conformance.fields import Json
from stateful.traces.check import judge
from stateful.traces.driver.convert import convert
from stateful.traces.driver.raw import RefusedTrace, open_text, read_raw
from stateful.traces.policy import DRIVER
from stateful.traces.schema import read
from tests.kernel import recordings, tracing, workloads
from tests.kernel.machine import GuestError, Options, Row
from tests.kernel.packages import Kernel, MissingError
from tests.kernel.scripts import Operation

KEPT: Final = Path(__file__).resolve().parents[1] / "data" / "kernel-versions.json"
ASKED: Final = ("h", "f0", "g0", "g1", "bd_", "levels_", "params_", "cw_")
"""Beginnings of the names of recordings that ask one question each."""
JUDGED: Final = ("plain32", "gate", "twice", "reset", "decide32", "reads")
MARKS: Final = 4
"""Marks of a page that every version shows: same-filled, written back, huge, idle."""
_SHOWN: Final = 160
_ANSWER: Final = ("rc", "err", "crc", "text")

Say = Callable[[str], None]
Programs = dict[str, list[Operation]]


def questions(directory: Path) -> Programs:
    """Return the recordings that are asked of every kernel."""
    return {name: ops for name, ops in recordings.read_programs(directory).items() if name.startswith(ASKED)}


def survey(kernels: Sequence[Kernel], programs: Programs, options: Options, say: Say) -> Row:
    """Ask every kernel, oldest first, and return what is kept."""
    rows: list[Json] = []
    changes: list[Json] = []
    before: dict[str, list[Row]] = {}
    last = ""
    for kernel in kernels:
        report = recordings.ask(kernel, programs, options)
        answers = {name: report.rows.get(name, []) for name in programs if name in report.complete}
        judged = _judged(kernel, options)
        attributes = report.meta.get("attrs")
        rows.append(
            {
                "version": kernel.version,
                "package": kernel.package,
                "answered": len(answers),
                "stopped": report.failure.splitlines()[0] if report.failure else "",
                "attributes": attributes,
                "judged": judged,
            }
        )
        if last:
            both = [name for name in answers if name in before]
            found = {name: change for name in both for change in _first(programs[name], before[name], answers[name])}
            changes.append({"from": last, "to": kernel.version, "recordings": len(found), "first": found})
        say(f"Linux {kernel.version}: {len(answers)} of {len(programs)} recordings answered; {judged}")
        before, last = answers, kernel.version
    return {"asked": len(programs), "kernels": rows, "changes": changes}


def _first(operations: Sequence[Operation], old: Sequence[Row], new: Sequence[Row]) -> list[Json]:
    """Return the first operation that is answered otherwise, and how; nothing when all are answered alike."""
    for number, op in enumerate(operations):
        one, other = old[number + 1], new[number + 1]
        for key in (*_ANSWER, "bs", "bd", "wl", "blk"):
            if _comparable(one.get(key), key) != _comparable(other.get(key), key):
                return [[number, _said(op), key, _short(one.get(key)), _short(other.get(key))]]
    return []


def _comparable(value: Json, key: str) -> Json:
    """Return a part of an answer; of a page's marks those that every version has."""
    if key != "bs" or not isinstance(value, dict):
        return value
    return {page: str(marks)[:MARKS] for page, marks in value.items()}


def _said(op: Operation) -> str:
    words = [str(value) for key, value in op.items() if key not in ("op", "crc")]
    return " ".join([str(op["op"]), *words])[:_SHOWN]


def _short(value: Json) -> str:
    return json.dumps(value)[:_SHOWN]


def _judged(kernel: Kernel, options: Options) -> Row:
    """Record and judge some workloads; or say why that cannot be done on this kernel."""
    chosen = workloads.chosen(JUDGED)
    with tempfile.TemporaryDirectory(prefix="zram-versions-") as name:
        try:
            files = tracing.record(kernel, chosen, Path(name), options)
        except (MissingError, GuestError) as error:
            return {"refused": str(error).splitlines()[0]}
        found: Row = {}
        for file in files:
            found[file.name.partition(".")[0]] = _verdict(file)
        return found


def _verdict(file: Path) -> Json:
    try:
        lines = convert(read_raw(open_text(file))).lines
    except RefusedTrace as error:
        return {"refused": str(error)}
    judged = judge(read(json.dumps(line) for line in lines), DRIVER)
    deviations: dict[str, Json] = dict(Counter(each.name for each in judged.deviations))
    verdict = judged.finding.sentence if judged.finding else "accepted"
    return {"steps": len(lines) - 2, "verdict": verdict, "deviations": deviations}


def write(found: Row) -> None:
    """Keep what was found."""
    KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
