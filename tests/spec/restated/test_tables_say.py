"""Requirements on the tables: they are met, and tables that do not are noticed by the search and by the prover."""

import itertools

import pytest

from spec.explore.bfs import search
from spec.model.state import initial
from spec.model.tables import COMMIT, COMPLETION_TABLE, ILLEGAL, RELEASE, SLOT_TABLE, WB
from spec.prove.obligations import Sizes
from spec.prove.verdict import REFUTED
from spec.prove.z3_proof import DEVICE, prove
from spec.restated import tables_say
from spec.restated.tables_say import RULES
from spec.scope import Scope


def test_every_rule_holds_and_has_its_sentence() -> None:
    assert [rule.__name__ for rule in RULES if not rule()] == []
    assert all(rule.__doc__ for rule in RULES)


@pytest.mark.parametrize(
    ("column", "kind"), list(itertools.product(SLOT_TABLE._fields, range(len(SLOT_TABLE.write)))), ids=str
)
def test_no_cell_of_the_slot_table_can_say_anything_else(
    monkeypatch: pytest.MonkeyPatch, column: str, kind: int
) -> None:
    cells = getattr(SLOT_TABLE, column)
    for other in {ILLEGAL, *range(WB + 1)} - {cells[kind]}:
        wrong = (*cells[:kind], other, *cells[kind + 1 :])
        monkeypatch.setattr(tables_say, "SLOT_TABLE", SLOT_TABLE._replace(**{column: wrong}))
        assert [rule() for rule in RULES].count(False) == 1


@pytest.mark.parametrize("row", range(len(COMPLETION_TABLE)))
def test_no_cell_of_the_completion_table_can_say_anything_else(monkeypatch: pytest.MonkeyPatch, row: int) -> None:
    for field, value in COMPLETION_TABLE[row]._asdict().items():
        assert {RELEASE, COMMIT} == {0, 1}
        wrong = COMPLETION_TABLE[row]._replace(**{field: 1 - value})
        monkeypatch.setattr(
            tables_say, "COMPLETION_TABLE", (*COMPLETION_TABLE[:row], wrong, *COMPLETION_TABLE[row + 1 :])
        )
        assert [rule() for rule in RULES].count(False) == 1


def test_a_fresh_device_can_be_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for field, wrong in {"held": 0, "running": 1, "readers": (), "queued": (1,) * 5}.items():
        monkeypatch.setattr(tables_say, "initial", lambda *sizes, f=field, w=wrong: initial(*sizes)._replace(**{f: w}))
        assert [rule() for rule in RULES].count(False) == 1


def test_walk_and_prover_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_say, "SLOT_TABLE", SLOT_TABLE._replace(read=SLOT_TABLE.free))
    broken = search(Scope(1, 1, 1, 1)).broken
    assert broken is not None
    assert (broken.name, broken.steps) == ("an_access_takes_the_claim_and_nothing_else", ())
    verdicts = {verdict.condition: verdict.said for verdict in prove(Sizes(1, 1, 1), names=[DEVICE])}
    assert verdicts["device: an_access_takes_the_claim_and_nothing_else"] == REFUTED
