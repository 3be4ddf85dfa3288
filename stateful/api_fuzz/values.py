"""Values that somebody might hand to a device: plausible ones, ones at an edge, and anything at all."""

import random
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Final

from spec.model.terms import at
from zram_impl import PAGE_SIZE, Quirks
from zram_impl.policy.coldest import ColdestFirst
from zram_impl.sysfs import ATTRIBUTES


class Odd(IntEnum):
    """A number of a type of its own."""

    TWO = 2


class Surly:
    """An object that says nothing about itself."""

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        raise RuntimeError("no")


class NoPath:
    """Not a path."""

    def __fspath__(self) -> str:
        return 5  # type: ignore[return-value]  # that is what is wrong with it


PAGES: Final = 8
SIZE: Final = PAGES * PAGE_SIZE
"""Of the devices that are tried."""

EDGES: Final = (
    0, 1, 2, -1, PAGES - 1, PAGES, 511, 512, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, SIZE - 1, SIZE, SIZE + 1, 3624,
    3625, (1 << 16) - 1, 1 << 16, (1 << 31) - 1, 1 << 31, -(1 << 31), (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63,
    (1 << 64) - 1, 1 << 64, -(1 << 64), 1 << 20000,
)  # fmt: skip
WORDS: Final = (
    "huge", "idle", "huge_idle", "incompressible", "all", "lz4", "lz4hc", "zstd", "deflate", "type=", "page_index=",
    "page_indexes=", "threshold=", "max_pages=", "priority=", "algo=", "level=", "dict=", "deflate.winbits=", "0-7",
    "3-1", "0x10", "010", "+1", "-1", "1", "2", "3", "y", "on", "off", "4K", "1M", "1e3", "16E", "none", "=", '"', " ",
    "\n", "\0", "\t", "pages.img", "/", "..", "\ud800", "\u0664", "9" * 30, "a" * 130, "a" * 5000,
)  # fmt: skip

Draw = Callable[[random.Random], object]


def text(rng: random.Random) -> str:
    """Return words of the grammars, strung together, or noise."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice(WORDS)
    if kind == 1:
        return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0xD7FF)))) for _ in range(rng.randrange(9)))
    return rng.choice(("", "", " ")).join(rng.choice(WORDS) for _ in range(rng.randrange(5)))


def number(rng: random.Random) -> int:
    """Return a number of interest, or one nearby."""
    return rng.choice((rng.choice(EDGES), rng.randrange(-2, PAGES + 2), rng.randrange(-2, SIZE + 2)))


def data(rng: random.Random) -> object:
    """Return bytes of some length and kind."""
    length = rng.choice(
        (0, 1, 9, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 2 * PAGE_SIZE, SIZE, SIZE + PAGE_SIZE)
    )
    content = rng.choice((bytes(length), rng.randbytes(length), b"ab" * (length // 2) + b"a" * (length % 2)))
    return rng.choice((bytes, bytearray, memoryview))(content)


def buffers(rng: random.Random) -> object:
    """Return a view that is none of bytes side by side, or not of bytes, or gone."""
    content = bytearray(PAGE_SIZE * 2)
    released = memoryview(content)
    released.release()
    views = (
        memoryview(content)[::2],
        memoryview(content).cast("d"),
        memoryview(content).cast("B", [2, PAGE_SIZE]),
        released,
    )
    return rng.choice(views)


def anything(rng: random.Random) -> object:
    """Return a value of any type, made anew."""
    simple: Sequence[object] = (
        None, True, False, 0.0, 1.0, 4096.0, float("nan"), float("inf"), 1j, Decimal(1), "", b"", (), [], {}, set(),
        object(), Surly(), NoPath(), Path("pages.img"), Path("\0"), Odd.TWO, deque([0, 5, 99]), range(3),
        range(1 << 70), int, print, threading.Event(), Quirks(), Exception("x"), lambda *_: None, (1, 2), [(1, 2)],
        [1, "2"], [[1]], {1: 2}, iter([1, 99]), random.Random(1), at, ...,
    )  # fmt: skip
    return rng.choice((text(rng), number(rng), data(rng), buffers(rng), rng.choice(simple)))


def size(rng: random.Random) -> object:
    """Return the size of a device or file: small, or more than any machine has, for those in between it might try."""
    return rng.choice(
        (rng.randrange(-2, 1 << 20), (1 << 60) + rng.randrange(1 << 70), "64K", "1M", "12Q", "0", " 1", "08")
    )


def indexes(rng: random.Random) -> object:
    """Return some page numbers."""
    return [number(rng) for _ in range(rng.randrange(4))]


def pairs(rng: random.Random) -> object:
    """Return some ranges of page numbers."""
    return [(number(rng), number(rng)) for _ in range(rng.randrange(3))]


def _one_of(*values: object) -> Draw:
    return lambda rng: rng.choice(values)


PLAUSIBLE: Final[Mapping[str, Draw]] = {
    "index": number, "start": number, "offset": number, "length": number, "page": data, "data": data, "buffer": data,
    "size": size, "backing_size": size, "mode": text, "pages": indexes, "ranges": pairs, "threshold": number,
    "max_pages": number, "priority": number, "level": number, "winbits": number, "requests": number, "blocks": number,
    "batch_size": number, "age_seconds": number, "algorithm": text, "name": text, "text": text, "dictionary": data,
    "enabled": _one_of(True, False, 1, 0), "compressed": _one_of(True, False), "backing": text, "path": text,
    "ahead": number, "memory": size, "patience": number, "policy": _one_of(None, ColdestFirst()),
    "progress": _one_of(None, lambda *_: None), "cancel": _one_of(None, threading.Event()),
}  # fmt: skip
"""The intended kind of a parameter of this name."""


def attribute_name(rng: random.Random) -> str:
    """Return the name of an attribute."""
    return rng.choice(list(ATTRIBUTES))
