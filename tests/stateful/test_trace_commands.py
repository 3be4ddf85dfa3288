"""Recording a trace of free-running threads and judging it, from the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stateful.command import main
from stateful.jobs.runner import JobResult
from stateful.stress import checks, free_threads
from stateful.stress.free_threads import ThreadsAccount
from tests.refused import wrong_call
from zram_impl import WritebackResult


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_threads, "PAGES", 600)
    monkeypatch.setattr(free_threads, "BLOCKS", 400)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traces") / "trace.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(free_threads, "PAGES", 600)
        patch.setattr(free_threads, "BLOCKS", 400)
        assert main(["trace-record", str(path), "--seconds", "0.5"]) == 0
    return path


def test_what_was_recorded_is_a_behaviour_of_the_specification(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace-check", str(recorded)]) == 0
    said = capsys.readouterr().out
    events = len(recorded.read_text(encoding="utf-8").splitlines()) - 2
    assert said.startswith(f"{events:,} events of ")
    assert "a behaviour of the specification\ncompared with the end; " in said
    kinds = {json.loads(line).get("does") for line in recorded.read_text(encoding="utf-8").splitlines()}
    assert kinds >= {"device_ok", "endio_queue", "endio_leave", "reap", "read_begin", "read_end", "store_limit", "skip"}
    assert kinds >= {"recompress", "recompress_in_vain", "mark_idle"}


def test_an_event_that_is_lost_is_found(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = recorded.read_text(encoding="utf-8").splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if '"does": "reap"' in line)
    (tmp_path / "trace.jsonl").write_text("".join(lines[:at] + lines[at + 1 :]), encoding="utf-8")
    assert main(["trace-check", str(tmp_path / "trace.jsonl")]) == 1
    assert f"trace.jsonl, line {at + 1}: the events have no order: version " in capsys.readouterr().out


def test_a_block_that_leaked_is_found(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = recorded.read_text(encoding="utf-8").splitlines()
    end = json.loads(lines[-1])
    end["end"]["used"] = sorted({*end["end"]["used"], 5})  # it can never be written, so it is nobody's
    (tmp_path / "trace.jsonl").write_text("\n".join([*lines[:-1], json.dumps(end)]), encoding="utf-8")
    assert main(["trace-check", str(tmp_path / "trace.jsonl")]) == 1
    assert "blk 5 is in use, and nobody owns it" in capsys.readouterr().out


def test_what_is_no_trace_is_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nothing.jsonl"
    assert main(["trace-check", str(path)]) == 2
    path.write_text("7\n", encoding="utf-8")
    assert main(["trace-check", str(path)]) == 2
    path.write_bytes(b"\xff\xfe")
    assert main(["trace-check", str(path)]) == 2
    assert main(["trace-record", str(tmp_path / "no" / "where")]) == 2
    out, said = capsys.readouterr()
    assert not out
    assert f"error: {path}: No such file or directory\n" in said
    assert "line 1: expected a JSON object, found 7" in said


@pytest.mark.parametrize("seconds", ["0", "-1", "inf", "nan", "soon"])
def test_a_malformed_time_is_refused(tmp_path: Path, seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = wrong_call(capsys, main, ["trace-record", str(tmp_path / "t"), "--seconds", seconds])
    assert "must be a time above 0, got" in said
    assert not list(tmp_path.iterdir())


def test_what_goes_wrong_while_recording_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account = ThreadsAccount(1.0, 2, WritebackResult(), 0, 0, 0, ("page 3 is still claimed",), 17)
    monkeypatch.setattr(free_threads, "run", lambda *_args, **_more: account)
    assert main(["trace-record", str(tmp_path / "t")]) == 1
    said = capsys.readouterr().out
    assert "FAILED: page 3 is still claimed" in said
    assert "17 events of 2 passes" in said


ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
"""Seconds after which what does not happen never will."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("before", [None, "what was there before"])
def test_a_recording_that_is_stopped_leaves_nothing(tmp_path: Path, number: signal.Signals, before: str | None) -> None:
    """Ctrl-C left the beginning of a trace, which was then taken for a finding.

    The file was written where it was to be, and only ended by what the interrupt skipped.
    """
    path = tmp_path / "trace.jsonl"
    if before is not None:
        path.write_text(before, encoding="utf-8")
    command = [sys.executable, "-m", "stateful", "trace-record", str(path), "--seconds", "60"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        until = time.monotonic() + PATIENCE
        while not (aside := [each for each in tmp_path.iterdir() if each != path]) or not aside[0].stat().st_size:
            if child.poll() is not None or time.monotonic() > until:
                child.kill()
                pytest.fail("nothing is written aside")
            time.sleep(0.01)
        time.sleep(0.2)
        child.send_signal(number)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (128 + number, "", "interrupted\n")
    left = {each.name: each.read_text(encoding="utf-8") for each in tmp_path.iterdir()}
    assert left == ({} if before is None else {path.name: before})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_during_the_imports_ends_the_command(tmp_path: Path, number: signal.Signals) -> None:
    """While modules are imported, when nothing that could take note of a signal is there yet."""
    command = [sys.executable, "-X", "importtime", "-m", "stateful", "trace-record", str(tmp_path / "trace.jsonl")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        while "argparse" not in child.stderr.readline():
            assert child.poll() is None
        child.send_signal(number)
        child.communicate(timeout=60)
    assert (child.returncode, os.listdir(tmp_path)) == (128 + number, [])


def test_the_job_records_and_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "TRACE_SECONDS", 0.3)
    verdict = checks.trace(lambda _text: None)
    assert isinstance(verdict, JobResult)
    assert (verdict.good, verdict.details) == (True, "")
    assert " are a behaviour of the specification; " in verdict.what
