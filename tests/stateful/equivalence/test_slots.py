"""The table of slots is confirmed to be the specification's, and a different one is refuted."""

import itertools
from pathlib import Path

import pytest

from spec.model.tables import SLOT_TABLE, WB
from spec.prove.crosshair_run import confirm
from spec.prove.verdict import REFUTED
from stateful.equivalence import slots
from stateful.equivalence.slots import possible, slots_agree
from zram_impl.table.slot_table import IDLE, SlotTable

SOURCE = Path(slots.__file__).read_text(encoding="utf-8")
# Every argument that the contract allows: what `check` has CrossHair confirm over all paths is asked of each here.
CASES = [
    (*case, written)
    for *case, written in itertools.product(range(WB + 1), (0, 1), (0, 1), range(len(SLOT_TABLE)), (0, 1))
    if possible(*case)
]


def test_another_transition_is_refuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "table.accessed(0)" in SOURCE
    (tmp_path / "other_slots.py").write_text(SOURCE.replace("table.accessed(0)", "table.accessed(0, IDLE)"))
    monkeypatch.syspath_prepend(tmp_path)
    [verdict] = confirm(["other_slots"])
    assert verdict.said == REFUTED


def test_every_filled_cell_of_the_table_is_checked() -> None:
    cells = {(event, kind) for kind, _huge, _idle, event, _written in CASES}
    assert cells == {(e, k) for e, column in enumerate(SLOT_TABLE) for k, after in enumerate(column) if after >= 0}
    assert all(slots_agree(*case) for case in CASES)


@pytest.mark.parametrize(
    ("method", "instead"),
    [
        ("release_claim", lambda table, index: None),
        ("commit", lambda table, written: None),
        ("replace", lambda table, index, entry: table.entries.__setitem__(index, entry)),
        ("accessed", lambda table, index: table.flags.__setitem__(index, table.flags[index] & IDLE)),
    ],
)
def test_a_doctored_table_does_not_agree(method: str, instead: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SlotTable, method, instead)
    assert not all(slots_agree(*case) for case in CASES)
