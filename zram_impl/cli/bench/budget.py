"""Memory of a process whose device is kept within a budget, measured in a process of its own.

    python -m zram_impl.cli.bench.budget PAGES BUDGET [DIRECTORY]

reads some pages from standard input and stores them again and again, each time marked, while two threads read at
random; prints the outcome as JSON.
"""

import gc
import json
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from time import perf_counter
from typing import Final, NamedTuple

from zram_impl.cli.bench.apart import CORPUS, resident, run_apart
from zram_impl.cli.scratch import scratch_file
from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

_LOOK_PAGES: Final = 1024


class Kept(NamedTuple):
    """The outcome.

    Attributes:
        pages: Pages stored; `budget` in bytes.
        grown: Bytes the process grew by at most, over one with an empty device of that size.
        refused: Writes that were ENOMEM.
        writes: Pages written a second; `reads`, read by both readers at the same time.
    """

    pages: int
    budget: int
    grown: int
    refused: int
    writes: float
    reads: float


def kept(pages: int, budget: int, directory: str | None, stop: Stop) -> Kept:
    """Measure."""
    arguments = [str(pages), str(budget), *([] if directory is None else [directory])]
    return Kept(**json.loads(run_apart(__name__, arguments, stop)))


def _read(dev: Zram, writing: "Future[int]", seed: int) -> int:
    chance, reads = Random(seed), 0
    while not writing.done():
        dev.read_page(chance.randrange(dev.pages))
        reads += 1
    return reads


def _write(dev: Zram, corpus: bytes) -> int:
    """Store pages, each its own; return the most bytes that were resident."""
    most = 0
    for index in range(dev.pages):
        at = index % CORPUS * PAGE_SIZE
        dev.write_page(index, index.to_bytes(8, "little") + corpus[at + 8 : at + PAGE_SIZE])
        if index % _LOOK_PAGES == 0:
            most = max(most, resident())
    return max(most, resident())


def _measure(pages: int, budget: int, directory: str | None) -> Kept:
    corpus = sys.stdin.buffer.read(CORPUS * PAGE_SIZE)
    with ThreadPoolExecutor(3) as pool, Zram.create(pages * PAGE_SIZE, backing=scratch_file(directory, pages)) as dev:
        gc.collect()
        before, began = resident(), perf_counter()
        with dev.keep_within(budget) as keeper:
            writing = pool.submit(_write, dev, corpus)
            readers = [pool.submit(_read, dev, writing, seed) for seed in range(2)]
            most = writing.result()
            seconds = perf_counter() - began
            reads = sum(reader.result() for reader in readers)
            refused = keeper.metrics.writers.refused
    return Kept(pages, budget, most - before, refused, pages / seconds, reads / seconds)


def main(pages: str, budget: str, directory: str | None = None) -> None:
    """Measure, and print the outcome."""
    sys.stdout.write(json.dumps(_measure(int(pages), int(budget), directory)._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
