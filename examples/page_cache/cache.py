"""A cache of the pages of files within a budget of memory, the rest on disk: one writer, two readers.

python -m examples.page_cache.cache 200000 128M /usr
"""

import random
import resource
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from zram_impl import PAGE_SIZE, Zram


def pages_of(roots: tuple[str, ...]) -> Iterator[bytes]:
    """Read the pages of all files under some folders."""
    for path in (path for root in roots for path in Path(root).rglob("*") if path.is_file() and not path.is_symlink()):
        with path.open("rb") as file:
            while page := file.read(PAGE_SIZE):
                yield page.ljust(PAGE_SIZE, b"\0")


def read(dev: Zram, writing: Future[list[None]]) -> int:
    """Read pages at random until all are written; return how many."""
    return sum(len(dev.read_page(random.randrange(dev.pages))) for _ in iter(writing.done, True)) // PAGE_SIZE


def main(count: str, memory: str, *roots: str) -> None:
    """Store so many pages while they are read at random; print what became of them, and how much memory it took."""
    size = int(count) * PAGE_SIZE
    with ThreadPoolExecutor(3) as pool, Zram.create(size, backing="spill.img", backing_size=size) as dev:
        Path("spill.img").unlink()  # it lasts as long as the device
        before, keeper = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, dev.keep_within(memory)
        writing = pool.submit(list, map(dev.write_page, range(int(count)), pages_of(roots)))
        readers = [pool.submit(read, dev, writing) for _ in range(2)]
        print(len(writing.result()), "pages,", sum(each.result() for each in readers), "reads,", keeper.metrics)
        print("grown by", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10, "MiB")


if __name__ == "__main__":
    main(*sys.argv[1:])
