"""Memory of stored pages beyond their compressed data, measured in a process of its own.

    python -m zram_impl.cli.bench.memory PAGES

reads some pages from standard input, stores them again and again, and prints the outcome as JSON. A process that did
other things before has free memory that would be used first, unseen.
"""

import gc
import json
import os
import random
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from time import sleep
from typing import Final, NamedTuple

from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

_CORPUS: Final = 4096
_LOOK_EVERY: Final = 0.05
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
    while pages > _CORPUS and pages * PAGE_SIZE > _available():
        pages //= 2
    command = [sys.executable, "-m", __name__, str(pages)]
    with ExitStack() as stack:
        corpus = stack.enter_context(tempfile.TemporaryFile())
        corpus.write(b"".join(mixed_pages(_CORPUS)))
        corpus.seek(0)
        child = stack.enter_context(
            subprocess.Popen(command, stdin=corpus, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        )
        stack.callback(child.kill)  # before it is waited for; too late for one that has ended
        while child.poll() is None:
            stop.check()
            sleep(_LOOK_EVERY)
        assert child.stdout is not None, "a pipe was asked for"
        answer = child.stdout.read()
    stop.check()
    if child.returncode:
        raise OSError(child.returncode, "the process that measures memory failed")
    return Memory(**json.loads(answer))


def _measure(pages: int) -> Memory:
    corpus = memoryview(sys.stdin.buffer.read(_CORPUS * PAGE_SIZE))
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


def resident() -> int:
    """Return the bytes of this process that are resident."""
    with open("/proc/self/statm", encoding="ascii") as counts:
        return int(counts.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _available() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(int(sys.argv[1]))._asdict()))
