"""One process of a fuzzing run: the sources in turns, findings to files as they come, memory watched."""

import math
import os
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from spec.outputs.verdicts import Finding, rule_name
from spec.processes.progress import left
from stateful.bugs.seeded import by_name
from stateful.fuzzing.deadline import Deadline
from stateful.fuzzing.sources import SCHEDULES_A_PROGRAM, SHRINKING, FuzzFinding, Harvest, Source, fitting, turn
from stateful.jobs.runner import JobResult, Report
from stateful.schedules.refinement import states_covered
from stateful.seam.option import on_command_line
from zram_impl.cli.output import write_whole

FILES_MOST: Final = 50
"""Findings that are written down; who has found as many has found one thing many times."""
GROWTH_MOST: Final = 64 << 20
"""Bytes that a process may have grown since it had done everything a few times."""
TURNS_TO_SETTLE: Final = 3


def memory() -> int:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def replay_command(source: str, seed: int, found: FuzzFinding, bug: str = "") -> str:
    """Return the command that shows a finding again."""
    seeded = f" --bug {bug}" if bug else ""
    if found.token:
        return f"python -m stateful replay {found.token}{seeded}{on_command_line()}"
    return f"python -m stateful fuzz --source {source} --seed {seed} --upto 1{seeded}{on_command_line()}"


def file_name(source: str, name: str, which: str) -> str:
    """Return the name of the file of a finding."""
    name = f"{'-'.join(filter(None, (source, name, which)))}.txt"
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)


class Share(NamedTuple):
    """The part of a run that is one process's."""

    process: int
    processes: int
    upto: int | None = None
    """Turns of each source, whatever the time; None: as many as there is time for."""
    bug: str = ""
    """Seeded in our device, for a drill."""
    only: tuple[str, ...] = ()
    """Names of sources; () for all that fit."""


class Tally:
    """The counts of a process so far."""

    def __init__(self, out: Path, share: Share) -> None:
        self.schedules = self.steps = 0
        self.turns: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.cut = 0
        """Programs of which not every schedule was run."""
        self.given_up = ""
        """The source whose turn was not over when the time was."""
        self.found: dict[tuple[str, str, str], str] = {}
        """By source, property and token: the file it was written to, or why it was not, and its text."""
        self.findings: list[Finding] = []
        """The same for other programs."""
        self._out = out
        self._share = share

    def enter(self, source: str, seed: int, harvest: Harvest, seconds: float) -> None:
        """Record the result of a turn; findings are written to disk at once."""
        self.schedules += harvest.schedules
        self.steps += harvest.steps
        self.cut += harvest.cut
        self.turns[source] += 1
        self.seconds[source] += seconds
        for found in harvest.found:
            key = (source, found.name, found.token)
            if key not in self.found and len(self.found) < FILES_MOST:
                self.found[key] = self._write(source, seed, found)
                again = replay_command(source, seed, found, self._share.bug)
                self.findings.append(Finding(rule_name(found.name), f"{source} at seed {seed}", found.text, again))

    def _write(self, source: str, seed: int, found: FuzzFinding) -> str:
        path = self._out / file_name(source, found.name, found.token or f"{seed}-{self._share.process}")
        text = f"{replay_command(source, seed, found, self._share.bug)}\n\n{found.text}\n"
        try:
            self._out.mkdir(exist_ok=True)
            write_whole(path, text)
        except OSError as error:  # the disk is full by now, or the folder has gone: the text is in the report instead
            return f"{path}: {error.strerror or error}\n{text}"
        return str(path)

    @property
    def line(self) -> str:
        """Say how far it is."""
        return (
            f"{self.schedules:,} schedules, {states_covered():,} states, {self.steps:,} steps, "
            f"{len(self.found)} findings, {memory() >> 20} MiB"
        )


def work(
    share: Share,
    seconds: float,
    seed: int,
    out: Path,
    report: Report,
    *,
    sources: Mapping[str, Source] | None = None,
) -> JobResult:
    """Work for `seconds`, always with the source that has had the least of its time.

    What a source does in its n-th turn is decided by the seed alone, whatever the others did.
    """
    deadline = Deadline(seconds if share.upto is None else math.inf)
    with by_name(share.bug).applied() if share.bug else nullcontext(), deadline.watched():
        return _work(share, deadline, seed, Tally(out, share), report, sources or _only(share.only))


def _work(
    share: Share, deadline: Deadline, seed: int, tally: Tally, report: Report, sources: Mapping[str, Source]
) -> JobResult:
    settled = 0
    while deadline.left > 0 if share.upto is None else any(tally.turns[name] < share.upto for name in sources):
        name = min(sources, key=partial(_had, tally, share, sources))
        say = partial(_say, report, tally, deadline, name)
        say("begins")
        number = seed + tally.turns[name] * share.processes + share.process
        began = time.monotonic()
        with deadline.raising() as cut:
            harvest = turn(sources[name], number, say)
        if cut:
            tally.given_up = name
            break
        tally.enter(name, number, harvest, time.monotonic() - began)
        if not settled and min(tally.turns[each] for each in sources) == TURNS_TO_SETTLE:
            settled = memory()
    return _verdict(tally, settled)


def _only(names: Sequence[str]) -> Mapping[str, Source]:
    """Return the sources that fit, or those that were named."""
    return {name: source for name, source in fitting().items() if not names or name in names}


def _had(tally: Tally, share: Share, sources: Mapping[str, Source], name: str) -> float:
    """Return how much of its time a source has had; of its turns, where those are counted."""
    return tally.turns[name] if share.upto is not None else tally.seconds[name] / sources[name].share


def _say(report: Report, tally: Tally, deadline: Deadline, name: str, text: str) -> None:
    deadline.patient = text.endswith(SHRINKING)
    how_long = f"{left(deadline.left)}; " if deadline.left < math.inf else ""
    report(f"{how_long}{tally.line}; {name}: {text}")


def _verdict(tally: Tally, settled: int) -> JobResult:
    now = memory()
    grown = settled and now - settled > GROWTH_MOST
    lines = [f"{turns:>7,} turns of {name}, {tally.seconds[name]:.0f} s" for name, turns in tally.turns.items()]
    if grown:
        lines.append(f"memory grows: {settled >> 20} MiB after {TURNS_TO_SETTLE} turns, {now >> 20} MiB at the end")
    if tally.given_up:
        lines.append(f"the time was over during a turn of {tally.given_up}, which does not count")
    if tally.cut:
        lines.append(f"{tally.cut:,} programs were not exhausted: each has more than {SCHEDULES_A_PROGRAM} schedules")
    lines += [f"{source}: {name}: {file}" for (source, name, _token), file in tally.found.items()]
    cut = f", {tally.cut:,} programs not exhausted" if tally.cut else ""
    what = f"{tally.line}{cut}" + (f" ({settled >> 20} MiB after {TURNS_TO_SETTLE} turns)" if settled else "")
    return JobResult(not tally.found and not grown, what, "\n".join(["", *lines]), tuple(tally.findings))
