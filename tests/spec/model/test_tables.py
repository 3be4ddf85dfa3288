"""The tables load only without a slip; `spec.restated.tables_say` says every cell a second time."""

import pytest

from spec.model import tables
from spec.model.tables import KINDS


def test_the_constants_are_the_words_of_the_table() -> None:
    assert [getattr(tables, kind.upper()) for kind in KINDS] == list(range(len(KINDS)))


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
