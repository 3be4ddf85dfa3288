"""Searches under way, on a terminal and in a file."""

import io

import pytest

from spec.explore.progress import Drawing
from spec.explore.workers import ExploreProgress


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    return clock


def test_a_terminal_shows_a_line_a_search(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    drawing = Drawing({"one": 600, "two": None}, out)
    drawing(ExploreProgress("one", 0, 1, 1))
    assert out.getvalue().splitlines() == [
        "one                 1 of 600 states         0/s  depth   0  frontier        1",
        "two        waits",
    ]
    now[0] += 0.05
    drawing(ExploreProgress("one", 1, 10, 9))
    assert len(out.getvalue().splitlines()) == 2
    now[0] += 1.95
    drawing(ExploreProgress("two", 2, 100, 50))
    drawn = out.getvalue().split("\x1b[2F\x1b[J")[1].splitlines()
    assert drawn[0] == "one                10 of 600 states       200/s  depth   1  frontier        9  0:03 left"
    now[0] += 1
    drawing(ExploreProgress("one", 3, 300, 1))
    assert "       100/s" in out.getvalue()
    assert drawing.so_far("one") == "one: 300 states to depth 3 searched, no property broken"
    assert drawing.so_far("nowhere") == ""
    drawing.done()
    assert out.getvalue().endswith("\x1b[2F\x1b[J")


def test_a_file_gets_a_line_now_and_then(now: list[float]) -> None:
    out = io.StringIO()
    drawing = Drawing({"one": None, "two": None}, out)
    drawing(ExploreProgress("one", 0, 1, 1))
    assert out.getvalue() == ""
    now[0] += 5
    drawing(ExploreProgress("one", 7, 1500, 20))
    drawing.done()
    assert out.getvalue() == "one             1,500 states       300/s  depth   7  frontier       20\n"
