"""The standard scenarios: small programs that get in the way of a pass, each small enough to be exhausted."""

from collections.abc import Mapping
from typing import Final

from stateful.schedules.program import BEFORE, Fault, FaultKind, Op, OpKind, TaskProgram, on, program

_PASS: Final = (OpKind.WRITEBACK,)
_FIRST_FAILS: Final = (Fault(FaultKind.WRITE, 0), Fault(FaultKind.WRITE, 1))
"""Twice, because what fails in a run of pages is written once more by itself."""


def _before(what: TaskProgram, *ops: Op) -> TaskProgram:
    return what._replace(ops=(*(Op(BEFORE, op.does, op.number) for op in ops), *what.ops))


CHANGES: Final[Mapping[str, TaskProgram]] = {
    "pass and write": program(_PASS, [on(OpKind.WRITE, 0)]),
    "pass and huge write": program(_PASS, [on(OpKind.WRITE_HUGE, 1)], batch=1),
    "pass and same-filled write": program(_PASS, [on(OpKind.WRITE_SAME, 1)]),
    "pass and discard": program(_PASS, [on(OpKind.DISCARD, 1)], blocks=1, batch=1),
    "pass and patch": program(_PASS, [on(OpKind.PATCH, 0)]),
    "failing pass and write": program(_PASS, [on(OpKind.WRITE, 1)], faults=_FIRST_FAILS),
    "torn pass and write": program(_PASS, [on(OpKind.WRITE, 1)], faults=(Fault(FaultKind.SHORT_WRITE, 0),)),
    "patch and write": program([on(OpKind.PATCH, 0)], [on(OpKind.WRITE, 0)]),
    "two pages and two threads": program(_PASS, threads=2),
    "compressed pass and write": program((OpKind.COMPRESSED, OpKind.WRITEBACK), [on(OpKind.WRITE, 0)]),
    "compaction, pass and write": _before(
        program((OpKind.COMPACT, OpKind.WRITEBACK), [on(OpKind.WRITE, 0)]),
        on(OpKind.WRITE_HUGE, 2),
        on(OpKind.DISCARD, 2),
    ),
    "two threads and a write": program(_PASS, [on(OpKind.WRITE, 1)], threads=2),
}
READS: Final[Mapping[str, TaskProgram]] = {
    "pass and read": program(_PASS, [on(OpKind.READ, 1)], faults=_FIRST_FAILS),
    "read of a page that comes and goes": program(
        _PASS, [on(OpKind.READ, 1), on(OpKind.READ, 1)], [on(OpKind.WRITE, 1)]
    ),
    "reuse under a read": _before(
        program([on(OpKind.READ, 0)], [on(OpKind.DISCARD, 0), on(OpKind.WRITEBACK, 2)], blocks=1, batch=1),
        on(OpKind.WRITEBACK, 1),
    ),
    "reuse under a compressed read": _before(
        program([on(OpKind.READ, 0)], [on(OpKind.WRITE_HUGE, 0), on(OpKind.WRITEBACK, 0)], blocks=1, batch=1),
        on(OpKind.COMPRESSED, 0),
        on(OpKind.WRITEBACK, 1),
    ),
    "compaction and read": _before(
        program((OpKind.COMPACT, OpKind.COMPACT), [on(OpKind.READ, 0)], [on(OpKind.PATCH, 0)]),
        on(OpKind.WRITE_HUGE, 2),
        on(OpKind.DISCARD, 2),
    ),
    "failing read": _before(
        program([on(OpKind.READ, 0)], [on(OpKind.WRITE, 0)], faults=(Fault(FaultKind.READ, 0),)),
        on(OpKind.WRITEBACK, 1),
    ),
}
CONTROL: Final[Mapping[str, TaskProgram]] = {
    "pass and idle marks": program([OpKind.WRITEBACK_IDLE], [OpKind.MARK_IDLE], [on(OpKind.WRITE, 0)]),
    "pass and limit": _before(
        program(_PASS, [on(OpKind.STORE_LIMIT, 0)], faults=_FIRST_FAILS),
        on(OpKind.STORE_LIMIT, 1),
        on(OpKind.TOGGLE_LIMIT, 0),
    ),
    "pass and toggled limit": _before(
        program(_PASS, [OpKind.TOGGLE_LIMIT, OpKind.TOGGLE_LIMIT], faults=_FIRST_FAILS), on(OpKind.STORE_LIMIT, 1)
    ),
    "pass and batch size": program([OpKind.WRITEBACK], [on(OpKind.STORE_BATCH, 0)]),
    "two passes": program(_PASS, _PASS),
    "recompression and write": program([OpKind.RECOMPRESS], [on(OpKind.WRITE, 0)]),
    "statistics during a pass": program(_PASS, [OpKind.STATS, OpKind.STATS]),
    "recompression and pass": program([OpKind.RECOMPRESS], _PASS),
}
KEEPS: Final[Mapping[str, TaskProgram]] = {
    "keeper and write": _before(program([on(OpKind.WRITE_HUGE, 0)], batch=1), on(OpKind.KEEP, 0)),
    "keeper and read": _before(program([on(OpKind.WRITE_HUGE, 0)], [on(OpKind.READ, 1)], batch=1), on(OpKind.KEEP, 0)),
    "keeper without a block": _before(
        program([on(OpKind.WRITE_HUGE, 0), on(OpKind.WRITE_HUGE, 1)], blocks=1, batch=1), on(OpKind.KEEP, 0)
    ),
    "keeper and pass": _before(
        program([on(OpKind.WRITEBACK, 2)], batch=1), on(OpKind.WRITE_HUGE, 0), on(OpKind.KEEP, 0)
    ),
    "keeper and close": _before(program([OpKind.CLOSE], batch=1), on(OpKind.WRITE_HUGE, 0), on(OpKind.KEEP, 0)),
}
ENDS: Final[Mapping[str, TaskProgram]] = {
    "pass and cancellation": program(_PASS, [OpKind.CANCEL], batch=1),
    "pass and interrupt": program(_PASS, [OpKind.INTERRUPT], batch=1),
    "pass and two interrupts": program(_PASS, [OpKind.INTERRUPT, OpKind.INTERRUPT], batch=1),
    "pass without a thread and interrupt": program(
        _PASS, [OpKind.INTERRUPT], faults=(Fault(FaultKind.THREAD, 0), Fault(FaultKind.THREAD, 1)), batch=1
    ),
    "pass and reset": program(_PASS, [OpKind.RESET]),
    "pass and close": program(_PASS, [OpKind.CLOSE]),
    "no memory": program(_PASS, [on(OpKind.WRITE, 0)], faults=(Fault(FaultKind.BUFFER, 1),)),
    "no thread": program(_PASS, [on(OpKind.WRITE, 0)], faults=(Fault(FaultKind.THREAD, 0),)),
}
THEMES: Final[Mapping[str, Mapping[str, TaskProgram]]] = {
    "changes": CHANGES,
    "reads": READS,
    "control": CONTROL,
    "keeps": KEEPS,
    "ends": ENDS,
}
SCENARIOS: Final[Mapping[str, TaskProgram]] = {**CHANGES, **READS, **CONTROL, **KEEPS, **ENDS}
