"""Campaigns as commands in processes of their own: how they are begun, and what they have done."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from stateful.campaign.chunk import row_of

ROOT = Path(__file__).resolve().parents[3]
BUG = "leak_on_error"
SEEDS = 3
"""Two to a chunk."""


def arguments(place: Path, *more: str) -> list[str]:
    return ["campaign", str(place), "--seeds", str(SEEDS), "--source", "exhausted", "--bug", BUG, "--chunk", "2", *more]


def journal(place: Path) -> list[str]:
    try:
        return (place / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def begun(place: Path, *more: str) -> "subprocess.Popen[str]":
    """Begin a campaign, and return when it has done a seed."""
    line = [sys.executable, "-m", "stateful", *arguments(place, *more)]
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: bool(journal(place)) or process.poll() is not None)
    assert process.poll() is None
    return process


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)


def children(parent: int) -> list[int]:
    """Return the processes that any thread of one has begun."""
    found = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(each) for path in found for each in path.read_text(encoding="ascii").split()]


def seeds_of(place: Path) -> dict[int, tuple[int, object]]:
    rows = [row for row in map(row_of, journal(place)) if row is not None]
    assert len({row.seed for row in rows}) == len(rows), "nothing is counted twice"
    return {row.seed: (row.schedules, row.found) for row in rows}
