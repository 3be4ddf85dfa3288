"""Fields of answers and states that are compared, and those that are not."""

import json
from pathlib import Path

import pytest

from stateful.conformance.compare import StateComparison, compare_answers
from stateful.conformance.operations import Show
from stateful.conformance.replay import replay
from stateful.conformance.schema import RecordedAnswer, State, read_recording
from zram_impl import Quirks

NAMES = {0: "orig_data_size", 1: "compr_data_size", 3: "mem_limit", 5: "same_pages", 7: "huge_pages"}
COMPARED = {**NAMES, 8: "huge_pages_since"}


def fields(expected: State, got: State) -> list[str]:
    return [field for field, _ in StateComparison().compare(expected, got)]


@pytest.mark.parametrize("column", range(9))
def test_columns_of_an_allocator_are_not_compared(column: int) -> None:
    """Column 4, the limit, is no allocator's: it was left out with those beside it."""
    had = list(range(9))
    had[column] = 99
    named = [COMPARED[column]] if column in COMPARED else []
    assert fields({"mm": [*range(9)]}, {"mm": [*had]}) == [f"mm.{name}" for name in named]
    wanted, shown = " ".join(map(str, range(9))), " ".join(map(str, had))
    answers = (RecordedAnswer(9, text=wanted), RecordedAnswer(9, text=shown))
    found = compare_answers(Show("mm_stat"), *answers, timing=False)
    assert [field for field, _ in found] == [f"text.{name}" for name in named]
    assert list(compare_answers(Show("mm_stat"), *answers, timing=True)) == []
    assert [field for field, _ in compare_answers(Show("bd_stat"), *answers, timing=False)] == ["text"]


def test_a_text_that_is_not_shown_differs() -> None:
    answers = RecordedAnswer(9, text="0 0"), RecordedAnswer(-1, "EACCES")
    found = [field for field, _ in compare_answers(Show("mm_stat"), *answers, timing=False)]
    assert found == ["rc", "err", "text"]


def test_times_are_compared_by_page_and_the_clock_is_not() -> None:
    expected: State = {"bs": {"0": "......"}, "ts": {"0": 7, "1": 8}, "clk": 8.5}
    assert fields(expected, {"bs": {"0": "......"}, "ts": {"0": 7, "1": 9, "2": 9}}) == ["ts.1", "ts.2"]
    assert fields(expected | {"bs": None}, {"bs": None, "ts": None}) == []


def recorded(where: Path, pages: int, failed: int) -> None:
    """Record a write of so many pages that only one fits of, in so many requests that failed."""
    meta = {"meta": {"schema": 1}}
    operations = [
        {"op": "store", "attr": "disksize", "value": "8M"},
        {"op": "store", "attr": "mem_limit", "value": "4096"},
        {"op": "write", "page": 0, "count": pages, "pat": "rand", "seed": 1},
    ]
    answers = [
        {"i": -1, "rc": 0, "st": {}},
        {"i": 0, "rc": 2},
        {"i": 1, "rc": 4},
        {"i": 2, "rc": -1, "err": "EIO", "st": {"io": [0, failed, 0, 0]}},
    ]
    for name, lines in (("ops", [meta, *operations]), ("expected", [meta, *answers])):
        (where / f"x.{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))


@pytest.mark.parametrize(("pages", "failed"), [(2, 1), (256, 1), (257, 2), (300, 2), (513, 3)])
def test_a_write_fails_once_a_request(tmp_path: Path, pages: int, failed: int) -> None:
    """Recording p8_recount_two_requests: a call of more than 256 pages is several requests, each of which fails.

    The recount took every refused call for one failed write.
    """
    recorded(tmp_path, pages, failed)
    assert [each.line for each in replay(read_recording(tmp_path, "x"), Quirks.linux_7_3())] == []
    recorded(tmp_path, pages, failed + 1)
    assert [each.field for each in replay(read_recording(tmp_path, "x"), Quirks.linux_7_3())] == ["io.failed_writes"]


def test_a_recount_finds_a_failed_write_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zram_impl.block_layer.REQUEST_PAGES", 64)
    recorded(tmp_path, 128, 2)
    assert replay(read_recording(tmp_path, "x"), Quirks.linux_7_3()) == []
    monkeypatch.setattr(
        "zram_impl.pages.page_io.Pages.failed_writes", property(lambda _: 1, lambda *_: None), raising=False
    )
    found = [each.field for each in replay(read_recording(tmp_path, "x"), Quirks.linux_7_3())]
    assert "recount.failed_writes" in found
