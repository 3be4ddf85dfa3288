"""A campaign on Dask: the same findings, whichever worker is killed, and after the scheduler was."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stateful import command
from tests.stateful.campaign.inline import InlineEngine, campaign
from tests.stateful.campaign.processes import BUG, ROOT, SEEDS, arguments, children, journal, seeds_of, wait_until

there = importlib.util.find_spec("distributed") is not None
needs_dask = pytest.mark.skipif(not there, reason="the extra campaign (Dask) is not installed")


@pytest.mark.skipif(there, reason="the extra campaign (Dask) is installed")
def test_without_dask_the_extra_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["campaign", str(tmp_path / "c"), "--engine", "dask"]) == 2
    assert re.fullmatch(
        r"error: there is no module \w+: install the extra campaign, or use --engine local\n", capsys.readouterr().err
    )


def begin(line: list[str], place: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", *line], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    wait_until(lambda: bool(journal(place)) or process.poll() is not None)
    return process


@needs_dask
def test_a_killed_dask_worker_changes_no_finding(tmp_path: Path) -> None:
    expected, place = tmp_path / "expected", tmp_path / "c"
    campaign(expected, InlineEngine(), SEEDS, BUG)
    process = begin(["stateful", *arguments(place, "--engine", "dask")], place)
    victims = [
        number
        for number in every_child(process.pid)
        if any(b"spec.processes.child" in command_line(each) for each in children(number))
    ]
    os.kill(victims[0], signal.SIGKILL)
    out, _ = process.communicate(timeout=90)
    assert process.returncode == 1, out
    assert "dashboard: http://127.0.0.1:" in out
    assert seeds_of(place) == seeds_of(expected)


@needs_dask
def test_a_campaign_resumes_after_its_scheduler_was_killed(tmp_path: Path) -> None:
    expected, place = tmp_path / "expected", tmp_path / "c"
    campaign(expected, InlineEngine(), SEEDS, BUG)
    scheduler, address = a_scheduler()
    workers: list[subprocess.Popen[bytes]] = [
        subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        process = begin(["stateful", *arguments(place, "--engine", "dask", "--scheduler", address)], place)
        kept = journal(place)
        scheduler.kill()
        out, _ = process.communicate(timeout=90)
        assert process.returncode == 2, out
        assert "is gone; the same command resumes the campaign" in out
    finally:
        for each in workers:
            each.kill()
            each.wait()
        scheduler.kill()
        scheduler.wait()
        if scheduler.stderr is not None:
            scheduler.stderr.close()
    done = subprocess.run(
        [sys.executable, "-m", "stateful", *arguments(place)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert journal(place)[: len(kept)] == kept
    assert seeds_of(place) == seeds_of(expected)


def a_scheduler() -> tuple["subprocess.Popen[str]", str]:
    """Begin a scheduler on a port of its own; return it and its address."""
    line = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    process = subprocess.Popen([sys.executable, "-m", *line], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for text in process.stderr:
        found = re.search(r"Scheduler at: *(tcp://\S+)", text)
        if found is not None:
            return process, found[1]
    raise AssertionError("the scheduler says no address")


def every_child(parent: int) -> list[int]:
    """Return the processes that descend from one."""
    found = list[int]()
    for number in children(parent):
        found += [number, *every_child(number)]
    return found


def command_line(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
