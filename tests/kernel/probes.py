"""Probes on the unmodified driver: a table, and where in this build each of its rows goes.

Every probe is inside the critical section of the step that it stands for, or belongs to the task that takes the step.
Functions that the compiler inlined are seen by what they call out of zram.ko, filtered by who calls. Fields are found
in the kernel's BTF, places inside of functions by disassembling the module: before the instruction that gives the
lock of a slot back.
"""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Final

from tests.kernel import machine
from tests.kernel.btf import Types, UnknownError
from tests.kernel.machine import GuestError
from tests.kernel.packages import Kernel, MissingError, find_tool

# name | definition | callers in zram.ko, if not all. `p` is a kprobe; `f` an fprobe, which is not missed where one
# probe interrupts another: for what interrupts call, too. {} is a field or a place, `ra` the return address.
_TABLE: Final = """
# users
bio          | p zram_submit_bio op=+{bio.bi_opf}(%di):u32
bio_over     | f zram_submit_bio%return
alloc        | p zs_malloc size=%si:u64 | zram_submit_bio
free         | p slot_free idx=%si:u64 tab=+{zram.table}(%di):x64
access       | f ktime_get_coarse_with_offset | zram_submit_bio
copy         | p read_from_zspool idx=%dx:u64 tab=+{zram.table}(%di):x64
look         | p zram_submit_bio+{look} entry=%di:x64
read_sent    | p submit_bio bio=%di:x64 | zram_submit_bio
read_done    | f zram_async_read_endio bio=$arg1:x64 st=+{bio.bi_status}($arg1):u8 req=+{bio.bi_private}($arg1):x64
limit        | f writeback_limit_store text=+0($arg3):string
limit_ret    | f writeback_limit_store%return ret=$retval:s64
enable       | f writeback_limit_enable_store text=+0($arg3):string
enable_ret   | f writeback_limit_enable_store%return ret=$retval:s64
reset        | p zram_reset_device
# a pass
scanning     | p scan_slots_for_writeback tab=+{zram.table}(%di):x64
scan         | f __kmalloc_cache_noprof | scan_slots_for_writeback
scanned      | f wake_up_bit word=$arg1:x64 | scan_slots_for_writeback
rawcopy      | p zs_obj_read_begin | zram_writeback_slots
writing      | p zram_writeback_slots
sent         | p submit_bio bio=%di:x64 sec=+{bio.bi_iter.bi_sector}(%di):u64 {request} | zram_writeback_slots
endio        | f zram_writeback_endio bio=$arg1:x64 st=+{bio.bi_status}($arg1):u8
endio_over   | f zram_writeback_endio%return
commit       | p zs_free | zram_complete_done_reqs
pp           | p release_pp_slot pps=%si:x64 idx=+{zram_pp_slot.index}(%si):u64
over         | p release_wb_ctl
"""
_COMPRESSED: Final = "deferred     | p zram_deferred_decompress req=%di:x64"
"""Only where blocks can hold compressed pages: a work item that looks at the slot again."""
_REQUEST: Final = (
    "blk=+{zram_wb_req.blk_idx-zram_wb_req.bio}(%di):u64 pps=+{zram_wb_req.pps-zram_wb_req.bio}(%di):x64 "
    "idx=+{zram_pp_slot.index}(+{zram_wb_req.pps-zram_wb_req.bio}(%di)):u64"
)
_FIELD: Final = re.compile(r"\{(\w+(?:\.\w+)+(?:-[\w.]+)?|look)\}")
_ENTRY: Final = "zram_table_entry"
_FLAGS: Final = "zram_pageflags"
_BYTE: Final = 8


def definitions(kernel: Kernel) -> str:
    """Return the probes for a kernel, a line each, as the guest reads them; looked for once for each kernel.

    Raises:
        MissingError: This build has no such field or place.
    """
    kept = kernel.root / f"probes-{hashlib.sha256(_TABLE.encode()).hexdigest()[:16]}"
    if not kept.exists():
        try:
            text = _definitions(kernel, _types(kernel))
        except UnknownError as error:
            raise MissingError(f"probes must have their places in Linux {kernel.version}, got: {error}") from error
        kept.write_text(text)
    return kept.read_text()


def entry_bytes(kernel: Kernel) -> int:
    """Return the size of an entry of the slot table."""
    found: int = json.loads((kernel.root / "layout").read_text())["entry"]
    return found


def _types(kernel: Kernel) -> Types:
    """Boot once, to have the type information that only a running kernel shows."""
    lines = ["keep vmlinux /sys/kernel/btf/vmlinux", "keep zram /sys/kernel/btf/zram"]
    report = machine.run(kernel, {"types": lines})
    if report.failure:
        raise GuestError(report.failure)
    if len(report.kept) < len(lines):
        raise UnknownError("the kernel shows no BTF")
    return Types(report.kept["vmlinux"], report.kept["zram"])


def _definitions(kernel: Kernel, types: Types) -> str:
    code = _disassembled(kernel)
    lock, written_back = types.value(_FLAGS, "ZRAM_ENTRY_LOCK"), types.value(_FLAGS, "ZRAM_WB")
    flags = types.offset(_ENTRY, "attr.flags")
    (kernel.root / "layout").write_text(json.dumps({"entry": types.size(_ENTRY)}))
    unlocks = re.compile(_bit("lock andb", flags, lock, clear=True))
    tests = re.compile(_bit("testb", flags, written_back, clear=False))
    look = place_after(code, "zram_submit_bio", tests, unlocks)
    rows = [row for row in _TABLE.strip().splitlines() if not row.startswith("#")]
    if "zram_deferred_decompress" in code:
        rows.append(_COMPRESSED)
        places = all_places(code, "zram_deferred_decompress", unlocks)
        rows += [f"checked{number} | p zram_deferred_decompress+{at}" for number, at in enumerate(places)]

    def filled(found: re.Match[str]) -> str:
        path, _, less = found[1].partition("-")
        return str(look if path == "look" else _offset(types, path) - (_offset(types, less) if less else 0))

    return "".join(f"{_FIELD.sub(filled, line)}\n" for line in _lines(rows)).replace("+-", "-")


def _offset(types: Types, path: str) -> int:
    structure, _, field = path.partition(".")
    return types.offset(structure, field)


def _lines(rows: list[str]) -> Iterator[str]:
    """Yield rows as the guest reads them: name|definition|callers, every event with its return address."""
    for row in rows:
        name, definition, callers = (*(part.strip() for part in row.split("|")), "")[:3]
        kind, target, *fields = definition.replace("{request}", _REQUEST).split()
        if (kind == "p" and "+" not in target) or callers:
            fields.append("ra=+0($stack):x64")
        yield f"{name}|{kind}:zram/{name} {' '.join([target, *fields])}|{callers}"


# --- places inside of functions --------------------------------------------------------------------------------------


def _disassembled(kernel: Kernel) -> dict[str, list[tuple[int, str]]]:
    """Return the instructions of each function of zram.ko, with their offsets in it."""
    command = [find_tool("objdump", "binutils"), "-d", "--no-show-raw-insn", str(kernel.module("zram"))]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return parse_disassembly(text)


def parse_disassembly(text: str) -> dict[str, list[tuple[int, str]]]:
    """Read what objdump prints."""
    code: dict[str, list[tuple[int, str]]] = {}
    begin, current = 0, ""
    for line in text.splitlines():
        if header := re.fullmatch(r"([0-9a-f]+) <(.+)>:", line):
            begin, current = int(header[1], 16), header[2]
            code[current] = []
        elif instruction := re.match(r"\s*([0-9a-f]+):\s+(.+)", line):
            code[current].append((int(instruction[1], 16) - begin, instruction[2]))
    return code


def _bit(name: str, flags: int, bit: int, *, clear: bool) -> str:
    """Return a pattern for an instruction on the byte of an entry that has a flag."""
    mask = 1 << bit % _BYTE
    value = ~mask & 0xFF if clear else mask
    return rf"{name}\s+\$0x{value:x},0x{flags + bit // _BYTE:x}\(%r\w+\)"


def place_after(
    code: dict[str, list[tuple[int, str]]], function: str, first: re.Pattern[str], then: re.Pattern[str]
) -> int:
    """Return the offset of what matches `then` after what matches `first`."""
    seen = False
    for offset, instruction in code.get(function, []):
        seen = seen or first.search(instruction) is not None
        if seen and then.search(instruction):
            return offset
    raise UnknownError(f"{function} must have {first.pattern}, then {then.pattern}")


def all_places(code: dict[str, list[tuple[int, str]]], function: str, wanted: re.Pattern[str]) -> list[int]:
    """Return the offsets of everything that matches."""
    found = [offset for offset, instruction in code.get(function, []) if wanted.search(instruction)]
    if not found:
        raise UnknownError(f"{function} must have {wanted.pattern}")
    return found
