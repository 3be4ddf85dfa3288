"""The fields a piece reads and writes, found by evaluating it once."""

from spec.footprint import footprint
from spec.model import transitions, user
from spec.model.invariant import CLAUSES, the_budget_is_conserved
from spec.model.state import State, initial
from tests.spec.states import BUSY

FIRST = initial(slots=2, blocks=2, requests=2, limit=1, readers=1)


def names(positions: tuple[int, ...]) -> set[str]:
    return {State._fields[position] for position in positions}


def test_what_a_guard_reads() -> None:
    found = footprint(user.can_recompress, FIRST, (0,))
    assert names(found.reads) == {"running", "slots"}
    assert found.writes == ()


def test_what_an_effect_writes_it_also_reads() -> None:
    found = footprint(user.toggle_limit, FIRST)
    assert names(found.reads) == names(found.writes) == {"budget"}


def test_a_replacement_of_a_replacement_is_still_watched() -> None:
    assert names(footprint(transitions.release_block, FIRST, (0,)).writes) == {"blocks", "counts"}
    assert names(footprint(user.write, FIRST, (0, 0)).writes) == {"slots", "blocks", "readers", "counts"}


def test_what_a_clause_reads() -> None:
    assert names(footprint(the_budget_is_conserved, FIRST).reads) == {"budget", "reqs"}


def test_a_clause_reads_the_same_fields_of_every_state() -> None:
    for clause in CLAUSES:
        assert footprint(clause, FIRST).reads == footprint(clause, BUSY).reads, clause.__name__
