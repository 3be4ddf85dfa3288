"""Generated programs: operations over all attributes, grammars, faults, gates and life cycles, steered by coverage.

A program is a list of units; a unit is a list of operations that belong together (a gate with what happens inside), so
that a program still finishes whichever units are taken out of it.
"""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from tests.kernel.coverage import CONTEXTS, WAITING, Cell, Coverage
from tests.kernel.scripts import Operation
from tests.kernel.situation import Situation
from tests.kernel.texts import PAGE, odd_attribute, odd_text, store

Unit = list[Operation]
Program = list[Unit]
Makers = dict[str, tuple[float, Callable[[], Unit]]]
"""Base weight and maker of rows of the coverage table."""

_ALGORITHMS: Final = ("lz4", "lz4", "lz4hc", "zstd", "deflate")
_SHOWN: Final = (
    *("backing_dev", "bd_stat", "comp_algorithm", "compressed_writeback", "debug_stat", "disksize", "initstate"),
    *("io_stat", "writeback_batch_size", "writeback_limit", "writeback_limit_enable", "mem_limit", "idle", "reset"),
)
_WRITEBACKS: Final = (
    *("idle", "huge", "huge_idle", "incompressible", "page_index", "page_indexes", "several", "other"),
)


def _alone(name: str, **fields: str) -> Unit:
    return [{"op": name, **fields}]


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
        self._pages, self._whole = 1, False
        self._batches: Sequence[object] = (1,)
        self._draws = self._table(recompression=recompression, second=schema > 1)

    def _table(self, *, recompression: bool, second: bool) -> Makers:
        """Return base weight and maker of each row of the coverage table."""
        rng = self._rng
        draws: Makers = {
            "write": (30, lambda: [self._write()]),
            "read": (8, lambda: [self._read()]),
            "discard": (7, lambda: [self._range("discard")]),
            "zeroout": (2, lambda: [self._range("zeroout")]),
            "hold": (1.5, self._held),
            "idle all": (8, lambda: [store("idle", "all")]),
            "idle age": (0.5, lambda: [store("idle", rng.choice([100000, 99999999, 4294967295]))]),
            "dmtab": (3, lambda: [self._faults()]),
            "reset": (0.7, self._reset),
            "disksize": (0.5, lambda: [store("disksize", self._odd_text("disksize"))]),
            "backing_dev": (0.7, lambda: [store("backing_dev", self._backing())]),
            "comp_algorithm": (0.5, lambda: [store("comp_algorithm", self._odd_text("comp_algorithm"))]),
            "algorithm_params": (0.7, lambda: [store("algorithm_params", self._odd_text("algorithm_params"))]),
            "compressed_writeback": (0.5, lambda: [store("compressed_writeback", rng.choice("01yn"))]),
            "writeback_limit": (3, lambda: [store("writeback_limit", rng.choice([0, 1, 2, 3, 5, 8, 20, 100]))]),
            "writeback_limit_enable": (1, lambda: [store("writeback_limit_enable", rng.choice("0111"))]),
            "writeback_batch_size": (1, lambda: [store("writeback_batch_size", rng.choice(self._batches))]),
            "mem_limit": (0.4, lambda: [store("mem_limit", self._memory())]),
            "mem_used_max": (0.3, lambda: [store("mem_used_max", rng.choice(["0", "0", "1"]))]),
            "compact": (0.4, lambda: [store("compact", "1")]),
            "odd": (4, lambda: [self._anything()]),
            "gate": (9, self._gate),
        }
        for row in _WRITEBACKS:
            draws[f"writeback {row}"] = (3, partial(self._store_writeback, row))
        for name in _SHOWN:
            draws[f"show {name}"] = (0.15, partial(_alone, "show", attr=name))
        if recompression:
            draws["recomp_algorithm"] = (1, lambda: [store("recomp_algorithm", self._recompressor())])
            draws["recompress"] = (5, lambda: [store("recompress", self._recompress())])
        if second:
            draws["bwrite"] = (3, lambda: [self._transfer("bwrite")])
            draws["bread"] = (3, lambda: [self._transfer("bread")])
            draws |= {name: (0.5, partial(_alone, name)) for name in ("getsize", "flush")}
            draws["xhold"] = draws["rhold"] = (0.4, self._held_otherwise)
            draws["mkfile"] = (0.3, self._file)
            draws["sleep"] = (0.1, lambda: [self._sleep()])
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
        self._pages, self._blocks = rng.choice([8, 12, 16, 24, 32]), rng.choice([4, 5, 6, 8, 12, 16, 28])
        self._failing = rng.random() < 0.3
        self._mapped = self._failing or rng.random() < 0.5
        # With failing writes the outcome of other batches depends on when they are answered.
        self._batches = (1, 32) if self._failing else (1, 2, 3, 8, 32)
        self._number = rng.randrange(1 << 20)
        # How much memory compressed pages take is the allocator's; a small limit is for pages that are kept whole.
        self._whole = rng.random() < 0.15
        self._situation = Situation(str(self._pages * PAGE))
        program: Program = [[{"op": "mkbd", "bd": 0, "blocks": self._blocks}]]
        if self._mapped:
            program.append([self._table_of([], [])])
        sized = rng.random() < 0.92
        held = sized and rng.random() < 0.1
        program += [_alone("hold")] if held else []
        program += self._before_the_size()
        if sized:
            program += self._size() + ([_alone("unhold")] if held else [])
            program += [[self._write()] for _ in range(rng.randrange(2, 8))]
            if self._failing and rng.random() < 0.8:
                program.append([self._faults()])
        for unit in program:
            for op in unit:
                self._situation.note(op)
        while sum(map(len, program)) < least + rng.randrange(25):
            program.append(self._next())
        return [*program, [self._read(0, self._pages)], [store("idle", "all")], [store("writeback", "idle")]]

    def _next(self) -> Unit:
        contexts = self._situation.contexts()
        rows = [row for row in self._draws if row != "dmtab" or self._mapped]
        weights = [
            self._draws[row][0] * max(self._coverage.weight(row, context) for context in contexts) for row in rows
        ]
        unit = self._draws[self._rng.choices(rows, weights)[0]][1]()
        for op in unit:
            self._situation.note(op)
        return unit

    # --- life cycle --------------------------------------------------------------------------------------------------

    def _before_the_size(self) -> Program:
        rng = self._rng
        units: Program = [[store("comp_algorithm", rng.choice(_ALGORITHMS[:1]))]]
        if rng.random() < 0.85:
            units.append([store("backing_dev", f"/dev/{'dm-0' if self._mapped else 'loop0'}")])
        if not self._failing and rng.random() < 0.2:
            units.append([store("compressed_writeback", 1)])
        if rng.random() < 0.6:
            units.append([store("writeback_batch_size", rng.choice(self._batches))])
        if rng.random() < 0.35:
            units += [[store("writeback_limit_enable", 1)], [store("writeback_limit", rng.choice([0, 2, 5, 10, 30]))]]
        if self._recompression and rng.random() < 0.7:
            units += [
                [store("recomp_algorithm", f"algo={rng.choice(_ALGORITHMS)} priority={rng.choice([1, 1, 2, 3])}")]
            ]
        if rng.random() < 0.25:
            units += [[self._anything()] for _ in range(rng.randrange(1, 6))]
        return units

    def _size(self) -> Program:
        return [[store("disksize", self._pages * PAGE)]]

    def _reset(self) -> Unit:
        """Reset; mostly set up again, at once or after some operations on a device without a size."""
        rng = self._rng
        unit = [store("reset", 1)]
        if rng.random() < 0.8:
            unit += [op for each in (*self._before_the_size(), *self._size()) for op in each]
        return unit

    def _backing(self) -> str:
        rng = self._rng
        return rng.choice(["/dev/loop0", "/dev/dm-0", "/dev/loop1", "none", self._odd_text("backing_dev")])

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
        left_out = ("gate", "hold", "xhold", "rhold", "reset", *(() if self._mapped else ("dmtab",)))
        rows = [row for row in self._draws if row not in left_out]
        weights = [self._coverage.weight(row, "held") for row in rows]
        return self._draws[self._rng.choices(rows, weights)[0]][1]()

    # --- pages -------------------------------------------------------------------------------------------------------

    def _page(self) -> int:
        rng = self._rng
        return rng.randrange(self._pages if rng.random() < 0.6 else max(1, self._pages // 3))

    def _write(self) -> Operation:
        rng = self._rng
        page = self._page()
        count = min(rng.choice([1, 1, 1, 2, 3, 5]), self._pages - page + (rng.random() < 0.03))
        kind = rng.choices(["zero", "same", "comp", "rand"], [10, 10, 0 if self._whole else 45, 35])[0]
        op: dict[str, object] = {"op": "write", "page": page, "count": count, "pat": kind}
        if kind == "same":
            op["value"] = rng.choice([1, 255, 0xDEADBEEF])
        elif kind != "zero":
            self._number += count
            op["seed"] = self._number
        if kind == "comp":
            op["n"] = rng.choice([8, 64, 200, 512, 1000, 2000, 3000])
        return op  # type: ignore[return-value]  # its values are texts and numbers

    def _memory(self) -> str:
        return self._rng.choice(["0", "40K", "64K", "12K", "1M"] if self._whole else ["0", "16M", "1G"])

    def _read(self, page: int | None = None, count: int | None = None) -> Operation:
        page = self._page() if page is None else page
        return {"op": "read", "page": page, "count": count or min(self._rng.choice([1, 2, 4, 8]), self._pages - page)}

    def _range(self, name: str) -> Operation:
        rng = self._rng
        if rng.random() < 0.12:
            return {
                "op": name,
                "off": rng.randrange(0, self._pages * PAGE, 512),
                "len": rng.randrange(0, 4 * PAGE, 512),
            }
        page = self._page()
        return {"op": name, "page": page, "count": min(rng.choice([1, 1, 2, 4]), self._pages - page)}

    def _transfer(self, name: str) -> Operation:
        rng = self._rng
        how = rng.choice(["direct", "buf"])
        step = 512 if how == "direct" and rng.random() < 0.8 else 1
        offset, length = rng.randrange(0, self._pages * PAGE, step), rng.randrange(step, 3 * PAGE, step)
        op: Operation = {"op": name, "off": offset, "len": length, "how": how}
        if name == "bread":
            return op
        self._number += 4
        return {**op, "seed": self._number}

    def _sleep(self) -> Operation:
        """Let part of a second pass, or more than one, so that pages have ages."""
        return {"op": "sleep", "ms": self._rng.choice([50, 300, 1100])}

    def _file(self) -> Unit:
        """Make a dictionary, and use it."""
        rng = self._rng
        path = f"/bd/dictionary{rng.randrange(3)}"
        params = store("algorithm_params", f"algo={rng.choice(_ALGORITHMS)} dict={path}")
        return [{"op": "mkfile", "path": path, "bytes": rng.choice([0, 1, 7, 8, 100, 4096, 5000]), "seed": 7}, params]

    def _odd_text(self, attribute: str) -> str:
        return odd_text(self._rng, attribute, failing=self._failing)

    def _anything(self) -> Operation:
        attribute = odd_attribute(self._rng)
        if attribute == "mem_limit" and not self._whole:
            return store(attribute, self._memory())
        value = self._odd_text(attribute)
        if attribute == "writeback" and len(value.split()) > 1:
            value = "bogus 1"
        return store(attribute, value)

    # --- writeback ---------------------------------------------------------------------------------------------------

    def _store_writeback(self, row: str) -> Unit:
        return [store("writeback", self._writeback(row))]

    def _writeback(self, row: str) -> str:
        rng = self._rng
        low = self._page()
        high = min(self._pages - 1, low + rng.randrange(8))
        if row == "page_index":
            return f"page_index={low}"
        if row == "page_indexes":
            return f"page_indexes={low}-{high}"
        if row == "several":
            # No page twice: which of its two writes is lost is a question of time.
            return f"page_index={low} page_indexes={high}-{high}" if low != high else f"page_index={low} unknown=1"
        if row == "other":
            odd = self._odd_text("writeback")
            return odd if len(odd.split()) < 2 else "bogus"
        return rng.choice([row, row, f"type={row}"])

    def _recompress(self) -> str:
        rng = self._rng
        words = [rng.choice(["type=idle", "type=huge", "type=huge_idle"])]
        words += [f"threshold={rng.choice([0, 1, 1000, 3000, 4096])}"] if rng.random() < 0.3 else []
        words += [f"max_pages={rng.choice([0, 1, 3])}"] if rng.random() < 0.3 else []
        words += [f"priority={rng.choice([1, 1, 1, 2, 3, 0, 4])}"] if rng.random() < 0.3 else []
        words += [f"algo={rng.choice(_ALGORITHMS)}"] if rng.random() < 0.1 else []
        rng.shuffle(words)
        return " ".join(words)

    def _recompressor(self) -> str:
        rng = self._rng
        return f"algo={rng.choice(_ALGORITHMS)} priority={rng.choice([1, 1, 2, 3, 0, 4])}"

    # --- the machine -------------------------------------------------------------------------------------------------

    def _faults(self) -> Operation:
        rng = self._rng
        kind, low = rng.random(), rng.randrange(self._blocks)
        if not self._failing or kind < 0.35:
            return self._table_of([], [])
        span = [low, min(self._blocks - 1, low + rng.randrange(4))]
        if kind < 0.5:
            return self._table_of([[0, self._blocks - 1]], [])
        return self._table_of([], [span]) if kind < 0.65 else self._table_of([span], [])

    def _table_of(self, writes: list[list[int]], everything: list[list[int]]) -> Operation:
        return {"op": "dmtab", "bd": 0, "blocks": self._blocks, "fail_write": writes, "fail_all": everything}  # type: ignore[dict-item]  # lists of pairs of numbers

    def _gate(self) -> Unit:
        """Suspend the backing device, begin a pass, change pages, mostly begin a store behind it, resume."""
        if not self._mapped or not self._situation.sized:
            return self._simple()
        rng = self._rng
        everything = f"page_indexes=0-{self._pages - 1}"
        row = rng.choice(["idle", "huge", "huge_idle", "page_index", "page_indexes"])
        value = everything if rng.random() < 0.5 else self._writeback(row)
        begun: Operation = {"op": "bg_store", "attr": "writeback", "value": value}
        inside: Unit = []
        written: set[int] = set()
        for _ in range(rng.randrange(1, 8)):
            # A write that a memory limit refuses leaves the page where it was: perhaps on the device.
            inside += self._drawn(self._inside(set() if self._whole else written))
            for op in inside[-1:]:
                page, count = op.get("page"), op.get("count")
                if op["op"] == "write" and isinstance(page, int) and isinstance(count, int):
                    written |= {*range(page, page + count)} if page + count <= self._pages else set()
        behind = self._drawn(self._behind()) if rng.random() < 0.6 else []
        behind = [{**op, "op": "bg_store"} for op in behind]
        over: Operation = self._faults() if rng.random() < 0.15 else {"op": "resume", "bd": 0}
        return [{"op": "suspend", "bd": 0}, begun, *inside, *behind, over, *[{"op": "join"}] * (1 + len(behind))]

    def _drawn(self, makers: Makers) -> Unit:
        weights = [weight * self._coverage.weight(row, WAITING) for row, (weight, _make) in makers.items()]
        return self._rng.choices([*makers.values()], weights)[0][1]()

    def _inside(self, written: set[int]) -> Makers:
        """Return what can be done while a pass waits: no attribute but one, and no page that may be on the device."""
        makers: Makers = {
            "write": (8, lambda: [self._write()]),
            "discard": (3, lambda: [self._range("discard")]),
            "zeroout": (1, lambda: [self._range("zeroout")]),
            "show disksize": (0.2, partial(_alone, "show", attr="disksize")),
            "hold": (0.2, lambda: [{"op": "hold"}, {"op": "unhold"}]),
        }
        if self._second:
            makers |= {row: (0.1, partial(_alone, row)) for row in ("flush", "getsize")}
            makers |= {row: (0.1, partial(self._opened, row)) for row in ("xhold", "rhold")}
            makers["sleep"] = (0.3, lambda: [self._sleep()])
            makers["mkfile"] = (0.1, lambda: self._file()[:1])
        pages = sorted(written)
        if pages:
            makers["read"] = (2, lambda: [self._read(self._rng.choice(pages), 1)])
            for row in ("bread", "bwrite") if self._second else ():
                makers[row] = (0.5, partial(self._transferred, row, pages))
        return makers

    def _opened(self, name: str) -> Unit:
        return [{"op": name}, {"op": "unhold"}]

    def _transferred(self, name: str, pages: Sequence[int]) -> Unit:
        """Move a page that is in memory past the page cache; the driver takes whole pages alone there."""
        op: Operation = {"op": name, "off": PAGE * self._rng.choice(pages), "len": PAGE, "how": "direct"}
        return [op if name == "bread" else {**op, "seed": self._rng.randrange(1 << 20)}]

    def _behind(self) -> Makers:
        """Return the stores that wait for the pass before them."""
        rng = self._rng
        rows = ("idle all", "disksize", "compressed_writeback", "writeback_limit", "writeback_limit_enable", "compact")
        makers: Makers = {row: (1, self._draws[row][1]) for row in rows}
        makers |= {
            "idle age": (1, lambda: [store("idle", rng.choice([100000, 4294967295]))]),
            "reset": (1, lambda: [store("reset", 1)]),
            "disksize": (1, lambda: [store("disksize", self._pages * PAGE)]),
            "backing_dev": (1, lambda: [store("backing_dev", "/dev/loop1")]),
            "comp_algorithm": (1, lambda: [store("comp_algorithm", "zstd")]),
            "algorithm_params": (1, lambda: [store("algorithm_params", "algo=zstd level=3")]),
            "writeback_batch_size": (1, lambda: [store("writeback_batch_size", rng.choice(self._batches))]),
            "mem_limit": (1, lambda: [store("mem_limit", rng.choice(["0", "16M"]))]),
            "mem_used_max": (1, lambda: [store("mem_used_max", 0)]),
        }
        makers |= {
            f"writeback {row}": (1, partial(self._store_writeback, row)) for row in _WRITEBACKS if row != "other"
        }
        makers |= {row: (1, self._draws[row][1]) for row in ("recompress", "recomp_algorithm") if row in self._draws}
        return makers
