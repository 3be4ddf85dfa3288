"""Differential fuzzing: generated programs on a live kernel and on this project's device; what differs made small."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from stateful.conformance.replay import kernel_quirks, replay
from stateful.conformance.schema import read_recording
from tests.kernel import recordings
from tests.kernel.coverage import Coverage
from tests.kernel.machine import GuestError, Options, Report
from tests.kernel.packages import Kernel
from tests.kernel.programs import Generator, Program
from tests.kernel.scripts import Operation

BOOT_PROGRAMS: Final = 200
"""Programs a boot: some ten seconds of the machine's."""
ROUNDS_MOST: Final = 12
CANDIDATES_MOST: Final = 120
"""Of a round of shrinking, all in one boot."""

Say = Callable[[str], None]


class Finding(NamedTuple):
    """A program that the kernel and the device answer differently."""

    name: str
    program: Program
    difference: str
    """The first one."""


class Outcome(NamedTuple):
    """Result of a campaign."""

    programs: int
    operations: int
    findings: list[Finding]
    unsteady: list[Finding]
    """Those that did not come again when the kernel was asked a second time: its outcome was a matter of time."""


def flat(program: Program) -> list[Operation]:
    """Return the operations of a program."""
    return [op for unit in program for op in unit]


def run(kernel: Kernel, generator: Generator, coverage: Coverage, count: int, *, options: Options, say: Say) -> Outcome:
    """Run `count` generated programs, as many a boot as is good, and compare every answer.

    Raises:
        GuestError: A machine did not finish; the program that it stopped in is named.
    """
    findings: list[Finding] = []
    unsteady: list[Finding] = []
    operations = 0
    for begin in range(0, count, BOOT_PROGRAMS):
        programs = {f"p{number:05}": generator.program() for number in range(begin, min(begin + BOOT_PROGRAMS, count))}
        operations += sum(len(flat(program)) for program in programs.values())
        report = _ask(kernel, programs, options)
        for name, program in programs.items():
            coverage.add(flat(program), report.rows[name])
        different = _different(kernel, programs, report)
        again = {each.name for each in _differing(kernel, {each.name: each.program for each in different}, options)}
        findings += [each for each in different if each.name in again]
        unsteady += [each for each in different if each.name not in again]
        say(f"{min(begin + BOOT_PROGRAMS, count)} of {count} programs, {operations} operations, {len(findings)} differ")
    return Outcome(count, operations, findings, unsteady)


def shrink(kernel: Kernel, finding: Finding, options: Options) -> Finding:
    """Take out units while the first difference stays of its kind; each round's candidates share a boot."""
    best = finding
    size = max(1, len(best.program) // 2)
    for _ in range(ROUNDS_MOST):
        candidates = {f"c{number:04}": each for number, each in enumerate(_smaller(best.program, size))}
        found = [each for each in _differing(kernel, candidates, options) if _kind(each) == _kind(finding)]
        if found:
            smallest = min(found, key=lambda each: len(flat(each.program)))
            best = smallest._replace(name=finding.name)
        elif size == 1:
            break
        size = max(1, min(size // 2 if not found else size, len(best.program) // 2))
    return best


def _kind(finding: Finding) -> str:
    """Return the field that differs: a smaller program is to show the same."""
    return finding.difference.split(":")[0].split()[-1].split(".")[0]


def _smaller(program: Program, size: int) -> Iterator[Program]:
    """Yield the program without some of its units, many at a time first."""
    places = range(0, len(program), max(1, size))
    for place in [*places][:CANDIDATES_MOST]:
        smaller = program[:place] + program[place + size :]
        if smaller:
            yield smaller


def _differing(kernel: Kernel, programs: Mapping[str, Program], options: Options) -> list[Finding]:
    return _different(kernel, programs, _ask(kernel, programs, options)) if programs else []


def _ask(kernel: Kernel, programs: Mapping[str, Program], options: Options) -> Report:
    report = recordings.ask(kernel, {name: flat(program) for name, program in programs.items()}, options)
    broken = [name for name in programs if name not in report.complete]
    if report.failure or broken:
        stopped = broken[0] if broken else "the last one"
        row = len(report.rows.get(stopped, [])) - 1
        raise GuestError(f"{report.failure or 'a program broke off'}; in {stopped}, operation {row}")
    return report


def _different(kernel: Kernel, programs: Mapping[str, Program], report: Report) -> list[Finding]:
    found = []
    with tempfile.TemporaryDirectory(prefix="zram-fuzz-") as name:
        directory = Path(name)
        for each, program in programs.items():
            recordings.write_pair(directory, kernel, report, each, flat(program))
            recording = read_recording(directory, each)
            differences = replay(recording, kernel_quirks(recording))
            if differences:
                found.append(Finding(each, program, differences[0].line.partition(" ")[2]))
    return found


def write(kernel: Kernel, findings: Sequence[Finding], out: Path, options: Options) -> None:
    """Record findings anew and write them as pairs of files."""
    programs: dict[str, Program] = {finding.name: finding.program for finding in findings}
    report = _ask(kernel, programs, options)
    for name, program in programs.items():
        recordings.write_pair(out, kernel, report, name, flat(program))


def keep_operations(findings: Sequence[Finding], out: Path) -> None:
    """Write the operations alone, to be looked at: `record` asks them again."""
    for finding in findings:
        out.mkdir(parents=True, exist_ok=True)
        text = recordings.ops_text(finding.name, flat(finding.program))
        (out / f"{finding.name}{recordings.OPS}").write_text(text, encoding="utf-8")
