"""Traces that were cut short: judged as far as they go, and never found wrong for what is missing behind."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from stateful.command import main
from stateful.stress import free_threads
from stateful.traces.check import Judgement, judge
from stateful.traces.schema import AS_FAR_AS_IT_GOES, MalformedTrace, read
from tests.stateful.traces.small_traces import place, record

Event = dict[str, object]
BUFFERED = 64
"""Events that a task keeps before it writes them, in the traces of a device that does that."""


@pytest.fixture(scope="module")
def small() -> str:
    return record()


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A trace of threads that ran free."""
    path = tmp_path_factory.mktemp("traces") / "trace.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(free_threads, "PAGES", 90)
        patch.setattr(free_threads, "BLOCKS", 70)
        assert not free_threads.run(0.1, trace=path).problems
    return path.read_text(encoding="utf-8")


def judged(text: str | bytes) -> Judgement:
    data = text.encode() if isinstance(text, str) else text
    return judge(read(data.splitlines(keepends=True), AS_FAR_AS_IT_GOES))


def found(judgement: Judgement) -> tuple[int | None, str]:
    """The line and the sentence of what is wrong."""
    return (judgement.finding.line, judgement.finding.sentence) if judgement.finding else (None, "")


def cuts(text: str, number: int) -> Iterator[str]:
    """Some beginnings of a trace that have its header: at any byte, and at the end of a line as often."""
    chance, lines = random.Random(number), text.splitlines(keepends=True)
    for _ in range(number):
        yield text[: chance.randrange(len(lines[0]), len(text) - 1)]
        yield "".join(lines[: chance.randrange(1, len(lines))])


def buffered(text: str) -> str:
    """The same trace of a device whose tasks write many events at a time: out of order, and what is rare comes last."""
    header, *lines, end = text.splitlines(keepends=True)
    kept: dict[object, list[str]] = {}
    written = [header]
    for line in lines:
        mine = kept.setdefault(json.loads(line)["task"], [])
        mine.append(line)
        if len(mine) == BUFFERED:
            written += mine
            mine.clear()
    return "".join([*written, *[line for mine in kept.values() for line in mine], end])


def uncounted(text: str) -> str:
    """The same trace of a device whose tasks do not count their events."""
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        if "touches" in event:
            event["touches"] = [each for each in event["touches"] if not each[0].startswith("task ")]
    return "".join(f"{json.dumps(event)}\n" for event in events)


def test_a_whole_trace_is_complete(small: str, free: str) -> None:
    for text in (small, small.rstrip("\n"), f"{small}\n \n", free, buffered(free), uncounted(free)):
        judgement = judged(text)
        assert (judgement.finding, judgement.incomplete, judgement.problem) == (None, "", "")
        assert judgement.judged == len(text.splitlines()) - 2 - text.endswith("\n \n") * 2


def test_no_line_at_which_a_trace_is_cut_is_a_finding(small: str) -> None:
    """A trace that was cut short was a finding: "version 7728 of table 0 is missing".

    Every gap between versions was taken for a lost event, also where all that follows may be missing.
    """
    lines = small.splitlines(keepends=True)
    for number in range(1, len(lines)):
        assert judged("".join(lines[:number])) == (None, [], number - 1, "there is no end")
        torn = judged("".join(lines[:number]) + lines[number][: len(lines[number]) // 2])
        assert torn == (None, [], number - 1, f"there is no end, line {number + 1} is cut")


def test_a_line_may_be_cut_anywhere(small: str) -> None:
    lines = small.splitlines(keepends=True)
    before, end = "".join(lines[:-1]), lines[-1].rstrip("\n")
    for length in range(1, len(end)):
        assert judged(before + end[:length]).incomplete == f"there is no end, line {len(lines)} is cut"
        assert judged(f"{before}{end[:length]}\n\n").incomplete == f"there is no end, line {len(lines)} is cut"
    assert judged(before + end).incomplete == ""


def test_a_letter_may_be_cut() -> None:
    header = b'{"trace": 1, "slots": 1, "blocks": 1, "requests": 1}\n'
    event = '{"task": "größer", "does": "read", "args": [0]}\n'.encode()
    cut = event.index(b"\xc3") + 1
    assert judged(header + event + event[:cut]) == (None, [], 1, "there is no end, line 3 is cut")
    with pytest.raises(MalformedTrace, match="line 2: expected UTF-8"):
        judged(header + event[:cut] + b'"}\n' + event)


def test_threads_that_ran_free_may_be_cut_anywhere(free: str) -> None:
    for cut in cuts(free, 25):
        judgement = judged(cut)
        assert judgement.finding is None
        assert judgement.incomplete.startswith("there is no end")
        # Everything that is there: a line comes after all that it depends on.
        assert judgement.judged == len([line for line in cut.splitlines()[1:] if line.endswith("}")])


@pytest.mark.parametrize("counted", [True, False])
def test_lines_out_of_order_may_be_cut_anywhere(free: str, counted: bool) -> None:
    text = buffered(free if counted else uncounted(free))
    missing = 0
    for cut in cuts(text, 25):
        judgement = judged(cut)
        assert judgement.finding is None
        missing += " is missing, so " in judgement.incomplete
    assert missing > 20


def changed(text: str, at: int, **values: object) -> str:
    lines = text.splitlines()
    lines[at] = json.dumps(json.loads(lines[at]) | values)
    return "\n".join(lines) + "\n"


def of_middle(text: str, kind: str) -> int:
    """The line of an event of a kind in the middle."""
    events = [json.loads(line) for line in text.splitlines()]
    return place(events, kind, sum(event.get("does") == kind for event in events) // 2)


def test_what_is_impossible_is_found_wherever_it_is_cut_behind(free: str) -> None:
    at = of_middle(free, "reap")
    bad = changed(free, at, args=[63])
    for length in (at + 1, at + 2, at + 300, -1):
        assert found(judged("\n".join(bad.splitlines()[:length]))) == (at + 1, "reap(req 63) is impossible")
    assert judged("\n".join(bad.splitlines()[:at])).finding is None


@pytest.mark.parametrize("arrange", [str, buffered], ids=["in order", "out of order"])
def test_an_event_missing_in_the_middle_is_found(free: str, arrange: type[str]) -> None:
    """Follow a trace with its end and without: a task counts its events, and the last ones alone may be missing."""
    lines = arrange(free).splitlines(keepends=True)
    names = [json.loads(line).get("task") for line in lines]
    chance, end = random.Random(1), len(lines) * 3 // 4
    for at in chance.sample([n for n in range(1, end) if names[n] in names[n + 1 : end]], 10):
        less = [*lines[:at], *lines[at + 1 :]]
        for text in ("".join(less), "".join(less[:end]), "".join(less[:end])[:-9]):
            assert " is missing, at " in found(judged(text))[1]


def test_a_doubled_event_is_found_without_its_place(free: str) -> None:
    lines = buffered(uncounted(free)).splitlines(keepends=True)
    lines = lines[: len(lines) * 3 // 4]
    while not json.loads(lines[-1])["touches"]:
        lines.pop()  # nothing says that there is one too many of these
    judgement = judged("".join(lines))
    assert (judgement.finding, " is missing, so " in judgement.incomplete) == (None, True)
    line, sentence = found(judged("".join([*lines, lines[-1]])))
    assert (line, " is there twice, at " in sentence) == (len(lines) + 1, True)


def test_events_that_wait_for_each_other_are_found_behind_a_gap() -> None:
    header = {"trace": 1, "slots": 1, "blocks": 1, "requests": 1}

    def event(task: str, *touches: tuple[str, int]) -> Event:
        return {"task": task, "does": "read", "args": [0], "touches": [[name, 0, at] for name, at in touches]}

    gap = [event("a", ("x", 3)), event("a", ("y", 5)), event("b", ("y", 7)), event("b", ("x", 2))]
    trace = read(json.dumps(each) for each in [header, *gap])
    assert found(judge(trace))[1] == (
        "the events have no order: events wait for each other: version 3 of x 0 comes before version 2; "
        "version 7 of y 0 comes before version 5, at read(slot 0)"
    )
    assert judge(read(json.dumps(each) for each in [header, *gap[:3]])).finding is None


# The command


SAID = {
    "nothing": (2, "line 1: expected a header, found nothing"),
    "header torn": (2, "line 1: expected a header, found the beginning of one"),
    "header": (0, "0 events of 0 tasks"),
    "events": (0, "incomplete: there is no end; "),
    "events torn": (0, "incomplete: there is no end, line "),
    "no header": (2, "line 1: expected a header with `trace` 1"),
    "no end": (0, "incomplete: there is no end; "),
    "empty end": (0, "compared with the end; "),
    "all": (0, "compared with the end; "),
    "behind the end": (2, "expected nothing after the end"),
}
"""Exit code and words, for what is left of a trace."""
WHOLE = ("empty end", "all")


def cut_to(kept: str, text: str) -> str:
    lines = text.splitlines(keepends=True)
    return {
        "nothing": "",
        "header torn": lines[0][:20],
        "header": lines[0],
        "events": "".join(lines[:20]),
        "events torn": "".join(lines[:20])[:-5],
        "no header": "".join(lines[1:]),
        "no end": "".join(lines[:-1]),
        "empty end": "".join([*lines[:-1], '{"end": {}}']),
        "all": text,
        "behind the end": text + lines[1][:9],
    }[kept]


@pytest.mark.parametrize("kept", SAID)
def test_the_verdict_says_incomplete(small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(cut_to(kept, small), encoding="utf-8")
    code, said = SAID[kept]
    assert main(["trace-check", str(path)]) == code
    out, err = capsys.readouterr()
    assert said in (err if code else out).replace("\n", "")


@pytest.mark.parametrize("kept", SAID)
def test_an_incomplete_trace_is_refused_on_request(
    small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: str
) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(cut_to(kept, small), encoding="utf-8")
    code, said = SAID[kept]
    assert main(["trace-check", "--complete", str(path)]) == (0 if kept in WHOLE else 2)
    out, err = capsys.readouterr()
    if kept in WHOLE:
        assert said in out
    else:
        assert out == ""
        assert (said if code else ": incomplete: there is no end") in err.replace("\n", "")


def test_a_finding_is_one_although_the_trace_is_incomplete(
    small: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = changed(small, of_middle(small, "reap"), args=[3]).splitlines(keepends=True)
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    assert main(["trace-check", "--complete", str(path)]) == 1
    assert "reap(req 3) is impossible" in capsys.readouterr().out
