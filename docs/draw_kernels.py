"""Writes `docs/kernels.md`: `python -m docs.draw_kernels`, from what `python -m tests.kernel survey` kept.

A test says when it is stale.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from docs.program import write_page
from spec.processes.entry import run

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "kernels.md"
KEPT: Final = ROOT / "tests" / "data" / "kernel-versions.json"
_WIDEST: Final = 70
_NUMBER: Final = re.compile(r"\d+")
_BEFORE: Final = """\
# What changed when

Written by `python -m docs.draw_kernels` from `tests/data/kernel-versions.json`, which `python -m tests.kernel survey`
fills: the newest patch level of each version that Debian has was booted and asked the same {asked} recordings, those
that ask one question each; where probes can be set, six workloads were recorded and judged
([kernel-judge.md](kernel-judge.md)). The driver is Debian's, unmodified, in each.

Not to be had: versions whose packages a mirror has lost in part, and those that never were in Debian.
"""

Table = Mapping[str, object]


def page() -> str:
    """Return the page."""
    found: Table = json.loads(KEPT.read_text(encoding="utf-8"))
    kernels, changes = _tables(found, "kernels"), _tables(found, "changes")
    lines = [_BEFORE.format(asked=found["asked"]), *_overview(kernels)]
    for kernel, change in zip(kernels[1:], changes, strict=True):
        lines += ["", *_change(kernel, kernels[kernels.index(kernel) - 1], change)]
    return "\n".join(lines) + "\n"


def _tables(of: Table, key: str) -> list[Table]:
    value = of[key]
    assert isinstance(value, list), f"{key} is a list"
    return value


def _overview(kernels: Sequence[Table]) -> Iterator[str]:
    yield "| version | package | recordings answered | judged |"
    yield "| --- | --- | --- | --- |"
    for kernel in kernels:
        yield f"| {kernel['version']} | {kernel['package']} | {kernel['answered']} | {_judged(kernel)} |"


def _judged(kernel: Table) -> str:
    judged = kernel["judged"]
    assert isinstance(judged, dict), "judged is an object"
    if "refused" in judged:
        return f"no: {judged['refused']}"
    said = []
    for name, verdict in judged.items():
        if "refused" in verdict:
            said.append(f"{name}: refused ({verdict['refused']})")
        else:
            counted = [f"{count} x {deviation}" for deviation, count in verdict["deviations"].items()]
            said.append(f"{name}: {', '.join([verdict['verdict'], *counted])}")
    return "; ".join(said)


def _change(kernel: Table, before: Table, change: Table) -> Iterator[str]:
    yield f"## {change['from']} to {change['to']}"
    yield ""
    old, new = _names(before), _names(kernel)
    if new - old:
        yield f"New attributes: {', '.join(f'`{name}`' for name in sorted(new - old))}."
    if old - new:
        yield f"Attributes that are gone: {', '.join(f'`{name}`' for name in sorted(old - new))}."
    first = change["first"]
    assert isinstance(first, dict), "first is an object"
    if not first:
        yield "No recording is answered otherwise."
        return
    yield f"{change['recordings']} recordings are answered otherwise; the first operations that are, alike ones once:"
    yield ""
    yield "| operation | what | before | after | recordings |"
    yield "| --- | --- | --- | --- | --- |"
    alike: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for name, (_number, operation, key, one, other) in sorted(first.items()):
        alike.setdefault((_NUMBER.sub("N", operation), key), []).append((name, operation, one, other))
    for (_pattern, key), examples in sorted(alike.items()):
        name, operation, one, other = examples[0]
        cells = [f"`{_short(each)}`" for each in (operation, key, one, other)]
        more = f" and {len(examples) - 1} more" if len(examples) > 1 else ""
        yield f"| {' | '.join(cells)} | {name}{more} |"


def _names(kernel: Table) -> set[str]:
    names = kernel["attributes"]
    return set(names) if isinstance(names, list) else set()


def _short(text: str) -> str:
    text = text.replace("|", "/").replace("\n", " ").replace("`", "'")
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and return the exit code."""
    return write_page("draw_kernels", __doc__, PAGE, page, arguments)


if __name__ == "__main__":
    run("docs.draw_kernels")
