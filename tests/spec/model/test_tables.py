"""Every cell of both tables, spelt out a second time; and that a table with a slip in it does not load."""

import pytest

from spec.model import tables
from spec.model.tables import COMPLETION_TABLE, KINDS, SLOT_TABLE, SlotTable

NO = None
AFTER = {
    ("empty", "write"): "stored",
    ("empty", "write_same"): "same",
    ("empty", "read"): "empty",
    ("empty", "free"): "empty",
    ("empty", "select"): NO,
    ("empty", "release"): NO,
    ("empty", "commit"): NO,
    ("same", "write"): "stored",
    ("same", "write_same"): "same",
    ("same", "read"): "same",
    ("same", "free"): "empty",
    ("same", "select"): NO,
    ("same", "release"): NO,
    ("same", "commit"): NO,
    ("stored", "write"): "stored",
    ("stored", "write_same"): "same",
    ("stored", "read"): "stored",
    ("stored", "free"): "empty",
    ("stored", "select"): "pp_slot",
    ("stored", "release"): NO,
    ("stored", "commit"): NO,
    ("pp_slot", "write"): "stored",
    ("pp_slot", "write_same"): "same",
    ("pp_slot", "read"): "stored",
    ("pp_slot", "free"): "empty",
    ("pp_slot", "select"): NO,
    ("pp_slot", "release"): "stored",
    ("pp_slot", "commit"): "wb",
    ("wb", "write"): "stored",
    ("wb", "write_same"): "same",
    ("wb", "read"): "wb",
    ("wb", "free"): "empty",
    ("wb", "select"): NO,
    ("wb", "release"): NO,
    ("wb", "commit"): NO,
}


@pytest.mark.parametrize(("kind", "event"), list(AFTER))
def test_what_an_event_makes_of_a_slot(kind: str, event: str) -> None:
    after = getattr(SLOT_TABLE, event)[KINDS.index(kind)]
    assert (KINDS[after] if after != tables.ILLEGAL else NO) == AFTER[kind, event]


def test_there_are_no_other_cells() -> None:
    assert set(AFTER) == {(kind, event) for kind in KINDS for event in SlotTable._fields}
    assert {len(column) for column in SLOT_TABLE} == {len(KINDS)}


def test_the_constants_are_the_words_of_the_table() -> None:
    assert [getattr(tables, kind.upper()) for kind in KINDS] == list(range(len(KINDS)))


@pytest.mark.parametrize(
    ("ok", "kept", "row"),
    [
        (0, 0, (tables.RELEASE, tables.RELEASE, 1, 0)),
        (0, 1, (tables.RELEASE, tables.RELEASE, 1, 0)),
        (1, 0, (tables.RELEASE, tables.RELEASE, 0, 1)),
        (1, 1, (tables.COMMIT, tables.COMMIT, 0, 1)),
    ],
)
def test_what_an_answer_makes_of_slot_block_and_budget(ok: int, kept: int, row: tuple[int, ...]) -> None:
    assert COMPLETION_TABLE[2 * ok + kept] == row


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, "the slip is made where the test says"
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("pp_slot  .        .\n", "pp_slot  .\n", ValueError),  # a ragged row
        ("pp_slot  .        .\n", "pp_slot  .  .  .\n", ValueError),
        ("stored    stored", "stored    sotred", ValueError),  # a misspelt cell
        ("write_same", "write_sama", AssertionError),  # a misspelt column
        ("select   release", "release  select", AssertionError),  # columns in another order
        ("same      stored", "sane      stored", AssertionError),  # a misspelt row
        ("wb        stored", "same      stored", AssertionError),  # a row twice, and another missing
    ],
)
def test_a_slot_table_with_a_slip_does_not_load(old: str, new: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        tables._slot_table(replaced(tables._SLOTS, old, new))


def test_a_slot_table_without_a_row_does_not_load() -> None:
    without = "\n".join(line for line in tables._SLOTS.splitlines() if not line.startswith("pp_slot"))
    with pytest.raises(AssertionError, match="each kind has its row"):
        tables._slot_table(without)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("1       0\n", "1\n", TypeError),  # a ragged row
        ("commit   commit", "commit   comit", KeyError),  # a misspelt cell
        ("bd_writes", "bd_write", AssertionError),  # a misspelt column
        ("error   lost", "error   kept", AssertionError),  # a row twice, and another missing
        ("ok      lost", "okay    lost", AssertionError),  # a misspelt row
    ],
)
def test_a_completion_table_with_a_slip_does_not_load(old: str, new: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        tables._completion_table(replaced(tables._COMPLETIONS, old, new))
