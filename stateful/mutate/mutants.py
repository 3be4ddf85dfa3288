"""The device with one small mistake in its text, the same list every time; every mutant is a text that parses."""

import ast
import random
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from spec.mutate.source import Text
from stateful.mutate import locks, values
from stateful.mutate.edits import DeviceEdit

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "zram_impl"

MODULES: Final = (
    *(f"table/{name}" for name in ("access_times", "block_map", "budget", "entries", "moved", "segments")),
    *(f"table/{name}" for name in ("shared", "slot_table", "uncollected")),
    *(f"pages/{name}" for name in ("backing_reads", "byte_io", "clean_pages", "group", "observed_pages")),
    *(f"pages/{name}" for name in ("page_io", "read_ahead", "room", "run_reads", "stats")),
    *(f"passes/{name}" for name in ("base", "compaction", "drive", "filling", "idle", "pp_buckets", "recompress")),
    *(f"passes/{name}" for name in ("request_pool", "scan", "trim", "turns", "writeback")),
    *(f"engine/{name}" for name in ("background", "buffers", "protocol", "request", "runs", "sync", "threads")),
    *(f"engine/{name}" for name in ("ring", "ring_aio", "ring_choice", "ring_queue", "ring_reads", "ring_uring")),
    *(f"device/{name}" for name in ("companion", "config", "dropped", "lifecycle", "openers", "passes", "snapshot")),
    *(f"policy/{name}" for name in ("coldest", "keeper", "measure", "metrics", "protocol", "ranking")),
    *("forking", "mapping", "shield"),
    *(f"bdev/{name}" for name in ("device", "direct", "exclusive_open", "file", "memory")),
)
"""Protocol, data path and what keeps a device or lies over it; `tests` see to it that none is missing."""


class DeviceMutant(NamedTuple):
    """A module with a mistake in it."""

    name: str
    """Module, function, line of the function, column, and what the mistake is: the same as long as the function is."""
    module: str
    kind: str
    before: str
    """The lines as they are, and with the mistake."""
    after: str
    source: str
    """The whole module."""


def every_mutant(modules: Sequence[str] = MODULES) -> list[DeviceMutant]:
    """Return all mutants, in the order of the text."""
    return [each for name in modules for each in mutants(name, (PACKAGE / f"{name}.py").read_text(encoding="utf-8"))]


def mutants(module: str, source: str) -> list[DeviceMutant]:
    """Return the mutants of the text of a module; two mistakes with the same text are one."""
    text = Text(source)
    found = {each.source: each for edit in _edits(text, module) if (each := _mutant(text, module, edit))}
    names = [each.name for each in found.values()]
    assert len(set(names)) == len(names), "a name stands for one mutant"
    return list(found.values())


def sample(found: Sequence[DeviceMutant], size: int, seed: int) -> list[DeviceMutant]:
    """Return some of the mutants in the order of the text, of each kind in turn, so that no kind is missed."""
    shuffled = random.Random(seed).sample(range(len(found)), len(found))
    turns: dict[str, int] = {}
    ranked: list[tuple[int, int, int]] = []
    for place, number in enumerate(shuffled):
        kind = found[number].kind
        turns[kind] = turns.get(kind, 0) + 1
        ranked.append((turns[kind], place, number))
    chosen = {number for _turn, _place, number in sorted(ranked)[:size]}
    return [mutant for number, mutant in enumerate(found) if number in chosen]


def _edits(text: Text, module: str) -> list[DeviceEdit]:
    return sorted([*locks.edits(text), *values.edits(text, module)])


def _mutant(text: Text, module: str, edit: DeviceEdit) -> DeviceMutant | None:
    changed = text.source[: edit.first] + edit.text + text.source[edit.last :]
    line, last = text.line(edit.first), text.line(max(edit.first, edit.last - 1))
    function, first, end = _around(text, line)
    added = changed.count("\n") - text.source.count("\n")
    if changed == text.source or not _parses(changed, first, end + added):
        return None
    return DeviceMutant(
        name=f"{module}.{function}:{line - first}:{text.column(edit.first)} {edit.mistake}",
        module=module,
        kind=edit.kind,
        before=_joined(text.source, line, last),
        after=_joined(changed, line, max(line, last + added)),
        source=changed,
    )


def _parses(source: str, first: int, last: int) -> bool:
    """Return whether some lines are a program, as they were: the whole module would take a hundred times as long."""
    try:
        ast.parse(textwrap.dedent("".join(source.splitlines(keepends=True)[first - 1 : last])))
    except SyntaxError:
        return False
    return True


def _joined(source: str, first: int, last: int) -> str:
    return " / ".join(line.strip() for line in source.splitlines()[first - 1 : last] if line.strip())


def _around(text: Text, line: int) -> tuple[str, int, int]:
    """Return the innermost function, or else class, that a line is in, and the lines that it begins and ends in."""
    name, first, last = "module", 1, len(text.source.splitlines())
    for node in ast.walk(text.tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno <= line <= (node.end_lineno or line):
            name, first, last = node.name, node.lineno, node.end_lineno or last
    return name, first, last
