"""Traces that are behaviours of the specification, and what is said of those that are not."""

import json
from collections import Counter

import pytest

from stateful.bugs.seeded import MACHINE, SeededBug, by_name
from stateful.traces import check as checking
from stateful.traces.check import TooManyError, TraceFinding, check
from stateful.traces.schema import MalformedTrace, read
from tests.stateful.traces.small_traces import Doctor, doctored, finding, place, record, record_kept, without_versions

Lines = list[dict[str, object]]


@pytest.fixture(scope="module")
def text() -> str:
    return record()


def seen(text: str, doctor: Doctor = lambda _lines: None) -> TraceFinding:
    """Return what is found in a trace, in which something is."""
    found = finding(text, doctor)
    assert found is not None
    return found


def in_turn(*doctors: Doctor) -> Doctor:
    """Let one doctor follow the other."""
    return lambda lines: [doctor(lines) for doctor in doctors]


def test_a_run_of_the_device_is_a_behaviour(text: str) -> None:
    assert finding(text) is None
    assert finding(text, without_versions) is None
    kinds = Counter(line.action.name for line in read(text.splitlines()).lines)
    several = {"device_ok": 2, "device_error": 1, "skip": 1, "drop_held": 1, "read_begin": 1, "submit": 3, "reap": 3}
    assert {kind: kinds[kind] for kind in several} == several


# A trace does not say what is in a page: that a wrong one is written is for those who read it.
SEEN = [bug for bug in MACHINE if bug.name != "unassigned_index"]


@pytest.mark.parametrize("bug", SEEN, ids=lambda bug: bug.name)
def test_a_seeded_bug_is_found(bug: SeededBug) -> None:
    with bug.applied():
        broken = record_kept() if bug.name == "kept_by_index_only" else record()
    assert finding(broken) is not None


def test_kept_pages_are_a_behaviour() -> None:
    text = record_kept()
    assert finding(text) is None
    kinds = Counter(line.action.name for line in read(text.splitlines()).lines)
    assert {kind: kinds[kind] for kind in ("read_keep", "read_kept", "drop_kept")} == {
        "read_keep": 3,
        "read_kept": 3,
        "drop_kept": 1,
    }


def test_a_kept_page_of_a_replaced_slot_is_found() -> None:
    with by_name("kept_by_index_only").applied():
        found = seen(record_kept())
    assert found.sentence == "read_kept(reader 0) is impossible"
    assert "slot replaced since" in found.details


def test_a_read_of_a_replaced_slot_that_ends_is_found(text: str) -> None:
    def rewritten(lines: Lines) -> None:
        at = place(lines, "read_answer")
        slot = lines[place(lines, "read_begin")]["args"]
        assert isinstance(slot, list)
        lines.insert(at, {"task": "other", "does": "discard", "args": [slot[0]]})
        without_versions(lines)

    found = seen(text, rewritten)
    assert found.sentence == "read_end(reader 0) is impossible"
    assert "slot replaced since" in found.details


# Doctored traces: with versions the order is gone, without them a step is impossible.


def drop(kind: str, number: int = 0) -> Doctor:
    return lambda lines: lines.pop(place(lines, kind, number))


def swap(kind: str, other: str) -> Doctor:
    def swapped(lines: Lines) -> None:
        a, b = place(lines, kind), place(lines, other)
        lines[a], lines[b] = lines[b], lines[a]

    return swapped


def change(kind: str, position: int, value: int) -> Doctor:
    def changed(lines: Lines) -> None:
        args = lines[place(lines, kind)]["args"]
        assert isinstance(args, list)
        args[position] = value

    return changed


def early(kind: str, other: str) -> Doctor:
    """An event before the one it has to wait for."""

    def moved(lines: Lines) -> None:
        lines.insert(place(lines, other), lines.pop(place(lines, kind)))

    return moved


# What is done, the event at whose line it is found, and the sentence.
DOCTORED: list[tuple[str, Doctor, str, str]] = [
    ("a submission is missing", drop("submit"), "device_ok", "device_ok(blk 0) is impossible"),
    ("a block is missing", drop("reserve_block"), "submit", "submit(slot 3, req 0) reports blk 0; it is blk none"),
    ("an answer is missing", drop("device_ok"), "endio_queue", "endio_queue(req 0) is impossible"),
    ("a scan is missing", drop("scan", 3), "submit", "submit(slot 3, req 0) is impossible"),
    ("a reaping is missing", drop("reap"), "take_request", "take_request(req 0) is impossible"),
    ("two are swapped", swap("take_request", "reserve_block"), "reserve_block", "reserve_block(blk 0) is impossible"),
    ("another block", change("submit", 2, 4), "submit", "submit(slot 3, req 0) reports blk 4; it is blk 0"),
    ("another request", change("take_request", 0, 3), "submit", "submit(slot 3, req 0) is impossible"),
    ("reaped too early", early("reap", "endio_leave"), "reap", "reap(req 0) is impossible"),
    ("reaped before it is written", early("reap", "device_ok"), "reap", "reap(req 0) is impossible"),
    ("ended too early", early("end_pass", "reap"), "end_pass", "end_pass is impossible"),
]


NAMES = [row[0] for row in DOCTORED]


@pytest.mark.parametrize(("doctor", "event", "sentence"), [row[1:] for row in DOCTORED], ids=NAMES)
def test_a_doctored_trace_is_found_at_the_right_line(text: str, doctor: Doctor, event: str, sentence: str) -> None:
    cut = in_turn(doctor, without_versions)
    found = seen(text, cut)
    assert found.sentence == sentence
    lines = [json.loads(line) for line in text.splitlines()]
    cut(lines)
    # the line of the first such event, counted from 1; where several of a kind remain, of the one that is named
    candidates = [number for number, line in enumerate(lines, 1) if line.get("does") == event]
    assert found.line in candidates
    assert f"\n  {found.line:>9}  " in found.details


@pytest.mark.parametrize("doctor", [row[1] for row in DOCTORED], ids=NAMES)
def test_a_doctored_trace_with_versions_is_found(text: str, doctor: Doctor) -> None:
    assert finding(text, doctor) is not None


def test_an_event_that_is_missing_is_found_by_its_version(text: str) -> None:
    found = seen(text, drop("scan", 1))
    assert found.line == (place([json.loads(line) for line in text.splitlines()], "scan", 1) + 1)
    assert found.sentence.startswith("the events have no order: version ")
    assert " of table 0 is missing, at scan(slot 2)" in found.sentence


def test_a_finding_shows_the_last_events_in_lanes(text: str) -> None:
    found = seen(text, in_turn(early("reap", "endio_leave"), without_versions))
    assert "reap (zram_complete_done_reqs) needs: The request is answered and its callback has left." in found.details
    assert "    req 0     done, slot 3 to blk 0, charged to grant 2, its callback is inside the pass" in found.details
    assert "    pass      writing" in found.details
    assert found.text.startswith(f"line {found.line}: reap(req 0) is impossible\n  MainThread; reap")


# The end


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("slots", "S.SWS.", "slot 1 is '.', and has to be 'S' (.sSPW: empty, same, stored, pp_slot, wb)"),
        ("used", [0, 3], "blk 3 is in use, and nobody owns it"),
        ("used", [], "blk 0 is free, and somebody owns it"),
        ("limit", 9, "the limit is 9, and has to be 7"),
        ("counts", {"stored": 4, "same": 2}, "same is 2, and has to be 1"),
    ],
)
def test_a_device_that_ends_in_another_state_is_found(text: str, part: str, value: object, sentence: str) -> None:
    def changed(lines: Lines) -> None:
        end = lines[-1]["end"]
        assert isinstance(end, dict)
        end[part] = value

    found = seen(text, changed)
    assert found.sentence == f"the device ends in another state: {sentence}"
    assert found.line == len(text.splitlines())


def test_a_trace_may_end_without_a_look_at_the_device(text: str) -> None:
    assert finding(text, lambda lines: lines.pop()) is None
    assert finding(text, lambda lines: lines[-1].update(end={})) is None


# What is hidden


def hiding(*kinds: str) -> Doctor:
    def hidden(lines: Lines) -> None:
        lines[:] = [line for line in lines if line.get("does") not in kinds]
        without_versions(lines)
        lines[0]["hidden"] = list(kinds)

    return hidden


HIDDEN = [
    *[("take_request",), ("drop_held", "endio_leave"), ("take_request", "reserve_block"), ("skip",)],
    *[("device_ok", "device_error"), ("endio_queue", "endio_leave"), ("read_answer", "read_end")],
]


@pytest.mark.parametrize("kinds", HIDDEN, ids="-".join)
def test_what_is_hidden_may_have_happened_anywhere(text: str, kinds: tuple[str, ...]) -> None:
    assert finding(text, hiding(*kinds)) is None


def test_what_is_impossible_in_every_state_is_found(text: str) -> None:
    found = seen(text, in_turn(early("end_pass", "reap"), hiding("endio_queue", "endio_leave")))
    assert found.sentence == "end_pass is impossible in each of 3 states"
    assert "state 1 of 3" in found.details


def test_a_leak_is_found_although_something_is_hidden(text: str) -> None:
    leaking = in_turn(hiding("take_request", "drop_held"), lambda lines: lines[-1].update(end={"used": [0, 2]}))
    assert "blk 2 is in use, and nobody owns it" in seen(text, leaking).sentence


def test_where_too_much_is_hidden_nothing_is_said(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "POSSIBLE_MOST", 50)
    with pytest.raises(TooManyError, match="more than 50 states are possible"):
        check(doctored(text, hiding("write", "discard")))


@pytest.mark.parametrize("kind", ["reset", "store_limit"])
def test_what_cannot_be_hidden_is_refused(text: str, kind: str) -> None:
    with pytest.raises(MalformedTrace, match=f"{kind} cannot be hidden"):
        check(doctored(text, hiding(kind)))


# Reads


def test_a_trace_without_readers_has_reads_of_one_step(text: str) -> None:
    def without_readers(lines: Lines) -> None:
        lines[0]["readers"] = 0
        lines[:] = [line for line in lines if line.get("does") not in ("read_answer", "read_end")]
        for line in lines:
            if line.get("does") == "read_begin":
                args = line["args"]
                assert isinstance(args, list)
                line.update(does="read", args=args[:1])
        without_versions(lines)

    assert finding(text, without_readers) is None


def test_a_pass_that_is_under_way_at_the_end_is_found(text: str) -> None:
    found = seen(text, in_turn(drop("end_pass"), without_versions))
    assert found.sentence == "the device ends in another state: a pass is under way"
