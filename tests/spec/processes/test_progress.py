"""Lines of progress: redrawn on a terminal, elsewhere now and then, and none if nobody wants any."""

import io

import pytest

from spec.processes.progress import FIRST_SECONDS, PLAIN, QUIET, SAY_SECONDS, VERBOSE, Progress, cut, left, share


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    return out


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(("columns", "longest"), [("60", 59), ("200", 100)])
def test_a_line_fits_the_terminal(
    columns: str, longest: int, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    drawn = Progress(terminal)
    drawn.show(lambda: ["x" * 100, "y"])
    assert [len(line) for line in terminal.getvalue().splitlines()] == [longest, 1]
    drawn.done()
    assert terminal.getvalue().endswith("y\n\x1b[2F\x1b[J")


def test_a_terminal_is_drawn_at_once_and_ten_times_a_second(now: list[float], terminal: io.StringIO) -> None:
    drawn = Progress(terminal)
    for text, seconds in [("first", 0.0), ("too soon", 0.05), ("second", 0.06)]:
        now[0] += seconds
        drawn.show(lambda text=text: [text])  # type: ignore[misc]  # a default binds it
    assert terminal.getvalue() == "first\n\x1b[1F\x1b[Jsecond\n"


@pytest.mark.parametrize(("loud", "seconds"), [(PLAIN, SAY_SECONDS[PLAIN]), (VERBOSE, SAY_SECONDS[VERBOSE])])
def test_elsewhere_a_line_is_there_within_a_second(loud: int, seconds: float, now: list[float]) -> None:
    out = io.StringIO()
    drawn = Progress(out, loud)
    drawn.show(lambda: ["too soon"])
    assert 0 < FIRST_SECONDS < 1
    for text, later in [("first", FIRST_SECONDS), ("too soon", seconds - 0.1), ("second", 0.2)]:
        now[0] += later
        drawn.show(lambda text=text: [text])  # type: ignore[misc]  # a default binds it
    drawn.done()
    assert out.getvalue() == "first\nsecond\n"


def test_nobody_is_disturbed_who_wants_quiet(now: list[float], terminal: io.StringIO) -> None:
    for out in (terminal, io.StringIO()):
        drawn = Progress(out, QUIET)
        now[0] += 60
        drawn.show(lambda: ["a line"])
        drawn.done()
        assert (out.getvalue(), drawn.seconds) == ("", 60)


def test_k_of_n_says_what_is_left() -> None:
    assert [share(0, 9, 1.0), share(9, 9, 1.0), share(1000, 4000, 30.0)] == [
        "0 of 9",
        "9 of 9",
        "1,000 of 4,000, 1:30 left",
    ]
    assert [left(-1), left(59.6), left(3600)] == ["0:00 left", "1:00 left", "1:00:00 left"]
    assert [cut("abc", 3), cut("abcd", 3), cut("ab", 0)] == ["abc", "ab…", "…"]
