"""Writes `docs/generated/mutation.md`: `python -m docs.draw_mutants` judges every mutant, in minutes.

With a file, from what `python -m spec.mutate --json` has written there.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from docs.draw_tables import markdown_table
from docs.program import parser
from spec.assertions import require_assertions
from spec.mutate.command import HEADER, judge, numbers, progress_of, reason
from spec.mutate.kill import SCOPES, SIZES, SpecFate, read
from spec.mutate.mutants import MODULES, SpecMutant, every_mutant
from spec.processes.entry import run
from zram_impl.cli.output import write_whole

PAGE: Final = Path(__file__).resolve().with_name("generated") / "mutation.md"

_INTRODUCTION: Final = """\
# Mistakes in the specification

Written by `python -m docs.draw_mutants`; edit that.

What if the specification itself is wrong? Here every small mistake that a mutator can think of is made in its text, one
at a time: an inequality turned, a condition left out, negated, or always or never so, a field not cleared or confused
with another, a word of a table replaced, a step dropped, two arguments swapped. A good specification notices: it says
everything at least twice, as what is done (guards and effects) and as what has to be true whatever is done (clauses,
step properties, what becomes of each field, when something is possible, what is seen sometimes).

    python -m spec.mutate                         # every mutant, minutes
    python -m spec.mutate --sample 100 --seed 1   # a hundred of them
    python -m spec.mutate --list                  # what they are

A mutant is **refuted** when a search of one of {scopes} small scopes breaks a property or misses what it should
see, or when z3 refutes a condition at {sizes}. Numbers of states are not compared, though `python -m spec.explore`
would fail on a difference there too. What only crashes is counted for itself. What nobody refutes has to be **the
same**: z3 is asked whether every guard and every effect is what it was, in every state that the invariant allows, and
answers which clauses that rests on. A mutant that is neither refuted nor the same is a hole.
"""
_LEFT: Final = """\
What is not refuted, and why: it says the same wherever the clauses named hold, and they hold of every state. Where no
clause is named it says the same in every state there is.
"""


def page(mutants: Sequence[SpecMutant], fates: Sequence[SpecFate]) -> str:
    """Return the whole page."""
    modules = {name: [f for m, f in zip(mutants, fates, strict=True) if m.module == name] for name in MODULES}
    rows = [[name, *(f"{n:,}" for n in numbers(of))] for name, of in (*modules.items(), ("all", fates))]
    left = [_survivor(m, f) for m, f in zip(mutants, fates, strict=True) if not f.refuted]
    return "\n".join(
        [
            _INTRODUCTION.format(scopes=len(SCOPES), sizes=" and ".join(sizes.label() for sizes in SIZES)),
            f"## What becomes of them\n\n{markdown_table(HEADER, rows)}\n",
            f"## What is the same\n\n{_LEFT}\n{markdown_table(('mutant', 'with the mistake', 'rests on'), left)}\n",
        ]
    )


def _survivor(mutant: SpecMutant, fate: SpecFate) -> list[str]:
    clauses = ", ".join(f"`{clause}`" for clause in fate.rests_on or ())
    return [f"`{mutant.name}`", f"`{mutant.after}`", clauses if fate.rests_on is not None else reason(fate)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and return the exit code."""
    of_command = parser("draw_mutants", __doc__)
    of_command.add_argument(
        "file", nargs="?", metavar="FILE", help="what spec.mutate --json printed, instead of judging anew"
    )
    file: str | None = of_command.parse_args(arguments).file
    require_assertions()
    mutants = every_mutant()
    if file is not None:
        written = json.loads(Path(file).read_text(encoding="utf-8"))
        by_name = {each["name"]: read(json.dumps(list(each.values()))) for each in written}
        fates = [by_name[mutant.name] for mutant in mutants]
    else:
        progress = progress_of(len(mutants))
        try:
            fates = judge(mutants, progress, tick=progress.tick)
        finally:
            progress.done()
    write_whole(PAGE, page(mutants, fates))
    return 0


if __name__ == "__main__":
    run("docs.draw_mutants")
