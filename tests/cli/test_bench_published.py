"""The published benchmarks, with as little to measure as there can be: what is measured, never how fast it is."""

import errno
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from zram_impl.bdev.memory import MemoryDevice
from zram_impl.cli.bench import published as bench_published
from zram_impl.cli.bench import yardsticks as bench_yardsticks
from zram_impl.cli.bench.published import LateQueue, PublishedCourse, PublishedExtent, engine_of
from zram_impl.cli.bench.yardsticks import yardsticks
from zram_impl.cli.command import main
from zram_impl.cli.stop import Stop
from zram_impl.engine.ring_queue import Answer, Write
from zram_impl.engine.threads import ThreadEngine
from zram_impl.pages.byte_io import Buffer
from zram_impl.runtime import ThreadRuntime
from zram_impl.units import PAGE_SIZE

PAGES = [number.to_bytes(2, "little") * 3 + bytes(PAGE_SIZE - 6) for number in range(1, 33)]
LATE = 0.01


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_published, "QUICK", PublishedExtent(64, 1, 0.001, (1, 4), (0, 0.0001)))
    monkeypatch.setattr(shutil, "which", lambda _name: None)


@pytest.mark.usefixtures("tiny")
def test_every_curve_is_in_the_table_and_in_the_file(
    tmp_path: Path, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    assert main(["bench", "--published", "--quick", "--json", str(figures), "--backing", str(scratch)]) == 0
    found = json.loads(figures.read_text())
    points = {(p["pattern"], p["latency"], p["sync"], p["engine"], p["batch"]) for p in found["points"]}
    assert points == {
        (pattern, latency, sync, engine, batch)
        for pattern in ("sequential", "random")
        for latency in (0, 0.0001)
        for sync in (False, True)
        for engine in ("threads", "ring")
        for batch in (1, 4)
    }
    assert all(p["rate"] > 0 for p in found["points"])
    assert {"date", "machine", "command", "where", "yardsticks"} < set(found)
    shown = capsys.readouterr().out
    assert sum(line.startswith(("sequential", "random")) for line in shown.splitlines()) == 16
    assert "not measured: fio is not installed" in next(line for line in shown.splitlines() if "fio psync 4k" in line)


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("engine", ["threads", "ring"])
@pytest.mark.parametrize("latency", [0, 0.0001])
def test_a_course_has_the_free_blocks_it_names(every: int, engine: str, latency: float, scratch: Path) -> None:
    """Each pass writes the pages asked for, to blocks side by side or with one that is taken between any two."""
    course = PublishedCourse(PAGES, every, engine_of(engine, latency), str(scratch))
    stored: list[int] = []
    write_page = course._dev.write_page

    def write(index: int, page: Buffer) -> None:
        stored.append(index)
        write_page(index, page)

    course._dev.write_page = write  # type: ignore[method-assign]  # to see which
    try:
        for count in (course.most, 3, course.most):
            assert course.run(4, count, sync=True) > 0
            slots = course._dev.snapshot().slots[: count * every : every]
            blocks = sorted(slot.blk_idx for slot in slots if slot.blk_idx is not None)
            assert len(blocks) == count
            assert {after - before for before, after in pairwise(blocks)} == {every}
            assert stored == list(range(0, count * every, every))
            stored.clear()
        assert course.device.blocks == len(PAGES)
        assert [course._dev.read_page(number) for number in range(32)] == PAGES
    finally:
        course.close()


class Prompt:
    """A ring that answers at once."""

    name = "prompt"

    def __init__(self) -> None:
        self._answers: list[Answer] = []

    def submit(self, writes: Sequence[Write]) -> int:
        self._answers += [(key, PAGE_SIZE) for key, _ in writes]
        return len(writes)

    def wake(self) -> bool:
        self._answers.append((-1, 0))
        return True

    def wait(self, least: int = 1) -> list[Answer]:
        del least
        answers, self._answers = self._answers, []
        return answers

    def close(self) -> None:
        pass


def test_late_answers_are_late_each_on_its_own() -> None:
    queue = LateQueue(Prompt(), LATE)
    began = time.perf_counter()
    queue.submit([(0, ()), (1, ())])
    time.sleep(LATE / 2)
    queue.submit([(2, ())])
    assert queue.wait() == [(0, PAGE_SIZE), (1, PAGE_SIZE)]
    assert time.perf_counter() - began >= LATE
    assert queue.wait() == [(2, PAGE_SIZE)]
    assert time.perf_counter() - began >= LATE * 1.5
    queue.wake()
    assert queue.wait() == [(-1, 0)]


@pytest.mark.parametrize(("patience", "keys"), [(0, [0, 1]), (50 * LATE, [0, 1, 2])])
def test_late_answers_are_waited_for_as_by_the_ring(patience: float, keys: list[int]) -> None:
    """For several of them, but not for long."""
    queue = LateQueue(Prompt(), LATE, patience)
    queue.submit([(0, ()), (1, ())])
    time.sleep(LATE / 2)
    queue.submit([(2, ())])
    began = time.perf_counter()
    assert [key for key, _ in queue.wait(3)] == keys
    assert time.perf_counter() - began < 25 * LATE


def test_each_write_is_late_from_its_own_beginning() -> None:
    class Slow(Prompt):
        def submit(self, writes: Sequence[Write]) -> int:  # type: ignore[explicit-override]  # typing has it from 3.12 on
            time.sleep(LATE)
            return super().submit(writes)

    queue = LateQueue(Slow(), 2 * LATE)
    queue.submit([(0, ())])  # how long it takes to begin one is known from here on
    assert queue.wait() == [(0, PAGE_SIZE)]
    queue.submit([(0, ()), (1, ())])
    assert [queue.wait(), queue.wait()] == [[(0, PAGE_SIZE)], [(1, PAGE_SIZE)]]


def test_late_answers_are_not_expected_of_what_was_refused() -> None:
    class Full(Prompt):
        def submit(self, writes: Sequence[Write]) -> int:  # type: ignore[explicit-override]  # typing has it from 3.12 on
            return super().submit(writes[:1])

        def wait(self, least: int = 1) -> list[Answer]:  # type: ignore[explicit-override]  # likewise
            answers = super().wait(least)
            assert answers, "the system would wait without an end"
            return answers

    queue = LateQueue(Full(), LATE, LATE)
    assert queue.submit([(0, ()), (1, ())]) == 1
    began = time.perf_counter()
    assert queue.wait(2) == [(0, PAGE_SIZE)]
    assert time.perf_counter() - began < 2 * LATE


def test_a_late_ring_over_no_file_is_threads() -> None:
    make = engine_of("ring", LATE)
    assert not isinstance(make, str)
    engine = make(MemoryDevice(4), ThreadRuntime())
    assert isinstance(engine, ThreadEngine)
    engine.close()


def test_a_page_that_cannot_be_written_ends_the_run(scratch: Path) -> None:
    course = PublishedCourse(PAGES, 1, "threads", str(scratch))
    try:
        with pytest.raises(OSError, match="1 of 1 pages could not be written back") as failed:
            course._write_back(1, 0, 32)
        assert failed.value.errno == errno.EIO
    finally:
        course.close()


def test_fio_that_fails_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch, scratch: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: "fio")
    commands: list[Sequence[str]] = []

    def answer(command: Sequence[str], _stop: Stop, _patience: float) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if "--ioengine=libaio" in command:
            return subprocess.CompletedProcess(command, 1, "", "fio: engine libaio not loadable\n")
        return subprocess.CompletedProcess(command, 0, 'note\n{"jobs": [{"write": {"bw_bytes": 8192}}]}', "")

    monkeypatch.setattr(bench_yardsticks, "run_watched", answer)
    found = {each.name: each for each in yardsticks(0.1, str(scratch), Stop())}
    assert found["fio psync 4k"].rate == 2
    assert found["fio libaio 4k, depth 32"].shown == "not measured: fio: engine libaio not loadable"
    assert (found["lz4, compress"].rate or 0) > 0
    assert len(commands) == 9
