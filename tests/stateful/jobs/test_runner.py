"""Jobs in processes of their own: however one ends, its result is reported and nothing of it is left."""

import argparse
import io
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from spec.outputs.verdicts import Verdicts
from spec.processes.interrupts import Interrupted
from spec.processes.progress import QUIET
from spec.processes.runner import STOP_SECONDS
from stateful.jobs import progress, report, runner
from stateful.jobs.runner import Done, Job, JobResult
from tests.stateful.jobs import trial_jobs


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folder of temporary files; when the test is over, none is left, and no process either."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.getsignal(signal.SIGINT), set(threading.enumerate())
    yield tmp_path
    assert (list(tmp_path.iterdir()), multiprocessing.active_children()) == ([], [])
    assert (signal.getsignal(signal.SIGINT), set(threading.enumerate())) == before


class Screen(io.StringIO):
    def isatty(self) -> bool:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        return True


def screen(*, terminal: bool) -> io.StringIO:
    return Screen() if terminal else io.StringIO()


def verdicts(done: list[Done]) -> list[tuple[str, JobResult]]:
    return [(each.job.name, each.verdict._replace(details="")) for each in done]


def test_every_job_has_its_verdict_in_the_order_of_the_list(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    todo = [
        Job(each.__name__, each)
        for each in (
            trial_jobs.leaving, trial_jobs.good, trial_jobs.wrong, trial_jobs.crashing, trial_jobs.dying,
            trial_jobs.with_a_thread_that_stays,
        )
    ]  # fmt: skip
    done = runner.run(todo)
    assert verdicts(done) == [
        ("leaving", JobResult(good=False, what="died with exit code 7")),
        ("good", JobResult(good=True, what="[red]all[/x] is well")),
        ("wrong", JobResult(good=False, what="one difference")),
        ("crashing", JobResult(good=False, what="crashed: LookupError: no [such] thing")),
        ("dying", JobResult(good=False, what=f"died with exit code {-signal.SIGKILL}")),
        ("with_a_thread_that_stays", JobResult(good=True, what="but for a thread")),
    ]
    assert "raise LookupError" in done[3].verdict.details
    assert {"passed good: [red]all[/x] is well", "FAILED wrong: one difference"} <= set(
        capsys.readouterr().err.splitlines()
    )
    assert scratch.exists()


@pytest.mark.parametrize("terminal", [False, True], ids=["off a terminal", "on a terminal"])
@pytest.mark.parametrize("job", [trial_jobs.working, trial_jobs.hanging], ids=["working", "hanging"])
def test_an_interrupt_stops_the_jobs_soon_and_leaves_nothing(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, job: object, *, terminal: bool
) -> None:
    monkeypatch.setattr(sys, "stderr", screen(terminal=terminal))
    assert callable(job)
    todo = [Job(f"{number} [red]", job) for number in range(3)]
    sent: list[float] = []

    def interrupt_once_both_run(each: object) -> None:
        del each
        if not sent and len(list(scratch.glob("*/*/*"))) == 2:
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(progress.ProgressDisplay, "show", watching(interrupt_once_both_run))
    with pytest.raises(runner.JobsInterrupted) as caught:
        runner.run(todo)
    assert caught.value.done == []
    assert time.perf_counter() - sent[0] < STOP_SECONDS + 1.0
    ended = list(scratch.glob("ended-*"))
    assert len(ended) == (2 if job is trial_jobs.working else 0)
    for each in ended:
        each.unlink()


def watching(also: object) -> object:
    show = progress.ProgressDisplay.show

    def watched(self: progress.ProgressDisplay, lines: Iterator[progress.ProgressLine], head: str = "") -> None:
        show(self, lines, head)
        assert callable(also)
        also(self)

    return watched


def test_reports_are_passed_on_a_few_times_a_second() -> None:
    sent: list[object] = []
    passed_on = runner.reporter(sent.append)
    for number in range(100):
        passed_on(str(number))
    assert sent == ["0"]


# --- how it looks --------------------------------------------------------------------------------------------------

TAKEN_OFF = "\x1b[3F\x1b[J"
"""Up to the first of three lines, and erased from there."""
LINES = [
    progress.ProgressLine("explore base", 3.2, "1,000 states, depth 4"),
    progress.ProgressLine("stateful", 12.0, "x" * 100),
]
ROWS = [
    Done(Job("explore base", trial_jobs.good), JobResult(good=True, what="157,719 states and [brackets]"), 19.96),
    Done(Job("stateful", trial_jobs.wrong), JobResult(good=False, what="a word " * 12), 8.0),
]


def test_on_a_terminal_the_lines_fit_and_are_taken_off_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = Screen()
    with progress.ProgressDisplay(out=out) as drawn:
        drawn.show(LINES, "checks: 0 of 2")
        assert out.getvalue().splitlines() == [
            "checks: 0 of 2",
            "explore base   3 s  1,000 states, depth 4",
            f"stateful      12 s  {'x' * 38}…",
        ]
        drawn.note("passed explore base: 157,719 states")
    assert out.getvalue().count(TAKEN_OFF) == 1
    assert out.getvalue().endswith(f"{TAKEN_OFF}passed explore base: 157,719 states\n")


def test_off_a_terminal_a_line_is_printed_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with progress.ProgressDisplay(out=out) as drawn:
        drawn.show(LINES)
        assert out.getvalue() == ""
        monkeypatch.setattr(time, "monotonic", lambda: float("inf"))
        drawn.show([*LINES, progress.ProgressLine("threads", 0.0, "")])
    assert out.getvalue().splitlines() == [
        "...   explore base: 1,000 states, depth 4",
        f"...   stateful: {'x' * 100}",
        "...   threads: begins",
    ]


def test_nothing_is_drawn_or_noted_for_who_wants_quiet() -> None:
    out = Screen()
    with progress.ProgressDisplay(QUIET, out) as drawn:
        drawn.show(LINES)
        drawn.note("passed")
    assert out.getvalue() == ""


@pytest.mark.parametrize(("width", "rows"), [(60, 6), (200, 2)])
def test_the_table_fits_its_columns(width: int, rows: int) -> None:
    out = Console(file=io.StringIO(), width=width, color_system=None)
    out.print(report.table(ROWS))
    assert isinstance(out.file, io.StringIO)
    lines = out.file.getvalue().splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= width
    assert [line.split()[1:3] for line in lines[3:4]] == [["explore", "base"]]
    assert sum(line.startswith("│") for line in lines) == rows


def test_an_interrupted_run_prints_the_table_of_what_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_given: object) -> list[Done]:
        raise runner.JobsInterrupted(signal.SIGTERM, ROWS[1:])

    monkeypatch.setattr(runner, "run", interrupted)
    verdicts = Verdicts("a test")
    asked = argparse.Namespace(loud=QUIET, verdicts=verdicts)
    with pytest.raises(Interrupted):
        report.run([each.job for each in ROWS], asked, Console(width=80))
    out = capsys.readouterr().out
    assert "│ stateful │ FAILED │" in out
    assert out.endswith("1 of 2 checks were made\n")
    assert [each.name for each in verdicts.checks] == ["stateful"]
