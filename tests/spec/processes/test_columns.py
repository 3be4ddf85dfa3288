"""Text that fits: as many columns as there are, tables that become lists, paragraphs that are folded."""

import fcntl
import io
import os
import struct
import termios

import pytest

from spec.explore.command import main
from spec.explore.result import Counterexample
from spec.explore.trace import counterexample
from spec.processes.columns import columns, folded, laid_out
from spec.scope import EVERY_RUN

ROWS = [("name", "", "number"), ("a", "of some size", "12"), ("longer", "", "3")]
NARROW = ["name    a", "        of some size", "number  12", "", "name    longer", "number  3"]


@pytest.mark.parametrize(
    ("most", "lines"),
    [
        (None, ["name                  number", "a       of some size      12", "longer                     3"]),
        (28, ["name                  number", "a       of some size      12", "longer                     3"]),
        (27, NARROW),
    ],
)
def test_a_table_that_does_not_fit_is_a_list(most: int | None, lines: list[str]) -> None:
    assert laid_out(ROWS, (0, 1), most) == lines


def test_a_paragraph_is_folded_and_no_word_is_cut() -> None:
    assert folded("one two three", None, "  ") == ["  one two three"]
    assert folded("one two three", 9, "  ") == ["  one two", "  three"]
    assert folded("one twothree", 6, "  ", first="* ") == ["* one", "  twothree"]


def test_the_columns_are_those_of_a_terminal_or_as_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert columns(io.StringIO()) is None
    ours, theirs = os.openpty()
    with os.fdopen(ours, "wb"), os.fdopen(theirs, "w") as terminal:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 73, 0, 0))
        assert columns(terminal) == 73
        monkeypatch.setenv("COLUMNS", "61")
        assert columns(terminal) == columns(io.StringIO()) == 61


@pytest.mark.parametrize(("width", "longest"), [("60", 60), ("200", 104)])
def test_a_counterexample_fits(
    width: str, longest: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    assert main(["--bug", "leak_on_error", "--quiet"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= longest
    assert any("reserve_block(blk 0)" in line and "zram_reserve_bdev_block" in line for line in lines)


def test_a_kernel_function_that_does_not_fit_is_beneath_its_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "45")
    main(["--bug", "leak_on_error", "--quiet"])
    assert "   9  device  endio_queue(req 0)\n              zram_writeback_endio\n" in capsys.readouterr().out


def test_a_state_that_is_broken_from_the_start_fits_as_well() -> None:
    first = EVERY_RUN["base"].initial()
    found = Counterexample("a_property", "a sentence that is longer than a line", (), first, first)
    lines = counterexample(found, 30).splitlines()
    assert lines[:2] == ["a_property is broken after 0 steps:", "  a sentence that is longer"]
    assert max(map(len, lines[1:])) <= 30
