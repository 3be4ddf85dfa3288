"""The operations of recordings: what each is called in a file, and what its fields are."""

import zlib
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from stateful.conformance.contents import PATTERNS, Pattern
from stateful.conformance.fields import Fields
from zram_impl.units import PAGE_SIZE

MOST_PAGES: Final = 1 << 16
"""Pages of one read or write: more than the recorded machine has memory for."""
MOST_BLOCKS: Final = 1 << 18
"""Blocks of one backing file, likewise."""


class Store(NamedTuple):
    """Write text to an attribute."""

    attribute: str
    value: str


class Show(NamedTuple):
    """Read an attribute."""

    attribute: str


class Write(NamedTuple):
    """Write pages from `page`, in one call past the page cache."""

    page: int
    pages: int
    pattern: Pattern


class Read(NamedTuple):
    """Read `count` pages from `page`, in one call past the page cache."""

    page: int
    pages: int


class Discard(NamedTuple):
    """Discard a range of bytes."""

    offset: int
    length: int


class Zeroout(NamedTuple):
    """Make a range of bytes read as zeros."""

    offset: int
    length: int


class MakeBacking(NamedTuple):
    """Make file `number` of `size` bytes and attach loop device `number` to it."""

    number: int
    size: int


class DmTable(NamedTuple):
    """Map device-mapper device `number` onto loop device `number`; who is suspended is resumed.

    Attributes:
        number: Of both devices.
        blocks: Size in blocks.
        fail_write: First and last of blocks that fail writes.
        fail_all: First and last of blocks that fail reads and writes.
    """

    number: int
    blocks: int
    fail_write: tuple[tuple[int, int], ...]
    fail_all: tuple[tuple[int, int], ...]


class Suspend(NamedTuple):
    """Let what device-mapper device `number` is asked wait."""

    number: int


class Resume(NamedTuple):
    """Let it go on."""

    number: int


class BackgroundStore(NamedTuple):
    """Begin a store in another process; go on when it waits for the backing device, or is over."""

    attribute: str
    value: str


class Join(NamedTuple):
    """Wait for the store in the background; the answer is its."""


class Hold(NamedTuple):
    """Open the device and keep it open."""


class Unhold(NamedTuple):
    """Close what `Hold` opened."""


Operation: TypeAlias = (
    Store | Show | Write | Read | Discard | Zeroout | MakeBacking | DmTable | Suspend | Resume
    | BackgroundStore | Join | Hold | Unhold
)  # fmt: skip


def parse_operation(line: Fields) -> Operation:
    """Read an operation; Malformed when it is none."""
    name = line.text("op")
    if name not in _PARSERS:
        raise line.wrong(f"{name!r} is not an operation; there are {', '.join(_PARSERS)}")
    return _PARSERS[name](line)


def _write(line: Fields) -> Write:
    kind = line.text("pat")
    if kind not in PATTERNS:
        raise line.wrong(f"pat {kind!r} is not one of {', '.join(PATTERNS)}")
    line.only("op", "page", "count", "pat", "value", "seed", "n", "crc")
    number = {"same": "value", "comp": "seed", "rand": "seed"}.get(kind)
    pattern = Pattern(
        kind,
        line.number(number) if number else 0,
        line.number("n") if kind == "comp" else 0,
    )
    if pattern.noise > PAGE_SIZE:
        raise line.wrong(f"n is {pattern.noise}, more than the {PAGE_SIZE} bytes of a page")
    asked = Write(line.number("page"), line.number("count", default=1, most=MOST_PAGES), pattern)
    if line.has("crc"):
        _check_contents(line, asked)
    return asked


def _check_contents(line: Fields, asked: Write) -> None:
    """Refuse a write whose pages are not those that were recorded."""
    recorded = line.texts("crc")
    made = [f"{zlib.crc32(asked.pattern.page(position)):08x}" for position in range(asked.pages)]
    if made != recorded:
        raise line.wrong(f"crc says {recorded}, the pages have {made}")


def _read(line: Fields) -> Read:
    line.only("op", "page", "count")
    return Read(line.number("page"), line.number("count", default=1, most=MOST_PAGES))


def _bytes(line: Fields) -> tuple[int, int]:
    line.only("op", "page", "count", "off", "len")
    if line.has("off"):
        return line.number("off"), line.number("len")
    return line.number("page") * PAGE_SIZE, line.number("count", default=1, most=MOST_PAGES) * PAGE_SIZE


def _make_backing(line: Fields) -> MakeBacking:
    line.only("op", "bd", "blocks", "bytes")
    if line.has("bytes"):
        size = line.number("bytes", most=MOST_BLOCKS * PAGE_SIZE)
    else:
        size = line.number("blocks", most=MOST_BLOCKS) * PAGE_SIZE
    return MakeBacking(line.number("bd"), size)


def _dm_table(line: Fields) -> DmTable:
    line.only("op", "bd", "blocks", "fail_write", "fail_all")
    blocks = line.number("blocks", least=1, most=MOST_BLOCKS)
    for key in ("fail_write", "fail_all"):
        for first, last in line.ranges(key):
            if last >= blocks:
                raise line.wrong(f"{key} has blocks {first} to {last}, of {blocks}")
    return DmTable(line.number("bd"), blocks, line.ranges("fail_write"), line.ranges("fail_all"))


def _store(line: Fields) -> Store:
    line.only("op", "attr", "value")
    return Store(line.text("attr"), line.text("value"))


def _show(line: Fields) -> Show:
    line.only("op", "attr")
    return Show(line.text("attr"))


def _background_store(line: Fields) -> BackgroundStore:
    return BackgroundStore(*_store(line))


def _number(line: Fields) -> int:
    line.only("op", "bd")
    return line.number("bd")


def _without_fields(line: Fields) -> None:
    line.only("op")


def _join(line: Fields) -> Join:
    _without_fields(line)
    return Join()


def _hold(line: Fields) -> Hold:
    _without_fields(line)
    return Hold()


def _unhold(line: Fields) -> Unhold:
    _without_fields(line)
    return Unhold()


_PARSERS: Final[dict[str, Callable[[Fields], Operation]]] = {
    "store": _store,
    "show": _show,
    "write": _write,
    "read": _read,
    "discard": lambda line: Discard(*_bytes(line)),
    "zeroout": lambda line: Zeroout(*_bytes(line)),
    "mkbd": _make_backing,
    "dmtab": _dm_table,
    "suspend": lambda line: Suspend(_number(line)),
    "resume": lambda line: Resume(_number(line)),
    "bg_store": _background_store,
    "join": _join,
    "hold": _hold,
    "unhold": _unhold,
}
