"""Replayed schedules as stories: each kept bug's page is right in every step, and answers the three questions."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from spec.explore.stopped import BY_NAME
from spec.model.invariant import broken_clause
from spec.outputs.itf import itf
from spec.outputs.story import RunStory
from spec.outputs.verdicts import Verdicts
from stateful.bugs.seeded import EVERY, by_name
from stateful.command import main
from stateful.schedules.parting import parting
from stateful.schedules.render import watched
from stateful.schedules.story import OF_THE_DEVICE, check_of_story, story
from stateful.schedules.token import decode
from stateful.seam.chosen import load, using
from tests.refused import raising
from tests.spec.outputs.schema import valid
from tests.spec.outputs.stories import plain, read_page

TOKENS = Path(__file__).resolve().parents[2] / "regressions.tokens"
NAMES = {bug.name for bug in EVERY}


def kept() -> Iterator[tuple[str, str]]:
    """Yield the tokens that show a seeded bug, with its name."""
    for line in TOKENS.read_text(encoding="utf-8").splitlines():
        token, name, *_rest = [*line.split(), "", ""]
        if name in NAMES and not line.startswith("#"):
            yield token, name


@cache
def shown_of(token: str, name: str) -> RunStory:
    bug = by_name(name)
    with bug.applied():
        return story(watched(decode(token)), "again", name, bug.mistake, bug.numbers)


@pytest.mark.parametrize(("token", "name"), list(kept()))
def test_a_kept_bug_has_a_page_that_says_what_broke(token: str, name: str) -> None:
    made = shown_of(token, name)
    assert made.rule in by_name(name).breaks
    assert made.sentence
    assert 0 < made.stopped.at <= len(made.steps)
    assert made.stopped.headline.startswith(("No guard", "The guard of"))
    reader, data = read_page(made)
    steps = data["steps"]
    assert isinstance(steps, list)
    assert {step["lane"] for step in steps} == set(made.lanes)
    assert made.rule in reader.texts["code"]


@pytest.mark.parametrize(("token", "name"), list(kept()))
def test_each_step_is_one_of_the_specification(token: str, name: str) -> None:
    """Up to the one that is stopped: its guard holds, its effect leads to the state shown, which breaks nothing."""
    made = shown_of(token, name)
    before = made.start
    for number, step in enumerate(made.steps, 1):
        if step.action:
            allowed = BY_NAME[step.action].guard(before, *step.args)
            assert allowed or number == made.stopped.at
            assert step.state == (BY_NAME[step.action].effect(before, *step.args) if allowed else before)
            assert broken_clause(step.state) is None
        else:
            assert step.state == before
        before = step.state


@pytest.mark.parametrize(("token", "name"), list(kept()))
def test_every_change_of_lane_is_a_switch(token: str, name: str) -> None:
    made = shown_of(token, name)
    for before, step in zip(made.steps, made.steps[1:], strict=False):
        if before.lane != step.lane:
            assert before.kind == "switch" or step.switch is not None
    for number, switch in made.switches:
        assert switch.leaves != switch.enters
        assert made.steps[number - 1].kind == "switch" or not switch.preempts


def test_a_false_guard_is_found_in_the_run_of_a_device() -> None:
    made = shown_of("1cpa85b", "stale_completion_count")
    (guard,) = made.stopped.guards
    assert guard.false == "reqs[1].phase >= DONE_OK, but reqs[1].phase is FLIGHT"
    assert [switch.text for _number, switch in made.switches if switch.preempts] == [
        "zram-writer-0 preempts lane 0 before engine.answers"
    ]
    assert {bug.number for bug in made.history} == {10}


def test_the_state_of_the_device_is_shown_where_it_is_wrong() -> None:
    made = shown_of("1pjsept8pgzd", "leak_when_failed_and_lost")
    assert made.device is not None
    assert "blk 1 is of nobody, and has to be free" in made.stopped.differences


def test_a_standstill_names_the_step_that_nobody_takes() -> None:
    made = shown_of("1cp92049", "wake_before_queue")
    assert "nobody takes: reap(req 0), reap(req 1)" in made.stopped.headline


def test_a_run_that_passed_and_its_trace() -> None:
    made = story(watched(decode("1cqb4h084")), "again", "token")
    assert (made.rule, made.stopped.at, made.history) == ("", 0, ())
    states = json.loads(itf(made))["states"]
    assert len(states) == 1 + sum(bool(step.action) for step in made.steps)
    assert plain(states[-1]["running"]) == 0
    verdicts = Verdicts("test")
    verdicts.add(check_of_story("replay", made))
    assert valid(verdicts.data())["verdict"] == "passed"


def test_a_property_that_only_a_device_breaks_has_a_sentence() -> None:
    assert {name for bug in EVERY for name in bug.breaks} & set(OF_THE_DEVICE)
    assert all(shown_of(token, name).sentence != shown_of(token, name).message for token, name in kept())


def test_another_device_has_a_story_too() -> None:
    with using(load("examples.naive_store.store:NaiveStore")):
        made = story(watched(decode("1cqb4h084")), "again", "token")
    assert made.steps
    read_page(made)


# --- the command ---------------------------------------------------------------------------------------------------


def test_replay_writes_what_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [tmp_path / name for name in ("run.html", "run.itf.json", "junit.xml", "found.sarif")]
    options = [
        text
        for option, path in zip(("html", "itf", "junit", "sarif"), names, strict=True)
        for text in (f"--{option}", str(path))
    ]
    assert main(["replay", "1cpa85b", "--bug", "stale_completion_count", "--json", *options]) == 1
    assert valid(json.loads(capsys.readouterr().out))["verdict"] == "failed"
    assert all(path.stat().st_size for path in names)
    again = "python -m stateful replay 1cpa85b --bug stale_completion_count"
    assert again in names[0].read_text()
    result = json.loads(names[3].read_text())["runs"][0]["results"][0]
    assert result["properties"]["again"] == again
    assert {flow["id"] for flow in result["codeFlows"][0]["threadFlows"]} >= {"lane 0", "main"}


def test_a_page_that_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("stateful.bugs.command.write_run", raising(OSError, 28, "No space left on device", "run.html"))
    assert main(["replay", "1cqb4h084", "--html", str(tmp_path / "run.html")]) == 2
    assert "run.html: No space left on device" in capsys.readouterr().err


def test_diff_shows_where_a_bug_makes_two_runs_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "1cqb4ba2109z", "--bug", "check_then_act", "--diff"]) == 1
    text = capsys.readouterr().out
    assert (
        "the runs part after 30 rows; 1cqb4ba2109z with check_then_act: ends; 1cqb4ba2109z as it is: lane 0 end_pass()"
        in text
    )
    assert "state of the specification there\n  slot 0    stored\n" in text
    assert "1cqb4ba2109z as it is: verdict  passed" in text


def test_diff_of_two_tokens_and_of_one_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "1cqb4ba2109z", "1cqb4h084", "--diff", "--json"]) == 1
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert check["what"].startswith(
        "the runs part after 8 rows; 1cqb4ba2109z: lane 0 scan(0); 1cqb4h084: lane 0 preempted"
    )
    assert main(["replay", "1cqb4h084", "1cqb4h084", "--diff"]) == 0
    assert "the same run: " in capsys.readouterr().out


def test_runs_that_part_at_once_have_no_rows_in_common() -> None:
    run = watched(decode("1cqb4h084"))
    found = parting(run, run._replace(rows=[]))
    assert (found.common, found.parts, found.second) == (0, True, None)
