"""Generated programs: operations over all attributes, grammars, faults, gates and life cycles, steered by coverage.

A program is a list of units; a unit is a list of operations that belong together (a gate with what happens inside), so
that a program still finishes whichever units are taken out of it.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from tests.kernel.coverage import CONTEXTS, WAITING, Cell, Coverage
from tests.kernel.scripts import Operation
from tests.kernel.setups import Setup, drawn
from tests.kernel.single import ALGORITHMS, SingleOperations
from tests.kernel.situation import Situation
from tests.kernel.texts import PAGE, store

Unit = list[Operation]
Program = list[Unit]
Makers = dict[str, tuple[float, Callable[[], Unit]]]
"""Base weight and maker of rows of the coverage table."""

DIRECTED_SHARE: Final = 0.15
"""Of the units of a program that was made for a cell, after the first one."""
_SHOWN: Final = (
    *("backing_dev", "bd_stat", "comp_algorithm", "compressed_writeback", "debug_stat", "disksize", "initstate"),
    *("io_stat", "writeback_batch_size", "writeback_limit", "writeback_limit_enable", "mem_limit", "idle", "reset"),
)
_WRITEBACKS: Final = (
    *("idle", "huge", "huge_idle", "incompressible", "page_index", "page_indexes", "several", "other"),
)


def _alone(name: str, **fields: str) -> Unit:
    return [{"op": name, **fields}]


def _opened(name: str) -> Unit:
    return [{"op": name}, {"op": "unhold"}]


class Generator:
    """Generates programs; what `coverage` has seen little of is drawn more.

    Attributes:
        recompression: Whether the driver was built with it.
        schema: 2: with byte transfers, opens and files.
    """

    def __init__(self, seed: int, coverage: Coverage, *, recompression: bool = False, schema: int = 1) -> None:
        self._rng = random.Random(seed)
        self._coverage = coverage
        self._second, self._recompression = schema > 1, recompression
        self._setup = Setup()
        self._wanted: Cell | None = None
        self._single = SingleOperations(self._rng, self._setup)
        self._draws = self._table(recompression=recompression, second=schema > 1)
        self._reachable = [cell for cell in self.possible() if cell[0] != "unhold"]
        self._directed: Counter[Cell] = Counter()
        """Programs that were made for a cell."""

    def _table(self, *, recompression: bool, second: bool) -> Makers:
        """Return base weight and maker of each row of the coverage table."""
        rng = self._rng
        draws: Makers = {
            "write": (30, lambda: [self._single.write()]),
            "read": (8, lambda: [self._single.read()]),
            "discard": (7, lambda: [self._single.range("discard")]),
            "zeroout": (2, lambda: [self._single.range("zeroout")]),
            "hold": (1.5, self._held),
            "idle all": (8, lambda: [store("idle", "all")]),
            "idle age": (0.5, lambda: [store("idle", rng.choice([100000, 99999999, 4294967295]))]),
            "dmtab": (3, lambda: [self._single.faults()]),
            "reset": (0.7, self._reset),
            "disksize": (0.5, lambda: [store("disksize", self._single.odd_text("disksize"))]),
            "backing_dev": (0.7, lambda: [store("backing_dev", self._single.backing())]),
            "comp_algorithm": (0.5, lambda: [store("comp_algorithm", self._single.odd_text("comp_algorithm"))]),
            "algorithm_params": (0.7, lambda: [store("algorithm_params", self._single.odd_text("algorithm_params"))]),
            "compressed_writeback": (0.5, lambda: [store("compressed_writeback", rng.choice("01yn"))]),
            "writeback_limit": (3, lambda: [store("writeback_limit", rng.choice([0, 1, 2, 3, 5, 8, 20, 100]))]),
            "writeback_limit_enable": (1, lambda: [store("writeback_limit_enable", rng.choice("0111"))]),
            "writeback_batch_size": (1, lambda: [store("writeback_batch_size", rng.choice(self._setup.batches))]),
            "mem_limit": (0.4, lambda: [store("mem_limit", self._single.memory())]),
            "mem_used_max": (0.3, lambda: [store("mem_used_max", rng.choice(["0", "0", "1"]))]),
            "compact": (0.4, lambda: [store("compact", "1")]),
            "odd": (4, lambda: [self._single.odd()]),
            "gate": (9, self._gate),
        }
        for row in _WRITEBACKS:
            draws[f"writeback {row}"] = (3, partial(self._store_writeback, row))
        for name in _SHOWN:
            draws[f"show {name}"] = (0.15, partial(_alone, "show", attr=name))
        if recompression:
            draws["recomp_algorithm"] = (1, lambda: [self._single.recompressor()])
            draws["recompress"] = (5, lambda: [store("recompress", self._single.recompress())])
        if second:
            draws["bwrite"] = (3, lambda: [self._single.transfer("bwrite")])
            draws["bread"] = (3, lambda: [self._single.transfer("bread")])
            draws |= {name: (0.5, partial(_alone, name)) for name in ("getsize", "flush")}
            draws["xhold"] = draws["rhold"] = (0.4, self._held_otherwise)
            draws["mkfile"] = (0.3, self._file)
            draws["sleep"] = (0.1, lambda: [self._single.sleep()])
            # Schema 2 has the clock: which of two seconds an age was counted from can be seen.
            draws["idle age"] = (2, lambda: [store("idle", rng.choice([0, 1, 1, 2, 3, 100000, 4294967295]))])
        return draws

    def possible(self) -> list[Cell]:
        """Return the cells of the coverage table that programs can reach."""
        rows = [*(row for row in self._draws if row not in ("odd", "gate")), "unhold"]
        cells = [(row, context) for row in rows for context in CONTEXTS if context != WAITING]
        inside = dict.fromkeys((*self._inside(set()), "unhold", *self._behind()), WAITING)
        return [*cells, *inside.items()]

    def program(self, least: int = 30) -> Program:
        """Return a program of at least so many operations."""
        rng = self._rng
        self._wanted = self._want()
        self._setup = setup = drawn(rng, self._wanted)
        self._single = SingleOperations(rng, setup)
        self._situation = Situation(str(setup.pages * PAGE))
        program: Program = [[{"op": "mkbd", "bd": 0, "blocks": setup.blocks}]]
        program += [[self._single.table()]] if setup.mapped else []
        if setup.held:
            program.append(_alone("hold"))
            program += [self._made(self._wanted[0])] if self._wanted and self._wanted[1] == "held" else []
        program += self._before_the_size(setup)
        if setup.sized:
            program += [self._size(), *([_alone("unhold")] if setup.held else [])]
            program += [[self._single.write()] for _ in range(rng.randrange(2, 8))]
            if setup.failing and rng.random() < 0.8:
                program.append([self._single.faults()])
        for unit in program:
            for op in unit:
                self._situation.note(op)
        program.append(self._next(directed=True))
        while sum(map(len, program)) < least + rng.randrange(25):
            program.append(self._next(directed=rng.random() < DIRECTED_SHARE))
        everything = self._single.read(0, setup.pages)
        return [*program, [everything], [store("idle", "all")], [store("writeback", "idle")]]

    def _want(self) -> Cell | None:
        """Return a cell of the table that is thin, or nothing: the program is made so that it can be reached."""
        thin = self._coverage.thin(self._reachable)
        if not thin:
            return None
        weights = [weight / (1 + self._directed[cell]) for cell, weight in thin.items()]
        cell = self._rng.choices([*thin], weights)[0]
        self._directed[cell] += 1
        return cell

    def _next(self, *, directed: bool) -> Unit:
        unit = self._directly(*self._wanted) if directed and self._wanted else []
        if not unit:
            contexts = self._situation.contexts()
            rows = [row for row in self._draws if row != "dmtab" or self._setup.mapped]
            weights = [
                self._draws[row][0] * max(self._coverage.weight(row, context) for context in contexts) for row in rows
            ]
            unit = self._made(self._rng.choices(rows, weights)[0])
        for op in unit:
            self._situation.note(op)
        return unit

    def _made(self, row: str) -> Unit:
        return self._draws[row][1]()

    def _directly(self, row: str, context: str) -> Unit:
        """Return the operations of a cell, with what brings the device into its context; none where nothing does."""
        contexts = self._situation.contexts()
        if context == WAITING:
            return self._gate(row)
        if context == "held" and row not in ("hold", "rhold", "xhold"):
            return [{"op": "hold"}, *self._made(row), {"op": "unhold"}]
        if context in contexts:
            return self._made(row)
        if context == "failing" and self._situation.backed and self._situation.sized:
            return [self._single.faults(surely=True), *self._made(row)]
        if context == "limited" and self._situation.sized:
            return [store("writeback_limit_enable", 1), store("writeback_limit", 100), *self._made(row)]
        return []

    # --- life cycle --------------------------------------------------------------------------------------------------

    def _before_the_size(self, setup: Setup) -> Program:
        rng = self._rng
        units: Program = [[store("comp_algorithm", ALGORITHMS[0])]]
        if setup.backed:
            units.append([store("backing_dev", f"/dev/{'dm-0' if setup.mapped else 'loop0'}")])
        if setup.compressed:
            units.append([store("compressed_writeback", 1)])
        if rng.random() < 0.6:
            units.append([store("writeback_batch_size", rng.choice(setup.batches))])
        if setup.limited:
            units += [[store("writeback_limit_enable", 1)], [store("writeback_limit", rng.choice([0, 2, 5, 10, 30]))]]
        if self._recompression and setup.recompressed:
            units.append([self._single.recompressor([1, 1, 2, 3])])
        if rng.random() < 0.25:
            units += [[self._single.odd()] for _ in range(rng.randrange(1, 6))]
        return units

    def _size(self) -> Unit:
        return [store("disksize", self._setup.pages * PAGE)]

    def _reset(self) -> Unit:
        """Reset; mostly set up again, at once or after some operations on a device without a size."""
        rng = self._rng
        unit = [store("reset", 1)]
        if rng.random() < 0.8:
            setup = drawn(rng, self._wanted)._replace(failing=self._setup.failing, mapped=self._setup.mapped)
            unit += [op for each in (*self._before_the_size(setup), self._size()) for op in each]
        return unit

    def _backing(self) -> str:
        rng = self._rng
        return rng.choice(["/dev/loop0", "/dev/dm-0", "/dev/loop1", "none", self._single.odd_text("backing_dev")])

    def _held(self) -> Unit:
        """Hold the device open while other things happen, of which a reset is refused."""
        rng = self._rng
        inside = [op for _ in range(rng.randrange(2, 8)) for op in self._simple()]
        holds: Unit = [{"op": "hold"}] * rng.choice([1, 1, 2])
        return [*holds, *inside, *([store("reset", 1)] if rng.random() < 0.4 else []), {"op": "unhold"}]

    def _held_otherwise(self) -> Unit:
        rng = self._rng
        holds: Unit = [{"op": rng.choice(["xhold", "rhold", "hold"])} for _ in range(rng.randrange(1, 4))]
        return [*holds, *self._simple(), {"op": "unhold"}]

    def _simple(self) -> Unit:
        left_out = ("gate", "hold", "xhold", "rhold", "reset", *(() if self._setup.mapped else ("dmtab",)))
        rows = [row for row in self._draws if row not in left_out]
        weights = [self._coverage.weight(row, "held") for row in rows]
        return self._draws[self._rng.choices(rows, weights)[0]][1]()

    def _store_writeback(self, row: str) -> Unit:
        return [store("writeback", self._single.writeback(row))]

    def _file(self) -> Unit:
        return self._single.file()

    def _whole_transfer(self, row: str, pages: Sequence[int]) -> Unit:
        return [self._single.whole_transfer(row, pages)]

    # --- the machine -------------------------------------------------------------------------------------------------

    def _gate(self, wanted: str = "") -> Unit:
        """Suspend the backing device, begin a pass, change pages, mostly begin a store behind it, resume.

        `wanted` is the row of an operation that is to be in it, where it can be.
        """
        if not self._setup.mapped or not self._situation.sized:
            return self._simple()
        rng = self._rng
        everything = f"page_indexes=0-{self._setup.pages - 1}"
        row = rng.choice(["idle", "huge", "huge_idle", "page_index", "page_indexes"])
        value = everything if rng.random() < 0.5 else self._single.writeback(row)
        begun: Operation = {"op": "bg_store", "attr": "writeback", "value": value}
        inside: Unit = []
        written: set[int] = set()
        for _ in range(rng.randrange(1, 8)):
            # A write that a memory limit refuses leaves the page where it was: perhaps on the device.
            inside += self._drawn(self._inside(set() if self._setup.whole else written))
            for op in inside[-1:]:
                page, count = op.get("page"), op.get("count")
                if op["op"] == "write" and isinstance(page, int) and isinstance(count, int):
                    written |= {*range(page, page + count)} if page + count <= self._setup.pages else set()
        inside += self._inside(set())[wanted][1]() if wanted in self._inside(set()) else []
        last = self._behind()
        behind = last[wanted][1]() if wanted in last else self._drawn(last) if rng.random() < 0.6 else []
        behind = [{**op, "op": "bg_store"} for op in behind]
        over: Operation = self._single.faults() if rng.random() < 0.15 else {"op": "resume", "bd": 0}
        return [{"op": "suspend", "bd": 0}, begun, *inside, *behind, over, *[{"op": "join"}] * (1 + len(behind))]

    def _drawn(self, makers: Makers) -> Unit:
        weights = [weight * self._coverage.weight(row, WAITING) for row, (weight, _make) in makers.items()]
        return self._rng.choices([*makers.values()], weights)[0][1]()

    def _inside(self, written: set[int]) -> Makers:
        """Return what can be done while a pass waits: no attribute but one, and no page that may be on the device."""
        makers: Makers = {
            "write": (8, lambda: [self._single.write()]),
            "discard": (3, lambda: [self._single.range("discard")]),
            "zeroout": (1, lambda: [self._single.range("zeroout")]),
            "show disksize": (0.2, partial(_alone, "show", attr="disksize")),
            "hold": (0.2, lambda: [{"op": "hold"}, {"op": "unhold"}]),
        }
        if self._second:
            makers |= {row: (0.1, partial(_alone, row)) for row in ("flush", "getsize")}
            makers |= {row: (0.1, partial(_opened, row)) for row in ("xhold", "rhold")}
            makers["sleep"] = (0.3, lambda: [self._single.sleep()])
            makers["mkfile"] = (0.1, lambda: self._single.file()[:1])
        pages = sorted(written)
        if pages:
            makers["read"] = (2, lambda: [self._single.read(self._rng.choice(pages), 1)])
            for row in ("bread", "bwrite") if self._second else ():
                makers[row] = (0.5, partial(self._whole_transfer, row, pages))
        return makers

    def _behind(self) -> Makers:
        """Return the stores that wait for the pass before them."""
        rng = self._rng
        rows = ("idle all", "disksize", "compressed_writeback", "writeback_limit", "writeback_limit_enable", "compact")
        makers: Makers = {row: (1, self._draws[row][1]) for row in rows}
        makers |= {
            "idle age": (1, lambda: [store("idle", rng.choice([100000, 4294967295]))]),
            "reset": (1, lambda: [store("reset", 1)]),
            "disksize": (1, lambda: [store("disksize", self._setup.pages * PAGE)]),
            "backing_dev": (1, lambda: [store("backing_dev", "/dev/loop1")]),
            "comp_algorithm": (1, lambda: [store("comp_algorithm", "zstd")]),
            "algorithm_params": (1, lambda: [store("algorithm_params", "algo=zstd level=3")]),
            "writeback_batch_size": (1, lambda: [store("writeback_batch_size", rng.choice(self._setup.batches))]),
            "mem_limit": (1, lambda: [store("mem_limit", rng.choice(["0", "16M"]))]),
            "mem_used_max": (1, lambda: [store("mem_used_max", 0)]),
        }
        makers |= {
            f"writeback {row}": (1, partial(self._store_writeback, row)) for row in _WRITEBACKS if row != "other"
        }
        makers |= {row: (1, self._draws[row][1]) for row in ("recompress", "recomp_algorithm") if row in self._draws}
        return makers
