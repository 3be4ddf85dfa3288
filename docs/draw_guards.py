"""Writes `docs/generated/guards.md`, what keeps each shared field sound: `python -m docs.draw_guards`.

The table is `stateful/guards/table.py`; tests hold it to the device's source and to what runs access.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from docs.draw_tables import markdown_table
from docs.program import write_page
from spec.processes.entry import run
from stateful.guards.guard import Guard, GuardKind, GuardRow, Look
from stateful.guards.invariants import INVARIANTS
from stateful.guards.table import IDENTITY, LOCKS, NOT_GUARDED, ROWS, WAITS
from stateful.pairs.calls import UNCALLED
from stateful.pairs.states import STATES

PAGE: Final = Path(__file__).resolve().with_name("generated") / "guards.md"

_INTRODUCTION: Final = """\
# Guards: what keeps each shared field sound

Written by `python -m docs.draw_guards` from `stateful/guards/table.py`; edit that.

Every field of the device, its engine and its passes says which lock guards it, or why it needs no lock. Under the
controlled runtime every access is held to that, on whatever schedule it happens: `python -m stateful guards`. `field[]`
is what is in the container that a field holds, `call()` a call. The tests find a field that is missing here, a name
that matches nothing, a field that no run accesses, and an exception that no function makes use of.

- **a lock**: every read and write holds it; with *of its own*, that of the very object.
- **once**: written while the object is made, and never again.
- **lock-free**: one load or store that no lock guards, on purpose.
- **handed over**: used by one task at a time; any two uses are ordered by locks, or by starts and ends of tasks.
- **outside**: called while the lock, and those inside it, are not held.

Each access that an exception or *lock-free* allows is a scheduling point in the pairs of calls.
"""

_PAIRS: Final = """\
Every public call beside every other, from the list of public names, in these states. A call stops wherever it has
accessed, and will access, what the other changes; the other is made there.

"""
_TIMED: Final = {True: "always", False: "never", None: "either"}


def page() -> str:
    """Return the whole page."""
    return "\n".join([_INTRODUCTION, *(f"## {title}\n\n{text}\n" for title, text in _sections())])


def _sections() -> Iterator[tuple[str, str]]:
    yield "Locks", markdown_table(("lock", "guards"), _cells(LOCKS.items()))
    waits = (
        [f"`{name}`", _TIMED[wait.timed], ", ".join(wait.holding) or "no other", wait.why]
        for name, wait in WAITS.items()
    )
    yield "Waits", markdown_table(("condition", "with a time-out", "locks held", "why"), waits)
    invariants = ([f"`{each.lock}`", f"`{each.name}`", f"`{each.owner.__name__}`"] for each in INVARIANTS)
    yield "What holds whenever a lock is free", markdown_table(("lock", "invariant", "of every"), invariants)
    yield "Fields", markdown_table(("class", "fields", "guard", "besides"), map(_row, ROWS))
    yield "Exceptions", markdown_table(("class", "fields", "may be", "without the lock in", "because"), _exceptions())
    unused = ([f"`{row.owner.__name__}`", _named(row), row.guard.unused] for row in ROWS if row.guard.unused)
    yield "Fields that no run accesses", markdown_table(("class", "fields", "because"), unused)
    identity = ((owner.__name__, why) for owner, why in IDENTITY.items())
    yield "Compared by identity", markdown_table(("class", "because"), _cells(identity))
    yield "Without guards", markdown_table(("module or class", "because"), _cells(NOT_GUARDED.items()))
    states = ([state.name, (state.prepare.__doc__ or "").rstrip("."), _calls(state.calls)] for state in STATES)
    yield "Pairs of calls", _PAIRS + markdown_table(("state", "what it does", "calls"), states)
    yield "Public names that are not called", markdown_table(("name", "because"), _cells(UNCALLED.items()))


def _cells(rows: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    return ([f"`{name}`", text] for name, text in rows)


def _row(row: GuardRow) -> list[str]:
    return [f"`{row.owner.__name__}`", _named(row), _said(row.guard), "; ".join(_besides(row.guard))]


def _named(row: GuardRow) -> str:
    return ", ".join(f"`{name}`" for name in row.names)


def _said(guard: Guard) -> str:
    if guard.kind is GuardKind.LOCK:
        return f"`{guard.lock}`" + (", of its own" if guard.of else "")
    return f"outside `{guard.lock}`" if guard.kind is GuardKind.OUTSIDE else guard.kind.value


def _besides(guard: Guard) -> Iterator[str]:
    if guard.why:
        yield guard.why
    if guard.wakes:
        yield f"each change notifies `{guard.wakes}` before the lock is released"
    if guard.rises:
        yield "set, and never taken back"


def _exceptions() -> Iterator[list[str]]:
    for row in ROWS:
        for how, looks in (("read", row.guard.looks), ("written", row.guard.stores)):
            yield from (_exception(row, how, look) for look in looks)


def _exception(row: GuardRow, how: str, look: Look) -> list[str]:
    return [f"`{row.owner.__name__}`", _named(row), how, ", ".join(f"`{place}`" for place in look.places), look.why]


def _calls(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "all but the attributes"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and return the exit code."""
    return write_page("draw_guards", __doc__, PAGE, page, arguments)


if __name__ == "__main__":
    run("docs.draw_guards")
