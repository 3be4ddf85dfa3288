"""The form of every compressor of pages: a pair of functions, made for parameters."""

from collections.abc import Callable
from errno import EIO
from typing import NamedTuple

from zram_impl.errors import refuse
from zram_impl.page_memory import UnpackInto
from zram_impl.units import PAGE_SIZE


class Params(NamedTuple):
    """How an algorithm is to work; None is its default, and what it has no use for it ignores.

    Kernel: struct zcomp_params
    """

    level: int | None = None
    dictionary: bytes | None = None
    winbits: int | None = None


class Algorithm(NamedTuple):
    """A compressor of pages, to be called by any number of threads at once.

    `compress` takes a page. `decompress` returns one, or raises ZramError EIO for what is not a compressed page.
    `unpack`, where there is one, is what the package itself offers for that, given the size of a page: it may raise
    something else or return another length, after which `decompress` says what is wrong. It is there for its speed.
    `unpack_into`, where there is one, does the same in memory of the caller's, and returns how many bytes it put there.
    Where `refuses`, `compress` raises ZramError instead, for every page.

    Kernel: struct zcomp_ops
    """

    name: str
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]
    unpack: Callable[[bytes, int], bytes] | None = None
    unpack_into: UnpackInto | None = None
    refuses: bool = False


Make = Callable[[Params], Algorithm]
"""Makes an algorithm; ValueError for parameters it cannot work with."""


def level_within(level: int | None, default: int, lowest: int, highest: int) -> int:
    """Return `level`, or `default` when none was given; ValueError when it is not in `lowest` to `highest`."""
    if level is None:
        return default
    if not lowest <= level <= highest:
        raise ValueError(f"level must be {lowest} to {highest}, got {level}")
    return level


def checked(data: bytes, unpack: Callable[[bytes], bytes], error: type[Exception]) -> bytes:
    """Return the page that `unpack` makes of `data`; EIO when it raises `error` or makes something else of it."""
    try:
        page = unpack(data)
    except error as failure:
        raise refuse(EIO, f"an object of {len(data)} bytes cannot be decompressed: {failure}") from failure
    if len(page) != PAGE_SIZE:
        raise refuse(EIO, f"an object of {len(data)} bytes decompresses to {len(page)} bytes, not to a page")
    return page
