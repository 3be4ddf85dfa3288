"""Boots a kernel with scripts in qemu, in software emulation, and reads what the guest reported."""

import hashlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from spec.processes.interrupts import blocked
from stateful.conformance.fields import Json
from tests.kernel.initramfs import archive, console, directory, file
from tests.kernel.packages import Kernel, MissingError, cache_root, find_tool

Row: TypeAlias = dict[str, Json]

GUEST: Final = Path(__file__).resolve().parent / "guest"
DISK_BYTES: Final = 1 << 30
"""Of each disk that the guest writes to; a sparse file."""
ROOM_BYTES: Final = 1 << 20
"""Free space where those files are, below which a machine is ended."""
HEADER_BYTES: Final = 64
"""Before each file that the guest keeps on its second disk: name and length."""
BOOTS_MOST: Final = 3
PANIC_LINES: Final = 40
"""Of the console: a panic says in so many which function it was in, and who called it."""
_POLL_SECONDS: Final = 0.1
_QUIET: Final = "console=ttyS0 panic=-1 quiet loglevel=4 mitigations=off tsc=reliable"


class GuestError(Exception):
    """The guest did not finish."""


class Options(NamedTuple):
    """Settings of a machine."""

    cpus: int = 1
    memory_mib: int = 512
    seconds: float = 1800.0
    stalled_seconds: float = 180.0
    accelerator: str = "tcg"
    probes: str = ""
    """Definitions for `trace_on`, one a line."""


class Report(NamedTuple):
    """Report of one boot."""

    meta: Row
    rows: dict[str, list[Row]]
    """Of each script, the state before it (i is -1) and then an answer an operation."""
    log: list[Row]
    """Lines of the kernel's log, and what could not be undone after a script."""
    kept: dict[str, bytes]
    complete: frozenset[str]
    """Scripts that finished."""
    failure: str = ""
    """Reason why the guest did not finish; empty if it did."""


def build_guest() -> Path:
    """Compile the guest, once for each version of its source."""
    sources = sorted(GUEST.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    program = cache_root() / "guest" / f"init-{digest}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        names = [str(path) for path in sources if path.suffix == ".c"]
        command = [find_tool("gcc", "gcc"), "-std=gnu11", "-O1", "-static", "-o", f"{program}.new", *names]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            said = ran.stderr.strip().splitlines() or [str(ran.returncode)]
            raise MissingError(f"gcc must link a static program (Debian package libc6-dev), got: {said[-1]}")
        Path(f"{program}.new").rename(program)
    return program


def run(kernel: Kernel, scripts: Mapping[str, Sequence[str]], options: Options = Options()) -> Report:  # noqa: B008 (immutable)
    """Boot, run every script against a freshly loaded driver, and return what was reported, also when it broke off.

    A machine that stops before the guest's first line is booted again: emulation of more than one processor sometimes
    trips over the kernel's own patching of its code.
    """
    for _ in range(BOOTS_MOST - 1):
        report = _run_once(kernel, scripts, options)
        if report.meta:
            return report
    return _run_once(kernel, scripts, options)


def _run_once(kernel: Kernel, scripts: Mapping[str, Sequence[str]], options: Options) -> Report:
    qemu = find_tool("qemu-system-x86_64", "qemu-system-x86")
    with tempfile.TemporaryDirectory(prefix="zram-oracle-") as name:
        work = Path(name)
        initramfs = _initramfs(kernel, scripts, options.probes)
        needed, room = len(initramfs) + ROOM_BYTES, shutil.disk_usage(work).free
        if room < needed:
            raise MissingError(f"TMPDIR must have {needed} bytes for a machine's files, got {room} in {work.parent}")
        (work / "initramfs").write_bytes(initramfs)
        disks = [work / "report", work / "kept"]
        for disk in disks:
            with disk.open("wb") as opened:
                opened.truncate(DISK_BYTES)
        failure = _boot([qemu, *_arguments(kernel, work, disks, options)], disks, options)
        report = _read_report(disks[0])
        if "end" not in report.meta and not failure:
            failure = "the machine stopped"
        if failure:
            failure += _last_lines(work / "console")
        return report._replace(kept=_read_kept(disks[1]), failure=failure)


def _initramfs(kernel: Kernel, scripts: Mapping[str, Sequence[str]], probes: str) -> bytes:
    entries = [directory("dev"), console(), directory("mods"), directory("seq")]
    entries += [file("init", build_guest().read_bytes(), executable=True), file("probes", probes.encode())]
    entries += [file("modules.list", "".join(f"{name}\n" for name in kernel.modules).encode())]
    entries += [file(f"mods/{name}.ko", kernel.module(name).read_bytes()) for name in kernel.modules]
    entries += [file("seq/list", "".join(f"{name}\n" for name in scripts).encode())]
    entries += [file(f"seq/{name}", "".join(f"{line}\n" for line in lines).encode()) for name, lines in scripts.items()]
    return archive(entries)


def _arguments(kernel: Kernel, work: Path, disks: Sequence[Path], options: Options) -> list[str]:
    accelerator = ["-accel", options.accelerator, "-cpu", "max", "-smp", str(options.cpus)]
    plain = ["-m", str(options.memory_mib), "-display", "none", "-nodefaults", "-no-reboot"]
    booted = ["-kernel", str(kernel.root / "vmlinuz"), "-initrd", str(work / "initramfs"), "-append", _QUIET]
    arguments = [*accelerator, *plain, "-serial", f"file:{work / 'console'}", *booted]
    for number, disk in enumerate(disks):
        arguments += ["-drive", f"file={disk},format=raw,if=none,id=d{number},cache=unsafe"]
        arguments += ["-device", f"virtio-blk-pci,drive=d{number}"]
    return arguments


def _boot(command: Sequence[str], disks: Sequence[Path], options: Options) -> str:
    """Run qemu; return what went wrong, or nothing. A guest that hangs is ended: nothing it writes comes any more."""
    began = progressed = time.monotonic()
    seen = 0
    with _started(command) as ran:
        while ran.poll() is None:
            time.sleep(_POLL_SECONDS)
            now, written = time.monotonic(), sum(disk.stat().st_blocks for disk in disks)
            if written != seen:
                seen, progressed = written, now
            room = shutil.disk_usage(disks[0].parent).free
            if room < ROOM_BYTES:  # qemu would wait for more, and say nothing
                return f"TMPDIR must have room for what the machine writes, got {room} bytes in {disks[0].parent}"
            if now - progressed > options.stalled_seconds:
                return f"the machine wrote nothing for {options.stalled_seconds:g} s"
            if now - began > options.seconds:
                return f"the machine did not end within {options.seconds:g} s"
        said = ran.stderr.read().decode(errors="replace").strip() if ran.stderr else ""
    return f"qemu ended with {ran.returncode}: {said[-300:]}" if ran.returncode else ""


@contextmanager
def _started(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, and end it with the context."""
    with ExitStack() as undo:
        with blocked():  # a signal between the start and the note of it would leave a machine behind
            ran = undo.enter_context(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            )
            undo.callback(ran.kill)
        yield ran


def _last_lines(path: Path, lines: int = PANIC_LINES) -> str:
    text = path.read_text(errors="replace") if path.exists() else ""
    return "; its console ends in:\n" + "\n".join(text.splitlines()[-lines:]) if text.strip() else ""


def _read_report(disk: Path) -> Report:
    rows: dict[str, list[Row]] = {}
    log: list[Row] = []
    meta: Row = {}
    complete = set()
    for line in _text(disk).splitlines():
        try:
            row: Row = json.loads(line)
        except ValueError:
            continue  # the line that the machine stopped in
        name = str(row.get("seq", ""))
        if isinstance(row.get("meta"), dict):
            meta |= row["meta"]  # type: ignore[arg-type]  # that it is a dict was just asked
        elif "end" in row:
            meta["end"] = True
        elif "done" in row:
            complete.add(name)
        elif "kmsg" in row or "teardown" in row:
            log.append(row)
        else:
            rows.setdefault(name, []).append(row)
    return Report(meta, rows, log, {}, frozenset(complete))


def _text(disk: Path) -> str:
    """Return what is on a disk before the first zero byte."""
    parts = []
    with disk.open("rb") as opened:
        while part := opened.read(1 << 20):
            head, found, _rest = part.partition(b"\0")
            parts.append(head)
            if found:
                break
    return b"".join(parts).decode(errors="replace")


def _read_kept(disk: Path) -> dict[str, bytes]:
    kept = {}
    with disk.open("rb") as opened:
        while (header := opened.read(HEADER_BYTES)).strip(b"\0"):
            name, length = header.decode().split()
            kept[name] = opened.read(int(length))
    return kept
