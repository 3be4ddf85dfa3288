"""Reading recordings: what is understood, and what is refused with the line it is in."""

import json
import re
from pathlib import Path

import pytest

from stateful.conformance.contents import Pattern
from stateful.conformance.fields import MalformedRecording
from stateful.conformance.operations import (
    ByteRead,
    ByteWrite,
    Discard,
    DmTable,
    Flush,
    GetSize,
    Hold,
    Join,
    MakeBacking,
    MakeFile,
    Read,
    Sleep,
    Write,
    Zeroout,
)
from stateful.conformance.schema import RecordedAnswer, read_operations, read_recording, recorded_names

META = '{"meta":{"schema":1,"seq":"x"}}'
BEFORE = '{"i":-1,"rc":0,"st":{"wl":0,"init":0}}'


def record(where: Path, operations: list[str], answers: list[str]) -> None:
    """Write a recording named x."""
    (where / "x.ops.jsonl").write_text("\n".join([META, *operations]))
    (where / "x.expected.jsonl").write_text("\n".join([META, BEFORE, *answers]))


def test_the_state_is_what_changed_last(tmp_path: Path) -> None:
    record(
        tmp_path,
        ['{"op":"hold"}', '{"op":"join"}', '{"op":"read","page":1}'],
        ['{"i":0,"rc":0,"st":{"wl":5}}', '{"i":1,"rc":-1,"err":"EIO"}', '{"i":2,"rc":4096,"crc":["00"],"st":{}}'],
    )
    recording = read_recording(tmp_path, "x")
    assert recording.operations == (Hold(), Join(), Read(1, 1))
    assert recording.before == {"wl": 0, "init": 0}
    assert [each.state for each in recording.expected] == [{"wl": 5, "init": 0}, None, {"wl": 5, "init": 0}]
    assert [each.answer for each in recording.expected] == [
        RecordedAnswer(0),
        RecordedAnswer(-1, "EIO"),
        RecordedAnswer(4096, crc=("00",)),
    ]


@pytest.mark.parametrize(
    ("line", "operation"),
    [
        ('{"op":"discard","page":2,"count":3}', Discard(8192, 12288)),
        ('{"op":"discard","off":512,"len":100}', Discard(512, 100)),
        ('{"op":"zeroout","page":1}', Zeroout(4096, 4096)),
        ('{"op":"mkbd","bd":3,"blocks":2}', MakeBacking(3, 8192)),
        ('{"op":"mkbd","bd":0,"bytes":12800}', MakeBacking(0, 12800)),
        ('{"op":"write","page":1,"pat":"same","value":7,"count":2}', Write(1, 2, Pattern("same", 7))),
        ('{"op":"dmtab","bd":0,"blocks":9,"fail_write":[[1,2]]}', DmTable(0, 9, ((1, 2),), ())),
        ('{"op":"xhold"}', Hold(exclusive=True)),
        ('{"op":"rhold"}', Hold(read_only=True)),
        ('{"op":"bwrite","off":7,"len":9,"seed":3,"how":"buf"}', ByteWrite(7, 9, 3, buffered=True)),
        ('{"op":"bread","off":-1,"len":0,"how":"direct"}', ByteRead(-1, 0, buffered=False)),
        ('{"op":"flush"}', Flush()),
        ('{"op":"getsize"}', GetSize()),
        ('{"op":"mkfile","path":"/bd/d","bytes":7,"seed":1}', MakeFile("/bd/d", 7, 1)),
        ('{"op":"sleep","ms":1500}', Sleep(1500)),
    ],
)
@pytest.mark.parametrize("schema", [1, 2])
def test_operations_are_understood(tmp_path: Path, line: str, operation: object, schema: int) -> None:
    path = tmp_path / "x.ops.jsonl"
    path.write_text(f'{{"meta":{{"schema":{schema}}}}}\n{line}\n')
    assert read_operations(path) == (False, (operation,))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "a line must be JSON, got '{'"),
        ("[]", "must be an object"),
        ("{}", "there is no field op"),
        ('{"op":"dance"}', ", got 'dance'"),
        ('{"op":"read"}', "there is no field page"),
        ('{"op":"read","page":"1"}', "page must be a whole number, got "),
        ('{"op":"read","page":true}', "page must be a whole number, got "),
        ('{"op":"read","page":-1}', "page must be at least 0, got -1"),
        ('{"op":"read","page":0,"count":1000000}', "count must be at most 65536, got 1000000"),
        ('{"op":"mkbd","bd":0,"blocks":1000000}', "blocks must be at most 262144, got 1000000"),
        ('{"op":"read","page":1,"pages":2}', ", got pages"),
        ('{"op":"store","attr":"idle","value":1}', "value must be text, got 1"),
        ('{"op":"write","page":0,"pat":"noise"}', ", got 'noise'"),
        ('{"op":"write","page":0,"pat":"comp","seed":1,"n":5000}', "n must be at most the 4096 bytes of a page, "),
        ('{"op":"write","page":0,"pat":"zero","crc":["00000000"]}', "crc must be "),
        ('{"op":"write","page":0,"pat":"zero","crc":[0]}', "crc must be a list of texts, got [0]"),
        ('{"op":"dmtab","bd":0,"blocks":4,"fail_all":[[3,4]]}', "fail_all must be below 4, got 3 to 4"),
        ('{"op":"dmtab","bd":0,"blocks":4,"fail_all":[[3]]}', "must hold a first and a last block each, got [3]"),
        ('{"op":"dmtab","bd":0,"blocks":4,"fail_all":3}', "fail_all must be a list of pairs, got 3"),
        ('{"op":"bread","off":0,"len":1,"how":"mmap"}', "how must be direct or buf, got 'mmap'"),
        ('{"op":"bread","off":0,"len":1}', "there is no field how"),
        ('{"op":"bwrite","off":0,"len":1,"how":"buf"}', "there is no field seed"),
        ('{"op":"bread","off":0,"len":-1,"how":"buf"}', "len must be at least 0, got -1"),
        ('{"op":"mkfile","path":7,"bytes":7,"seed":1}', "path must be text, got 7"),
        ('{"op":"flush","off":0}', ", got off"),
    ],
)
def test_a_malformed_operation_is_refused_with_its_line(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "x.ops.jsonl"
    path.write_text(f'{META}\n{{"op":"hold"}}\n{line}\n')
    with pytest.raises(MalformedRecording, match=f"x.ops.jsonl:3: .*{re.escape(why)}"):
        read_operations(path)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([], "there are 0 answers to 1 operations"),
        (['{"i":1,"rc":0}'], ":3: i must be 0, got 1"),
        (['{"i":0}'], ":3: there is no field rc"),
        (['{"i":0,"rc":0,"st":{"wlx":1}}'], ":3: st has an unknown key wlx"),
        (['{"i":0,"rc":0,"crc":7}'], ":3: crc must be a list, got 7"),
    ],
)
def test_malformed_answers_are_refused(tmp_path: Path, answers: list[str], why: str) -> None:
    record(tmp_path, ['{"op":"hold"}'], answers)
    with pytest.raises(MalformedRecording, match=why):
        read_recording(tmp_path, "x")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ('{"op":"hold"}', "1: the first line must be meta"),
        ('{"meta":{"schema":3}}', "1: schema must be 1 or 2, got 3"),
        ('{"meta":1}', "1: meta must be an object, got 1"),
    ],
)
def test_a_file_without_its_meta_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "x.ops.jsonl"
    path.write_text(text)
    with pytest.raises(MalformedRecording, match=why):
        read_operations(path)


def test_answers_without_a_state_before_are_refused(tmp_path: Path) -> None:
    record(tmp_path, [], [])
    (tmp_path / "x.expected.jsonl").write_text(META)
    with pytest.raises(MalformedRecording, match="has no answers"):
        read_recording(tmp_path, "x")


def test_recordings_are_found_by_name(tmp_path: Path) -> None:
    for name in ("b.ops.jsonl", "a.ops.jsonl", "notes.txt"):
        (tmp_path / name).touch()
    assert recorded_names(tmp_path) == ["a", "b"]


def test_recordings_of_folders_are_found_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "more" / "deep").mkdir(parents=True)
    record(tmp_path / "more" / "deep", ['{"op":"hold"}'], ['{"i":0,"rc":0,"st":{"clk":7.5,"ts":{"0":7}}}'])
    (tmp_path / "z.ops.jsonl").touch()
    assert recorded_names(tmp_path) == ["more/deep/x", "z"]
    recording = read_recording(tmp_path, "more/deep/x")
    assert (recording.name, recording.expected[0].state) == (
        "more/deep/x",
        {"wl": 0, "init": 0, "clk": 7.5, "ts": {"0": 7}},
    )


def test_a_directory_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedRecording, match=r"there is no NAME\.ops\.jsonl in it"):
        recorded_names(tmp_path)
    with pytest.raises(MalformedRecording, match="No such file"):
        recorded_names(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(MalformedRecording, match="Not a directory"):
        recorded_names(tmp_path / "file")


def test_a_recording_without_answers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.ops.jsonl").write_text(META)
    with pytest.raises(MalformedRecording, match=r"x\.expected\.jsonl: there is no such file"):
        read_recording(tmp_path, "x")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.ops.jsonl").write_bytes(json.dumps({"meta": {"seq": "\xe9"}}).encode() + b"\xff")
    with pytest.raises(MalformedRecording, match="cannot be read"):
        read_operations(tmp_path / "x.ops.jsonl")
