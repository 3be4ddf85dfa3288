"""The command: what it prints and its exit code."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from stateful.command import main

META = '{"meta":{"schema":1,"seq":"x"}}'
HEAD = [
    '{"op":"mkbd","bd":0,"blocks":2}',
    '{"op":"store","attr":"backing_dev","value":"/dev/loop0"}',
    '{"op":"store","attr":"disksize","value":"8192"}',
    '{"op":"write","page":0,"count":2,"pat":"rand","seed":1}',
]


def record(where: Path, operations: Iterable[str], answers: Iterable[dict[str, object]], name: str = "x") -> None:
    """Write a recording whose answers are to `operations`, after the usual ones."""
    lines: list[dict[str, object]] = [
        {"i": -1, "rc": 0},
        {"i": 0, "rc": 0},
        {"i": 1, "rc": 10},
        {"i": 2, "rc": 4},
        {"i": 3, "rc": 8192},
    ]
    lines += [{"i": number, **answer} for number, answer in enumerate(answers, start=4)]
    (where / f"{name}.ops.jsonl").write_text("\n".join([META, *HEAD, *operations]))
    (where / f"{name}.expected.jsonl").write_text("\n".join([META, *map(json.dumps, lines)]))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """Run the command; return its exit code and what it printed."""
    code = main(["conformance", *arguments])
    return code, capsys.readouterr().out.splitlines()


def test_no_difference_is_exit_code_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, ['{"op":"store","attr":"writeback","value":"huge"}'], [{"rc": 4, "st": {"bd": [2, 0, 2]}}])
    assert run(capsys, str(tmp_path)) == (0, ["1 sequences, 5 operations, 0 differences"])


def test_differences_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show = '{"op":"show","attr":"writeback_limit"}'
    record(tmp_path, [show, show], [{"rc": 2, "text": "7\n", "st": {"wl": 7}}, {"rc": -1, "err": "EIO", "st": {}}])
    code, lines = run(capsys, str(tmp_path))
    assert code == 1
    assert lines == [
        "x op 4 text: expected '7\\n', got '0\\n'",
        "x op 4 wl: expected 7, got 0",
        "x op 5 rc: expected -1, got 2",
        "x op 5 err: expected 'EIO', got ''",
        "x op 5 text: expected None, got '0\\n'",
        "1 sequences, 6 operations, 5 differences",
    ]


def test_without_quirks_each_difference_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ignored = '{"op":"store","attr":"writeback","value":"foo=1 huge"}'
    twice = '{"op":"store","attr":"writeback","value":"huge"}'
    record(tmp_path, [ignored, twice], [{"rc": 10}, {"rc": 4, "st": {"wl": 3}}])
    code, lines = run(capsys, str(tmp_path), "--quirks", "none")
    assert code == 1
    assert lines == [
        "x op 4 rc: expected 10, got -1  [unknown_keys_ignored]",
        "x op 4 err: expected '', got 'EINVAL'  [unknown_keys_ignored]",
        "x op 5 wl: expected 3, got 0  [no quirk]",
        "unknown_keys_ignored: 2 differences in 1 sequences",
        "no quirk: 1 differences in 1 sequences",
        "1 sequences, 6 operations, 3 differences",
    ]


def test_a_directory_that_is_missing_or_empty_is_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, str(tmp_path))[0] == 2
    code = main(["conformance", str(tmp_path / "nowhere")])
    out, said = capsys.readouterr()
    assert (code, out) == (2, "")
    assert said.startswith("error: ")


def test_a_malformed_file_is_exit_code_2_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(tmp_path, ['{"op":"dance"}'], [{"rc": 0}])
    code = main(["conformance", str(tmp_path)])
    out, said = capsys.readouterr()
    assert (code, out) == (2, "")
    assert "x.ops.jsonl:6: op must be one of " in said
    assert ", got 'dance'" in said


def test_an_unknown_quirk_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["conformance", str(tmp_path), "--quirks", "some"])
    assert left.value.code == 2
