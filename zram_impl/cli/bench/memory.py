"""Memory of stored pages beyond their compressed data, measured in a process of its own.

    python -m zram_impl.cli.bench.memory PAGES

reads some pages from standard input, stores them again and again, and prints the outcome as JSON. A process that did
other things before has free memory that would be used first, unseen.
"""

import gc
import json
import os
import random
import sys
from typing import Final, NamedTuple

from zram_impl.cli.bench.apart import CORPUS, resident, run_apart
from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

_PIECE: Final = 256


class Memory(NamedTuple):
    """Sizes in bytes.

    Attributes:
        pages: Pages stored.
        compressed: Bytes of their objects.
        grown: What the process grew by, slot table included.
        left: Bytes of the objects that are left when a random half of the pages was freed.
        compacted: What the process has grown by once those are compacted.
    """

    pages: int
    compressed: int
    grown: int
    left: int
    compacted: int

    @property
    def bookkeeping(self) -> float:
        """Bytes a stored page costs beyond its object."""
        return (self.grown - self.compressed) / self.pages

    @property
    def resident(self) -> float:
        """Resident memory as a multiple of the compressed data."""
        return self.grown / self.compressed

    @property
    def after_compaction(self) -> float:
        """Resident memory with half of the pages freed and the rest compacted, as a multiple of what is left."""
        return self.compacted / self.left


def memory(pages: int, stop: Stop) -> Memory:
    """Measure with up to `pages` pages: fewer where half of what is available would not hold them."""
    while pages > CORPUS and pages * PAGE_SIZE > _available():
        pages //= 2
    return Memory(**json.loads(run_apart(__name__, [str(pages)], stop)))


def _measure(pages: int) -> Memory:
    corpus = memoryview(sys.stdin.buffer.read(CORPUS * PAGE_SIZE))
    piece = _PIECE * PAGE_SIZE
    with Zram.create(piece) as dev:  # what is made once, whatever is stored
        dev.write_pages(0, corpus[:piece])
        before = resident()
        with Zram.create(pages * PAGE_SIZE) as measured:
            for start in range(0, pages, _PIECE):
                at = start * PAGE_SIZE % len(corpus)
                measured.write_pages(start, corpus[at : at + piece])
            gc.collect()
            compressed, grown = measured.stats.mm.compr_data_size, resident() - before
            for index in random.Random(pages).sample(range(pages), pages // 2):
                measured.discard(index * PAGE_SIZE, PAGE_SIZE)
            measured.compact()
            gc.collect()
            return Memory(pages, compressed, grown, measured.stats.mm.compr_data_size, resident() - before)


def _available() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(int(sys.argv[1]))._asdict()))
