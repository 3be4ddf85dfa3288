"""Prove the specification: `python -m spec.prove`.

Every action keeps the invariant and has its step properties, from every state in which the invariant holds; and if
users stop, the device reaches quiescence. CrossHair confirms this and z3 proves it for fixed sizes, both on the text of
the specification (L2); z3 proves it for every size (L3), and proves the symmetry in slot, block, request and reader
indices on which symmetry reduction rests (L1). See docs/proofs.md.

Exit code 0 when everything asked about is proved, 1 when anything is not, 2 when it was called wrongly, 128 and the
number of the signal when it was interrupted. Not confirmed, unknown, out of time or vacuous is not proved.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Final, TextIO

from spec.assertions import require_assertions
from spec.processes.interrupts import scratch
from spec.prove.jobs import ProofJob, at_least_one, run
from spec.prove.plan import FULL, NIGHTLY, QUICK, Part, parts, parts_of
from spec.prove.table import ProofRow, data, table
from spec.prove.verdict import ProofVerdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    require_assertions()
    choice = QUICK if asked.quick else NIGHTLY if asked.nightly else FULL
    try:
        with scratch("contracts-") as directory:
            to_prove = parts_of(asked.modules, directory) if asked.modules else parts(choice, directory)
            rows = prove(to_prove, sys.stderr, asked.processes)
    except (ImportError, SyntaxError, ValueError) as error:
        parser.error(str(error))
    found = data(rows)
    print(json.dumps(found, indent=2) if asked.json else table(rows))
    return int(not found["proved"])


def prove(to_prove: Sequence[Part], out: TextIO, processes: int = 2) -> list[ProofRow]:
    """Prove, report the progress on `out`, and return the verdicts on each part."""
    progress = _ProofProgress(to_prove, out)
    try:
        run([job for part in to_prove for job in part.jobs], progress.ended, processes)
    finally:
        progress.done()
    return [ProofRow(part, *progress.came_of(part)) for part in to_prove]


class _ProofProgress:
    """Progress of the proof: one line redrawn on a terminal, else a line every few seconds."""

    def __init__(self, chosen: Sequence[Part], out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._began = time.monotonic()
        self._due = self._began + (0 if self._live else _SAY)
        self._conditions = sum(len(job.conditions) for part in chosen for job in part.jobs)
        self._ended: list[tuple[ProofJob, list[ProofVerdict], float]] = []

    def ended(self, job: ProofJob, verdicts: list[ProofVerdict], seconds: float) -> None:
        """Note the verdicts of a job."""
        self._ended.append((job, verdicts, seconds))
        now = time.monotonic()
        if now < self._due:
            return
        found = [verdict for _job, verdicts, _seconds in self._ended for verdict in verdicts]
        open_ = sum(not verdict.good for verdict in found)
        line = f"{len(found):,} of {self._conditions:,} conditions, {open_:,} not proved, {now - self._began:.0f} s"
        self._out.write(f"\r\x1b[K{line}  {job.part}" if self._live else f"{line}\n")
        self._out.flush()
        self._due = now + (0 if self._live else _SAY)

    def done(self) -> None:
        """Take the line off the terminal."""
        if self._live:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def came_of(self, part: Part) -> tuple[tuple[ProofVerdict, ...], float]:
        """Return the verdicts on a part, and the time its programs took."""
        mine = [(verdicts, seconds) for job, verdicts, seconds in self._ended if job in part.jobs]
        return tuple(verdict for verdicts, _ in mine for verdict in verdicts), sum(seconds for _, seconds in mine)


_SAY: Final = 5.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m spec.prove", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="confirm the contracts in these instead")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="everything with z3, CrossHair on the contracts that decide")
    size.add_argument("--nightly", action="store_true", help="larger devices as well")
    parser.add_argument("--processes", type=at_least_one, default=2, metavar="N", help="programs at a time (2)")
    parser.add_argument("--json", action="store_true", help="print data instead of text")
    return parser
