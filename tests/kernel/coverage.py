"""The coverage table: how often each operation was tried, and accepted, in each context."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from stateful.conformance.fields import Json
from tests.kernel.machine import Row
from tests.kernel.scripts import Operation

CONTEXTS: Final = ("no size", "plain", "backed", "compressed", "limited", "failing", "in flight", "held")
"""Of a device: it has no size; a size but no backing device; both; blocks hold compressed pages; a limit is in force;
some blocks fail; a writeback waits for its writes, and stores for it; somebody has the device open."""
WAITING: Final = "in flight"
_MODES: Final = ("page_indexes", "page_index", "huge_idle", "incompressible", "huge", "idle")

BEFORE_THE_SIZE: Final = frozenset(
    {"disksize", "comp_algorithm", "algorithm_params", "recomp_algorithm", "backing_dev", "compressed_writeback"}
)
"""Stores that are EBUSY once the device has a size."""
_WITH_A_SIZE: Final = frozenset(
    {"idle all", "compact", "recompress", "write", "bwrite", "discard", "zeroout", "mem_used_max"}
)
_STORED_ONLY: Final = frozenset({"show idle", "show mem_limit", "show reset"})
THIN: Final = 10
"""A cell that was accepted less often has programs made for it."""
REFUSED_PER_ACCEPTED: Final = 8
"""So many refusals make a cell as little wanted as one acceptance."""

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


def is_refused(row: str, context: str) -> bool:
    """Return whether the driver refuses an operation in a context whatever else there is: nothing is missing there."""
    if row in BEFORE_THE_SIZE:
        return context not in ("no size", "held")
    match context:
        case "no size":
            return row in _WITH_A_SIZE or row.startswith("writeback ") or row in _STORED_ONLY
        case "plain":  # without a backing device
            return row.startswith("writeback ") or row in _STORED_ONLY
        case "held":
            return row == "reset" or row in _STORED_ONLY
        case _:
            return row in _STORED_ONLY


class Coverage:
    """Counts of cells: `tried` and `accepted`."""

    def __init__(self) -> None:
        self.tried: Counter[Cell] = Counter()
        self.accepted: Counter[Cell] = Counter()

    def add(self, operations: Sequence[Operation], rows: Sequence[Row]) -> None:
        """Count a program that was run; `rows` begin with the state before it."""
        failing = held = False
        state: dict[str, Json] = {}
        begun: list[list[Cell]] = []
        """Of stores in the background, whose answers are those of the joins."""
        waiting = False
        for number, op in enumerate(operations):
            state |= rows[number]
            answer = rows[number + 1]
            row, name = row_of(op), op["op"]
            cells = [(row, each) for each in contexts(op, state, failing=failing, held=held, waiting=waiting)]
            self.tried.update(cells)
            if name == "bg_store":
                begun.append(cells)
            elif answer["rc"] != -1:
                self.accepted.update(cells)
            if name == "join" and begun:
                joined = begun.pop(0)
                self.accepted.update(joined if answer["rc"] != -1 else [])
            failing = bool(op.get("fail_write") or op.get("fail_all")) if name == "dmtab" else failing
            held = name in ("hold", "xhold", "rhold") or (held and name != "unhold")
            waiting = (name == "bg_store" and answer.get("text") == "blocked") or (waiting and bool(begun))

    def read(self, path: Path) -> None:
        """Add the counts that earlier runs kept in a file.

        Raises:
            OSError: It cannot be read.
            ValueError: It is none of theirs.
        """
        kept = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(kept, dict):
            raise ValueError(f"coverage must be a JSON object, got {type(kept).__name__}")  # noqa: TRY004 (of the file)
        for key, counts in kept.items():
            row, context = key.split(" | ")
            tried, accepted = counts
            self.tried[row, context] += int(tried)
            self.accepted[row, context] += int(accepted)

    def write(self, path: Path) -> None:
        """Keep the counts in a file."""
        kept = {" | ".join(cell): [self.tried[cell], self.accepted[cell]] for cell in sorted(self.tried)}
        aside = path.with_name(f"{path.name}.new")
        aside.write_text(json.dumps(kept, indent=0) + "\n", encoding="utf-8")
        aside.replace(path)

    def weight(self, row: str, context: str) -> float:
        """Return how much an operation is wanted in a context: what is thin is drawn more.

        What the driver accepts is thin until it was accepted; what was refused counts little.
        """
        return 1 + 40 / (1 + self._seen((row, context)))

    def _seen(self, cell: Cell) -> float:
        tried, accepted = self.tried[cell], self.accepted[cell]
        return tried if is_refused(*cell) else accepted + (tried - accepted) / REFUSED_PER_ACCEPTED

    def thin(self, possible: Iterable[Cell]) -> dict[Cell, float]:
        """Return the cells of `possible` that the driver accepts and seldom did, and how much each is wanted."""
        wanted = [cell for cell in possible if not is_refused(*cell) and self.accepted[cell] < THIN]
        return {cell: 1 / (1 + self._seen(cell)) for cell in wanted}

    def rows(self) -> list[str]:
        """Return the operations there are."""
        return sorted({row for row, _context in self.tried})

    def empty(self, possible: Iterable[Cell]) -> list[Cell]:
        """Return the cells of `possible` that were never tried."""
        return sorted(cell for cell in possible if not self.tried[cell])

    def unaccepted(self, possible: Iterable[Cell]) -> list[Cell]:
        """Return the cells of `possible` that the driver accepts and never did."""
        return sorted(cell for cell in possible if not self.accepted[cell] and not is_refused(*cell))

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
