"""`python -m tests.kernel COMMAND`: ask a live kernel. `make oracle` runs `all`.

Exit code 0 clean, 1 found something, 2 usage or something missing, 130 interrupted.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from stateful.jobs.arguments import count
from stateful.jobs.progress import complain, say
from tests.kernel import machine, recordings, tracing
from tests.kernel.machine import GuestError, Options
from tests.kernel.packages import Kernel, MissingError, get_kernel, versions
from tests.kernel.workloads import GROUPS, WORKLOADS, Workload

RECORDINGS: Final = Path(__file__).resolve().parents[1] / "data" / "kernel-traces"
_CLOCKS: Final = ("ts", "clk")
"""Of a state, what is another at every run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    asked = _parser().parse_args(arguments)
    do: Callable[[argparse.Namespace, Console], int] = asked.do
    console = Console()
    try:
        return do(asked, console)
    except (MissingError, GuestError) as error:
        complain(str(error))
        return 2
    except KeyboardInterrupt:
        say(console, "interrupted: the machine is off, what was fetched stays in the cache")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kernel", description="Ask a live kernel.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, do: Callable[[argparse.Namespace, Console], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(do=do)
        added.add_argument(
            "--kernel",
            default="newest",
            metavar="K",
            help="newest (default), a version (7.2), .deb files with commas between, or a directory of one unpacked",
        )
        added.add_argument("--update", action="store_true", help="look for a newer one than what is in the cache")
        added.add_argument("--accel", default="tcg", help="of qemu: tcg (default) or kvm")
        return added

    command("setup", setup, "fetch and unpack a kernel, compile the guest")
    verifying = command("verify", verify, "ask a kernel what it was recorded to answer, and compare")
    verifying.add_argument("directory", nargs="?", type=Path, default=RECORDINGS, metavar="DIR")
    verifying.add_argument("--every", type=count, default=1, metavar="N", help="only each N-th recording")
    recording = command("record", record, "record what a kernel answers to DIR/NAME.ops.jsonl")
    recording.add_argument("directory", type=Path, metavar="DIR")
    recording.add_argument("out", type=Path, metavar="OUT")
    recording.add_argument("names", nargs="*", metavar="NAME")
    traced = command("trace", trace, "record traces of the driver at work, for `python -m stateful kernel-judge`")
    traced.add_argument("out", type=Path, metavar="OUT")
    traced.add_argument("names", nargs="+", metavar="W", help=f"small, large, or of {', '.join(WORKLOADS)}")
    command("versions", show_versions, "print the newest patch level of each version that Debian has")
    return parser


def _kernel(asked: argparse.Namespace, console: Console) -> Kernel:
    kernel = get_kernel(asked.kernel, update=asked.update)
    say(console, f"Linux {kernel.version} ({kernel.package})")
    return kernel


def _options(asked: argparse.Namespace) -> Options:
    return Options(accelerator=asked.accel)


def setup(asked: argparse.Namespace, console: Console) -> int:
    """Fetch a kernel and compile the guest."""
    _kernel(asked, console)
    machine.build_guest()
    return 0


def show_versions(_asked: argparse.Namespace, console: Console) -> int:
    """Print the versions that can be had."""
    for version in versions():
        say(console, version)
    return 0


def record(asked: argparse.Namespace, console: Console) -> int:
    """Record a directory's programs, or some of them, and write both files of each."""
    programs = recordings.read_programs(asked.directory, asked.names)
    kernel = _kernel(asked, console)
    report = recordings.ask(kernel, programs, _options(asked))
    for name, operations in programs.items():
        recordings.write_pair(asked.out, kernel, report, name, operations)
    say(console, f"{len(report.complete)} of {len(programs)} sequences recorded to {asked.out}")
    if report.failure:
        raise GuestError(report.failure)
    return 0


def trace(asked: argparse.Namespace, console: Console) -> int:
    """Record workloads."""
    chosen: dict[str, Workload] = {}
    for name in asked.names:
        if name not in GROUPS and name not in WORKLOADS:
            complain(f"W must be small, large or one of {', '.join(WORKLOADS)}, got {name}")
            return 2
        chosen |= GROUPS.get(name) or {name: WORKLOADS[name]}
    files = tracing.record(_kernel(asked, console), chosen, asked.out, _options(asked))
    say(console, f"{len(files)} traces recorded to {asked.out}")
    return 0


def verify(asked: argparse.Namespace, console: Console) -> int:
    """Ask again what was recorded; print the first difference of each recording."""
    began = time.monotonic()
    everything = recordings.read_programs(asked.directory)
    programs = {name: ops for number, (name, ops) in enumerate(everything.items()) if not number % asked.every}
    if not programs:
        raise MissingError(f"DIR must have NAME{recordings.OPS}, got none in {asked.directory}")
    kernel = _kernel(asked, console)
    report = recordings.ask(kernel, programs, _options(asked))
    found = 0
    for name, operations in programs.items():
        recorded = (asked.directory / f"{name}{recordings.EXPECTED}").read_text(encoding="utf-8")
        answered = recordings.expected_text(kernel, report, name, operations)
        difference = _first_difference(recorded, answered)
        if difference:
            found += 1
            say(console, f"{name}: {difference}")
    asked_again = sum(map(len, programs.values()))
    said = f"{len(programs)} recordings, {asked_again} operations asked again: {found} differ"
    say(console, f"{said} ({time.monotonic() - began:.1f} s)")
    if report.failure:
        raise GuestError(report.failure)
    return 1 if found else 0


def _first_difference(recorded: str, answered: str) -> str:
    """Return where two recordings differ, clocks aside; nothing where they do not."""
    before, after = recorded.splitlines()[1:], answered.splitlines()[1:]
    for old, new in zip(before, after, strict=False):
        if _without_clocks(old) != _without_clocks(new):
            return f"recorded {old[:200]}, answered {new[:200]}"
    return "" if len(before) == len(after) else f"{len(before)} answers were recorded, {len(after)} are there"


def _without_clocks(line: str) -> machine.Row:
    row: machine.Row = json.loads(line)
    state = row.get("st")
    if isinstance(state, dict):
        row["st"] = {key: value for key, value in state.items() if key not in _CLOCKS}
    return row
