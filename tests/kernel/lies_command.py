"""`python -m tests.kernel lies`: what becomes of planted lies, in a table."""

import argparse
import json
from collections import Counter
from pathlib import Path

from rich.console import Console

from stateful.jobs.progress import complain, say
from stateful.traces.compressed import CorruptedFileError, read_lines
from stateful.traces.driver.convert import convert
from stateful.traces.driver.raw import read_raw
from tests.kernel import planting, raw_lies
from tests.kernel.lies import is_of_the_protocol
from tests.kernel.raw_lies import is_of_the_protocol as is_of_a_pass


def plant_lies(asked: argparse.Namespace, console: Console) -> int:
    """Plant lies and print what becomes of each kind; 1 when one about the protocol changes something unnoticed."""
    sums: dict[str, Counter[str]] = {}
    for path in asked.files:
        try:
            planted = _planted(path, asked.each, raw=asked.raw)
        except OSError as error:
            complain(f"{path}: {error.strerror or error}")
            return 2
        except (ValueError, CorruptedFileError) as error:
            complain(f"{path}: {error}")
            return 2
        for each in planted:
            sums.setdefault(each.kind, Counter()).update(each.outcomes)
    say(console, f"{'':48} {'planted':>8}" + "".join(f" {name:>11}" for name in planting.OUTCOMES))
    for kind, outcomes in sums.items():
        if not outcomes.total():
            continue  # there is no place for one
        numbers = "".join(f" {outcomes[name]:>11}" for name in planting.OUTCOMES)
        say(console, f"{kind:48} {outcomes.total():>8}{numbers}")
    for said, rows in (
        ("dropped or changed events of the protocol", [each for each in sums if _is_about_a_pass(each)]),
        ("all others", [each for each in sums if not _is_about_a_pass(each)]),
    ):
        say(console, f"{said}: {_share(sum((sums[row] for row in rows), Counter[str]()))}")
    return 1 if any(sums[kind][planting.ANOTHER] for kind in sums if _is_about_a_pass(kind)) else 0


def _is_about_a_pass(kind: str) -> bool:
    return is_of_the_protocol(kind) or is_of_a_pass(kind)


def _share(outcomes: Counter[str]) -> str:
    found = outcomes[planting.REJECTED] + outcomes[planting.DEVIATES]
    changing = outcomes.total() - outcomes[planting.SAME]
    share = f"{found / changing:.1%}" if changing else "none"
    return f"{found:,} found of {changing:,} that change something, {share}; {outcomes[planting.SAME]:,} change nothing"


def _planted(path: Path, each: int, *, raw: bool) -> list[planting.Planted]:
    """Plant lies in a trace: in a raw one before it is converted if `raw`, else behind that."""
    texts = [*read_lines(path)]
    first = json.loads(texts[0]) if texts else {}
    if not raw and not (isinstance(first, dict) and "kernel_trace" in first):
        return [*planting.measure([json.loads(text) for text in texts], each)]
    found = read_raw(b"".join(texts).decode())
    return [*(raw_lies.measure(found, each) if raw else planting.measure(convert(found).lines, each))]
