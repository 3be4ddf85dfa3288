"""`python -m stateful guards`: what it plays, what it prints, and its exit codes."""

import pytest

from stateful import command
from stateful.jobs.runner import Job
from stateful.pairs import checks
from stateful.pairs import command as pairs
from tests.refused import wrong_call
from tests.stateful.guards.seeded import MISTAKES

MEETING = ["guards", "--meeting", "stored", "Node.open", "Zram.reset"]


def test_a_meeting_is_shown_point_by_point(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([*MEETING, "0", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "verdict  passed"
    assert any(line.startswith("lane 2           openers, ") for line in lines)


def test_a_mistake_is_shown_with_exit_code_one(capsys: pytest.CaptureFixture[str]) -> None:
    mistake = next(each for each in MISTAKES if each.name == "a reset looks and acts in two holds")
    with mistake.made():
        assert command.main([*MEETING, "1", "2"]) == 1
    assert "opens_exclude_each_other: as openers is released, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["guards", "nowhere"], "there is no state nowhere; there are made, stored"),
        ([*MEETING, "2", "1"], "STOPS must be 0 or 1, and AT a number of points, got '2' and '1'"),
        ([*MEETING, "0", "x"], "STOPS must be 0 or 1, and AT a number of points, got '0' and 'x'"),
        (["guards", "--meeting", "stored", "Zram.gone", "", "0", "1"], "there is no call Zram.gone"),
    ],
    ids=["state", "stops", "at", "call"],
)
def test_what_is_asked_for_wrongly_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert complaint in wrong_call(capsys, command.main, arguments)


def test_states_and_scenarios_are_jobs_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[list[str]]()

    def run(todo: list[Job], *_rest: object) -> int:
        asked.append([job.name for job in todo])
        return 0

    monkeypatch.setattr(pairs, "run", run)
    assert [command.main(["guards", *names]) for names in (["open", "aged"], [], ["--quick"])] == [0, 0, 0]
    assert asked[0] == ["open", "aged"]
    assert asked[1][:2] == ["made", "stored"]
    assert asked[1][-1] == "standard scenarios"
    assert asked[2] == ["guards"]


def test_a_state_is_explored_in_full() -> None:
    judged = checks.every_pair("open", lambda _text: None)
    assert (judged.good, judged.details) == (True, "")
    assert judged.what.startswith("49 pairs of calls, ")


def test_scenarios_are_judged_with_as_many_seeds_as_asked_for() -> None:
    judged = checks.scenarios(1, lambda _text: None)
    assert (judged.good, judged.details) == (True, "")
    assert judged.what.endswith(" schedules")


def test_findings_are_listed_as_far_as_they_can_be_read() -> None:
    mistake = next(each for each in MISTAKES if each.name == "time stamps without the lock")
    with mistake.made():
        judged = checks.scenarios(1, lambda _text: None)
    assert not judged.good
    lines = judged.details.splitlines()
    assert len(lines) == checks.FINDINGS_MOST + 1
    assert lines[-1].startswith("and ")
    assert "AccessTimes._seconds is read without lock table" in lines[0]
