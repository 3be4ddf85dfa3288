"""The standard scenarios: small programs that get in the way of a pass, each small enough to be exhausted."""

from collections.abc import Mapping
from typing import Final

from stateful.schedules.program import BEFORE, Does, Fails, Fault, Op, Program, on, program

_PASS: Final = (Does.WRITEBACK,)
_FIRST_FAILS: Final = (Fault(Fails.WRITE, 0), Fault(Fails.WRITE, 1))
"""Twice, because what fails in a run of pages is written once more by itself."""


def _before(what: Program, *ops: Op) -> Program:
    return what._replace(ops=(*(Op(BEFORE, op.does, op.number) for op in ops), *what.ops))


CHANGES: Final[Mapping[str, Program]] = {
    "pass and write": program(_PASS, [on(Does.WRITE, 0)]),
    "pass and huge write": program(_PASS, [on(Does.WRITE_HUGE, 1)], batch=1),
    "pass and same-filled write": program(_PASS, [on(Does.WRITE_SAME, 1)]),
    "pass and discard": program(_PASS, [on(Does.DISCARD, 1)], blocks=1, batch=1),
    "pass and patch": program(_PASS, [on(Does.PATCH, 0)]),
    "failing pass and write": program(_PASS, [on(Does.WRITE, 1)], faults=_FIRST_FAILS),
    "torn pass and write": program(_PASS, [on(Does.WRITE, 1)], faults=(Fault(Fails.SHORT_WRITE, 0),)),
    "patch and write": program([on(Does.PATCH, 0)], [on(Does.WRITE, 0)]),
    "two pages and two threads": program(_PASS, threads=2),
    "compressed pass and write": program((Does.COMPRESSED, Does.WRITEBACK), [on(Does.WRITE, 0)]),
    "compaction, pass and write": _before(
        program((Does.COMPACT, Does.WRITEBACK), [on(Does.WRITE, 0)]), on(Does.WRITE_HUGE, 2), on(Does.DISCARD, 2)
    ),
    "two threads and a write": program(_PASS, [on(Does.WRITE, 1)], threads=2),
}
READS: Final[Mapping[str, Program]] = {
    "pass and read": program(_PASS, [on(Does.READ, 1)], faults=_FIRST_FAILS),
    "read of a page that comes and goes": program(_PASS, [on(Does.READ, 1), on(Does.READ, 1)], [on(Does.WRITE, 1)]),
    "reuse under a read": _before(
        program([on(Does.READ, 0)], [on(Does.DISCARD, 0), on(Does.WRITEBACK, 2)], blocks=1, batch=1),
        on(Does.WRITEBACK, 1),
    ),
    "reuse under a compressed read": _before(
        program([on(Does.READ, 0)], [on(Does.WRITE_HUGE, 0), on(Does.WRITEBACK, 0)], blocks=1, batch=1),
        on(Does.COMPRESSED, 0),
        on(Does.WRITEBACK, 1),
    ),
    "compaction and read": _before(
        program((Does.COMPACT, Does.COMPACT), [on(Does.READ, 0)], [on(Does.PATCH, 0)]),
        on(Does.WRITE_HUGE, 2),
        on(Does.DISCARD, 2),
    ),
    "failing read": _before(
        program([on(Does.READ, 0)], [on(Does.WRITE, 0)], faults=(Fault(Fails.READ, 0),)), on(Does.WRITEBACK, 1)
    ),
}
CONTROL: Final[Mapping[str, Program]] = {
    "pass and idle marks": program([Does.WRITEBACK_IDLE], [Does.MARK_IDLE], [on(Does.WRITE, 0)]),
    "pass and limit": _before(
        program(_PASS, [on(Does.STORE_LIMIT, 0)], faults=_FIRST_FAILS),
        on(Does.STORE_LIMIT, 1),
        on(Does.TOGGLE_LIMIT, 0),
    ),
    "pass and toggled limit": _before(
        program(_PASS, [Does.TOGGLE_LIMIT, Does.TOGGLE_LIMIT], faults=_FIRST_FAILS), on(Does.STORE_LIMIT, 1)
    ),
    "pass and batch size": program([Does.WRITEBACK], [on(Does.STORE_BATCH, 0)]),
    "two passes": program(_PASS, _PASS),
    "recompression and write": program([Does.RECOMPRESS], [on(Does.WRITE, 0)]),
    "statistics during a pass": program(_PASS, [Does.STATS, Does.STATS]),
    "recompression and pass": program([Does.RECOMPRESS], _PASS),
}
ENDS: Final[Mapping[str, Program]] = {
    "pass and cancellation": program(_PASS, [Does.CANCEL], batch=1),
    "pass and interrupt": program(_PASS, [Does.INTERRUPT], batch=1),
    "pass and two interrupts": program(_PASS, [Does.INTERRUPT, Does.INTERRUPT], batch=1),
    "pass without a thread and interrupt": program(
        _PASS, [Does.INTERRUPT], faults=(Fault(Fails.THREAD, 0), Fault(Fails.THREAD, 1)), batch=1
    ),
    "pass and reset": program(_PASS, [Does.RESET]),
    "pass and close": program(_PASS, [Does.CLOSE]),
    "no memory": program(_PASS, [on(Does.WRITE, 0)], faults=(Fault(Fails.BUFFER, 1),)),
    "no thread": program(_PASS, [on(Does.WRITE, 0)], faults=(Fault(Fails.THREAD, 0),)),
}
THEMES: Final[Mapping[str, Mapping[str, Program]]] = {
    "changes": CHANGES,
    "reads": READS,
    "control": CONTROL,
    "ends": ENDS,
}
SCENARIOS: Final[Mapping[str, Program]] = {**CHANGES, **READS, **CONTROL, **ENDS}
