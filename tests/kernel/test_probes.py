"""Places of probes: type information and disassembled code of builds that were made up."""

import lzma
import re
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from stateful.traces.driver.raw import NEEDED, losses, open_text
from tests.kernel import probes, tracing
from tests.kernel.btf import Types, UnknownError
from tests.kernel.machine import GuestError, Options, Report
from tests.kernel.packages import Kernel, MissingError
from tests.kernel.probes import all_places, parse_disassembly, place_after
from tests.kernel.workloads import Workload, chosen

LISTING = """
zram.ko:     file format elf64-x86-64

0000000000000010 <slot_free>:
      10:\tlock andb $0xbf,0x9(%rdi)

0000000000000100 <zram_submit_bio>:
     100:\tendbr64
     104:\tlock andb $0xbf,0x9(%rdi)
     10b:\ttestb  $0x80,0x9(%rdi)
     10f:\tje     120 <zram_submit_bio+0x20>
     111:\tlock andb $0xbf,0x9(%rbx)
     118:\tlock andb $0xbf,0x9(%rdi)
"""
UNLOCK = re.compile(r"lock andb\s+\$0xbf,0x9\(%r\w+\)")
TEST = re.compile(r"testb\s+\$0x80,0x9\(%r\w+\)")


class Blob:
    """Type information that is written down by hand."""

    def __init__(self, first_string: int = 0) -> None:
        self.strings, self.types, self.first = bytearray(b"" if first_string else b"\0"), bytearray(), first_string

    def text(self, text: str) -> int:
        if not text:
            return 0
        self.strings += text.encode() + b"\0"
        return self.first + len(self.strings) - len(text) - 1

    def add(self, name: str, kind: int, size: int, *members: tuple[str, int, int], flag: int = 0) -> None:
        self.types += struct.pack("<III", self.text(name), flag << 31 | kind << 24 | len(members), size)
        for member, second, third in members:
            words = (self.text(member), second, third)
            self.types += struct.pack("<Ii", *words[:2]) if kind == 6 else struct.pack("<III", *words)

    def data(self) -> bytes:
        header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(self.types), len(self.types), len(self.strings))
        return header + bytes(self.types) + bytes(self.strings)


def types() -> Types:
    kernel = Blob()
    kernel.add("int", 1, 4)  # 1
    kernel.types += struct.pack("<I", 32)
    kernel.add("bvec_iter", 4, 16, ("bi_size", 1, 64), ("bi_sector", 1, 0))  # 2
    kernel.add("", 5, 8, ("whole", 1, 0), ("attr", 5, 0))  # 3
    kernel.add("iter_t", 8, 2)  # 4
    kernel.add("attr", 4, 8, ("flags", 1, 32 | 4 << 24), flag=1)  # 5
    kernel.add("bio", 4, 80, ("bi_opf", 1, 128), ("bi_iter", 4, 320), ("", 3, 448))  # 6
    module = Blob(len(kernel.strings))
    module.add("marks", 6, 4, ("ZRAM_LOCK", 14, 0), ("ZRAM_NONE", -1, 0))
    module.add("wb_req", 4, 192, ("bio", 6, 320))
    return Types(kernel.data(), module.data())


@pytest.mark.parametrize(
    ("structure", "path", "offset"),
    [
        ("bio", "bi_opf", 16),
        ("bio", "bi_iter.bi_size", 48),
        ("bio", "whole", 56),
        ("bio", "attr.flags", 60),
        ("wb_req", "bio.bi_iter.bi_sector", 80),
    ],
)
def test_field_is_found_through_what_is_in_between(structure: str, path: str, offset: int) -> None:
    assert types().offset(structure, path) == offset


def test_sizes_and_values_are_read() -> None:
    assert types().size("wb_req") == 192
    assert (types().value("marks", "ZRAM_LOCK"), types().value("marks", "ZRAM_NONE")) == (14, -1)


@pytest.mark.parametrize(("structure", "path"), [("bio", "bi_flags"), ("bios", "bi_opf"), ("bio", "bi_opf.deeper")])
def test_field_that_is_not_there_is_refused(structure: str, path: str) -> None:
    with pytest.raises(UnknownError, match="must have a"):
        types().offset(structure, path)


def test_what_is_no_type_information_is_refused() -> None:
    with pytest.raises(UnknownError, match="BTF must begin with 0xeb9f, got 0x7f7f"):
        Types(b"\x7f" * 100)
    with pytest.raises(UnknownError, match="marks must have ZRAM_HUGE, got none"):
        types().value("marks", "ZRAM_HUGE")


def test_place_is_after_the_test_of_the_mark() -> None:
    code = parse_disassembly(LISTING)
    assert place_after(code, "zram_submit_bio", TEST, UNLOCK) == 0x11
    assert all_places(code, "zram_submit_bio", UNLOCK) == [0x4, 0x11, 0x18]


@pytest.mark.parametrize("function", ["slot_free", "zram_read_page"])
def test_function_without_the_place_is_refused(function: str) -> None:
    with pytest.raises(UnknownError, match="must have"):
        place_after(parse_disassembly(LISTING), function, TEST, UNLOCK)
    with pytest.raises(UnknownError, match="must have"):
        all_places(parse_disassembly(LISTING), "zram_read_page", UNLOCK)


def test_flag_is_a_bit_of_a_byte() -> None:
    assert re.compile(probes._bit("lock andb", 8, 14, clear=True)).pattern == UNLOCK.pattern
    assert re.compile(probes._bit("testb", 8, 15, clear=False)).pattern == TEST.pattern


def test_every_needed_probe_is_in_the_table() -> None:
    rows = [row for row in probes._TABLE.strip().splitlines() if not row.startswith("#")]
    assert sorted([line.split("|")[0] for line in probes._lines(rows)]) == sorted(NEEDED)
    assert all(line.count("|") == 2 for line in probes._lines(rows))


def test_kernel_without_type_information_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.kernel.machine.run", lambda *_: Report({}, {}, [], {}, frozenset()))
    kernel = Kernel("7.9.1", "7.9.1-1", tmp_path)
    with pytest.raises(MissingError, match=r"in Linux 7\.9\.1, got: the kernel shows no BTF"):
        probes.definitions(kernel)
    monkeypatch.setattr(probes, "_definitions", lambda *_: "found")
    monkeypatch.setattr(probes, "_types", lambda _kernel: None)
    assert probes.definitions(kernel) == "found"
    monkeypatch.setattr(probes, "_definitions", lambda *_: "found anew")
    assert probes.definitions(kernel) == "found"
    monkeypatch.setattr(probes, "_TABLE", "another")
    assert probes.definitions(kernel) == "found anew"


def test_workload_of_which_something_was_lost_is_recorded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = Path(__file__).resolve().parents[1] / "data" / "kernel-judge"
    whole = open_text(stored / "twice.ktrace.xz")
    asked: list[list[str]] = []

    def record(_kernel: Kernel, found: Mapping[str, Workload], out: Path, _options: Options) -> list[Path]:
        asked.append([*found])
        if len(asked) == 1:
            raise GuestError("the machine stopped; its console ends in:\nwhatever")
        for name in found:
            missed = 1 if name == "load" and len(asked) == 2 else 0
            text = whole.replace('"missed":{"bio":0', f'"missed":{{"bio":{missed}', 1)
            (out / f"{name}{tracing.SUFFIX}").write_bytes(lzma.compress(text.encode()))
        return [out / f"{name}{tracing.SUFFIX}" for name in found]

    monkeypatch.setattr(tracing, "record", record)
    said: list[str] = []
    kernel = Kernel("7.9.1", "7.9.1-1", tmp_path)
    files = tracing.record_whole(kernel, chosen(["twice", "load"]), tmp_path, Options(), said.append)
    assert asked == [["twice", "load"], ["twice", "load"], ["load"]]
    assert said == [
        "recorded again: the machine stopped; its console ends in:\nwhatever",
        "load is recorded again: no hit of a probe may be missed, got bio (1)",
    ]
    assert [losses(open_text(file)) for file in files] == ["", ""]


def test_machine_that_stops_again_and_again_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def record(*_args: object) -> list[Path]:
        raise GuestError("the machine stopped")

    monkeypatch.setattr(tracing, "record", record)
    said: list[str] = []
    with pytest.raises(GuestError, match="the machine stopped"):
        tracing.record_whole(Kernel("7.9.1", "7.9.1-1", tmp_path), {}, tmp_path, Options(), said.append)
    assert len(said) == tracing.AGAIN_MOST
