"""How fast verification is: which figures there are, never how good."""

import pytest

from stateful.schedules import throughput


def test_each_kind_of_verification_has_a_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "RUNS", 1)
    monkeypatch.setattr(throughput, "MACHINE_SECONDS", 0.02)
    monkeypatch.setattr(throughput, "TRACE_SECONDS", 0.05)
    lines = [speed.line for speed in throughput.speeds()]
    assert [line.split()[1] for line in lines] == ["points"] * 4 + ["states", "steps", "events"]
    assert all(float(line.split()[0].replace(",", "")) > 0 for line in lines)
    assert all(" a second: " in line for line in lines)
