"""A campaign finds and counts the same if workers die, rows arrive twice, or it was cut short."""

import errno
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from stateful import command
from stateful.campaign import campaign as campaigns
from stateful.campaign import chunk as chunks
from stateful.campaign.campaign import Campaign, CampaignOrder
from stateful.campaign.chunk import CORPUS, EXAMPLES, Chunk, row_of, run_chunk
from stateful.campaign.coverage import Coverage
from stateful.campaign.journal import CampaignDirectory, CampaignError
from stateful.campaign.revision import revision
from stateful.fuzzing.sources import SOURCES, FuzzFinding, Harvest, Source
from stateful.schedules.run import execute, watching
from stateful.schedules.scenarios import SCENARIOS
from stateful.seam.chosen import OURS
from tests.refused import raising, wrong_call
from tests.stateful.campaign.inline import TOKEN, Account, InlineEngine, account, campaign, quick
from tests.stateful.campaign.processes import BUG, journal

LOSES = "examples.naive_store.bugs:loses_update"


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source whose seeds take a moment."""
    monkeypatch.setitem(SOURCES, "exhausted", Source(quick))


@pytest.fixture
def undisturbed(quickly: None, tmp_path: Path) -> Account:
    """The result of a drill of five seeds."""
    del quickly
    return campaign(tmp_path / "undisturbed", InlineEngine(), bug=BUG)


def test_a_campaign_finds_what_its_seeds_find(undisturbed: Account, tmp_path: Path) -> None:
    findings = {("exhausted", "every_block_has_one_owner", TOKEN): 1, ("exhausted", "trace", ""): 3}
    files = [f"exhausted-every_block_has_one_owner-{TOKEN}.txt", "exhausted-trace.txt"]
    assert undisturbed == Account(5, 15, 2, findings, files, 0)
    firsts = [
        (tmp_path / "undisturbed" / "findings" / name).read_text(encoding="utf-8").splitlines()[0] for name in files
    ]
    assert firsts == [
        f"python -m stateful replay {TOKEN} --bug {BUG}",
        f"python -m stateful fuzz --source exhausted --seed 3 --upto 1 --bug {BUG}",
    ]


def test_an_account_that_comes_twice_counts_once(undisturbed: Account, tmp_path: Path) -> None:
    assert campaign(tmp_path / "c", InlineEngine(times=2), bug=BUG) == undisturbed


def test_a_campaign_in_parts_is_the_same_campaign(undisturbed: Account, tmp_path: Path) -> None:
    place = tmp_path / "c"
    for seeds, resumed in ((2, 0), (3, 2), (5, 3)):
        assert campaign(place, InlineEngine(), seeds, BUG).resumed == resumed
    assert campaign(place, InlineEngine(), bug=BUG) == undisturbed._replace(resumed=5)


def test_a_worker_that_dies_in_the_middle_changes_nothing(undisturbed: Account, tmp_path: Path) -> None:
    died = list[int]()

    def dies(chunk: Chunk, lines: list[str]) -> str:
        if chunk.first == 2 and len(died) < 2:
            died.append(chunk.first)
            del lines[0 if len(died) == 1 else 1 :]  # the first time without having said a word
            return "no answer: exit code -9"
        return ""

    engine = InlineEngine(dies)
    assert campaign(tmp_path / "c", engine, bug=BUG) == undisturbed
    assert [(chunk.first, chunk.number) for chunk in engine.chunks] == [(0, 2), (2, 2), (2, 1), (3, 2)]


@pytest.mark.usefixtures("quickly")
def test_a_seed_that_kills_three_workers_is_a_finding(tmp_path: Path) -> None:
    def dies(chunk: Chunk, lines: list[str]) -> str:
        if 3 not in range(chunk.first, chunk.first + chunk.number):
            return ""
        del lines[3 - chunk.first :]
        return "no answer: exit code -11"

    engine = InlineEngine(dies)
    done = campaign(tmp_path / "c", engine)
    assert done.findings == {
        ("exhausted", "every_block_has_one_owner", TOKEN): 1,
        ("exhausted", campaigns.KILLED, ""): 3,
    }
    assert done.seeds == 5
    assert [(chunk.first, chunk.number) for chunk in engine.chunks] == [(0, 2), (2, 2), (3, 1), (3, 1), (4, 1)]
    [name] = [name for name in done.files if campaigns.KILLED in name]
    text = (tmp_path / "c" / "findings" / name).read_text(encoding="utf-8")
    assert text.splitlines()[0] == "python -m stateful fuzz --source exhausted --seed 3 --upto 1"
    assert text.endswith("no answer: exit code -11\n")


def in_turn(*ways: Callable[[Chunk, list[str]], str]) -> Callable[[Chunk, list[str]], str]:
    left = iter(ways)

    def dies(chunk: Chunk, lines: list[str]) -> str:
        return next(left)(chunk, lines)

    return dies


@pytest.mark.usefixtures("quickly")
def test_deaths_are_remembered_from_one_run_to_the_next(tmp_path: Path) -> None:
    class Stopped(Exception):  # noqa: N818  (it stands for a signal)
        pass

    def dies(_chunk: Chunk, lines: list[str]) -> str:
        lines.clear()
        return "no answer: exit code -9"

    place = tmp_path / "c"
    for turn in range(3):
        engine = InlineEngine(in_turn(dies, raising(Stopped)))
        if turn < 2:
            with pytest.raises(Stopped):
                campaign(place, engine, 1)
        else:
            assert campaign(place, engine, 1).findings == {("exhausted", campaigns.KILLED, ""): 0}


@pytest.mark.usefixtures("quickly")
def test_a_worker_with_other_sources_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "revision", lambda _device: "000000000000")
    with pytest.raises(CampaignError, match=f"revision 000000000000 of the sources, .* of {revision(OURS)}"):
        campaign(tmp_path / "c", InlineEngine())


def test_a_worker_that_cannot_make_the_device_is_refused() -> None:
    refusal = run_chunk(Chunk("r", "scenarios", 0, 1, 1.0, "absent:make"), print)
    assert refusal.startswith("a worker cannot make the device: absent:make: there is no module absent; ")


@pytest.mark.usefixtures("quickly")
def test_what_another_revision_found_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "c"
    assert len(campaign(place, InlineEngine()).files) == 2
    for module in (campaigns, chunks):
        monkeypatch.setattr(module, "revision", lambda _device: "111111111111")
    engine = InlineEngine()
    assert campaign(place, engine, 1).findings == {}
    assert TOKEN in {token for chunk in engine.chunks for token in chunk.tokens}
    assert len(list((place / "earlier").iterdir())) == 2


def test_a_full_disk_ends_a_campaign_with_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = raising(CampaignError, "c: No space left on device; the same command resumes")
    monkeypatch.setattr(CampaignDirectory, "enter", full)
    assert command.main(["campaign", str(tmp_path / "c"), "--seeds", "1", "--source", "scenarios"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: c: No space left")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_line_that_cannot_be_written_is_an_error(tmp_path: Path, number: int) -> None:
    directory = CampaignDirectory(tmp_path / "c", OURS, "")
    with pytest.raises(CampaignError, match=re.escape(os.strerror(number))), directory._writing():
        raise OSError(number, os.strerror(number))
    directory.close()


def test_time_that_is_up_ends_a_chunk_after_a_seed() -> None:
    lines = list[object]()
    run_chunk(Chunk(revision(OURS), "scenarios", 0, 9, 0.0, OURS), lines.append)
    assert len(lines) == 1


@pytest.mark.usefixtures("quickly")
def test_time_that_is_up_ends_a_campaign(tmp_path: Path) -> None:
    directory = CampaignDirectory(tmp_path / "c", OURS, "")
    running = Campaign(directory, CampaignOrder(["exhausted"], 0, None, 0.0))
    running.run(InlineEngine(), lambda _line, _chunks: None)
    assert account(running, tmp_path / "c").seeds == 0
    directory.close()


def test_examples_that_failed_are_tried_first_in_the_next_run(tmp_path: Path) -> None:
    chunk = Chunk(revision(LOSES), EXAMPLES, 0, 1, 9.0, LOSES, examples=str(tmp_path / "examples"))
    lines = list[str]()
    for seed in (1, 2):
        run_chunk(chunk._replace(first=seed), lambda line: lines.append(str(line)))
    first, second = map(row_of, lines)
    assert first is not None
    assert second is not None
    assert {found.name for found in first.found} == {found.name for found in second.found} == {"same_state"}
    # Found by the kept example, not by chance.
    assert second.steps < first.steps
    assert [path for path in (tmp_path / "examples").rglob("*") if path.is_file()]


@pytest.mark.usefixtures("quickly")
def test_each_run_tries_the_examples_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = FuzzFinding("same_state", "text")
    monkeypatch.setattr(chunks, "_kept_examples", lambda seed, folder: Harvest(0, seed, (found,) if folder else ()))
    for run in range(2):
        directory = CampaignDirectory(tmp_path / "c", OURS, "")
        running = Campaign(directory, CampaignOrder(["exhausted"], 0, 1, 1e9, examples=True))
        engine = InlineEngine()
        running.run(engine, lambda _line, _chunks: None)
        assert [(chunk.source, chunk.first) for chunk in engine.chunks][:1] == [(EXAMPLES, run)]
        directory.close()
    [path] = (tmp_path / "c" / "findings").glob("examples-*")
    where = f"--seed 0 --examples 1 --examples-in {tmp_path / 'c' / 'examples'}"
    assert path.read_text(encoding="utf-8").splitlines()[0] == f"python -m stateful machine {where}"


@pytest.mark.usefixtures("quickly")
def test_the_corpus_is_played_at_a_new_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "c"
    campaign(place, InlineEngine(), 1)
    kept = (place / "corpus.tokens").read_text(encoding="utf-8").splitlines()
    assert {line.split()[1] for line in kept} == {revision(OURS)}
    for module in (campaigns, chunks):
        monkeypatch.setattr(module, "revision", lambda _device: "111111111111")
    engine = InlineEngine()
    done = campaign(place, engine, 1, chunk=len(kept))
    assert [chunk.source for chunk in engine.chunks] == [CORPUS, "exhausted"]
    assert (done.seeds, done.findings) == (len(kept) + 1, {})
    again = InlineEngine()
    assert campaign(place, again, 1).resumed == len(kept) + 1
    assert again.chunks == []


def test_a_token_of_the_corpus_that_fails_is_a_finding() -> None:
    lines = list[str]()
    chunk = Chunk(revision(OURS), CORPUS, 5, 1, 9.0, OURS, BUG, ("1pjsdrcr",))
    assert run_chunk(chunk, lambda line: lines.append(str(line))) == ""
    row = row_of(lines[0])
    assert row is not None
    assert [(found.name, found.token) for found in row.found] == [("every_block_has_one_owner", "1pjsdrcr")]


def test_a_token_covers_what_no_earlier_one_did() -> None:
    seen = Coverage()
    with watching(seen.watch):
        for _ in range(2):
            execute(next(iter(SCENARIOS.values())))
    [(_token, covers)] = seen.take()
    assert len(covers) == len(set(covers)) > 10
    assert seen.take() == ()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--scheduler", "tcp://x:1"], "--scheduler must be given with --engine dask"),
        (["--source", "inputs"], "--source inputs cannot test stateful.seam.zram:ours: it is for other devices"),
        (["--bug", "nothing"], "there is no bug nothing"),
        (["--seeds", "0"], "argument --seeds: must be a whole number from 1 on, got '0'"),
        (["--minutes", "-1"], "argument --minutes: must be a time above 0, got '-1'"),
        (["--engine", "ray"], "argument --engine: invalid choice: 'ray'"),
    ],
)
def test_a_wrong_argument_is_refused(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in wrong_call(capsys, command.main, ["campaign", str(tmp_path / "c"), *more])
    assert not (tmp_path / "c").exists()


def test_a_directory_of_another_campaign_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "c"
    CampaignDirectory(place, "m:f", "").close()
    assert command.main(["campaign", str(place), "--seeds", "1"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err.startswith(f"error: {place} is the campaign ")) == ("", 1, True)


def test_what_was_cut_is_said_and_resuming_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "c"
    for _ in range(2):
        assert command.main(["campaign", str(place), "--seeds", "1", "--source", "exhausted"]) == 0
    said = capsys.readouterr().out.splitlines()
    [cut] = {line for line in said if "were not exhausted: each has more than 250 schedules" in line}
    [row] = map(json.loads, journal(place))
    assert cut.startswith(f"{row['cut']} programs ")
    assert sum(line.startswith("resumes after 1 seeds") for line in said) == 1
    assert said[-1] == "passed, not exhaustive"


@pytest.mark.usefixtures("quickly")
def test_findings_and_limits_are_written_for_other_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    campaign(tmp_path / "c", InlineEngine(), 2)
    line = ["campaign", "c", "--seeds", "2", "--source", "exhausted", "--json", "--sarif", "s", "--junit", "j"]
    assert command.main(line) == 1
    [check] = json.loads(capsys.readouterr().out)["checks"]
    assert (check["name"], check["verdict"], check["data"]["not_exhausted"]) == ("exhausted", "failed", 1)
    [finding] = check["findings"]
    assert finding["again"] == f"python -m stateful replay {TOKEN}"
    [result] = json.loads(Path("s").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert result["ruleId"] == "every_block_has_one_owner"
    assert TOKEN in Path("j").read_text(encoding="utf-8")
    [page] = Path("c/findings").glob("*.html")
    assert f"replay {TOKEN}" in page.read_text(encoding="utf-8")
    monkeypatch.setitem(SOURCES, "exhausted", Source(lambda seed, _report: Harvest(1, cut=seed + 1)))
    campaign(tmp_path / "d", InlineEngine(), 1)
    assert command.main(["campaign", "d", "--seeds", "1", "--source", "exhausted", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "incomplete"
