"""`python -m tests.kernel COMMAND`: ask a live kernel. `make oracle` runs `all`.

Exit code 0 passed, 1 found something, 2 usage or something missing, 128 and the number of the signal when interrupted.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from spec.assertions import require_assertions
from spec.processes.options import count, integer
from stateful.jobs.progress import complain, say
from tests.kernel import fuzz, lies_command, machine, mends, playing, recordings, steer, tracing, versions, workloads
from tests.kernel.coverage import Cell, Coverage
from tests.kernel.machine import GuestError, Options
from tests.kernel.multi_comp import with_recompression
from tests.kernel.packages import Kernel, MissingError, available_versions, get_kernel
from tests.kernel.programs import Generator
from tests.kernel.recordings import UnreadableError

RECORDINGS: Final = Path(__file__).resolve().parents[1] / "data" / "kernel-traces"
SHRUNK_MOST: Final = 3
"""Programs of a campaign that are made small."""
NAMED_MOST: Final = 8
"""Cells of the coverage table that are named."""
_CLOCKS: Final = ("ts", "clk")
"""Of a state, what is another at every run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    asked, unknown = _parser().parse_known_args(arguments)
    of_command: argparse.ArgumentParser = asked.parser
    if unknown:  # which argparse itself would answer with the usage of all commands
        of_command.error(f"unrecognized arguments: {' '.join(unknown)}")
    require_assertions()
    do: Callable[[argparse.Namespace, Console], int] = asked.do
    console = Console()
    try:
        return do(asked, console)
    except (MissingError, GuestError, UnreadableError) as error:
        complain(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return 2


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
        added.add_argument("--recompression", action="store_true", help="its zram module, built with MULTI_COMP")
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
    traced.add_argument("names", nargs="+", metavar="W", help=f"small, large, or of {', '.join(workloads.NAMES)}")
    traced.add_argument("--seed", type=integer, default=0, metavar="N", help="of the large ones (0)")
    fuzzing = command("fuzz", fuzz_programs, "run generated programs on a kernel and on this project's device")
    fuzzing.add_argument("--programs", type=count, default=200, metavar="N", help="how many (200)")
    fuzzing.add_argument("--seed", type=integer, default=0, metavar="N", help="of the generator (0)")
    fuzzing.add_argument(
        "--schema", type=integer, choices=(1, 2), default=1, help="2: byte transfers, opens, files, too"
    )
    fuzzing.add_argument("--out", type=Path, default=Path("build/kernel-fuzz"), metavar="DIR", help="for what differs")
    fuzzing.add_argument(
        "--coverage", type=Path, metavar="FILE", help="counts of earlier runs, which steer; kept there"
    )
    lying = commands.add_parser("lies", help="plant lies in traces that are accepted, and count those that are found")
    lying.set_defaults(do=lies_command.plant_lies)
    lying.add_argument("files", nargs="+", type=Path, metavar="FILE", help="raw or converted traces")
    lying.add_argument("--raw", action="store_true", help="in raw traces, before they are converted")
    lying.add_argument("--each", type=count, default=100, metavar="N", help="lies a kind (100)")
    mending = commands.add_parser(
        "mends", help="show by search what mends findings 27, 28 and 32, and that it is needed"
    )
    mending.set_defaults(do=show_mends)
    steering = command("steer", steer_kernel, "play the shortest way to each weakness, found by search, on a kernel")
    steering.add_argument("out", type=Path, metavar="OUT", help="for the raw traces")
    command("survey", survey_versions, "ask every kernel that Debian has, for docs/kernels.md")
    command("versions", show_versions, "print the newest patch level of each version that Debian has")
    for each in commands.choices.values():
        each.set_defaults(parser=each)
    return parser


def _kernel(asked: argparse.Namespace, console: Console) -> Kernel:
    kernel = get_kernel(asked.kernel, update=asked.update)
    kernel = with_recompression(kernel) if asked.recompression else kernel
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
    for version in available_versions():
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
    try:
        found = workloads.chosen(asked.names, asked.seed)
    except KeyError as error:
        complain(f"W must be small, large or one of {', '.join(workloads.NAMES)}, got {error.args[0]}")
        return 2
    files = tracing.record_whole(
        _kernel(asked, console), found, asked.out, _options(asked), lambda text: say(console, text)
    )
    say(console, f"{len(files)} traces recorded to {asked.out}")
    return 0


def show_mends(_asked: argparse.Namespace, console: Console) -> int:
    """Search with what the driver does and with its mend; 1 when a mend does not hold, or is not needed."""
    bad = 0
    for each in mends.MENDS:
        without, mended = mends.search(each, mended=False), mends.search(each, mended=True)
        bad += bool(mended.way) or not without.way
        say(console, f"{each.number}: {each.sentence}")
        say(console, f"  as the driver: {_said_of(without)}")
        say(console, f"  with the mend: {_said_of(mended)}")
    return 1 if bad else 0


def _said_of(found: mends.Searched) -> str:
    if not found.way:
        return f"holds in all {found.states} states"
    return f"not after {len(found.way)} steps: {', '.join(found.way)}"


def fuzz_programs(asked: argparse.Namespace, console: Console) -> int:
    """Run generated programs; print the coverage table; make small and write what differs."""
    coverage = Coverage()
    if asked.coverage is not None and asked.coverage.exists():
        try:
            coverage.read(asked.coverage)
        except (OSError, ValueError, TypeError) as error:
            complain(f"--coverage must be a file that an earlier run wrote, got {asked.coverage}: {error}")
            return 2
    kernel, options = _kernel(asked, console), _options(asked)
    generator = Generator(asked.seed, coverage, recompression=asked.recompression, schema=asked.schema)
    outcome = fuzz.run(
        kernel, generator, coverage, asked.programs, options=options, say=lambda text: say(console, text)
    )
    if asked.coverage is not None:
        coverage.write(asked.coverage)
    for line in coverage.table():
        say(console, line)
    possible = generator.possible()
    say(console, _cells("cells were never tried", coverage.empty(possible)))
    say(console, _cells("cells that the driver accepts were never accepted", coverage.unaccepted(possible)))
    for finding in outcome.findings:
        say(console, f"{finding.name}: {finding.difference}")
    for finding in outcome.unsteady:
        say(console, f"{finding.name}: did not come again: {finding.difference}")
    fuzz.keep_operations(outcome.unsteady, asked.out)
    small = [fuzz.shrink(kernel, finding, options) for finding in outcome.findings[:SHRUNK_MOST]]
    if small:
        fuzz.write(kernel, small, asked.out, options)
        for each in small:
            say(console, f"{each.name}: {len(fuzz.flat(each.program))} operations in {asked.out}: {each.difference}")
    differ = len(outcome.findings)
    said = f"{outcome.programs} programs, {outcome.operations} operations, {differ} programs differ"
    say(console, f"{said}, {len(outcome.unsteady)} differed once and not again")
    return 1 if differ else 0


def _cells(text: str, cells: Sequence[Cell]) -> str:
    said = ", ".join(f"{row} ({context})" for row, context in cells[:NAMED_MOST])
    more = len(cells) - NAMED_MOST
    return f"{len(cells)} {text}{': ' if cells else ''}{said}{f' and {more} more' if more > 0 else ''}"


def survey_versions(asked: argparse.Namespace, console: Console) -> int:
    """Ask every version the same questions, and keep what they answer."""
    kernels = [get_kernel(version) for version in available_versions()]
    found = versions.survey(kernels, versions.questions(RECORDINGS), _options(asked), lambda text: say(console, text))
    versions.write(found)
    say(console, f"{len(kernels)} kernels asked; kept in {versions.KEPT.name}")
    return 0


def steer_kernel(asked: argparse.Namespace, console: Console) -> int:
    """Play the shortest way to each weakness, found by search, on a kernel, and keep the traces."""
    moves = steer.shortest(foreign=True)
    say(console, f"26: {', '.join(f'{move.name} {move.number}' for move in moves)}")
    for number, way in playing.found().items():
        say(console, f"{number}: {', '.join(way)}")
    together = {"steered": steer.workload(moves), **playing.workloads()}
    files = tracing.record(_kernel(asked, console), together, asked.out, _options(asked))
    say(console, f"python -m stateful kernel-judge {' '.join(map(str, files))}")
    return 0


def verify(asked: argparse.Namespace, console: Console) -> int:
    """Ask again what was recorded; print the first difference of each recording."""
    began = time.monotonic()
    everything = recordings.read_programs(asked.directory)
    for name in [*everything]:
        if recordings.is_timing(asked.directory, name) or (
            asked.recompression and asked.directory == RECORDINGS and recordings.has_recompression(everything[name])
        ):
            del everything[name]  # no outcome of its own; or one that a stock kernel refuses
    programs = {name: ops for number, (name, ops) in enumerate(everything.items()) if not number % asked.every}
    if not programs:
        raise MissingError(f"DIR must have NAME{recordings.OPS}, got none in {asked.directory}")
    kernel = _kernel(asked, console)
    found = _differing(asked, kernel, programs)
    # One whose outcome was a matter of time does not come again.
    again = _differing(asked, kernel, {name: programs[name] for name in found})
    for name, difference in found.items():
        say(console, f"{name}: {difference}{'' if name in again else ' (did not come again)'}")
    asked_again = sum(map(len, programs.values()))
    said = f"{len(programs)} recordings, {asked_again} operations asked again: {len(again)} differ"
    say(console, f"{said} ({time.monotonic() - began:.1f} s)")
    return 1 if again else 0


def _differing(asked: argparse.Namespace, kernel: Kernel, programs: recordings.Programs) -> dict[str, str]:
    """Ask a kernel what was recorded; return the first difference of each recording that differs."""
    if not programs:
        return {}
    report = recordings.ask(kernel, programs, _options(asked))
    found: dict[str, str] = {}
    for name, operations in programs.items():
        recorded = (asked.directory / f"{name}{recordings.EXPECTED}").read_text(encoding="utf-8")
        difference = _first_difference(recorded, recordings.expected_text(kernel, report, name, operations))
        if difference:
            found[name] = difference
    if report.failure:
        raise GuestError(report.failure)
    return found


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
