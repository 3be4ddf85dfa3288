"""Tests that need a live kernel; `make oracle` runs it, `make test` does not (the name is not one pytest collects).

It needs a kernel in the cache or a mirror to fetch it from, and qemu; without them it fails.
"""

import zlib
from functools import cache
from pathlib import Path

import pytest

from stateful.command import main
from stateful.conformance.contents import generated
from stateful.traces.driver.convert import convert
from stateful.traces.driver.raw import open_text, read_raw
from stateful.traces.policy import DECODED, EARLY, KEPT, TWICE
from tests.kernel import machine, playing, probes, steer, tracing
from tests.kernel.machine import Options
from tests.kernel.packages import Kernel, get_kernel
from tests.kernel.workloads import PAGE, SMALL, Workload


@cache
def kernel() -> Kernel:
    return get_kernel()


def judged(tmp_path: Path, workload: Workload, *options: str) -> int:
    """Record a workload and judge its trace; return the exit code."""
    files = tracing.record(kernel(), {"it": workload}, tmp_path, Options())
    return main(["kernel-judge", *options, *map(str, files)])


def test_trace_of_a_live_driver_is_accepted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert judged(tmp_path, SMALL["gate"]) == 0
    assert "steps, passed" in capfd.readouterr().out


def test_shortest_way_to_a_foreign_page_is_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Weakness 26, steered: a search finds the moves, a gate plays them, the read of page 0 returns page 1."""
    workload = steer.workload(steer.shortest(foreign=True))
    options = Options(probes=probes.definitions(kernel()))
    report = machine.run(kernel(), {"steered": workload.script("steered")}, options)
    assert not report.failure
    (read,) = [row["crc"] for row in report.rows["steered"] if "crc" in row]
    seed = next(int(line.split()[4]) for line in workload.traced if line.startswith("write 1 "))
    assert read == [f"{zlib.crc32(generated(seed, PAGE)):08x}"]
    assert judged(tmp_path, workload) == 0
    assert "1  read_end of a replaced slot, bytes that may be another page's (26)" in capfd.readouterr().out


def test_read_returns_the_old_object_of_its_page(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The page that replaced it is kept whole: what was read is returned as it was on the block."""
    assert judged(tmp_path, SMALL["old_object"]) == 0
    assert f"1  {DECODED}; first at line " in capfd.readouterr().out


@pytest.mark.parametrize(("number", "name"), [(27, TWICE), (28, EARLY), (32, KEPT)])
def test_shortest_way_of_the_explorer_is_played(
    number: int, name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Weaknesses 27, 28, 32: the explorer's own steps, the driver's left to the driver."""
    assert judged(tmp_path, playing.workloads()[f"steered{number}"]) == 0
    assert f"1  {name}; first at line " in capfd.readouterr().out


@pytest.mark.parametrize(("first", "committed"), [(0, 0), (1, 1)])
def test_first_write_reaped_of_a_page_named_twice_is_kept(first: int, committed: int, tmp_path: Path) -> None:
    """So the free blocks, and where the next page goes, depend on which write is answered first: recording tw011."""
    before = [f"mkbd 0 {2 * PAGE}", "nbd 2", "store backing_dev /dev/nbd0", f"store disksize {PAGE}"]
    twice = ["gate w", "write 0 1 rand 7 0", "bg_store writeback page_index=0%20page_index=0", "pending 2"]
    workload = Workload(before, [*twice, f"go {first}", "go 0", "join"])
    (file,) = tracing.record(kernel(), {"it": workload}, tmp_path, Options())
    reaped = [line["args"] for line in convert(read_raw(open_text(file))).lines if line.get("does") == "reap"]
    assert [(args[2], args[3]) for args in reaped if isinstance(args, list)] == [(committed, 1), (1 - committed, 0)]


def test_probe_that_cannot_be_set_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text = probes.definitions(kernel()).replace(" release_wb_ctl ", " release_no_ctl ")
    monkeypatch.setattr(probes, "definitions", lambda _kernel: text)
    assert judged(tmp_path, SMALL["twice"]) == 2
    assert "every probe must be set, got none of over" in capfd.readouterr().err


def test_caller_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text = probes.definitions(kernel()).replace("|scan_slots_for_writeback", "|scan_slots_for_nothing")
    monkeypatch.setattr(probes, "definitions", lambda _kernel: text)
    assert judged(tmp_path, SMALL["twice"]) == 2
    assert "every probe must be set, got none of scan, scanned" in capfd.readouterr().err


def test_dropped_event_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert judged(tmp_path, SMALL["load"]._replace(buffer_kb=64)) == 2
    assert "no event may be dropped, got dropped events " in capfd.readouterr().err


def test_missed_hit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A kprobe on what interrupts other kprobes' handlers misses hits; on the driver's callbacks there are fprobes."""
    more = "tick|p:zram/tick update_process_times ra=+0($stack):x64|\ntock|p:zram/tock ktime_get ra=+0($stack):x64|\n"
    text = probes.definitions(kernel()) + more
    monkeypatch.setattr(probes, "definitions", lambda _kernel: text)
    assert judged(tmp_path, SMALL["load"]) == 2
    assert "no hit of a probe may be missed, got " in capfd.readouterr().err
