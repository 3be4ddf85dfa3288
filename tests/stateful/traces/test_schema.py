"""A malformed trace is refused with its line, what was expected there and what was found."""

import json

import pytest

from stateful.traces.schema import End, Header, MalformedTrace, read

HEADER = {"trace": 1, "slots": 4, "blocks": 3, "requests": 2}
EVENT = {"task": "t", "does": "write", "args": [3, 1]}


def traced(*lines: object) -> list[str]:
    return [line if isinstance(line, str) else json.dumps(line) for line in lines]


def test_a_trace_is_read_as_it_is_written() -> None:
    event = {"task": "t", "does": "submit", "args": [3, 1, 2], "touches": [["table", 0, 1], ["block", 2, 1]]}
    end = {"slots": ".sSW", "used": [2], "limit": 5, "counts": {"stored": 3}}
    header = {**HEADER, "readers": 1, "limit": 7, "hidden": ["read"], "about": "an example"}
    trace = read(["", *traced(header, event), "  ", *traced({"end": end})])
    assert trace.header == Header(4, 3, 2, 1, 7, ("read",), "an example")
    (line,) = trace.lines
    assert (line.number, line.task, line.said, line.args, line.also) == (3, "t", "submit(slot 3, req 1)", (3, 1), (2,))
    assert line.touched == (("table", 0, 1), ("block", 2, 1))
    assert trace.ordered
    assert trace.end == End(5, ".sSW", frozenset({2}), 5, {"stored": 3})


def test_keys_of_the_writers_own_are_kept() -> None:
    (line,) = read(traced(HEADER, {**EVENT, "at": 7, "cpu": {"id": 1}})).lines
    assert line.more == {"at": 7, "cpu": {"id": 1}}


def test_what_may_be_left_out_has_a_meaning() -> None:
    trace = read(traced(HEADER, {"task": "t", "does": "begin_pass"}, {"end": {}}))
    assert trace.header == Header(4, 3, 2, 0, None)
    assert [line.said for line in trace.lines] == ["begin_pass"]
    assert not trace.ordered
    assert trace.end == End(3)
    assert trace.header.state().budget.enabled == 0


@pytest.mark.parametrize(
    ("lines", "line", "sentence"),
    [
        ([], 1, "expected a header, found nothing"),
        (["nonsense"], 1, "expected JSON, found 'nonsense'"),
        (["[1]"], 1, "expected a JSON object, found [1]"),
        ([EVENT], 1, "expected a header with `trace` 1, found "),
        ([{**HEADER, "trace": 2}], 1, "expected a header with `trace` 1, found "),
        ([{**HEADER, "slots": -1}], 1, "`slots`: expected a whole number, found -1"),
        ([{**HEADER, "slots": True}], 1, "`slots`: expected a whole number, found true"),
        ([{**HEADER, "slots": 1 << 25}], 1, "expected sizes up to 16,777,216, found 33,554,432"),
        (["[" * 100_000], 1, "expected JSON, found '[[[["),
        ([{**HEADER, "blocks": 0}], 1, "expected at least 1 of `slots`, `blocks` and `requests`"),
        ([{"trace": 1, "slots": 1, "blocks": 1}], 1, "`requests`: expected a whole number, found null"),
        ([{**HEADER, "limit": "no"}], 1, '`limit`: expected a whole number, found "no"'),
        ([{**HEADER, "hidden": ["writes"]}], 1, '`hidden`: expected names of actions, found ["writes"]'),
        ([{**HEADER, "seed": 5}], 1, "expected no other keys than about, blocks, "),
        ([HEADER, EVENT, "{"], 3, "expected JSON, found '{'"),
        ([HEADER, {**EVENT, "task": 7}], 2, "`task`: expected a name, found 7"),
        ([HEADER, {**EVENT, "does": "writes"}], 2, "`does`: expected an action of the specification, found "),
        ([HEADER, {**EVENT, "does": 3}], 2, "`does`: expected an action of the specification, found 3"),
        ([{**HEADER, "hidden": ["write"]}, EVENT], 2, "`does`: expected no write, the header says it is hidden"),
        ([HEADER, {**EVENT, "args": [3]}], 2, "`args`: expected (slot, huge), found [3]"),
        ([HEADER, {**EVENT, "args": 3}], 2, "`args`: expected (slot, huge), found 3"),
        ([HEADER, {**EVENT, "args": [4, 0]}], 2, "`args`: expected slot below 4, found 4"),
        ([HEADER, {**EVENT, "args": [3, 2]}], 2, "`args`: expected huge below 2, found 2"),
        ([HEADER, {**EVENT, "args": [3, False]}], 2, "`args`: expected a whole number for huge, found false"),
        ([HEADER, {**EVENT, "args": [3, -1]}], 2, "`args`: expected a whole number for huge, found -1"),
        (
            [HEADER, {**EVENT, "does": "reap", "args": [0, 1]}],
            2,
            "`args`: expected (req, [slot], [blk], [committed]), found [0, 1]",
        ),
        ([{**HEADER, "hidden": ["access"]}], 1, "`hidden`: expected names of actions, found ["),
        ([HEADER, {**EVENT, "does": "reap", "args": [0, 1, 2, 2]}], 2, "`args`: expected committed below 2, found 2"),
        ([HEADER, {**EVENT, "does": "reap", "args": [0, 1, 3]}], 2, "`args`: expected blk below 3, found 3"),
        ([HEADER, {**EVENT, "touches": 5}], 2, "`touches`: expected a list of [object, number, version], found 5"),
        ([HEADER, {**EVENT, "touches": [["slot", 1]]}], 2, "`touches`: expected a list of [object, number, version]"),
        ([HEADER, EVENT, {**EVENT, "touches": []}], 3, "expected `touches` in every event or in none"),
        ([HEADER, {**EVENT, "touches": []}, EVENT], 3, "expected `touches` in every event or in none"),
        ([HEADER, {"end": {}}, EVENT], 3, "expected nothing after the end at line 2"),
        ([HEADER, {"end": 5}], 2, "`end`: expected an object, found 5"),
        (
            [HEADER, {"end": {"slot": 5}}],
            2,
            'expected no other keys than counts, huge, limit, slots, used; found ["slot"]',
        ),
        ([HEADER, {"end": {"slots": "..."}}], 2, '`slots`: expected 4 letters of .sSPW, found "..."'),
        ([HEADER, {"end": {"slots": "...x"}}], 2, '`slots`: expected 4 letters of .sSPW, found "...x"'),
        ([HEADER, {"end": {"used": 3}}], 2, "`used`: expected a list of blocks, found 3"),
        ([HEADER, {"end": {"huge": "3"}}], 2, '`huge`: expected a list of slots, found "3"'),
        ([HEADER, {"end": {"huge": [4]}}], 2, "`args`: expected slot below 4, found 4"),
        ([HEADER, {"end": {"used": [3]}}], 2, "`args`: expected blk below 3, found 3"),
        ([HEADER, {"end": {"counts": {"pages": 3}}}], 2, "`counts`: expected stored, same, huge and bd_count, found "),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(lines: list[object], line: int, sentence: str) -> None:
    with pytest.raises(MalformedTrace) as caught:
        read(traced(*lines))
    assert str(caught.value).startswith(f"line {line}: {sentence}")
    assert caught.value.line == line
    assert len(str(caught.value)) < 200


def test_the_rest_of_a_long_line_is_not_repeated() -> None:
    with pytest.raises(MalformedTrace) as caught:
        read(traced(HEADER, {**EVENT, "args": list(range(1000))}))
    assert str(caught.value).endswith("...")
