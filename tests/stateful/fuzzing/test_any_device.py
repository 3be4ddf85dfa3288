"""Fuzzing another device than ours: what does not fit it is said, and a finding says how to see it again."""

import re
from pathlib import Path

import pytest

from stateful import command
from stateful.fuzzing import sources, worker
from stateful.fuzzing.sources import SOURCES, FuzzFinding, Harvest, Source, fitting, left_out
from stateful.fuzzing.worker import Share, replay_command, work
from stateful.jobs.runner import Report
from stateful.seam.chosen import load, using
from stateful.seam.zram import ours
from tests.refused import wrong_call

STORE = "examples.naive_store.store:NaiveStore"
LOSES = "examples.naive_store.bugs:loses_update"


def silent(_text: str) -> None:
    """Report nothing."""


def test_the_sources_that_fit_are_those_it_has_capabilities_for() -> None:
    assert [name for name in SOURCES if name not in fitting()] == ["inputs"]
    assert left_out() == []
    with using(load(STORE)):
        assert [name for name in SOURCES if name not in fitting()] == ["interrupts"]
    with using(load(STORE)._replace(capabilities=frozenset())):
        assert list(fitting()) == ["threads", "inputs"]
        assert left_out()[0] == "scenarios needs runtime"
        assert len(left_out()) == len(SOURCES) - 3


@pytest.mark.parametrize("name", ["scenarios", "exhausted", "machines", "threads", "traces", "metamorphic", "inputs"])
def test_a_source_finds_nothing_in_a_correct_store(name: str) -> None:
    with using(load(STORE)):
        harvest = SOURCES[name].run(1, silent)
    assert harvest.found == ()
    assert harvest.schedules + harvest.steps > 0


@pytest.mark.parametrize("name", ["scenarios", "machines"])
def test_a_finding_of_another_device_is_seen_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    line = ["fuzz", "--source", name, "--seed", "4", "--upto", "1", "--device", LOSES]
    assert command.main(line) == 1
    first = next((tmp_path / "findings").iterdir()).read_text(encoding="utf-8").splitlines()[0]
    assert first.endswith(f" --device {LOSES}")
    capsys.readouterr()
    assert command.main(first.removeprefix("python -m stateful ").split()) == 1
    assert re.search("same_state", capsys.readouterr().out)


def test_a_finding_without_a_token_says_its_source_and_seed() -> None:
    found = FuzzFinding("threads", "text")
    assert replay_command("threads", 7, found) == "python -m stateful fuzz --source threads --seed 7 --upto 1"
    token = found._replace(token="1cqb4h084")
    assert replay_command("joint", 7, token, "lost_update") == "python -m stateful replay 1cqb4h084 --bug lost_update"


def test_an_exception_that_nobody_expects_is_a_finding(tmp_path: Path) -> None:
    def run(seed: int, _report: Report) -> Harvest:
        raise RuntimeError(f"no {seed}")

    share = Share(0, 1, upto=2)
    verdict = work(share, 9.0, 5, tmp_path, silent, sources={"one": Source(run), "two": Source(lambda *_: Harvest(3))})
    assert (verdict.good, verdict.what.partition(",")[0]) == (False, "6 schedules")
    [file] = tmp_path.iterdir()
    lines = file.read_text(encoding="utf-8").splitlines()
    assert (lines[0], lines[-1]) == ("python -m stateful fuzz --source one --seed 5 --upto 1", "RuntimeError: no 5")


def test_a_drill_finds_the_bug_that_it_seeds(tmp_path: Path) -> None:
    share = Share(0, 1, upto=1, bug="leak_on_error", only=("exhausted",))
    verdict = work(share, 1.0, 1, tmp_path, silent)
    assert not verdict.good
    assert "every_block_has_one_owner" in verdict.details
    [file] = tmp_path.iterdir()
    assert file.read_text(encoding="utf-8").splitlines()[0].endswith(" --bug leak_on_error")


def test_a_limit_that_was_reached_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SCHEDULES_A_PROGRAM", 2)
    monkeypatch.setattr(worker, "SCHEDULES_A_PROGRAM", 2)
    verdict = work(Share(0, 1, upto=1, only=("exhausted",)), 1.0, 1, tmp_path, silent)
    assert verdict.good
    assert "4 programs were not exhausted: each has more than 2 schedules" in verdict.details


def test_turns_are_counted_for_each_source(tmp_path: Path) -> None:
    seen = list[tuple[str, int]]()

    def noting(name: str) -> Source:
        def run(seed: int, _report: Report) -> Harvest:
            seen.append((name, seed))
            return Harvest()

        return Source(run)

    work(Share(0, 1, upto=2), 0.0, 5, tmp_path, silent, sources={"one": noting("one"), "two": noting("two")})
    assert seen == [("one", 5), ("two", 5), ("one", 6), ("two", 6)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "--source interrupts",
            "--source interrupts cannot test examples.naive_store.store:NaiveStore: it is for other",
        ),
        ("--bug leak_on_error", "--bug must be one of our device's"),
    ],
)
def test_what_does_not_fit_the_device_is_refused(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in wrong_call(capsys, command.main, ["fuzz", *line.split(), "--device", STORE])


def test_a_source_that_lacks_a_capability_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    plain = load(STORE)._replace(make=ours, capabilities=frozenset())
    with using(plain):
        said = wrong_call(capsys, command.main, ["fuzz", "--source", "machines"])
        assert "--source machines cannot test examples.naive_store.store:NaiveStore: it needs events" in said


def test_an_unknown_bug_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no bug nothing" in wrong_call(capsys, command.main, ["fuzz", "--variant", "nothing"])
