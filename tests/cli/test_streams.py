"""Standard output and error that are closed or full: a line and an exit code, and no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from zram_impl.cli import screen

ROOT = Path(__file__).resolve().parents[2]
FULL = "error: standard output: No space left on device; send it elsewhere\n"
CLOSED = "error: standard output: Bad file descriptor; send it elsewhere\n"


def run(how: str, scratch: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command with streams as a shell makes them; return its exit code and what was printed."""
    shell = ["bash", "-c", f'"$@" {how}; exit ${{PIPESTATUS[0]}}', "bash", sys.executable, "-m", "zram_impl"]
    done = subprocess.run([*shell, *arguments, "--backing", str(scratch)], cwd=ROOT, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(params=["", "1"], ids=["buffered", "at once"])
def _buffering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output as it is, and as it is with -u."""
    monkeypatch.setenv("PYTHONUNBUFFERED", request.param)


@pytest.mark.usefixtures("_buffering")
@pytest.mark.parametrize(
    ("how", "code", "err"),
    [
        (">/dev/full", 2, FULL),
        (">&-", 2, CLOSED),
        (">/dev/full 2>&1", 2, ""),
        ("<&- >&- 2>&-", 2, ""),
        ("| true", 141, ""),
    ],
)
def test_results_that_do_not_arrive_are_no_success(how: str, code: int, err: str, scratch: Path, tree: Path) -> None:
    """A full disk or a closed stdout was a traceback and exit code 120, or 1: a page that came back different."""
    assert run(how, scratch, "demo", str(tree), "--quiet") == (code, "", err)
    if "|" not in how:  # help is over before a reader that reads nothing has gone
        assert run(how, scratch, "demo", "--help") == (code, "", err)


@pytest.mark.parametrize("how", ["2>/dev/full", "2>&-", "2> >(true)"])
def test_progress_that_nobody_can_read_changes_nothing(how: str, scratch: Path, tree: Path) -> None:
    code, out, err = run(how, scratch, "demo", str(tree), "--verbose")
    assert (code, "ratio" in out, err) == (0, True, "")
    assert run(how, scratch, "demo", str(tree / "absent")) == (2, "", "")


def test_results_that_are_refused_are_errors_complaints_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", 1, encoding="utf-8") as at_once, open("/dev/full", "w", encoding="utf-8") as later:
        for out, print_it in ((at_once, screen.say), (later, screen.flush)):
            later.write("results")
            monkeypatch.setattr(sys, "stdout", out)
            with pytest.raises(screen.OutputError) as refused:
                print_it()
            assert "No space left" in str(refused.value.__cause__)
            screen.give_up(out)
        with open("/dev/full", "w", encoding="utf-8") as err:
            monkeypatch.setattr(sys, "stderr", err)
            screen.complain("a problem")


def test_streams_that_are_not_there_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    screen.open_streams()
    assert (sys.stdout.fileno(), sys.stderr.fileno()) == (1, 2)


def test_a_problem_is_printed_behind_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one file for both, too, however much of the results is in a buffer."""
    with open(tmp_path / "both", "a", encoding="utf-8") as out, open(tmp_path / "both", "a", encoding="utf-8") as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        screen.say("results")
        screen.complain("a problem")
    assert (tmp_path / "both").read_text() == "results\na problem\n"
