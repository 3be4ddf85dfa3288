"""The tables of what became of mutants: on the screen, and as a page of the documents."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from stateful.mutate.equivalent import EQUIVALENT
from stateful.mutate.judge import MutantFate
from stateful.mutate.mutants import ROOT, DeviceMutant, every_mutant
from stateful.mutate.trial import HANG_SECONDS, ROWS, UNIT_LAYERS

PAGE: Final = ROOT / "docs" / "generated" / "device-mutation.md"
_LAYERS: Final = (*UNIT_LAYERS, *(name for name, _module in ROWS))
_HEADER: Final = ("mutants", "caught", *_LAYERS, "equivalent", "survived")
_SAID: Final = 200

_HEAD: Final = """# Mistakes in the device

Written by `{how}`.

Small mistakes are made in the protocol and the data path of `zram_impl`, one at a time, and quick layers run against
each until one notices: the unit tests of the module, those of its folder, those of the whole device, then rows of
`python -m stateful check`. The mistakes are those that locks, waits, budgets and buffers invite; `stateful/mutate` has
them, a few lines each. A mutant runs in a process of its own, for {seconds} seconds at most, in which a copy of the
package is the device; the working tree is not touched.

    python -m stateful mutate                           # every mutant: {every:,}, hours
    python -m stateful mutate --sample 40 --seed 1      # some of each kind
    python -m stateful mutate engine/threads            # those of a module
    python -m stateful mutate --list                    # what they are

mutmut and cosmic-ray were weighed: neither knows a lock, a wait or a notification, both run a whole suite for each
mutant, and mutmut keeps its state in the working tree. What they do know is a few lines over `ast`.

What the tables count is not all mutants, but those of the command above. "Hangs" are counted with the layer that hung;
they are ended after {hang} seconds, and the place where each thread waits is reported.
"""


def numbers(mutants: Sequence[DeviceMutant], fates: Sequence[MutantFate]) -> list[int]:
    """Return the cells of a row."""
    layers = Counter(fate.layer for fate in fates if fate.caught)
    caught = layers.total()
    named = [layers[name] for name in _LAYERS]
    equivalent = sum(mutant.name in EQUIVALENT for mutant in mutants)
    return [len(mutants), caught, *named, equivalent, len(mutants) - caught - equivalent]


def _table(
    mutants: Sequence[DeviceMutant], fates: Sequence[MutantFate], by: Callable[[DeviceMutant], str], title: str
) -> str:
    names = list(dict.fromkeys(map(by, mutants)))
    of = {fate.name: fate for fate in fates}
    rows = [(title, *_HEADER), tuple("---" for _ in (title, *_HEADER))]
    for name in [*names, "all"]:
        mine = [mutant for mutant in mutants if by(mutant) == name or name == "all"]
        cells = numbers(mine, [of[mutant.name] for mutant in mine if mutant.name in of])
        rows.append((name, *(f"{n:,}" for n in cells)))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(text: str) -> str:
    return f"`{text[:_SAID].replace('|', chr(92) + '|').replace('`', chr(39))}`"


def survivors(mutants: Sequence[DeviceMutant], fates: Sequence[MutantFate]) -> list[tuple[DeviceMutant, MutantFate]]:
    """Return those that no layer noticed."""
    of = {mutant.name: mutant for mutant in mutants}
    return [(of[fate.name], fate) for fate in fates if not fate.caught]


def summary(mutants: Sequence[DeviceMutant], fates: Sequence[MutantFate]) -> str:
    """Return the table of kinds, and the survivors."""
    lines = [_table(mutants, fates, lambda mutant: mutant.kind, "kind")]
    for mutant, fate in survivors(mutants, fates):
        why = f" ({fate.how}: {fate.said})" if fate.how else ""
        lines.append(f"\nsurvived: {mutant.name}{why}\n  - {mutant.before}\n  + {mutant.after}")
    return "\n".join(lines)


def drawn(mutants: Sequence[DeviceMutant], fates: Sequence[MutantFate], how: str, seconds: float) -> str:
    """Return the page."""
    head = _HEAD.format(how=how, seconds=f"{seconds:g}", every=len(every_mutant()), hang=f"{HANG_SECONDS:g}")
    parts = [head, "## By kind\n", _table(mutants, fates, lambda mutant: mutant.kind, "kind"), ""]
    parts += ["## By module\n", _table(mutants, fates, lambda mutant: mutant.module, "module"), ""]
    parts += ["## What survived\n"]
    left = survivors(mutants, fates)
    if left:
        parts += ["| mutant | as it is | with the mistake |", "| --- | --- | --- |"]
        parts += [f"| {_cell(m.name)} | {_cell(m.before)} | {_cell(m.after)} |" for m, _fate in left]
    else:
        parts += ["Nothing."]
    parts += ["", "## What is equivalent\n"]
    known = [mutant for mutant in mutants if mutant.name in EQUIVALENT]
    parts += [f"- {_cell(m.name)}: {EQUIVALENT[m.name]}" for m in known] or ["Nothing of these."]
    parts += ["", "## What each catch named\n", "| mutant | layer | test | said first |", "| --- | --- | --- | --- |"]
    for fate in fates:
        if fate.caught:
            said = fate.said.splitlines()[0] if fate.said else fate.how
            parts.append(f"| {_cell(fate.name)} | {fate.layer} | {_cell(fate.test)} | {_cell(said)} |")
    return "\n".join(parts) + "\n"
