"""The page about mutants lists the mutants that exist, and a sample of them ends as it says."""

import re
from collections import Counter

import pytest

from docs import draw_mutants
from spec.mutate.command import judge, sample
from spec.mutate.mutants import MODULES
from tests.spec.mutants import EVERY

MUTATION = draw_mutants.PAGE.read_text(encoding="utf-8")


def numbers() -> dict[str, list[int]]:
    rows = re.findall(r"^\| (\w+) \| ([\d,]+(?: \| [\d,]+)+) \|$", MUTATION, re.MULTILINE)
    return {name: [int(n.replace(",", "")) for n in cells.split(" | ")] for name, cells in rows}


def equivalent() -> dict[str, str]:
    """Return the equivalent mutants, each with the line that was changed."""
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| (?:`\w+`(?:, )?)*\s*\|$", MUTATION, re.MULTILINE)
    return {name.replace("\\|", "|"): after.replace("\\|", "|") for name, after in rows}


def test_the_mutation_page_counts_every_mutant() -> None:
    there_are = Counter(mutant.module for mutant in EVERY)
    found = numbers()
    assert {name: found[name][0] for name in MODULES} == there_are, "run: python -m docs.draw_mutants"
    assert found["all"] == [sum(found[name][column] for name in MODULES) for column in range(8)]
    for mutants, refuted, both, walk, z3, crashed, same, left in found.values():
        assert (both + walk + z3 + crashed, refuted + same, left) == (refuted, mutants, 0)


def test_the_mutation_page_lists_the_equivalent_mutants() -> None:
    lines = {mutant.name: mutant.after for mutant in EVERY}
    listed = equivalent()
    assert len(listed) == numbers()["all"][6]
    assert {name: lines.get(name) for name in listed} == listed, "run: python -m docs.draw_mutants"


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_a_sample_of_mutants_ends_as_the_page_says() -> None:
    listed = equivalent()
    refuted = sample([mutant for mutant in EVERY if mutant.name not in listed], 8, seed=7)
    same = sample([mutant for mutant in EVERY if mutant.name in listed], 4, seed=7)
    assert [fate.name for fate in judge(refuted, lambda _fates: None, by_both=False) if not fate.refuted] == []
    assert [fate.name for fate in judge(same, lambda _fates: None) if fate.refuted or fate.rests_on is None] == []
