"""A cache of the pages of files within a budget of memory, the rest on disk: one writer, two readers.

python -m examples.page_cache.cache 200000 128M /usr
"""

import os
import random
import resource
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from zram_impl import PAGE_SIZE, Zram


def pages_of(roots: tuple[str, ...]) -> Iterator[bytes]:
    """Read the pages of all files under some folders."""
    for folder, _folders, names in (each for root in roots for each in os.walk(root)):
        for path in filter(os.path.isfile, (os.path.join(folder, name) for name in names)):
            with open(path, "rb") as file:
                while page := file.read(PAGE_SIZE):
                    yield page.ljust(PAGE_SIZE, b"\0")


def read(dev: Zram, writing: Future[list[None]]) -> int:
    """Read pages at random until all are written; return how many."""
    return sum(len(dev.read_page(random.randrange(dev.pages))) for _ in iter(writing.done, True)) // PAGE_SIZE


def main(size: int, memory: str, *roots: str) -> None:
    """Store pages while they are read at random; print what became of them, and how much memory it took."""
    with ThreadPoolExecutor(3) as pool, Zram.create(size, backing="spill.img", backing_size=size) as dev:
        os.unlink("spill.img")  # it lasts as long as the device
        before, keeper = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, dev.keep_within(memory)
        writing = pool.submit(list, map(dev.write_page, range(dev.pages), pages_of(roots)))
        readers = [pool.submit(read, dev, writing) for _ in range(2)]
        print(len(writing.result()), "pages,", sum(each.result() for each in readers), "reads,", keeper.metrics)
        print("grown by", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10, "MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) * PAGE_SIZE, *sys.argv[2:])
