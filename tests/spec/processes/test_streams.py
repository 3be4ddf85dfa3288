"""Standard streams that are closed, full, or read by nobody: results arrive, or a line and an exit code say no."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spec.processes import entry
from spec.processes.streams import NoteStream, ResultStream, open_streams

PRINTS = """
import sys
def main():
    print("notes", file=sys.stderr)
    print("results" * {times})
    return 7
"""
HELPS = """
import argparse
def main():
    argparse.ArgumentParser(prog="talks").parse_args(["--help"])
"""
HIDES = """
import sys
def main():
    try:
        print("results" * 10_000)
        sys.stdout.flush()
    except OSError:
        return 7
"""
READS = """
import sys
def main():
    try:
        sys.stdin.read()
    except OSError as error:
        return error.errno
"""
OPENS = """
def main():
    with open(__file__) as file:
        return 7 if file.fileno() > 2 else 1
"""
FULL = "error: standard output: No space left on device; send it elsewhere\n"
CLOSED = "error: standard output: Bad file descriptor; send it elsewhere\n"


def run(tmp_path: Path, source: str, how: str, *options: str) -> tuple[int, str, str]:
    """Run a command with streams as a shell makes them; return its exit code and what was printed."""
    package = tmp_path / "talks"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "command.py").write_text(source, encoding="utf-8")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    program += 'from spec.processes.entry import run; run("talks.command")'
    shell = ["bash", "-c", f'"$@" {how}; exit ${{PIPESTATUS[0]}}', "bash", sys.executable, *options, "-c", program]
    # What is written at once by the environment's wish is no test of what is buffered.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(shell, cwd=entry.ROOT, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


SHORT, LONG = PRINTS.format(times=1), PRINTS.format(times=20_000)


@pytest.mark.parametrize("options", [[], ["-u"]], ids=["buffered", "at once"])
@pytest.mark.parametrize(
    ("source", "how", "code", "err"),
    [
        (SHORT, ">/dev/full", 2, f"notes\n{FULL}"),
        (LONG, ">/dev/full", 2, f"notes\n{FULL}"),
        (HELPS, ">/dev/full", 2, FULL),
        (HIDES, ">/dev/full", 2, FULL),
        (SHORT, ">&-", 2, f"notes\n{CLOSED}"),
        (LONG, "| true", 141, "notes\n"),
        (SHORT, ">/dev/full 2>&1", 2, ""),
        (SHORT, ">&- 2>&-", 2, ""),
        (SHORT, "<&- >&- 2>&-", 2, ""),
        (OPENS, "<&- >&- 2>&-", 7, ""),
    ],
)
def test_results_that_do_not_arrive_are_no_success(
    source: str, how: str, code: int, err: str, options: list[str], tmp_path: Path
) -> None:
    """A full disk or a closed stdout was a traceback and exit code 120, or 1, which means a finding."""
    assert run(tmp_path, source, how, *options) == (code, "", err)


@pytest.mark.parametrize("how", ["2>/dev/full", "2>&-", "2> >(true)"])
def test_notes_that_nobody_can_read_change_nothing(how: str, tmp_path: Path) -> None:
    assert run(tmp_path, SHORT, how) == (7, "results\n", "")


def test_a_stdin_that_is_closed_cannot_be_read(tmp_path: Path) -> None:
    assert run(tmp_path, READS, "<&-") == (9, "", "")


def test_results_that_are_refused_are_known_and_notes_are_lost() -> None:
    with ResultStream("/dev/full", "w") as results, NoteStream("/dev/full", "w") as notes:
        with pytest.raises(OSError, match="No space left"):
            results.write(b"results")
        assert results.refused is not None
        assert (results.refused.errno, notes.write(b"notes")) == (errno.ENOSPC, 5)
        results.give_up()
        assert results.write(b"what follows") == 12


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("early", ["line_buffering", "write_through"])
def test_streams_that_are_the_processs_own_are_replaced(own: bool, early: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = io.TextIOWrapper(
        io.BytesIO(), "latin-1", "ignore",
        line_buffering=early == "line_buffering", write_through=early == "write_through",
    )  # fmt: skip
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", before)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "__stdout__", before if own else None)
    monkeypatch.setattr(sys, "__stderr__", None if own else before)
    results = open_streams()
    assert sys.stdin.fileno() == 0
    if not own:
        assert (sys.stdout, sys.stderr) == (before, None)
        return
    out, err = sys.stdout, sys.stderr
    assert isinstance(out, io.TextIOWrapper)
    assert isinstance(err, io.TextIOWrapper)
    assert (out.buffer.raw, out.encoding, out.errors, out.line_buffering) == (results, "latin-1", "ignore", True)
    assert (type(err.buffer.raw), err.encoding) == (NoteStream, "utf-8")
