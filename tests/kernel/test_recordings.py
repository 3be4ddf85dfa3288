"""Between operations of recordings and lines of scripts, and from a guest's report to a recording."""

import json
import struct
from pathlib import Path

import pytest

from stateful.conformance.schema import read_recording
from tests.kernel import command, machine, recordings
from tests.kernel.command import RECORDINGS
from tests.kernel.initramfs import archive, console, directory, file
from tests.kernel.machine import HEADER_BYTES, Report
from tests.kernel.packages import Kernel, MissingError
from tests.kernel.recordings import expected_text, has_recompression, is_timing, ops_text, read_programs, write_pair
from tests.kernel.scripts import Operation, device_table, encoded, script_line

KERNEL = Kernel("7.9.1", "7.9.1-1", Path())


@pytest.mark.parametrize(
    ("operation", "line"),
    [
        (
            {"op": "store", "attr": "writeback", "value": "page_index=1 huge\n"},
            "store writeback page_index=1%20huge%0a",
        ),
        ({"op": "store", "attr": "idle", "value": "\u00a0\udc80%"}, "store idle %c2%a0%80%25"),
        ({"op": "write", "page": 3, "count": 2, "pat": "comp", "seed": 7, "n": 800}, "write 3 2 comp 7 800"),
        ({"op": "write", "page": 0, "pat": "same", "value": 9}, "write 0 1 same 9 0"),
        ({"op": "discard", "page": 2, "count": 3}, "discard 8192 12288"),
        ({"op": "zeroout", "off": 512, "len": 100}, "zeroout 512 100"),
        ({"op": "mkbd", "bd": 1, "blocks": 3}, "mkbd 1 12288"),
        ({"op": "bread", "off": 1, "len": 2, "how": "buf"}, "bread 1 2 0 buf"),
        ({"op": "join"}, "join"),
    ],
)
def test_operation_becomes_one_line(operation: Operation, line: str) -> None:
    assert script_line(operation) == line


def test_unknown_operation_is_refused() -> None:
    with pytest.raises(ValueError, match="got 'jump'"):
        script_line({"op": "jump"})


def test_every_recorded_operation_has_a_line() -> None:
    programs = read_programs(RECORDINGS)
    assert len(programs) > 200
    lines = [script_line(op) for operations in programs.values() for op in operations]
    assert all(len(line.split()) <= 10 and "\n" not in line for line in lines)


def test_device_table_has_a_row_per_run_of_blocks() -> None:
    operation: Operation = {"op": "dmtab", "bd": 0, "blocks": 6, "fail_write": [[1, 2]], "fail_all": [[5, 5]]}
    assert device_table(operation).splitlines() == [
        "0 8 linear /dev/loop0 0",
        "8 16 flakey /dev/loop0 8 0 1 1 error_writes",
        "24 16 linear /dev/loop0 24",
        "40 8 error",
    ]


def test_device_table_fails_exactly_the_blocks_it_names() -> None:
    operation: Operation = {"op": "dmtab", "bd": 1, "blocks": 4, "fail_write": [[2, 2]], "fail_all": [[0, 0]]}
    kinds = [row.split()[2] for row in device_table(operation).splitlines()]
    assert kinds == ["error", "linear", "flakey", "linear"]


def test_encoded_text_has_no_blank_and_is_one_word() -> None:
    text = "".join(map(chr, range(128)))
    assert len(encoded(text).split()) == 1
    assert encoded("") == ""


def test_archive_aligns_headers_and_data() -> None:
    packed = archive([directory("dev"), console(), file("init", b"abc", executable=True)])
    names, at = [], 0
    while at < len(packed):
        assert packed[at : at + 6] == b"070701"
        fields = [int(packed[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        begin = at + 110
        names.append((packed[begin : begin + fields[11] - 1].decode(), oct(fields[1]), fields[6]))
        at = (begin + fields[11] + 3) // 4 * 4
        at = (at + fields[6] + 3) // 4 * 4
    assert names == [
        ("dev", "0o40755", 0),
        ("dev/console", "0o20600", 0),
        ("init", "0o100755", 3),
        ("TRAILER!!!", "0o0", 0),
    ]


def report(rows: list[machine.Row], *, complete: bool = True) -> Report:
    meta: machine.Row = {"release": "7.9.1", "version": "#1", "machine": "x86_64", "attrs": ["writeback"]}
    return Report(meta, {"x": rows}, [], {}, frozenset({"x"} if complete else ()))


def test_recording_keeps_only_what_changed(tmp_path: Path) -> None:
    operations: list[Operation] = [{"op": "hold"}, {"op": "read", "page": 0, "count": 1}]
    rows: list[machine.Row] = [
        {"seq": "x", "i": -1, "rc": 0, "wl": 0, "init": 0, "ts": {}, "clk": 1.0},
        {"seq": "x", "i": 0, "rc": -1, "err": "EBUSY", "wl": 0, "init": 0, "ts": {}, "clk": 1.5},
        {"seq": "x", "i": 1, "rc": 4096, "crc": ["00000000"], "wl": 3, "init": 0, "ts": {}, "clk": 2.0},
    ]
    write_pair(tmp_path, KERNEL, report(rows), "x", operations)
    lines = [json.loads(line) for line in (tmp_path / "x.expected.jsonl").read_text().splitlines()]
    assert lines[0]["meta"]["complete"]
    assert (lines[0]["meta"]["schema"], lines[0]["meta"]["kernel"]) == (1, "7.9.1")
    assert lines[1:] == [
        {"i": -1, "rc": 0, "st": {"wl": 0, "init": 0}},
        {"i": 0, "rc": -1, "err": "EBUSY", "st": {}},
        {"i": 1, "rc": 4096, "crc": ["00000000"], "st": {"wl": 3}},
    ]
    recording = read_recording(tmp_path, "x")
    assert [each.answer.rc for each in recording.expected] == [-1, 4096]


def test_second_schema_has_clocks() -> None:
    operations: list[Operation] = [{"op": "flush"}]
    rows: list[machine.Row] = [{"i": number, "rc": 0, "wl": 0, "ts": {}, "clk": 1.0 + number} for number in (-1, 0)]
    lines = [json.loads(line) for line in expected_text(KERNEL, report(rows), "x", operations).splitlines()]
    assert json.loads(ops_text("x", operations).splitlines()[0])["meta"]["schema"] == 2
    assert lines[2]["st"] == {"clk": 1.0}


def test_recording_that_broke_off_is_not_complete() -> None:
    lines = expected_text(KERNEL, report([{"i": -1, "rc": 0}], complete=False), "x", [{"op": "flush"}])
    assert json.loads(lines.splitlines()[0])["meta"]["complete"] is False


def test_report_ends_where_the_machine_stopped(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    text = '{"meta":{"release":"7"}}\n{"seq":"x","i":-1,"rc":0}\n{"seq":"x","i":0,'
    disk.write_bytes(text.encode().ljust(1 << 12, b"\0"))
    found = machine._read_report(disk)
    assert found.rows == {"x": [{"seq": "x", "i": -1, "rc": 0}]}
    assert found.complete == frozenset()
    assert "end" not in found.meta


def test_kept_files_are_read_by_name_and_length(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    parts = {"a": b"\0\1\2", "b": b"text\n"}
    headers = {name: f"{name:<40}{len(data):>23}\n".encode() for name, data in parts.items()}
    assert {len(header) for header in headers.values()} == {HEADER_BYTES}
    disk.write_bytes(b"".join(headers[name] + data for name, data in parts.items()) + struct.pack("128x"))
    assert machine._read_kept(disk) == parts


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ("exit 0", ""),
        ("echo no such machine >&2; exit 3", "qemu ended with 3: no such machine"),
        ("exec sleep 60", "the machine wrote nothing for 0.5 s"),
        ('while :; do echo x >> "$0.out"; sleep 0.1; done', "the machine did not end within 1 s"),
    ],
)
def test_machine_that_hangs_is_ended(script: str, failure: str, tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    disk = tmp_path / "qemu.out"
    disk.touch()
    padding = "x" * 5000 if "while" in script else ""
    program.write_text(program.read_text().replace("echo x", f"echo {padding}"))
    assert machine._boot([str(program)], [disk], machine.Options(seconds=1, stalled_seconds=0.5)) == failure


def test_machine_without_room_for_its_disks_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "qemu"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    (tmp_path / "disk").touch()
    monkeypatch.setattr(machine, "ROOM_BYTES", 1 << 60)
    said = machine._boot([str(program)], [tmp_path / "disk"], machine.Options())
    assert said.startswith("TMPDIR must have room for what the machine writes, got ")
    assert said.endswith(f" bytes in {tmp_path}")


def test_machine_is_not_begun_without_room_for_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "find_tool", lambda *_names: "qemu")
    monkeypatch.setattr(machine, "_initramfs", lambda *_args: b"x")
    monkeypatch.setattr(machine, "ROOM_BYTES", 1 << 60)
    with pytest.raises(MissingError, match=f"TMPDIR must have {(1 << 60) + 1} bytes for a machine's files, got "):
        machine.run(KERNEL, {})


def test_what_cannot_be_compared_is_left_out() -> None:
    assert is_timing(RECORDINGS, "d01_same_slot_named_twice")
    assert not is_timing(RECORDINGS, "h01_limit_exhausted_mid")
    programs = read_programs(RECORDINGS)
    assert has_recompression(programs["a000"])
    assert has_recompression(programs["params_order"])
    assert not has_recompression(programs["h01_limit_exhausted_mid"])


def test_difference_that_does_not_come_again_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "get_kernel", lambda *_args, **_more: KERNEL)
    answers = iter([{"r04": "first", "tw011": "second"}, {"tw011": "third"}])
    asked: list[list[str]] = []

    def differing(_asked: object, _kernel: object, programs: recordings.Programs) -> dict[str, str]:
        asked.append([*programs])
        return next(answers)

    monkeypatch.setattr(command, "_differing", differing)
    assert command.main(["verify"]) == 1
    said = capfd.readouterr().out
    assert asked[1] == ["r04", "tw011"]
    assert "r04: first (did not come again)\ntw011: second\n" in said
    assert ": 1 differ (" in said
