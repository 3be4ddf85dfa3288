"""The page about mutants is of the mutants there are, and a sample of them fares as it says."""

import re
from collections import Counter

from docs import draw_mutants
from spec.mutate.command import judge, sample
from spec.mutate.mutants import MODULES, every_mutant

MUTANTS = every_mutant()
MUTATION = draw_mutants.PAGE.read_text(encoding="utf-8")


def numbers() -> dict[str, list[int]]:
    rows = re.findall(r"^\| (\w+) \| ([\d,]+(?: \| [\d,]+)+) \|$", MUTATION, re.MULTILINE)
    return {name: [int(n.replace(",", "")) for n in cells.split(" | ")] for name, cells in rows}


def the_same() -> dict[str, str]:
    """The mutants that say the same as before, and the line with the mistake."""
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| (?:`\w+`(?:, )?)*\s*\|$", MUTATION, re.MULTILINE)
    return {name.replace("\\|", "|"): after.replace("\\|", "|") for name, after in rows}


def test_the_mutation_page_counts_the_mutants_there_are() -> None:
    there_are = Counter(mutant.module for mutant in MUTANTS)
    found = numbers()
    assert {name: found[name][0] for name in MODULES} == there_are, "run: python -m docs.draw_mutants"
    assert found["all"] == [sum(found[name][column] for name in MODULES) for column in range(8)]
    for mutants, refuted, both, walk, z3, crashed, same, left in found.values():
        assert (both + walk + z3 + crashed, refuted + same, left) == (refuted, mutants, 0)


def test_the_mutation_page_lists_what_is_the_same() -> None:
    lines = {mutant.name: mutant.after for mutant in MUTANTS}
    listed = the_same()
    assert len(listed) == numbers()["all"][6]
    assert {name: lines.get(name) for name in listed} == listed, "run: python -m docs.draw_mutants"


def test_a_sample_of_mutants_fares_as_the_mutation_page_says() -> None:
    listed = the_same()
    refuted = sample([mutant for mutant in MUTANTS if mutant.name not in listed], 8, seed=7)
    same = sample([mutant for mutant in MUTANTS if mutant.name in listed], 4, seed=7)
    assert [fate.name for fate in judge(refuted, lambda _fates: None) if not fate.refuted] == []
    assert [fate.name for fate in judge(same, lambda _fates: None) if fate.refuted or fate.rests_on is None] == []
