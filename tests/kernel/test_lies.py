"""Planted lies: what a pass reports cannot be changed unnoticed, and what is not found changes nothing."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from stateful.command import main
from stateful.traces.driver.convert import convert
from stateful.traces.driver.raw import open_text, read_raw
from stateful.traces.policy import EARLY, STALE, TWICE
from stateful.traces.schema import read
from tests.kernel import lies, planting, raw_lies
from tests.kernel.command import main as kernel
from tests.kernel.lies import PROTOCOL, Lie, is_of_the_protocol, kinds
from tests.kernel.planting import ANOTHER, DEVIATES, REJECTED, SAME, UntrueError, measure

STORED = Path(__file__).resolve().parents[1] / "data" / "kernel-judge"
GATE = STORED / "gate.ktrace.xz"
HEADER: lies.Step = {"trace": 1, "slots": 2, "blocks": 2, "requests": 2, "limit": None}


def steps_of(path: Path) -> list[lies.Step]:
    return convert(read_raw(open_text(path))).lines


@pytest.fixture(scope="module")
def lines() -> list[lies.Step]:
    return steps_of(GATE)


def step(does: str, *args: int) -> lies.Step:
    return {"task": "t", "does": does, "args": list(args)}


SHORT: list[lies.Step] = [
    *[step("write", 0, 0), step("begin_pass"), step("scan", 0), step("end_scan"), step("take_request", 0)],
    *[step("reserve_block", 0), step("submit", 0, 0, 0), step("device_ok", 0), step("endio_queue", 0)],
    *[step("endio_leave", 0), step("reap", 0, 0, 0, 1), step("end_pass")],
]
END: lies.Step = {"end": {"slots": "W."}}


def test_lies_about_the_protocol_are_found(lines: list[lies.Step]) -> None:
    planted = {each.kind: each for each in measure(lines, 6)}
    protocol = [each for each in planted.values() if is_of_the_protocol(each.kind)]
    assert len(protocol) == len(PROTOCOL) + 5
    assert sum(each.planted for each in protocol) >= 80
    assert [each.kind for each in protocol if each.outcomes[ANOTHER]] == []
    dropped = [each for each in protocol if each.kind.endswith("dropped")]
    assert [each.kind for each in dropped if each.found < each.planted] == []


def test_every_kind_of_lie_has_its_place_in_some_trace(lines: list[lies.Step]) -> None:
    found: Counter[str] = Counter()
    for name in ("gate", "reads", "decide32", "reset"):
        of_trace = lines if name == "gate" else steps_of(STORED / f"{name}.ktrace.xz")
        steps = [line for line in of_trace if "does" in line]
        for kind, draw in kinds(of_trace[0]).items():
            lie = draw(steps, random.Random(0))
            if lie is not None:
                assert lie.said != steps[lie.place : lie.place + lie.length], kind
                found[kind] += 1
    assert {*kinds(lines[0])} - {*found} == {"read_checked dropped"}


@pytest.mark.parametrize("name", [step["does"] for step in SHORT])
def test_step_of_a_pass_is_missed(name: str) -> None:
    """A pass of one page: each event is needed by the one after it, the last one by the end."""
    (dropped,) = [each for each in measure([HEADER, *SHORT, END], 1) if each.kind == f"{name} dropped"]
    assert dropped.outcomes == {REJECTED: 1}


def outcome_of(steps: list[lies.Step], lie: Lie, end: lies.Step = END) -> str:
    ((_name, outcome),) = planting.Truth([HEADER, *steps, end]).outcomes([("it", lie)])
    return outcome


def test_what_becomes_of_a_lie() -> None:
    assert outcome_of([step("write", 0, 0), step("access", 0), *SHORT[1:]], Lie(1, 1, [])) == SAME
    assert outcome_of(SHORT, Lie(0, 1, [step("write", 0, 1)])) == ANOTHER
    assert outcome_of(SHORT, Lie(0, 1, [step("write", 0, 1)]), {"end": {"slots": "W.", "huge": []}}) == REJECTED
    assert outcome_of(SHORT, Lie(0, 1, [step("write", 2, 0)])) == REJECTED  # there is no such slot
    late = [*SHORT[:9], step("reap", 0, 0, 0, 1), step("endio_leave", 0), step("end_pass")]
    again = [step("write", 0, 0), *SHORT[1:4], step("take_request", 1), step("reserve_block", 1)]
    sent = [step("submit", 0, 1, 1), step("device_ok", 1), step("endio_queue", 1), step("endio_leave", 1)]
    second = [*again, *sent, step("reap", 1, 0, 1, 1), step("end_pass")]
    place = len(late) + len(second) - 3
    earlier = Lie(place, 2, [step("reap", 1, 0, 1, 1), step("endio_leave", 1)])
    assert outcome_of([*late, *second], earlier) == DEVIATES


@pytest.mark.parametrize("name", ["twice", "decide32", "old_object"])
def test_raw_lies_about_a_pass_are_found_or_change_nothing(name: str) -> None:
    raw = read_raw(open_text(STORED / f"{name}.ktrace.xz"))
    planted = {each.kind: each for each in raw_lies.measure(raw, 3)}
    of_a_pass = [each for each in planted.values() if raw_lies.is_of_the_protocol(each.kind)]
    assert [each.kind for each in of_a_pass if each.found + each.outcomes[SAME] < each.planted] == []
    # A slot that is unlocked without having been selected, and where a pass is seen for the second time.
    harmless = {"raw scanned dropped", "raw scanning dropped", "raw scanned says another"}
    assert {each.kind for each in of_a_pass if each.outcomes[SAME]} <= harmless
    assert sum(each.planted for each in of_a_pass) >= 20
    assert sum(each.planted for each in planted.values()) >= 30


def test_no_raw_lie_is_planted_twice() -> None:
    raw = read_raw(open_text(STORED / "decide32.ktrace.xz"))
    planted = {each.kind: each.planted for each in raw_lies.measure(raw, 20)}
    sent = [event for event in raw.events if event.name == "sent"]
    assert planted["raw sent dropped"] == len(sent)
    assert planted["raw read_done dropped"] == 0
    assert planted["raw neighbours of two tasks exchanged"] > 0


def test_raw_lie_that_makes_another_header_is_judged_whole() -> None:
    """A read whose answer is missing is never over, and the next one is one more reader."""
    raw = read_raw(open_text(STORED / "reads.ktrace.xz"))
    truth = convert(raw).lines
    at = next(at for at, event in enumerate(raw.events) if event.name == "read_done")
    said = convert(raw._replace(events=[*raw.events[:at], *raw.events[at + 1 :]])).lines
    assert said[0] != truth[0]
    assert raw_lies._judged(said, planting.strictest(read(json.dumps(line) for line in truth))) == REJECTED


def test_callback_that_never_leaves_is_found_at_the_end() -> None:
    late = [*SHORT[:9], step("reap", 0, 0, 0, 1), step("endio_leave", 0), step("end_pass")]
    assert outcome_of(late, Lie(10, 1, [])) == REJECTED


def test_what_the_trace_has_is_all_that_is_tolerated() -> None:
    def tolerated(name: str) -> set[str]:
        return {
            *planting.strictest(read(json.dumps(line) for line in steps_of(STORED / f"{name}.ktrace.xz"))).tolerated
        }

    assert (tolerated("gate"), tolerated("twice"), tolerated("decide32")) == (set(), {TWICE}, {EARLY})
    assert tolerated("reads") == {STALE}


@pytest.mark.parametrize(
    ("lines", "said"), [([HEADER, *SHORT], "there is no end"), ([HEADER, *SHORT[1:], END], "scan.* is impossible")]
)
def test_trace_that_is_not_accepted_teaches_nothing(lines: list[lies.Step], said: str) -> None:
    with pytest.raises(UntrueError, match=f"must be accepted and have an end, got .*{said}"):
        [*measure(lines, 1)]


def test_command_prints_what_becomes_of_each_kind(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    converted = tmp_path / "short.jsonl"
    converted.write_text("".join(json.dumps(line) + "\n" for line in (HEADER, *SHORT, END)))
    assert kernel(["lies", "--each", "2", str(GATE), str(converted)]) == 0
    said = capsys.readouterr().out
    assert (
        "reap dropped                                            4           4           0           0           0"
        in said
    )
    assert "dropped or changed events of the protocol: " in said
    assert "100.0%" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"trace": 2}', "expected a header with `trace` 1"),
        ("no trace", "Expecting value"),
        ("", "expected a header, found nothing"),
        (None, "No such file or directory"),
    ],
)
def test_file_that_is_no_trace_is_refused(
    text: str | None, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "it.jsonl"
    if text is not None:
        file.write_text(text)
    assert kernel(["lies", str(file)]) == 2
    assert said in capfd.readouterr().err


def test_command_lies_in_raw_traces(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert kernel(["lies", "--raw", "--each", "1", str(STORED / "twice.ktrace.xz")]) == 0
    said = capsys.readouterr().out
    assert (
        "raw over dropped                                        1           1           0           0           0"
        in said
    )
    assert "raw read_done dropped" not in said  # nothing is read there
    assert "all others: 7 found of 7 that change something, 100.0%; 4 change nothing" in said
    converted = tmp_path / "short.jsonl"
    converted.write_text(json.dumps(HEADER) + "\n")
    assert kernel(["lies", "--raw", str(converted)]) == 2


def test_workload_that_does_not_exist_is_refused(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert kernel(["trace", str(tmp_path), "huge"]) == 2
    assert "error: W must be small, large or one of plain1, " in capfd.readouterr().err
    assert main(["kernel-judge", "--workloads", "huge", "--out", str(tmp_path)]) == 2
