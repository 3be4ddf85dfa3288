"""Planted lies: every kind changes something, and what a pass reports cannot be changed unnoticed."""

from pathlib import Path

import pytest

from stateful.command import main
from stateful.traces.driver.convert import convert
from stateful.traces.driver.raw import open_text, read_raw
from tests.kernel import lies
from tests.kernel.command import main as kernel
from tests.kernel.lies import PROTOCOL, is_found, measure

GATE = Path(__file__).resolve().parents[1] / "data" / "kernel-judge" / "gate.ktrace.xz"


@pytest.fixture(scope="module")
def lines() -> list[lies.Step]:
    return convert(read_raw(open_text(GATE))).lines


def test_truth_is_accepted(lines: list[lies.Step]) -> None:
    assert not is_found(lines)


def test_lies_about_the_protocol_are_found(lines: list[lies.Step]) -> None:
    shares = {share.kind: share for share in measure(lines, 3)}
    protocol = {f"{name} dropped" for name in PROTOCOL} | {kind for kind in shares if "protocol" in kind}
    assert len(protocol) == 16
    assert {kind for kind in protocol if shares[kind].found < shares[kind].planted} == set()
    assert sum(shares[kind].planted for kind in protocol) >= 40
    assert shares["committed and lost exchanged"].found == 3


def test_every_kind_of_lie_changes_the_trace(lines: list[lies.Step]) -> None:
    planted = {share.kind: share.planted for share in measure(lines, 3)}
    absent = {"device_error dropped", "drop dropped", "read_begin dropped"}
    assert {kind for kind, count in planted.items() if not count} <= absent


def test_command_prints_a_share_for_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert kernel(["lies", "--each", "1", str(GATE)]) == 0
    said = capsys.readouterr().out
    assert "reap dropped                                   1 of     1  100%" in said
    assert "device_error dropped                       nothing to change" in said


def test_workload_that_does_not_exist_is_refused(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert kernel(["trace", str(tmp_path), "huge"]) == 2
    assert "error: W must be small, large or one of plain1, " in capfd.readouterr().err
    assert main(["kernel-judge", "--workloads", "huge", "--out", str(tmp_path)]) == 2
