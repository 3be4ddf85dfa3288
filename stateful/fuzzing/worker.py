"""One process of a fuzzing run: the sources in turns, findings to files as they come, memory watched."""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from stateful.fuzzing.sources import SOURCES, FuzzFinding, Harvest, Source
from stateful.jobs.runner import JobResult, Report
from stateful.schedules.refinement import states_covered
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


class Tally:
    """The counts of a process so far."""

    def __init__(self, out: Path, process: int) -> None:
        self.schedules = self.steps = 0
        self.turns: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.found: dict[tuple[str, str, str], str] = {}
        """By source, property and token: the file it was written to, or why it was not, and its text."""
        self._out = out
        self._process = process

    def enter(self, source: str, seed: int, harvest: Harvest, seconds: float) -> None:
        """Record the result of a turn; findings are written to disk at once."""
        self.schedules += harvest.schedules
        self.steps += harvest.steps
        self.turns[source] += 1
        self.seconds[source] += seconds
        for found in harvest.found:
            key = (source, found.name, found.token)
            if key not in self.found and len(self.found) < FILES_MOST:
                self.found[key] = self._write(source, seed, found)

    def _write(self, source: str, seed: int, found: FuzzFinding) -> str:
        name = f"{source}-{found.name}-{found.token or f'{seed}-{self._process}'}.txt"
        path = self._out / "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
        again = f"python -m stateful replay {found.token}\n\n" if found.token else f"source {source}, seed {seed}\n\n"
        text = again + found.text + "\n"
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


class Share(NamedTuple):
    """Which part of the seeds is whose."""

    process: int
    processes: int


def work(
    share: Share, seconds: float, seed: int, out: Path, report: Report, *, sources: Mapping[str, Source] = SOURCES
) -> JobResult:
    """Work for `seconds`, always with the source that has had the least of its time.

    What a source does in its n-th turn is decided by the seed alone, whatever the others did.
    """
    ended = time.monotonic() + seconds
    tally, settled = Tally(out, share.process), 0
    while time.monotonic() < ended:
        name = min(sources, key=lambda each: tally.seconds[each] / sources[each].share)
        report(f"{tally.line}; {name}")
        number = seed + tally.turns[name] * share.processes + share.process
        began = time.monotonic()
        harvest = sources[name].run(number, partial(_say, report, tally, name))
        tally.enter(name, number, harvest, time.monotonic() - began)
        if not settled and min(tally.turns[each] for each in sources) == TURNS_TO_SETTLE:
            settled = memory()
    return _verdict(tally, settled)


def _say(report: Report, tally: Tally, name: str, text: str) -> None:
    report(f"{tally.line}; {name}: {text}")


def _verdict(tally: Tally, settled: int) -> JobResult:
    now = memory()
    grown = settled and now - settled > GROWTH_MOST
    lines = [f"{turns:>7,} turns of {name}, {tally.seconds[name]:.0f} s" for name, turns in tally.turns.items()]
    if grown:
        lines.append(f"memory grows: {settled >> 20} MiB after {TURNS_TO_SETTLE} turns, {now >> 20} MiB at the end")
    lines += [f"{source}: {name}: {file}" for (source, name, _token), file in tally.found.items()]
    what = f"{tally.line}" + (f" ({settled >> 20} MiB after {TURNS_TO_SETTLE} turns)" if settled else "")
    return JobResult(not tally.found and not grown, what, "\n".join(["", *lines]))
