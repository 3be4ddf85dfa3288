"""Fuzzing: sources take turns, seeds decide what they do, findings become files, memory is watched."""

import errno
import itertools
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from stateful import command
from stateful.bugs import seeded
from stateful.fuzzing import deadline, sources, worker
from stateful.fuzzing.sources import FuzzFinding, Harvest, Source
from stateful.fuzzing.worker import Share, work
from stateful.jobs import runner
from stateful.jobs.runner import Report
from stateful.schedules.token import decode
from tests.refused import raising, wrong_call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that advances by a hundredth of a second at every reading."""
    ticks = itertools.count()
    for module in (worker, deadline):  # who measures a turn, and who ends the run
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(ticks) / 100))


def silent(_text: str) -> None:
    """Report nothing."""


@pytest.mark.usefixtures("clock")
def test_a_source_gets_the_seeds_of_its_process_in_order(tmp_path: Path) -> None:
    seeds = list[int]()

    def source(seed: int, _report: Report) -> Harvest:
        seeds.append(seed)
        return Harvest(schedules=1)

    assert work(Share(1, 2), 1.0, 100, tmp_path, silent, sources={"it": Source(source)}).good
    assert seeds[:5] == [101, 103, 105, 107, 109]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("clock")
def test_a_finding_becomes_a_file_once(tmp_path: Path) -> None:
    def source(seed: int, _report: Report) -> Harvest:
        return Harvest(found=(FuzzFinding("pages_read_back", f"of seed {seed}", "1cqb4h084"),))

    verdict = work(Share(0, 1), 1.0, 7, tmp_path / "findings", silent, sources={"it": Source(source)})
    (file,) = (tmp_path / "findings").iterdir()
    assert not verdict.good
    assert verdict.what.startswith("0 schedules")
    assert str(file) in verdict.details
    assert file.read_text(encoding="utf-8") == "python -m stateful replay 1cqb4h084\n\nof seed 7\n"


def test_a_report_that_nobody_takes_is_no_finding(tmp_path: Path) -> None:
    """A command that was killed had its workers write findings: that their reports were not taken any more.

    Every exception of a turn counted as one of the device; the error of a report ends the worker now.
    """
    reports: list[str] = []

    def gone(text: str) -> None:
        reports.append(text)
        if text.endswith("in the middle"):
            raise BrokenPipeError

    def says(_seed: int, report: Report) -> Harvest:
        report("in the middle")
        return Harvest(1)

    with pytest.raises(BrokenPipeError):
        work(Share(0, 1, 1), 1.0, 0, tmp_path / "out", gone, sources={"a": Source(says)})
    assert len(reports) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("clock")
def test_memory_that_grows_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = itertools.count(100 << 20, 10 << 20)
    monkeypatch.setattr(worker, "memory", lambda: next(steps))
    verdict = work(Share(0, 1), 1.0, 0, tmp_path, silent, sources={"it": Source(lambda _s, _r: Harvest())})
    assert not verdict.good
    assert "memory grows" in verdict.details


@pytest.mark.parametrize("name", ["scenarios", "joint", "exhausted"])
def test_a_source_of_schedules_finds_nothing_where_nothing_is(name: str) -> None:
    harvest = sources.SOURCES[name].run(3, silent)
    assert harvest.schedules > 100
    assert harvest.found == ()


@pytest.mark.parametrize("name", ["machines", "metamorphic"])
def test_another_source_does_something(name: str) -> None:
    harvest = sources.SOURCES[name].run(1, silent)
    assert harvest.steps > 0
    assert harvest.found == ()


def test_what_a_source_finds_is_a_token_that_replays() -> None:
    with seeded.by_name("lost_update").applied():
        found = sources.scenarios(0, silent).found
    assert found
    assert all("verdict  FAILED" in each.text for each in found)
    assert all(decode(each.token).ops for each in found)


@pytest.mark.parametrize("minutes", ["0", "-1", "inf", "nan", "soon"])
def test_a_malformed_time_is_refused(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--minutes" in wrong_call(capsys, command.main, ["fuzz", "--minutes", minutes])


@pytest.mark.usefixtures("clock")
def test_a_finding_that_cannot_be_written_is_in_the_report(tmp_path: Path) -> None:
    def source(seed: int, _report: Report) -> Harvest:
        return Harvest(found=(FuzzFinding("pages_read_back", f"of seed {seed}", "1cqb4h084"),))

    out = tmp_path / "gone" / "findings"
    verdict = work(Share(0, 1), 1.0, 7, out, silent, sources={"it": Source(source)})
    assert not verdict.good
    assert f"it: pages_read_back: {out}/it-pages_read_back-1cqb4h084.txt: No such file or directory" in verdict.details
    assert "python -m stateful replay 1cqb4h084\n\nof seed 7\n" in verdict.details


@pytest.mark.parametrize("where", ["no/where", "x" * 256, "link"])
def test_findings_that_could_not_be_written_at_all_are_refused(
    tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that no finding could be written to was noticed at the first finding, which was lost."""
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(SystemExit) as refused:
        command.main(["fuzz", "--minutes", "0.001", "--out", str(tmp_path / where)])
    out, err = capsys.readouterr()
    assert (refused.value.code, out, [each.name for each in tmp_path.iterdir()]) == (2, "", ["link"])
    assert "so no finding could be written" in err


def test_findings_for_which_there_is_no_room_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", raising(OSError, errno.ENOSPC, "No space left on device"))
    said = wrong_call(capsys, command.main, ["fuzz", "--minutes", "0.001", "--out", str(tmp_path / "findings")])
    assert "No space left on device, so no finding could be written" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["taken", "taken/below"])
def test_findings_that_could_not_be_written_are_refused_before(
    tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").touch()
    said = wrong_call(capsys, command.main, ["fuzz", "--out", str(tmp_path / where)])
    assert f"{tmp_path / 'taken'} is no directory" in said


def test_the_seed_is_printed_before_and_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "run", lambda *_todo, **_how: [])
    assert command.main(["fuzz", "--minutes", "0.01", "--seed", "5", "--out", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("seed 5, 0.01 minutes, 2 processes")
    assert text.endswith("seed 5\n")
