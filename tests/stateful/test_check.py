"""`python -m stateful`: what it checks, its exit codes, and Ctrl-C at any moment."""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from spec.outputs.verdicts import Verdicts
from spec.processes.progress import PLAIN
from stateful import check, command
from stateful.bugs import by_machine, checks, seeded
from stateful.jobs import explored
from stateful.jobs import report as outcome
from stateful.jobs.runner import Job, JobResult
from stateful.lockstep import checks as of_lockstep
from stateful.lockstep.machine import BudgetMachine
from stateful.lockstep.run_machine import run_machine
from stateful.stress import checks as of_stress
from stateful.stress import free_threads
from tests.stateful.jobs import trial_jobs
from zram_impl import WritebackResult

PATIENCE = 20.0
"""Seconds after which what does not happen never will."""
LOOK = 0.01
"""Seconds between two looks at whether it happened."""


def silent(_text: str) -> None:
    """Report nothing."""


def stateful(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "stateful", *arguments], capture_output=True, text=True, check=False)


# --- exit codes ----------------------------------------------------------------------------------------------------


def test_a_token_is_played_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["replay", "1cqb4h084"]) == 0
    assert capsys.readouterr().out.endswith("verdict  passed\n")


def test_a_token_fails_with_its_bug_seeded(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["replay", "--variant", "check_then_act", "1cqb4ba2109z"]) == 1
    assert "verdict  FAILED a_written_back_block_holds_the_page" in capsys.readouterr().out


def run(*jobs: Job, worth_seeing: Sequence[str] = ()) -> tuple[int, Verdicts]:
    asked = argparse.Namespace(verdicts=Verdicts("test"), loud=PLAIN)
    return outcome.run(jobs, asked, Console(), worth_seeing), asked.verdicts


def test_a_run_passes_when_every_job_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    code, verdicts = run(Job("good", trial_jobs.good))
    assert (code, verdicts.word) == (0, "passed")
    text = capsys.readouterr().out
    assert text.endswith("passed\n")
    assert "in full" not in text


def test_what_is_worth_seeing_is_shown_when_passed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Job("good", trial_jobs.good), worth_seeing=["good"])[0] == 0
    assert "\ngood: in full\n" in capsys.readouterr().out


def test_one_failed_job_fails_the_run_and_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    code, verdicts = run(Job("good", trial_jobs.good), Job("bad", trial_jobs.wrong))
    assert code == 1
    assert [(check.name, check.verdict) for check in verdicts.checks] == [("good", "passed"), ("bad", "failed")]
    (finding,) = verdicts.checks[1].findings
    assert (finding.rule, finding.sentence, finding.details) == ("bad", "one difference", "which one")
    assert finding.place is not None
    assert finding.place.path == "tests/stateful/jobs/trial_jobs.py"
    text = capsys.readouterr().out
    assert text.endswith("FAILED: bad\n")
    assert "\nbad: which one\n" in text


def test_bugs_by_name_are_caught_and_shown() -> None:
    done = stateful("bugs", "leak_on_error", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert "· device_error(0) · endio_queue(0) · endio_leave(0) · reap(0)\n" in done.stdout
    assert "    breaks every_block_has_one_owner\n" in done.stdout


def test_help_says_what_the_exit_codes_mean() -> None:
    done = stateful("--help")
    assert done.returncode == 0
    assert "130, 143, 129: interrupted" in " ".join(done.stdout.split())


# --- Ctrl-C --------------------------------------------------------------------------------------------------------


def importing(process: subprocess.Popen[str], _folder: Path) -> bool:
    """Wait until the interpreter says that it has imported rich's console: most of the rest is still to come."""
    assert process.stderr is not None
    return any("rich.console" in line for line in process.stderr)


def beginning(_process: subprocess.Popen[str], folder: Path) -> bool:
    """Return whether the folder of the jobs has just been made."""
    return any(folder.glob("zram-*/zram-tasks-*"))


def spawning(process: subprocess.Popen[str], _folder: Path) -> bool:
    """Return whether a child is just starting."""
    return len(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()) > 0


def working(_process: subprocess.Popen[str], folder: Path) -> bool:
    """Return whether a job has a file of its own."""
    return any(folder.glob("zram-*/zram-tasks-*/*"))


@pytest.mark.parametrize("moment", [importing, beginning, spawning, working], ids=lambda moment: moment.__name__)
@pytest.mark.parametrize("signals", [["INT"], ["INT", "INT"], ["TERM"], ["HUP"]], ids="-".join)
def test_an_interrupt_ends_it_at_once_and_leaves_nothing(
    tmp_path: Path, moment: Callable[[subprocess.Popen[str], Path], bool], signals: list[str]
) -> None:
    until = time.monotonic() + PATIENCE
    with subprocess.Popen(
        [sys.executable, *["-X", "importtime"] * (moment is importing), "-m", "stateful", "check"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        while not moment(process, tmp_path):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(LOOK)
        interrupted = time.monotonic()
        for name in signals:
            os.killpg(process.pid, signal.Signals[f"SIG{name}"])
        _out, err = process.communicate(timeout=PATIENCE)
    number = signal.Signals[f"SIG{signals[0]}"]
    assert (process.returncode, err.splitlines()[-1]) == (128 + number, "interrupted"), err
    assert time.monotonic() - interrupted < 3.0
    assert list(tmp_path.iterdir()) == []
    while group_is_alive(process.pid):
        assert time.monotonic() < until
        time.sleep(LOOK)


def group_is_alive(group: int) -> bool:
    """Return whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# --- what is checked -----------------------------------------------------------------------------------------------


def test_check_has_a_job_for_every_layer() -> None:
    names = [job.name for job in check.JOBS]
    assert {f"explore {scope}" for scope in ("base", "readers", "limits", "flags", "kept")} <= set(names)
    assert {"stateful", "threads", "recordings", "metamorphic", "equivalence", *check.WORTH_SEEING} <= set(names)


def test_a_walk_is_judged_by_its_counts() -> None:
    reported: list[str] = []
    judged = explored.explore("flags", reported.append)
    assert (judged.good, judged.details, "states, depth" in reported[-1]) == (True, "", True)
    assert judged.what.endswith("properties")


def test_machines_that_find_nothing_are_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_lockstep, "MACHINE_SECONDS", 0.1)
    monkeypatch.setattr(of_lockstep, "MACHINES", (BudgetMachine,))
    reported: list[str] = []
    judged = of_lockstep.stateful(reported.append)
    assert (judged.good, "BudgetMachine: " in reported[0]) == (True, True)


def test_a_machine_that_finds_something_says_which_and_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_lockstep, "run_machine", partial(run_machine, shrink=False))
    with seeded.by_name("early_release").applied():
        judged = of_lockstep.stateful(silent)
    assert not judged.good
    assert judged.what.startswith("WritebackMachine: ")
    assert "· reap(" in judged.details


@pytest.mark.parametrize(("problems", "good"), [((), True), (("page 3 is still claimed",), False)])
def test_the_account_of_real_threads_is_the_verdict(
    monkeypatch: pytest.MonkeyPatch, problems: tuple[str, ...], *, good: bool
) -> None:
    account = free_threads.ThreadsAccount(6.0, 3, WritebackResult(written=1000, lost=2), 40, 50, 6000, problems)
    monkeypatch.setattr(free_threads, "run", lambda _seconds, _report: account)
    what = (
        "3 passes wrote 1,000 pages (2 lost in flight) during 40 writes and 50 reads, all verified, and "
        "6,000 operations on shared pages, each page's in some order"
    )
    assert of_stress.real_threads(silent) == JobResult(good, what, "\n".join(problems))


def test_a_missed_bug_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = by_machine.judge
    monkeypatch.setattr(by_machine, "judge", lambda name, report: judge(name, report=report)._replace(wrong="missed"))
    monkeypatch.setattr(checks, "MACHINE_NAMES", ("leak_on_error", "early_release"))
    judged = checks.every_machine_bug(silent)
    assert (judged.good, judged.what) == (False, "0 of 2 bugs caught, each by the search, retraced, and by the machine")
    assert "leak_on_error: missed\n" in judged.details
