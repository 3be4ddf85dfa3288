"""Making a program that fails as small as it gets: whatever can be left out or be made smaller, is.

A schedule is not made smaller by leaving out what is in it, since what comes after is another schedule then. Instead
all schedules of few preemptions are tried, and of those that fail the simplest is taken.
"""

from collections.abc import Iterable, Iterator
from itertools import islice, product
from typing import Final

from stateful.schedules.policies import exhaust
from stateful.schedules.program import BEFORE, PAGES, SIZES, OpKind, TaskProgram
from stateful.schedules.run import Execution, execute

PREEMPTIONS_MOST: Final = 2
TRIED_MOST: Final = 1500
"""Schedules of one program."""
BUDGET: Final = 20_000
"""Schedules that are tried for one finding."""
NUMBERS_MOST: Final = 27
"""Combinations of numbers."""


def smallest(played: Execution) -> Execution:
    """Return the smallest program that breaks the same, and its simplest schedule; `played` breaks something."""
    return _Shrinking(played.found).shrink(played)


class _Shrinking:
    """Shrinking of one finding, as long as its budget of schedules lasts."""

    def __init__(self, found: str) -> None:
        self._found = found
        self._left = BUDGET

    def shrink(self, played: Execution) -> Execution:
        for bound in range(PREEMPTIONS_MOST + 1):
            best = self._simplest(played.what, bound)
            if best is not None:
                best = self._still_smaller(best, bound)
                best = self._with_any_numbers(best.what, bound) or best
                return best if bound == 0 or best.what == played.what else self.shrink(best)
        return played

    def _still_smaller(self, best: Execution, bound: int) -> Execution:
        """Leave out what can be left out, if need be with other numbers and sizes; make simpler what is left."""
        for shorter in _shorter(best.what):
            found = self._with_any_numbers(shorter, bound)
            if found is not None:
                return self._still_smaller(found, bound)
        for simpler in _simpler(best.what):
            found = self._simplest(simpler, bound)
            if found is not None:
                return self._still_smaller(found, bound)
        return best

    def _with_any_numbers(self, what: TaskProgram, bound: int) -> Execution | None:
        """Try the numbers of operations and faults all together: one can often be smaller only if another is larger."""
        kept = (OpKind.WRITEBACK, OpKind.STORE_LIMIT, OpKind.STORE_BATCH)
        domains: list[Iterable[int]] = [[op.number] if op.does in kept else range(PAGES) for op in what.ops]
        domains += [range(max(fault.number + 1, PAGES)) for fault in what.faults]
        for numbers in islice(product(*domains), NUMBERS_MOST):
            ops = tuple(op._replace(number=number) for op, number in zip(what.ops, numbers, strict=False))
            faults = tuple(f._replace(number=n) for f, n in zip(what.faults, numbers[len(ops) :], strict=True))
            played = self._simplest(what._replace(ops=ops, faults=faults), bound)
            if played is not None:
                return played
        return None

    def _simplest(self, what: TaskProgram, bound: int) -> Execution | None:
        """Return the run with the simplest schedule of at most `bound` preemptions that breaks the same."""
        best: Execution | None = None
        for attempt in islice(exhaust(bound), min(TRIED_MOST, self._left)):
            played = execute(what, attempt.policy)
            attempt.schedule = played.schedule
            self._left -= 1
            if played.found == self._found and (best is None or _size(played.what) < _size(best.what)):
                best = played
        return best


def _size(what: TaskProgram) -> tuple[object, ...]:
    return len(what.preemptions), what.preemptions


def _shorter(what: TaskProgram) -> Iterator[TaskProgram]:
    """Yield programs without one operation or one fault, of all sizes."""
    plain = what._replace(preemptions=())
    for blocks, batch, threads in dict.fromkeys([(what.blocks, what.batch, what.threads), *SIZES]):
        sized = plain._replace(blocks=blocks, batch=batch, threads=threads)
        for at in range(len(what.ops)):
            yield sized._replace(ops=what.ops[:at] + what.ops[at + 1 :])
        for at in range(len(what.faults)):
            yield sized._replace(faults=what.faults[:at] + what.faults[at + 1 :])


def _simpler(what: TaskProgram) -> Iterator[TaskProgram]:
    """Yield programs of the same length that are a little simpler."""
    plain = what._replace(preemptions=())
    sizes = (what.blocks, what.batch, what.threads)
    for blocks, batch, threads in SIZES[: SIZES.index(sizes)] if sizes in SIZES else SIZES:
        yield plain._replace(blocks=blocks, batch=batch, threads=threads)
    for at, op in enumerate(what.ops):
        others = [op._replace(lane=lane) for lane in range(1, op.lane)] if op.lane < BEFORE else []
        if op.does in (OpKind.WRITE_SAME, OpKind.DISCARD, OpKind.WRITE_HUGE, OpKind.PATCH):
            others.append(op._replace(does=OpKind.WRITE))
        for other in others:
            yield plain._replace(ops=(*what.ops[:at], other, *what.ops[at + 1 :]))
