"""Jobs in processes of their own: however one ends, its result is reported and nothing of it is left."""

import io
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from spec.processes.runner import STOP_SECONDS
from stateful.jobs import progress, report, runner
from stateful.jobs.runner import Done, Job, JobResult
from tests.stateful.jobs import trial_jobs


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go; when the test is over, none is left, and no process either."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.getsignal(signal.SIGINT), set(threading.enumerate())
    yield tmp_path
    assert (list(tmp_path.iterdir()), multiprocessing.active_children()) == ([], [])
    assert (signal.getsignal(signal.SIGINT), set(threading.enumerate())) == before


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=80, force_terminal=terminal, force_interactive=terminal, color_system=None)


def printed(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def verdicts(done: list[Done]) -> list[tuple[str, JobResult]]:
    return [(each.job.name, each.verdict._replace(details="")) for each in done]


def test_every_job_has_its_verdict_in_the_order_of_the_list(scratch: Path) -> None:
    out = console()
    todo = [
        Job(each.__name__, each)
        for each in (
            trial_jobs.leaving, trial_jobs.good, trial_jobs.wrong, trial_jobs.crashing, trial_jobs.dying,
            trial_jobs.with_a_thread_that_stays,
        )
    ]  # fmt: skip
    done = runner.run(todo, out)
    assert verdicts(done) == [
        ("leaving", JobResult(good=False, what="died with exit code 7")),
        ("good", JobResult(good=True, what="[red]all[/x] is well")),
        ("wrong", JobResult(good=False, what="one difference")),
        ("crashing", JobResult(good=False, what="crashed: LookupError: no [such] thing")),
        ("dying", JobResult(good=False, what=f"died with exit code {-signal.SIGKILL}")),
        ("with_a_thread_that_stays", JobResult(good=True, what="but for a thread")),
    ]
    assert "raise LookupError" in done[3].verdict.details
    assert {"passed good: [red]all[/x] is well", "FAILED wrong: one difference"} <= set(printed(out).splitlines())
    assert scratch.exists()


@pytest.mark.parametrize("terminal", [False, True], ids=["off a terminal", "on a terminal"])
@pytest.mark.parametrize("job", [trial_jobs.working, trial_jobs.hanging], ids=["working", "hanging"])
def test_an_interrupt_stops_the_jobs_soon_and_leaves_nothing(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, job: object, *, terminal: bool
) -> None:
    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    assert callable(job)
    todo = [Job(f"{number} [red]", job) for number in range(3)]
    sent: list[float] = []

    def interrupt_once_both_run(each: object) -> None:
        del each
        if not sent and len(list(scratch.glob("*/*"))) == 2:
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(progress.ProgressDisplay, "show", watching(interrupt_once_both_run))
    with pytest.raises(KeyboardInterrupt):
        runner.run(todo, console(terminal=terminal))
    assert time.perf_counter() - sent[0] < STOP_SECONDS + 1.0
    ended = list(scratch.glob("ended-*"))
    assert len(ended) == (2 if job is trial_jobs.working else 0)
    for each in ended:
        each.unlink()


def watching(also: object) -> object:
    show = progress.ProgressDisplay.show

    def watched(self: progress.ProgressDisplay, lines: Iterator[progress.ProgressLine]) -> None:
        show(self, lines)
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

TAKEN_OFF = "\x1b[1A\x1b[2K"
"""One line up, and erased."""
LINES = [
    progress.ProgressLine("explore base", 3.2, "1,000 states, depth 4"),
    progress.ProgressLine("stateful", 12.0, "x" * 100),
]
ROWS = [
    Done(Job("explore base", trial_jobs.good), JobResult(good=True, what="157,719 states and [brackets]"), 19.96),
    Done(Job("stateful", trial_jobs.wrong), JobResult(good=False, what="a word " * 12), 8.0),
]


def test_on_a_terminal_the_lines_fit_and_are_taken_off_again() -> None:
    out = console(terminal=True)
    with progress.ProgressDisplay(out) as drawn:
        drawn.show(LINES)
        text = printed(out)
        progress.say(out, "passed explore base: 157,719 states")
    assert "explore base   3 s  1,000 states, depth 4" in text
    assert f"stateful      12 s  {'x' * 59}…" in text
    assert printed(out).count(TAKEN_OFF) >= 2


def test_off_a_terminal_a_line_is_printed_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    out = console()
    with progress.ProgressDisplay(out) as drawn:
        drawn.show(LINES)
        assert printed(out) == ""
        monkeypatch.setattr(time, "monotonic", lambda: float("inf"))
        drawn.show([*LINES, progress.ProgressLine("threads", 0.0, "")])
    assert printed(out).splitlines() == [
        "...   explore base: 1,000 states, depth 4",
        f"...   stateful: {'x' * 100}",
        "...   threads: begins",
    ]


def test_the_table_fits_into_eighty_columns() -> None:
    out = console()
    out.print(report.table(ROWS))
    lines = printed(out).splitlines()
    assert lines[3:6] == [
        "│ explore base │ passed │ 157,719 states and [brackets]              │    20.0 │",
        "│ stateful     │ FAILED │ a word a word a word a word a word a word  │     8.0 │",
        "│              │        │ a word a word a word a word a word a word  │         │",
    ]
    assert {len(line) for line in lines} == {80}
