"""The benchmark, with as little to measure as there can be: what it prints and answers, never how fast it is."""

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.refused import raising
from zram_impl.cli.bench import figures as bench
from zram_impl.cli.bench import memory as bench_memory
from zram_impl.cli.bench.apart import CORPUS
from zram_impl.cli.bench.figures import BenchRow, Extent
from zram_impl.cli.bench.memory import memory
from zram_impl.cli.command import main
from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.pairing import paired
from zram_impl.cli.stop import Stop
from zram_impl.cli.throughput import throughput
from zram_impl.units import PAGE_SIZE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "QUICK", Extent(pages=256, rounds=1, passes=1, memory_pages=4096))


@pytest.mark.usefixtures("tiny")
def test_the_table_and_the_file_say_the_same(tmp_path: Path, scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    code = main(["bench", "--quick", "--json", str(figures), "--backing", str(scratch)])
    rows = json.loads(figures.read_text())
    shown = capsys.readouterr().out.splitlines()
    assert len(rows) == 9
    assert [line[: len(row["name"])] for line, row in zip(shown[2:], rows, strict=False)] == [r["name"] for r in rows]
    failed = sum(row["verdict"] == "FAILED" for row in rows)
    assert (code, shown[-1]) == (int(failed > 0), f"9 figures, {failed} FAILED")


@pytest.mark.usefixtures("tiny")
def test_an_unwritable_file_is_refused_before_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = str(tmp_path / "nowhere" / "figures.json")
    assert main(["bench", "--quick", "--json", target]) == 2
    assert capsys.readouterr() == ("", f"error: {target}: No such file or directory (errno 2)\n")


def test_an_unusable_folder_is_refused_before_measuring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "measure", lambda *_: pytest.fail("nothing may begin"))
    assert main(["bench", "--quick", "--backing", str(tmp_path / "nowhere")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_a_file_without_room_does_not_cost_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = raising(OSError, errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(bench, "measure", lambda *_: [BenchRow("a", 1.0, 1.5, True, "")])
    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(shutil, "copyfile", full)
    assert main(["bench", "--quick", "--json", str(tmp_path / "json")]) == 2
    out, err = capsys.readouterr()
    assert ("1 figures, 0 FAILED" in out, err) == (True, "error: No space left on device\n")
    assert not (tmp_path / "json").exists()


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (BenchRow("a", 1.2, 1.3, True, ""), "passed"),
        (BenchRow("a", 1.3, 1.3, True, ""), "passed"),
        (BenchRow("a", 1.4, 1.3, True, ""), "FAILED"),
        (BenchRow("a", 9.9, 10.0, False, ""), "FAILED"),
        (BenchRow("a", 10.0, 10.0, False, ""), "passed"),
        (BenchRow("a", 1.0, None, False, ""), "no bar"),
    ],
)
def test_a_bar_is_a_bound_that_may_be_reached(row: BenchRow, verdict: str) -> None:
    assert row.verdict == verdict


@pytest.mark.parametrize(("measured", "code"), [(1.0, 0), (2.0, 1)])
def test_a_missed_bar_is_the_exit_code(measured: float, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [BenchRow("a", measured, 1.5, True, "")]
    monkeypatch.setattr(bench, "measure", lambda extent, directory, stop: rows)
    assert main(["bench", "--quick"]) == code


def test_the_corpus_is_the_same_each_time_and_mixed() -> None:
    pages = mixed_pages(640)
    assert pages == mixed_pages(640)
    assert {len(page) for page in pages} == {PAGE_SIZE}
    assert len({id(page) for page in pages}) == 640
    assert sum(page[8:] == page[:-8] for page in pages) >= 100


def test_pairs_take_turns_and_the_first_round_does_not_count() -> None:
    calls: list[tuple[str, int]] = []

    def one(piece: int) -> float:
        calls.append(("one", piece))
        return 100.0 if len(calls) <= 4 else 2.0

    def other(piece: int) -> float:
        calls.append(("other", piece))
        return 3.0

    assert paired(one, other, pieces=2, rounds=2, stop=Stop()) == (2.0, 3.0, 1.5)
    assert calls[:4] == [("other", 0), ("one", 0), ("one", 1), ("other", 1)]
    assert calls[4:8] == [("one", 0), ("other", 0), ("other", 1), ("one", 1)]


def test_a_stop_ends_a_measurement() -> None:
    stop = Stop()
    stop.event.set()
    with pytest.raises(KeyboardInterrupt):
        paired(lambda _: 1.0, lambda _: 1.0, 1, 1, stop)
    with pytest.raises(KeyboardInterrupt):
        memory(4096, stop)


def test_the_throughput_of_a_single_page_can_be_measured(scratch: Path) -> None:
    pair = throughput([os.urandom(PAGE_SIZE)], 32, str(scratch), 1, Stop())
    assert (pair.pages, pair.rounds, pair.failed) == (1, 1, 0)


def test_ctrl_c_stops_at_once_and_leaves_nothing(tmp_path: Path, scratch: Path) -> None:
    command = [sys.executable, "-m", "zram_impl", "bench", "--backing", str(scratch), "--json", str(tmp_path / "json")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        while not (tmp_path / "json").exists():
            assert child.poll() is None
            time.sleep(0.005)
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, err = child.communicate(timeout=30)
        spent = time.monotonic() - began
    assert (child.returncode, out, err.splitlines()[-1]) == (130, "", "interrupted")
    assert spent < 1
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("before", [None, "[]"])
def test_a_request_to_end_leaves_what_was_there(
    tmp_path: Path, scratch: Path, number: signal.Signals, before: str | None
) -> None:
    if before is not None:
        (tmp_path / "json").write_text(before)
    command = [sys.executable, "-m", "zram_impl", "bench", "--backing", str(scratch), "--json", str(tmp_path / "json")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        while not list(tmp_path.glob(".*.part")):
            assert child.poll() is None
            time.sleep(0.005)
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, out, err.splitlines()[-1]) == (128 + number, "", "interrupted")
    assert list(scratch.iterdir()) == []
    left = {path.name: path.read_text() for path in tmp_path.iterdir() if path != scratch}
    assert left == ({} if before is None else {"json": before})


def test_memory_is_measured_of_stored_and_of_discarded_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"".join(mixed_pages(CORPUS)))))
    measured = bench_memory._measure(1024)
    assert measured.pages == 1024
    assert 0 < measured.left < measured.compressed < 1024 * PAGE_SIZE
