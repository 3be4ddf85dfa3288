"""Programs drawn by Hypothesis, or by chance alone where speed matters.

Operations, faults and preemptions are three lists in one example, shrunk together.

Preemptions are sparse, pairs of a choice and an alternative: a run without any is the steady one, and what is left
after shrinking is what matters. Drawn at every choice instead, the same bugs take many times as many examples and
shrink to several preemptions.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from stateful.schedules.program import PAGES, SIZES, Fault, FaultKind, Op, OpKind, Preemption, TaskProgram
from stateful.schedules.run import Execution, execute
from stateful.schedules.shrink import smallest

CHOICES: Final = 24
"""Choices among which preemptions are drawn: those of most programs."""
USERS: Final = (
    OpKind.WRITE, OpKind.DISCARD, OpKind.READ, OpKind.WRITE_SAME, OpKind.WRITE_HUGE, OpKind.PATCH, OpKind.MARK_IDLE,
    OpKind.STORE_LIMIT, OpKind.TOGGLE_LIMIT, OpKind.STORE_BATCH, OpKind.WRITEBACK, OpKind.CANCEL, OpKind.INTERRUPT,
    OpKind.RESET, OpKind.RECOMPRESS, OpKind.STATS, OpKind.COMPACT, OpKind.COMPRESSED,
)  # fmt: skip
"""Operations of users, the likelier culprits first."""

_LIKELY: Final = (OpKind.WRITE, OpKind.WRITE, OpKind.DISCARD, OpKind.READ, OpKind.WRITE_SAME, *USERS)
"""The operations to draw from: those that change or read a page are more frequent than the rest."""
_FAILING: Final = (FaultKind.WRITE, FaultKind.WRITE, FaultKind.WRITE, *FaultKind)
_PAGES: Final = (*range(PAGES), 0, 1)
"""The two that a program begins with are more frequent."""

_ops: Final = st.lists(st.builds(Op, st.integers(1, 2), st.sampled_from(_LIKELY), st.sampled_from(_PAGES)), max_size=4)
_faults: Final = st.lists(st.builds(Fault, st.sampled_from(_FAILING), st.integers(0, 3)), max_size=2)
_preemptions: Final = st.lists(st.tuples(st.integers(0, CHOICES), st.integers(1, 2)), max_size=4)


def _program(
    ops: list[Op], faults: list[Fault], preemptions: list[tuple[int, int]], sizes: tuple[int, int, int]
) -> TaskProgram:
    pass_ = Op(0, OpKind.WRITEBACK)
    once = sorted(dict(preemptions).items())
    return TaskProgram((pass_, *ops), tuple(faults), tuple(Preemption(*each) for each in once), *sizes)


programs: Final = st.builds(_program, _ops, _faults, _preemptions, st.sampled_from(SIZES))


def drawn(chance: random.Random) -> TaskProgram:
    """Return a program of a pass, a few operations of one or two users, and perhaps a fault."""
    lanes = chance.choice((1, 1, 2))
    ops = [
        Op(chance.randint(1, lanes), chance.choice(USERS), chance.randrange(PAGES)) for _ in range(chance.randint(1, 3))
    ]
    faults = [Fault(chance.choice(list(FaultKind)), chance.randrange(3)) for _ in range(chance.choice((0, 0, 1, 2)))]
    blocks, batch, threads = chance.choice(SIZES)
    return TaskProgram((Op(0, OpKind.WRITEBACK), *ops), tuple(faults), (), blocks, batch, threads)


class DrawnSearch(NamedTuple):
    """The result of a search."""

    examples: int
    first: int
    """The example that first showed something, counted from 1; 0 for none."""
    finding: Execution | None
    """The smallest program."""


def look(number: int, most: int, each: Callable[[Execution], None] | None = None) -> DrawnSearch:
    """Play up to `most` programs of seed `number`; shrink the first that shows anything."""
    examples = first = 0
    found: Execution | None = None

    @seed(number)
    @settings(
        settings.get_profile("default"), max_examples=most, deadline=None, database=None, derandomize=False,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck), print_blob=False,
        report_multiple_bugs=False,
    )  # fmt: skip
    @given(programs)
    def one(what: TaskProgram) -> None:
        nonlocal examples, first, found
        examples += 1
        played = execute(what)
        if each is not None:
            each(played)
        if played.error is not None:
            first, found = first or examples, played
            raise _ShrinkThisError(played.found)

    with suppress(_ShrinkThisError):
        one()
    return DrawnSearch(examples, first, found and smallest(found))


class _ShrinkThisError(Exception):
    """A program broke something: one kind of error for Hypothesis, whatever it was."""
