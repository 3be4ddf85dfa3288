"""Stored traces of the kernel's driver: converted, judged, and refused where anything is missing."""

import json
from collections import Counter
from pathlib import Path

import pytest

from stateful.command import main
from stateful.traces.check import judge
from stateful.traces.driver.convert import convert
from stateful.traces.driver.raw import RefusedTrace, open_text, read_raw
from stateful.traces.policy import DECODED, DRIVER, EARLY, INSIDE, KEPT, SPECIFICATION, STALE, TWICE, UNSOUND
from stateful.traces.schema import read

STORED = Path(__file__).resolve().parents[2] / "data" / "kernel-judge"
RAW = sorted(path.name for path in STORED.glob("*.ktrace.xz"))
EXPECTED = {
    "gate.ktrace.xz": {},
    "reads.ktrace.xz": {STALE: 1},
    "twice.ktrace.xz": {TWICE: 1},
    "decide32.ktrace.xz": {EARLY: 1},
    "reset.ktrace.xz": {KEPT: 1},
    "steered.ktrace.xz": {UNSOUND: 1},
    "old_object.ktrace.xz": {DECODED: 1},
}
"""Deviations of each: all that there are."""


def raw_text(name: str) -> str:
    return open_text(STORED / name)


def changed_header(name: str, key: str, value: object) -> str:
    first, _, rest = raw_text(name).partition("\n")
    return json.dumps({**json.loads(first), key: value}) + "\n" + rest


def test_every_stored_trace_has_its_deviations() -> None:
    assert sorted(EXPECTED) == RAW


@pytest.mark.parametrize("name", RAW)
def test_raw_trace_is_the_driver_s(name: str) -> None:
    converted = convert(read_raw(raw_text(name)))
    trace = read(json.dumps(line) for line in converted.lines)
    judged = judge(trace, DRIVER)
    assert judged.finding is None
    assert Counter(each.name for each in judged.deviations) == EXPECTED[name]
    assert trace.end is not None
    kinds = {line.action.name for line in trace.lines}
    assert kinds >= {"write", "begin_pass", "scan", "end_scan", "submit", "endio_leave", "reap", "end_pass"}


def test_hundred_thousand_steps_are_the_driver_s() -> None:
    trace = read(open_text(STORED / "failing.jsonl.xz").splitlines())
    judged = judge(trace, DRIVER)
    assert judged.finding is None
    assert len(trace.lines) == 121_340
    assert Counter(each.name for each in judged.deviations) == {STALE: 32, UNSOUND: 16, INSIDE: 2}


@pytest.mark.parametrize(
    ("name", "strict", "said"),
    [
        ("reads", False, "read_end(reader 1) is impossible"),
        ("steered", False, "read_end(reader 0) is impossible"),
        ("old_object", False, "read_checked(reader 0) is impossible"),
        ("twice", False, "scan(slot 5) is impossible"),
        ("reset", False, "the limit is 50, and has to be 0"),
        ("decide32", True, "drop(slot 0) is impossible: there are budget and a free block"),
        ("decide32", False, ""),
        ("gate", True, ""),
    ],
)
def test_weakness_is_a_rejected_trace(name: str, strict: bool, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["kernel-judge", "--policy", "specification", *(["--strict-give-up"] if strict else [])]
    assert main([*arguments, str(STORED / f"{name}.ktrace.xz")]) == int(bool(said))
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("probes", {"bio": 0}, "every probe must be set, got none of access, alloc, "),
        ("missed", {"endio": 0, "scan": 3}, "no hit of a probe may be missed, got scan (3)"),
        ("stats", ["entries: 5\noverrun: 0\ndropped events: 17\n"], "no event may be dropped, got dropped events 17"),
        ("stats", ["entries: 5\noverrun: 2\n"], "no event may be dropped, got overrun 2"),
        ("stats", [], "no event may be dropped, got no statistics"),
        ("kernel_trace", 2, "a raw trace must begin with kernel_trace 1, got"),
        ("entry", "16", "entry must be a whole number, got '16'"),
    ],
)
def test_raw_trace_that_lost_something_is_refused(
    key: str, value: object, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lost.ktrace"
    path.write_text(changed_header("twice.ktrace.xz", key, value), encoding="utf-8")
    assert main(["kernel-judge", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_probe_that_could_not_be_set_is_named() -> None:
    first = json.loads(raw_text("twice.ktrace.xz").partition("\n")[0])
    with pytest.raises(RefusedTrace, match=r"every probe must be set, got none of sent$"):
        read_raw(changed_header("twice.ktrace.xz", "probes", {**first["probes"], "sent": -22}))


def test_more_requests_than_the_batch_has_are_refused() -> None:
    with pytest.raises(RefusedTrace, match="requests must be at most the batch size 1, got 3"):
        convert(read_raw(changed_header("twice.ktrace.xz", "batch", 1)))


def test_event_that_is_not_there_is_noticed() -> None:
    lines = raw_text("twice.ktrace.xz").splitlines()
    at = next(number for number, line in enumerate(lines) if ": endio: " in line)
    with pytest.raises(RefusedTrace, match="every event must be there, got 179 of 180"):
        read_raw("\n".join([*lines[:at], *lines[at + 1 :], ""]))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (": endio: ", ": endio_lost: ", "of probes that are known, got endio_lost"),
        ("blk=0 ", "blk=1 ", "a write must go to its block 1, got sector 0"),
        (": copy: ", ": access: ", "must"),
        ("bio=0x", "bio=0x1", "must follow from those before, got endio"),
    ],
)
def test_events_that_contradict_each_other_are_refused(old: str, new: str, said: str) -> None:
    text = raw_text("twice.ktrace.xz")
    head, found, tail = text.rpartition(old)
    assert found
    with pytest.raises(RefusedTrace, match=said):
        convert(read_raw(head + new + tail))


def test_foreign_page_at_a_sound_read_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reader that finds another page's number makes the trace wrong, unless its read is called unsound."""
    lines = raw_text("reads.ktrace.xz").splitlines()
    at = max(number for number, line in enumerate(lines) if ": access: " in line)
    task, _, rest = lines[at].partition(" [")
    key = int(rest.split(":")[0].split()[-1])
    mark = f"{task} [000] ..... {key}: tracing_mark_write: U foreign 3 got 5"
    text = "\n".join([*lines[: at + 1], mark, *lines[at + 1 :], ""])
    count = next(line for line in lines if "entries-written" in line)
    events = int(count.split("/")[-1].split()[0])
    text = text.replace(f"{events}/{events}", f"{events + 1}/{events + 1}")
    (tmp_path / "foreign.ktrace").write_text(text, encoding="utf-8")
    assert main(["kernel-judge", str(tmp_path / "foreign.ktrace")]) == 1
    said = "1  foreign pages noticed by readers, 1 of them at a read that is not called unsound"
    assert said in capsys.readouterr().out


def test_converted_trace_without_policy_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace-check", str(STORED / "failing.jsonl.xz")]) == 1
    assert "read_end(reader " in capsys.readouterr().out
    assert SPECIFICATION.tolerated == frozenset()


def test_raw_trace_may_not_be_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A raw trace that was cut within its last line was judged, with the beginning of a number for the number.

    Events were counted, and what was left of the last one counted as well.
    """
    text, data = raw_text("twice.ktrace.xz"), (STORED / "twice.ktrace.xz").read_bytes()
    path, packed = tmp_path / "cut.ktrace", tmp_path / "cut.ktrace.xz"
    for length in (*range(0, len(text), 1500), *range(len(text) - 90, len(text))):
        path.write_text(text[:length], encoding="utf-8")
        assert main(["kernel-judge", str(path)]) == 2
    for length in (*range(0, len(data), 300), len(data) - 1):
        packed.write_bytes(data[:length])
        assert main(["kernel-judge", str(packed)]) == 2
    assert "passed" not in capsys.readouterr().out


def test_trace_of_a_device_that_is_gone_has_no_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gone.ktrace"
    path.write_text(changed_header("twice.ktrace.xz", "end", None), encoding="utf-8")
    assert main(["kernel-judge", str(path)]) == 0
    assert "steps, passed, incomplete: there is no end\n" in capsys.readouterr().out


def test_deviations_are_counted_in_what_was_cut_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = open_text(STORED / "failing.jsonl.xz").splitlines(keepends=True)[:8_000]
    path = tmp_path / "cut.jsonl"
    path.write_text("".join(lines)[:-5], encoding="utf-8")
    assert main(["trace-check", "--policy", "driver", str(path)]) == 0
    said = capsys.readouterr().out.replace("\n", " ")
    assert f"{STALE}; first at line " in said
    assert "7,998 events of " in said
    assert ": a behaviour of the driver incomplete: there is no end, line 8000 is cut; " in said
    assert main(["trace-check", "--policy", "driver", "--complete", str(path)]) == 2
