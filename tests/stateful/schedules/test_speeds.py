"""Speed of verification: which figures there are, never how good."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stateful.lockstep.machine import BudgetMachine
from stateful.schedules import throughput
from stateful.stress import free_threads
from tests.stateful.traces.small_traces import record
from zram_impl import WritebackResult


def test_each_kind_of_verification_has_a_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_seconds: float, _report: Callable[[str], None], trace: Path) -> free_threads.ThreadsAccount:
        trace.write_text(record())
        return free_threads.ThreadsAccount(0.0, 1, WritebackResult(), 0, 0, 0, (), events=10)

    monkeypatch.setattr(free_threads, "run", run)
    monkeypatch.setattr(throughput, "RUNS", 1)
    monkeypatch.setattr(throughput, "MACHINES", [BudgetMachine])
    monkeypatch.setattr(throughput, "MACHINE_SECONDS", 0.02)
    lines = [speed.line for speed in throughput.speeds()]
    assert [line.split()[1] for line in lines] == ["points"] * 4 + ["states", "steps", "events"]
    assert all(float(line.split()[0].replace(",", "")) > 0 for line in lines)
    assert all(" a second: " in line for line in lines)
