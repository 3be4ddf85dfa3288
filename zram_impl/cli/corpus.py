"""Pages to measure with, the same in every run on the same Python: programs, text, same-filled, half-full, random.

The shares are those of a memory image: half programs, a quarter text, a sixth pages of one repeated word.
"""

import os
import random
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from itertools import cycle, islice
from typing import BinaryIO, Final

from zram_impl.units import PAGE_SIZE

_OF_64: Final = {"program": 32, "text": 16, "same": 10, "half": 3, "random": 3}
"""Pages of each kind, of 64."""

_SEED: Final = 1
_PROGRAMS: Final = (".so", ".a", ".dylib")
_TEXTS: Final = (".py", ".pyi", ".txt", ".h")


def mixed_pages(count: int) -> list[bytes]:
    """Make `count` pages, each an object of its own, in an order that mixes the kinds evenly."""
    source = random.Random(_SEED)
    kinds = {
        "program": cycle(list(islice(_file_pages(_programs()), count // 2 + 1)) or [_word(source)]),
        "text": cycle(list(islice(_file_pages(_found(_TEXTS)), count // 4 + 1)) or [_word(source)]),
        "same": iter(lambda: _word(source), b""),
        "half": iter(lambda: source.randbytes(PAGE_SIZE // 2) + bytes(PAGE_SIZE // 2), b""),
        "random": iter(lambda: source.randbytes(PAGE_SIZE), b""),
    }
    order = [kind for kind, share in _OF_64.items() for _ in range(share)]
    pages: list[bytes] = []
    while len(pages) < count:
        source.shuffle(order)
        # Copied: a program's page may come around again, and no two slots shall share one object.
        pages += [bytes(bytearray(next(kinds[kind]))) for kind in order]
    return pages[:count]


def _word(source: random.Random) -> bytes:
    """Make a page of one word, which is zero in four of five."""
    return (source.randbytes(8) if source.random() < 1 / 5 else bytes(8)) * (PAGE_SIZE // 8)


def _programs() -> Iterator[str]:
    yield os.path.realpath(sys.executable)
    yield from _found(_PROGRAMS)


def _found(suffixes: tuple[str, ...]) -> Iterator[str]:
    """List files of Python's standard library, what others installed there left out."""
    for folder, names, files in os.walk(sysconfig.get_path("stdlib")):
        names[:] = sorted(set(names) - {"site-packages", "__pycache__"})
        yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(suffixes))


def _whole_pages(file: BinaryIO) -> Iterator[bytes]:
    while len(page := file.read(PAGE_SIZE)) == PAGE_SIZE:
        yield page


def _file_pages(paths: Iterable[str]) -> Iterator[bytes]:
    for path in paths:
        try:
            with open(path, "rb") as file:
                yield from _whole_pages(file)
        except OSError:
            continue
