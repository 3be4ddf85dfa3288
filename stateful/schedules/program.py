"""A program: the concurrent operations of a few tasks on a small device, its faults, its preemptions.

It is three short lists of small numbers and three sizes, so that it can be drawn, shrunk and written down as a token.
The smallest program is three empty lists: no operation, no fault, no preemption.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from stateful.schedules.memory_device import NumberedFaults
from stateful.seam.operations import DiscardPages, MarkIdle, ReadPage, RunPass, UserOperation, WritePage

PAGES: Final = 3
LANES: Final = 3
"""Tasks that run at the same time, at most."""
BEFORE: Final = LANES
"""The lane of what is done first, by itself."""


SIZES: Final = ((2, 2, 1), (2, 1, 1), (1, 1, 1), (1, 2, 1), (3, 3, 1), (3, 2, 2))
"""Blocks, batch size and threads that are tried, the usual ones first."""


class OpKind(IntEnum):
    """Kind of an operation. Tokens contain these numbers: they never change, and new ones are appended."""

    WRITE = 0
    WRITE_SAME = 1
    DISCARD = 2
    READ = 3
    WRITEBACK = 4
    """Of all pages; with n > 0 of page n - 1 alone."""
    MARK_IDLE = 5
    STORE_LIMIT = 6
    TOGGLE_LIMIT = 7
    STORE_BATCH = 8
    """A batch size of one more than the number."""
    WRITE_HUGE = 9
    CANCEL = 10
    """The passes of all lanes."""
    INTERRUPT = 11
    """Ctrl-C into lane 0, while it waits for its pass."""
    RESET = 12
    CLOSE = 13
    WRITEBACK_IDLE = 14
    PATCH = 15
    """A write of a part of a page."""
    RECOMPRESS = 16
    STATS = 17
    COMPACT = 18
    COMPRESSED = 19
    """Blocks carry objects instead of pages, from the beginning, in whichever lane it is."""
    KEEP = 20
    """The device is kept within one page more than the number, until it is closed."""


USER_OPERATIONS: Final[Mapping[OpKind, Callable[[int], UserOperation]]] = {
    OpKind.WRITE: lambda number: WritePage(number % PAGES),
    OpKind.WRITE_SAME: lambda number: WritePage(number % PAGES, "same"),
    OpKind.WRITE_HUGE: lambda number: WritePage(number % PAGES, "huge"),
    OpKind.DISCARD: lambda number: DiscardPages(number % PAGES),
    OpKind.READ: lambda number: ReadPage(number % PAGES),
    OpKind.WRITEBACK: lambda number: RunPass(None, ((number - 1) % PAGES,) if number else tuple(range(PAGES))),
    OpKind.WRITEBACK_IDLE: lambda _number: RunPass("idle"),
    OpKind.MARK_IDLE: lambda _number: MarkIdle(),
}
"""A kind in the vocabulary of users, by its number; the other kinds are a schedule's own."""


class Op(NamedTuple):
    """An operation."""

    lane: int
    does: int
    number: int = 0
    """Of a page, or whatever number the operation takes."""

    @property
    def text(self) -> str:
        """The text for people."""
        name = OpKind(self.does).name.lower()
        return f"{name}({self.number})" if FOOTPRINTS[OpKind(self.does)].takes else name


_WRITES_FIRST: Final = Op(BEFORE, OpKind.WRITE, 0), Op(BEFORE, OpKind.WRITE, 1)


class FaultKind(IntEnum):
    """Kind of call that a fault makes fail. Tokens contain these numbers, too."""

    WRITE = 0
    SHORT_WRITE = 1
    READ = 2
    BUFFER = 3
    THREAD = 4


class Fault(NamedTuple):
    """The n-th time that something is asked for, counted from 0, it fails."""

    fails: int
    number: int

    @property
    def text(self) -> str:
        """The text for people."""
        return f"{FaultKind(self.fails).name.lower().replace('_', ' ')} {self.number} fails"


class Preemption(NamedTuple):
    """At choice number `step`, counted from 0, another task than the first runs."""

    step: int
    alternative: int


class TaskProgram(NamedTuple):
    """A program."""

    ops: tuple[Op, ...] = ()
    faults: tuple[Fault, ...] = ()
    preemptions: tuple[Preemption, ...] = ()
    blocks: int = 2
    batch: int = 2
    threads: int = 1
    """Of the engine."""

    def lane(self, number: int) -> list[Op]:
        """Return what one task does."""
        return [op for op in self.ops if op.lane == number]

    @property
    def first(self) -> list[Op]:
        """Operations before its tasks begin: writes of pages 0 and 1, and more if it says so."""
        return [*_WRITES_FIRST, *self.lane(BEFORE)]

    @property
    def tasks(self) -> dict[str, list[Op]]:
        """Operations of each task that has any, by its name."""
        return {f"lane {number}": ops for number in range(LANES) if (ops := self.lane(number))}

    def does(self, *what: OpKind) -> bool:
        """Return whether any of its operations is one of these."""
        for op in self.ops:  # noqa: SIM110  (no generator)
            if op.does in what:
                return True
        return False


def program(
    *lanes: Iterable[Op | OpKind], faults: Iterable[Fault] = (), blocks: int = 2, batch: int = 2, threads: int = 1
) -> TaskProgram:
    """Write a program: one iterable per lane, an operation without a number is on page 0."""
    ops = [
        Op(lane, op.does, op.number) if isinstance(op, Op) else Op(lane, op)
        for lane, row in enumerate(lanes)
        for op in row
    ]
    return TaskProgram(tuple(ops), tuple(faults), (), blocks, batch, threads)


def on(does: OpKind, number: int) -> Op:
    """Return an operation of whichever lane it is put into."""
    return Op(0, does, number)


class OpFootprint(NamedTuple):
    """The names of the points that an operation shares with others.

    Declared, not measured: a recorded run covers one schedule, and tokens count the choices that these sets allow.
    """

    mine: frozenset[str]
    takes: bool = False
    """True when its number means anything."""


_TABLE: Final = frozenset({"table"})
_PASS: Final = frozenset({"control", "table", "pass", "engine.work", "engine.answers", "pass ended"})
_ENGINE: Final = frozenset({"engine.work", "engine.answers", "device"})
_READ: Final = frozenset({"table", "backing reads", "device", "look"})
_KEEPER: Final = _PASS | {"room", "compaction"}
_ALL: Final = _KEEPER | _ENGINE | _READ | {"pass over", "openers"}

FOOTPRINTS: Final = {
    OpKind.WRITE: OpFootprint(_TABLE, takes=True),
    OpKind.WRITE_SAME: OpFootprint(_TABLE, takes=True),
    OpKind.DISCARD: OpFootprint(_TABLE, takes=True),
    OpKind.READ: OpFootprint(_READ, takes=True),
    OpKind.WRITEBACK: OpFootprint(_PASS, takes=True),
    OpKind.MARK_IDLE: OpFootprint(_TABLE),
    OpKind.STORE_LIMIT: OpFootprint(_TABLE, takes=True),
    OpKind.TOGGLE_LIMIT: OpFootprint(_TABLE),
    OpKind.STORE_BATCH: OpFootprint(frozenset({"control"}), takes=True),
    OpKind.WRITE_HUGE: OpFootprint(_TABLE, takes=True),
    OpKind.CANCEL: OpFootprint(_TABLE),
    OpKind.INTERRUPT: OpFootprint(_ALL),
    OpKind.RESET: OpFootprint(_ALL),
    OpKind.CLOSE: OpFootprint(_ALL),
    OpKind.WRITEBACK_IDLE: OpFootprint(_PASS),
    OpKind.PATCH: OpFootprint(_READ, takes=True),
    OpKind.RECOMPRESS: OpFootprint(_PASS),
    OpKind.STATS: OpFootprint(_TABLE),
    OpKind.COMPACT: OpFootprint(_TABLE | {"compaction", "pass over"}),
    OpKind.COMPRESSED: OpFootprint(frozenset()),
    OpKind.KEEP: OpFootprint(frozenset({"control", "table", "room"}), takes=True),
}
PASSES: Final = (OpKind.WRITEBACK, OpKind.WRITEBACK_IDLE, OpKind.RECOMPRESS)
_READS: Final = (OpKind.READ, OpKind.PATCH)
_WRITES: Final = (OpKind.WRITE, OpKind.WRITE_SAME, OpKind.WRITE_HUGE, OpKind.PATCH)
_WRITER: Final = frozenset({"room"})
"""A write that finds no room waits for it."""


def looks(what: TaskProgram) -> bool:
    """Return whether lock-free reads matter, so that they are points."""
    return what.does(*_READS)


@lru_cache(maxsize=256)
def shared(what: TaskProgram) -> frozenset[str]:
    """Return the names of what more than one task touches: only before these there is a choice."""
    lanes = [what.lane(number) for number in range(LANES)]
    tasks = [frozenset[str]().union(*(FOOTPRINTS[OpKind(op.does)].mine for op in lane)) for lane in lanes if lane]
    if what.does(OpKind.KEEP):
        tasks += [_KEEPER, *(_WRITER for lane in lanes if any(op.does in _WRITES for op in lane))]
    if what.does(OpKind.KEEP) or any(op.does in PASSES for lane in lanes for op in lane):
        tasks += [_ENGINE] * what.threads
        if any(fault.fails == FaultKind.THREAD for fault in what.faults):
            tasks.append(_ENGINE)  # a pass that cannot start a thread writes by itself
    elif any(op.does in PASSES for op in what.lane(BEFORE)):
        # Of the threads that are left from then, all but the one that did the work may still be on their way to rest.
        tasks += [frozenset({"engine.work"})] * (what.threads - 1)
    if what.does(OpKind.INTERRUPT):
        # A task that may be interrupted has a worker drive the pass and waits for it, whatever sends the interrupt.
        tasks += [_PASS | {"pass over"}] * 2
    found = Counter(name for task in tasks for name in task)
    return frozenset({name for name, tasks_ in found.items() if tasks_ > 1} | ({"look"} if looks(what) else set()))


@lru_cache(maxsize=256)
def faults_of(what: TaskProgram) -> NumberedFaults:
    """Return the faults as the device takes them."""
    by_kind = {kind: frozenset(f.number for f in what.faults if f.fails == kind) for kind in FaultKind}
    return NumberedFaults(
        by_kind[FaultKind.WRITE], by_kind[FaultKind.SHORT_WRITE], by_kind[FaultKind.READ], by_kind[FaultKind.BUFFER],
        by_kind[FaultKind.THREAD],
    )  # fmt: skip
