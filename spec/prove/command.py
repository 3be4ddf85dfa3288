"""Prove the specification: `python -m spec.prove`.

Every action keeps the invariant and has its step properties, from every state in which the invariant holds; and if
users stop, the device reaches quiescence. CrossHair confirms this and z3 proves it for fixed sizes, both on the text of
the specification (L2); z3 proves it for every size (L3), and proves the symmetry in slot, block, request and reader
indices on which symmetry reduction rests (L1). See docs/proofs.md.

Exit code 0 when everything asked about is proved, 1 when anything is not, 2 when it was called wrongly, 128 and the
number of the signal when it was interrupted. Not confirmed, unknown, out of time or vacuous is not proved.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import TextIO

from spec.assertions import require_assertions
from spec.outputs.options import add_outputs, written
from spec.processes.columns import columns
from spec.processes.interrupts import Interrupted, scratch
from spec.processes.options import add_loudness, add_processes
from spec.processes.progress import PLAIN, Progress, share
from spec.prove.jobs import ProofJob, run
from spec.prove.plan import FULL, NIGHTLY, QUICK, Part, parts, parts_of
from spec.prove.table import ProofRow, checks, proved, table
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
            rows = prove(to_prove, sys.stderr, asked.processes, asked.loud)
    except ProofInterrupted as interrupt:
        if interrupt.rows and not asked.json:
            print(table(interrupt.rows, columns(sys.stdout)))
        written(parser.prog, checks(interrupt.rows) if interrupt.rows else (), asked, interrupted=True)
        raise
    except (ImportError, SyntaxError, ValueError) as error:
        parser.error(str(error))
    if not asked.json:
        print(table(rows, columns(sys.stdout)))
    if not written(parser.prog, checks(rows), asked):
        return 2
    return int(not proved(rows))


def prove(to_prove: Sequence[Part], out: TextIO, processes: int = 2, loud: int = PLAIN) -> list[ProofRow]:
    """Prove, report the progress on `out`, and return the verdicts on each part.

    Raises:
        ProofInterrupted: With the rows of the parts that were decided.
    """
    progress = ProofProgress(to_prove, out, loud)
    try:
        run([job for part in to_prove for job in part.jobs], progress.ended, processes, progress.tick)
    except Interrupted as interrupt:
        known = [ProofRow(part, *progress.of_part(part)) for part in to_prove]
        raise ProofInterrupted(interrupt.number, [row for row in known if row.verdicts]) from None
    finally:
        progress.done()
    return [ProofRow(part, *progress.of_part(part)) for part in to_prove]


class ProofInterrupted(Interrupted):
    """A signal has arrived; `rows` are those of which something is known."""

    def __init__(self, number: int, rows: Sequence[ProofRow]) -> None:
        super().__init__(number)
        self.rows = rows


class ProofProgress:
    """Progress of a proof: the number of conditions with a verdict, and the verdicts."""

    def __init__(self, chosen: Sequence[Part], out: TextIO, loud: int = PLAIN) -> None:
        self._progress = Progress(out, loud)
        self._conditions = sum(len(job.conditions) for part in chosen for job in part.jobs)
        self._ended: list[tuple[ProofJob, list[ProofVerdict], float]] = []

    def ended(self, job: ProofJob, verdicts: list[ProofVerdict], seconds: float) -> None:
        """Note the verdicts of a job."""
        self._ended.append((job, verdicts, seconds))
        self.tick()

    def tick(self) -> None:
        """Draw anew, if it is time to."""
        self._progress.show(self._lines)

    def done(self) -> None:
        """Take the line off the terminal."""
        self._progress.done()

    def of_part(self, part: Part) -> tuple[tuple[ProofVerdict, ...], float]:
        """Return the verdicts on a part, and the time its programs took."""
        mine = [(verdicts, seconds) for job, verdicts, seconds in self._ended if job in part.jobs]
        return tuple(verdict for verdicts, _ in mine for verdict in verdicts), sum(seconds for _, seconds in mine)

    def _lines(self) -> Sequence[str]:
        found = [verdict for _job, verdicts, _seconds in self._ended for verdict in verdicts]
        open_ = sum(not verdict.good for verdict in found)
        done = share(len(found), self._conditions, self._progress.seconds)
        latest = f"  {self._ended[-1][0].part}" if self._ended else ""
        return [f"conditions: {done}, {open_:,} not proved{latest}"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m spec.prove", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="confirm the contracts in these instead")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="everything with z3, CrossHair on the contracts that decide")
    size.add_argument("--nightly", action="store_true", help="larger devices as well")
    add_outputs(parser)
    add_processes(parser)
    add_loudness(parser)
    return parser
