"""A sample of what `trial` does: killed commands leave no process and no file; a program that leaves some is found."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spec.processes.interrupts import SIGNALS
from tests.stateful.ending import trial
from tests.stateful.ending.trial import Kill, problems

SAMPLE = [
    Kill("stateful bugs", signal.SIGHUP, 1.5, whole_group=True),
    Kill("stateful fuzz --minutes 1 --seed 1 --out findings", signal.SIGTERM, 3.0, whole_group=False),
    Kill("stateful metamorphic --programs 1000000", signal.SIGHUP, 1.5, whole_group=False),
    Kill("spec.explore", signal.SIGTERM, 1.5, whole_group=True),
    Kill("spec.mutate", signal.SIGHUP, 1.5, whole_group=False),
    Kill("zram_impl demo", signal.SIGTERM, 0.6, whole_group=False),
]

UNTIDY = """
import os, signal, subprocess, sys, tempfile, time
from pathlib import Path

def main():
    tempfile.mkdtemp()
    if sys.argv[1] == "child":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0)
    if sys.argv[1] == "file":
        Path("left").touch()
    if sys.argv[1] == "lost":
        class Late:
            def __del__(self):
                os.kill(os.getpid(), int(sys.argv[2]))
                time.sleep(0.1)
        Late()
    time.sleep(60)
"""


@pytest.mark.parametrize("kill", SAMPLE, ids=lambda kill: kill.label)
def test_a_killed_command_leaves_nothing(kill: Kill) -> None:
    assert problems(kill) == []


@pytest.fixture
def untidy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that leaves what it is asked to."""
    package = tmp_path / "untidy"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "command.py").write_text(UNTIDY, encoding="utf-8")
    main = 'from spec.processes.entry import run\n\nrun("untidy.command")\n'
    (package / "__main__.py").write_text(main, encoding="utf-8")
    monkeypatch.setattr(trial, "ROOT", os.pathsep.join(map(str, (trial.ROOT, tmp_path))))


@pytest.mark.parametrize(("what", "found"), [("child", "left running: "), ("file", "left in its folder: left")])
@pytest.mark.usefixtures("untidy")
def test_what_a_killed_program_leaves_is_found(what: str, found: str) -> None:
    [text] = problems(Kill(f"untidy {what}", signal.SIGTERM, 1.0, whole_group=False))
    assert text.startswith(found)


@pytest.mark.parametrize("command", ["stateful schedules nowhere", "stateful trace-check nowhere.jsonl"])
def test_a_command_that_does_not_work_is_found(command: str) -> None:
    """One that failed at once, because of a path that was too long, counted as killed without a trace."""
    [text] = problems(Kill(command, signal.SIGTERM, 10.0, whole_group=False))
    assert text.startswith("could not do its work: ")


def test_an_answer_that_is_too_early_is_found() -> None:
    """A search that was killed ended with exit code 1, which was taken for what it had found by then."""
    answers = trial.Answers()
    early, short = (
        Kill("long", signal.SIGHUP, 0.6, whole_group=True),
        Kill("short", signal.SIGHUP, 0.6, whole_group=True),
    )
    answers.note(early, 1)
    answers.note(short, 1)
    answers.note(early._replace(seconds=6.0), 129)
    answers.note(short._replace(seconds=1.5), 129)
    assert answers.wrong() == [f"{early.label}: exit code 1, and it runs for 6 s and more"]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.usefixtures("untidy")
def test_an_interrupt_that_is_lost_is_raised_again(number: signal.Signals, tmp_path: Path) -> None:
    """A walk ran on after Ctrl-C, with a traceback on stderr.

    The signal arrived in a callback of the garbage collector, where an exception is printed and dropped.
    """
    command = [sys.executable, "-m", "untidy", "lost", str(int(number))]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(trial.ROOT), "TMPDIR": str(temporary)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "interrupted\n")
    assert list(temporary.iterdir()) == []
