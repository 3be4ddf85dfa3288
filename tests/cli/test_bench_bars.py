"""The figures with bars beside others, with as little to measure as there can be: which there are, never how good."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.impl.doubles import HookedDevice
from tests.refused import wrong_call
from zram_impl.cli.bench import bars as bench_bars
from zram_impl.cli.bench import kernel_zram
from zram_impl.cli.bench.answers import AtOnce
from zram_impl.cli.bench.bars import GROUPS, BarsExtent, Group
from zram_impl.cli.bench.compact import compact_pauses
from zram_impl.cli.bench.figures import BenchRow
from zram_impl.cli.bench.kernel_zram import PIECE
from zram_impl.cli.bench.yardsticks import Yardstick
from zram_impl.cli.command import main
from zram_impl.cli.stop import Stop
from zram_impl.engine.request import Phase, WbReq
from zram_impl.runtime import ThreadRuntime

TINY = BarsExtent(pages=256, rounds=1, fio_seconds=0.2, compact_pages=1024, schedules=False, slots=(1024, 2048))


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Little to measure, no program but ours, and no kernel to ask."""
    monkeypatch.setattr(bench_bars, "QUICK", TINY)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(kernel_zram, "_CONTROL", tmp_path / "control")
    monkeypatch.setattr(kernel_zram, "_BLOCK", tmp_path / "block")


def rows(tmp_path: Path, scratch: Path, *groups: str) -> dict[str, tuple[float | None, float | None, str]]:
    """Measure groups, and return measured, bar and verdict of each figure."""
    target = tmp_path / "figures.json"
    main(["bench", "--quick", "--json", str(target), "--backing", str(scratch), "--bars", *groups])
    return {row["name"]: (row["measured"], row["bar"], row["verdict"]) for row in json.loads(target.read_text())}


@pytest.mark.parametrize(
    ("group", "bars"),
    [
        ("pages", [1.20, 1.15]),
        ("kernel", [0.95, 0.76, 1.00, 0.97]),
        ("fio", [0.45, 0.38, 0.55]),
        ("batches", [16, None, 12, 8, 30]),
        ("budget", [1.25, 0]),
        ("reading", [4.0, None, 8.0, None]),
        ("compact", [15]),
        ("growth", [None] * 5),
        ("schedules", [100_000]),
    ],
)
def test_each_group_has_its_bars(group: str, bars: list[float | None], tmp_path: Path, scratch: Path) -> None:
    found = rows(tmp_path, scratch, group)
    assert [bar for _measured, bar, _verdict in found.values()] == bars
    lacking = group in {"kernel", "fio", "schedules"}
    assert {verdict == "not measured" for _, _, verdict in found.values()} == {lacking}
    assert all((measured is None) == lacking for measured, _, _ in found.values())


def test_stores_are_compared_or_named(tmp_path: Path, scratch: Path) -> None:
    found = rows(tmp_path, scratch, "stores")
    assert len(found) == 8
    for name, (measured, _bar, verdict) in found.items():
        store = name.split()[2].rstrip(",")
        assert (verdict == "no bar") is (measured is not None) is (find_spec(store) is not None), name


def test_a_pass_meets_one_of_two_bars_or_misses_one(tmp_path: Path, scratch: Path) -> None:
    (_, share), (time, bar) = ((name, row[1]) for name, row in reversed(rows(tmp_path, scratch, "pass").items()))
    assert (share, bar) == (0.80, 1.25 if time.endswith("checksum") else 4.8)


def test_nothing_missed_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--quick", "--bars", "kernel"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4 figures, 0 FAILED"


def test_a_group_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "invalid choice: 'speed'" in wrong_call(capsys, main, ["bench", "--bars", "speed"])


def test_fio_that_is_there_is_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scratch: Path) -> None:
    @contextmanager
    def always(_directory: str | None, _stop: Stop) -> Iterator[object]:
        yield lambda name, _seconds: Yardstick(name, 1.0)

    monkeypatch.setattr(bench_bars, "fio", always)
    assert [(measured or 0) > 1 for measured, _, _ in rows(tmp_path, scratch, "fio").values()] == [True] * 3


@pytest.mark.parametrize(
    ("out", "measured"),
    [
        ("    1,000 points a second: alone\n   98,765 points a second: the scenarios, random\n", [1000.0, 98765.0]),
        ("error: something\n", [None]),
    ],
)
def test_the_speed_of_schedules_is_read_from_their_own_command(
    out: str, measured: list[float | None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scratch: Path
) -> None:
    commands: list[Sequence[str]] = []

    def answer(command: Sequence[str], _stop: Stop) -> subprocess.CompletedProcess[str]:
        commands.append(command[1:])
        return subprocess.CompletedProcess(command, 0, out, "")

    monkeypatch.setattr(bench_bars, "QUICK", TINY._replace(schedules=True))
    monkeypatch.setattr(bench_bars, "run_watched", answer)
    assert [row[0] for row in rows(tmp_path, scratch, "schedules").values()] == measured
    assert commands == [["-m", "stateful", "schedules", "--benchmark"]]


def test_a_device_of_the_kernel_is_added_and_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scratch: Path
) -> None:
    """The calls are those of a real one; what answers is a file."""
    control, attributes = tmp_path / "control", tmp_path / "block" / "zram7"
    control.mkdir()
    attributes.mkdir(parents=True)
    (control / "hot_add").write_text("7\n")
    (attributes / "dev").write_text("252:7\n")
    monkeypatch.setattr(kernel_zram, "_FLAGS", os.O_RDWR)
    monkeypatch.setattr(os, "mknod", lambda path, _mode, _number: Path(path).write_bytes(bytes(PIECE)))
    found = rows(tmp_path, scratch, "kernel")
    assert [verdict in {"passed", "FAILED"} for _, _, verdict in found.values()] == [True] * 4
    assert {each.name: each.read_text() for each in [*attributes.iterdir(), control / "hot_remove"]} == {
        "dev": "252:7\n", "comp_algorithm": "lz4", "disksize": str(PIECE), "hot_remove": "7",
    }  # fmt: skip


def test_what_answers_at_once_writes_nothing() -> None:
    device = HookedDevice(1)
    engine = AtOnce(device, ThreadRuntime())
    page = engine.buffer()
    assert page is not None
    request = WbReq(0, page)
    engine.submit([request])
    assert (engine.answered(wait=True), request.phase, request.error) == ([request], Phase.ANSWERED, 0)
    assert engine.answered() == []
    engine.release(page)
    engine.close()
    assert device.data == bytes(len(device.data))


def test_a_user_is_watched_while_pages_are_compacted() -> None:
    found = compact_pauses(2048, Stop())
    assert found.pages == 2048
    assert 0 < found.worst < found.seconds * 2
    assert found.calls > 0


def test_every_group_is_measured_when_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def measuring(name: str) -> Group:
        def none(*_: object) -> Iterator[BenchRow]:
            measured.append(name)
            return iter(())

        return none

    for name in GROUPS:
        monkeypatch.setitem(GROUPS, name, measuring(name))
    assert main(["bench", "--quick", "--bars"]) == 0
    assert measured == list(GROUPS)
