"""Records workloads: boots a machine with the probes and puts what it reported into raw traces, one a file."""

import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from stateful.traces.driver.raw import losses, open_text
from tests.kernel import machine, probes
from tests.kernel.machine import GuestError, Options, Report, Row
from tests.kernel.packages import Kernel
from tests.kernel.workloads import Workload

VERSION: Final = 1
SUFFIX: Final = ".ktrace.xz"
AGAIN_MOST: Final = 2
_PAGE: Final = 4096
_MEMORY_MIB: Final = 1024
"""The trace's buffers are in it."""


def record(kernel: Kernel, workloads: Mapping[str, Workload], out: Path, options: Options) -> list[Path]:
    """Record workloads, as many a boot as have the same number of processors; return the files.

    Raises:
        GuestError: A machine did not finish, or a workload has no trace.
    """
    definitions = probes.definitions(kernel)
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for cpus in sorted({workload.cpus for workload in workloads.values()}):
        together = {name: workload.script(name) for name, workload in workloads.items() if workload.cpus == cpus}
        changed = options._replace(cpus=cpus, memory_mib=_MEMORY_MIB, probes=definitions)
        report = machine.run(kernel, together, changed)
        if report.failure:
            raise GuestError(report.failure)
        for name in together:
            path = out / f"{name}{SUFFIX}"
            path.write_bytes(lzma.compress(raw_text(kernel, report, name).encode(), preset=1))
            files.append(path)
    return files


def record_whole(
    kernel: Kernel, workloads: Mapping[str, Workload], out: Path, options: Options, report: Callable[[str], None]
) -> list[Path]:
    """Record workloads, and again those of which the machine lost something; return the files, whole or not.

    Raises:
        GuestError: No machine finished, or a workload has no trace.
    """
    wanted = dict(workloads)
    for again in range(AGAIN_MOST + 1):
        try:
            files = record(kernel, wanted, out, options)
        except GuestError as error:
            # Emulation of more than one processor sometimes trips over the kernel's own patching of its code.
            if again == AGAIN_MOST:
                raise
            report(f"recorded again: {error}")
            continue
        lost = {path.name.removesuffix(SUFFIX): why for path in files if (why := losses(open_text(path)))}
        if not lost or again == AGAIN_MOST:
            break
        for name, why in lost.items():
            report(f"{name} is recorded again: {why}")
        wanted = {name: workloads[name] for name in lost}
    return [out / f"{name}{SUFFIX}" for name in workloads]


def raw_text(kernel: Kernel, report: Report, name: str) -> str:
    """Return the text of a raw trace."""
    rows = report.rows[name]
    begun = next((row for row in rows if "symbols" in row), None)
    over = next((row for row in rows if "stats" in row), None)
    if begun is None or over is None or name not in report.kept:
        raise GuestError(f"workload {name} must leave a trace, got none")
    header = {
        "kernel_trace": VERSION,
        "name": name,
        "release": report.meta.get("release"),
        "entry": probes.entry_bytes(kernel),
        "slots": _number(begun, "ds") // _PAGE,
        "blocks": _blocks(begun),
        "batch": max(_number(row, "wbs") for row in rows if "wbs" in row),
        "limit": begun["wl"],
        "enabled": begun["wle"],
        "compressed": begun.get("cw") or 0,
        **{key: begun[key] for key in ("probes", "symbols")},
        **{key: over[key] for key in ("stats", "missed")},
        "noticed": _noticed(rows),
        "end": {key: over[key] for key in ("bs", "mm", "bd", "wl", "wle", "ds")} if over.get("ds") else None,
    }
    return json.dumps(header, separators=(",", ":")) + "\n" + report.kept[name].decode()


def _number(row: Row, key: str) -> int:
    value = row.get(key)
    assert isinstance(value, int), f"{key} is a number"
    return value


def _blocks(row: Row) -> int:
    """Return how many blocks the backing device has: loop device and dm device N are over file N."""
    name, disks = str(row["bk"]), row["blk"]
    number = name[-1:]
    blocks = disks.get(number) if isinstance(disks, dict) else None
    if not isinstance(blocks, list):
        raise GuestError(f"a traced device must have a backing device, got {name}")
    return len(blocks)


def _noticed(rows: Sequence[Row]) -> Row:
    """Return what the workers say at their end."""
    return {key: row[key] for row in rows for key in ("foreign", "failed") if "foreign" in row}
