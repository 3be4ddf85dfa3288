"""Single operations of a generated program: pages, texts of writeback and recompression, tables of failing blocks."""

import random
from collections.abc import Sequence
from typing import Final

from tests.kernel.coverage import row_of
from tests.kernel.scripts import Operation
from tests.kernel.setups import Setup
from tests.kernel.texts import PAGE, odd_attribute, odd_text, recorded_values, store

ALGORITHMS: Final = ("lz4", "lz4", "lz4hc", "zstd", "deflate")


class SingleOperations:
    """Draws operations for the device of a setup."""

    def __init__(self, rng: random.Random, setup: Setup) -> None:
        self._rng, self._setup = rng, setup
        self._number = rng.randrange(1 << 20)
        """Of the last page with a content of its own."""

    # --- pages -------------------------------------------------------------------------------------------------------

    def _page(self) -> int:
        rng, pages = self._rng, self._setup.pages
        return rng.randrange(pages if rng.random() < 0.6 else max(1, pages // 3))

    def write(self) -> Operation:
        """Write some pages; at times one more than there are."""
        rng, setup = self._rng, self._setup
        page = self._page()
        count = min(rng.choice([1, 1, 1, 2, 3, 5]), setup.pages - page + (rng.random() < 0.03))
        # How much memory compressed pages take is the allocator's.
        kind = rng.choices(["zero", "same", "comp", "rand"], [10, 10, 0 if setup.whole else 45, 35])[0]
        op: dict[str, object] = {"op": "write", "page": page, "count": count, "pat": kind}
        if kind == "same":
            op["value"] = rng.choice([1, 255, 0xDEADBEEF])
        elif kind != "zero":
            self._number += count
            op["seed"] = self._number
        if kind == "comp":
            op["n"] = rng.choice([8, 64, 200, 512, 1000, 2000, 3000])
        return op  # type: ignore[return-value]  # its values are texts and numbers

    def read(self, page: int | None = None, count: int | None = None) -> Operation:
        """Read these pages, or any."""
        page = self._page() if page is None else page
        most = self._setup.pages - page
        return {"op": "read", "page": page, "count": count or min(self._rng.choice([1, 2, 4, 8]), most)}

    def range(self, name: str) -> Operation:
        """Discard or clear pages; at times parts of them."""
        rng, pages = self._rng, self._setup.pages
        if rng.random() < 0.12:
            return {"op": name, "off": rng.randrange(0, pages * PAGE, 512), "len": rng.randrange(0, 4 * PAGE, 512)}
        page = self._page()
        return {"op": name, "page": page, "count": min(rng.choice([1, 1, 2, 4]), pages - page)}

    def transfer(self, name: str) -> Operation:
        """Move bytes, past the page cache or not."""
        rng = self._rng
        how = rng.choice(["direct", "buf"])
        step = 512 if how == "direct" and rng.random() < 0.8 else 1
        offset, length = rng.randrange(0, self._setup.pages * PAGE, step), rng.randrange(step, 3 * PAGE, step)
        op: Operation = {"op": name, "off": offset, "len": length, "how": how}
        if name == "bread":
            return op
        self._number += 4
        return {**op, "seed": self._number}

    def whole_transfer(self, name: str, pages: Sequence[int]) -> Operation:
        """Move one of some pages past the page cache; the driver takes whole pages alone there."""
        op: Operation = {"op": name, "off": PAGE * self._rng.choice(pages), "len": PAGE, "how": "direct"}
        return op if name == "bread" else {**op, "seed": self._rng.randrange(1 << 20)}

    def sleep(self) -> Operation:
        """Let part of a second pass, or more than one, so that pages have ages."""
        return {"op": "sleep", "ms": self._rng.choice([50, 300, 1100])}

    def file(self) -> list[Operation]:
        """Make a dictionary, and use it."""
        rng = self._rng
        path = f"/bd/dictionary{rng.randrange(3)}"
        params = store("algorithm_params", f"algo={rng.choice(ALGORITHMS)} dict={path}")
        return [{"op": "mkfile", "path": path, "bytes": rng.choice([0, 1, 7, 8, 100, 4096, 5000]), "seed": 7}, params]

    # --- texts -------------------------------------------------------------------------------------------------------

    def memory(self) -> str:
        """Return a memory limit; a small one is for pages that are kept whole."""
        return self._rng.choice(["0", "40K", "64K", "12K", "1M"] if self._setup.whole else ["0", "16M", "1G"])

    def odd_text(self, attribute: str) -> str:
        """Return a text that was recorded, or one like it."""
        return odd_text(self._rng, attribute, failing=self._setup.failing)

    def odd(self) -> Operation:
        """Store an odd text somewhere."""
        attribute = odd_attribute(self._rng)
        if attribute == "mem_limit" and not self._setup.whole:
            return store(attribute, self.memory())
        value = self.odd_text(attribute)
        if attribute == "writeback" and len(value.split()) > 1:
            value = "bogus 1"
        return store(attribute, value)

    def backing(self) -> str:
        """Return what backing_dev is given."""
        return self._rng.choice(["/dev/loop0", "/dev/dm-0", "/dev/loop1", "none", self.odd_text("backing_dev")])

    def writeback(self, row: str) -> str:
        """Return a text for writeback that is of a row of the coverage table."""
        rng = self._rng
        low = self._page()
        high = min(self._setup.pages - 1, low + rng.randrange(8))
        if row == "page_index":
            return f"page_index={low}"
        if row == "page_indexes":
            return f"page_indexes={low}-{high}"
        if row == "several":
            # No page twice: which of its two writes is lost is a question of time.
            return f"page_index={low} page_indexes={high}-{high}" if low != high else f"page_index={low} unknown=1"
        if row == "other":
            texts = [each for each in recorded_values()["writeback"] if _is_other(each)]
            odd = odd_text(rng, "writeback", failing=self._setup.failing, texts=texts)
            return odd if _is_other(odd) else "bogus"
        return rng.choice([row, row, f"type={row}"])

    def recompress(self) -> str:
        """Return a text for recompress."""
        rng = self._rng
        words = [rng.choice(["type=idle", "type=huge", "type=huge_idle"])]
        words += [f"threshold={rng.choice([0, 1, 1000, 3000, 4096])}"] if rng.random() < 0.3 else []
        words += [f"max_pages={rng.choice([0, 1, 3])}"] if rng.random() < 0.3 else []
        words += [f"priority={rng.choice([1, 1, 1, 2, 3, 0, 4])}"] if rng.random() < 0.3 else []
        words += [f"algo={rng.choice(ALGORITHMS)}"] if rng.random() < 0.1 else []
        rng.shuffle(words)
        return " ".join(words)

    def recompressor(self, priorities: Sequence[int] = (1, 1, 2, 3, 0, 4)) -> Operation:
        """Choose a second algorithm."""
        rng = self._rng
        return store("recomp_algorithm", f"algo={rng.choice(ALGORITHMS)} priority={rng.choice(priorities)}")

    # --- the machine -------------------------------------------------------------------------------------------------

    def faults(self, *, surely: bool = False) -> Operation:
        """Have blocks fail, or none; `surely` some."""
        rng, blocks = self._rng, self._setup.blocks
        kind, low = rng.uniform(0.35 if surely else 0, 1), rng.randrange(blocks)
        if not self._setup.failing or kind < 0.35:
            return self.table()
        span = [low, min(blocks - 1, low + rng.randrange(4))]
        if kind < 0.5:
            return self.table([[0, blocks - 1]])
        return self.table([], [span]) if kind < 0.65 else self.table([span])

    def table(self, writes: Sequence[list[int]] = (), everything: Sequence[list[int]] = ()) -> Operation:
        """Give the backing device a table, with ranges of blocks that fail."""
        failing = {"fail_write": [*writes], "fail_all": [*everything]}
        return {"op": "dmtab", "bd": 0, "blocks": self._setup.blocks, **failing}  # type: ignore[dict-item]  # lists of pairs of numbers


def _is_other(text: str) -> bool:
    return row_of(store("writeback", text)) == "writeback other"
