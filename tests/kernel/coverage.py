"""The coverage table: how often each operation was tried, and accepted, in each context."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from stateful.conformance.fields import Json
from tests.kernel.machine import Row
from tests.kernel.scripts import Operation

CONTEXTS: Final = ("no size", "plain", "backed", "compressed", "limited", "failing", "in flight", "held")
"""Of a device: it has no size; a size but no backing device; both; blocks hold compressed pages; a limit is in force;
some blocks fail; a writeback waits for its writes; somebody has the device open."""
WAITING: Final = "in flight"
_MODES: Final = ("page_indexes", "page_index", "huge_idle", "incompressible", "huge", "idle")

Cell = tuple[str, str]


def row_of(op: Operation) -> str:
    """Return what an operation is called in the table: attributes by name, some by what is stored."""
    name = str(op["op"])
    if name not in ("store", "bg_store", "show"):
        return name
    attribute = str(op["attr"])
    if name == "show":
        return f"show {attribute}"
    if attribute == "writeback":
        text = str(op["value"])
        several = len(text.split()) > 1
        return "writeback several" if several else f"writeback {next((m for m in _MODES if m in text), 'other')}"
    return f"idle {'age' if str(op['value']).isdigit() else 'all'}" if attribute == "idle" else attribute


def contexts(op: Operation, before: Row, *, failing: bool, held: bool, waiting: bool) -> list[str]:
    """Return the contexts of an operation, from the state before it and what the program did to the machine."""
    if waiting:
        return [WAITING]
    found = ["held"] if held else []
    if not before.get("init"):
        return [*found, "no size"]
    backed = before.get("bk") not in ("none", None)
    found.append("backed" if backed else "plain")
    found += ["compressed"] if backed and before.get("cw") else []
    found += ["limited"] if before.get("wle") else []
    found += ["failing"] if backed and failing else []
    return found


class Coverage:
    """Counts of cells: `tried` and `accepted`."""

    def __init__(self) -> None:
        self.tried: Counter[Cell] = Counter()
        self.accepted: Counter[Cell] = Counter()

    def add(self, operations: Sequence[Operation], rows: Sequence[Row]) -> None:
        """Count a program that was run; `rows` begin with the state before it."""
        failing = held = waiting = False
        state: dict[str, Json] = {}
        for number, op in enumerate(operations):
            state |= rows[number]
            answer = rows[number + 1]
            row = row_of(op)
            for context in contexts(op, state, failing=failing, held=held, waiting=waiting):
                self.tried[row, context] += 1
                self.accepted[row, context] += answer["rc"] != -1
            name = op["op"]
            failing = bool(op.get("fail_write") or op.get("fail_all")) if name == "dmtab" else failing
            held = name in ("hold", "xhold", "rhold") or (held and name != "unhold")
            waiting = (name == "bg_store" and answer.get("text") == "blocked") or (waiting and name != "join")

    def weight(self, row: str, context: str) -> float:
        """Return how much an operation is wanted in a context: what is thin is drawn more."""
        return 1 + 40 / (1 + self.tried[row, context])

    def rows(self) -> list[str]:
        """Return the operations there are."""
        return sorted({row for row, _context in self.tried})

    def empty(self, possible: Iterable[Cell]) -> list[Cell]:
        """Return the cells of `possible` that were never tried."""
        return sorted(cell for cell in possible if not self.tried[cell])

    def table(self) -> Iterator[str]:
        """Yield the lines of the table: accepted of tried; a dot for a cell that was never tried."""
        rows = self.rows()
        width = max(map(len, rows), default=0)
        yield " " * width + "".join(f"{context:>13}" for context in CONTEXTS)
        for row in rows:
            cells = [self._cell(row, context) for context in CONTEXTS]
            yield f"{row:{width}}" + "".join(f"{cell:>13}" for cell in cells)

    def _cell(self, row: str, context: str) -> str:
        tried = self.tried[row, context]
        return f"{self.accepted[row, context]}/{tried}" if tried else "."
