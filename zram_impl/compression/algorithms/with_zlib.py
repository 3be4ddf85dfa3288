"""deflate, by Python's own zlib."""

import zlib
from functools import partial
from typing import Final

from zram_impl.compression.algorithms.algorithm import Algorithm, Params, checked, level_within
from zram_impl.units import PAGE_SIZE

_WINBITS: Final = -11
"""Raw deflate with a window of 2 KiB: half a page."""

_DEFAULT_LEVEL: Final = -1
_HARDEST: Final = 9
_WINDOWS: Final = range(9, 16)
_MEMORY_LEVEL: Final = 8


def deflate(params: Params) -> Algorithm:
    """Make deflate; levels from 0 to 9, -1 the default; winbits from 9 to 15, negative ones write no zlib header.

    Kernel: backend_deflate.c
    """
    level = level_within(params.level, _DEFAULT_LEVEL, _DEFAULT_LEVEL, _HARDEST)
    winbits = _WINBITS if params.winbits is None else params.winbits
    dictionary = params.dictionary or b""
    if abs(winbits) not in _WINDOWS:
        raise ValueError(f"winbits must be 9 to 15 or -9 to -15, got {winbits}")

    def compress(page: bytes) -> bytes:
        packer = zlib.compressobj(level, zlib.DEFLATED, winbits, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, dictionary)
        return packer.compress(page) + packer.flush()

    def unpack(data: bytes) -> bytes:
        unpacker = zlib.decompressobj(winbits, dictionary)
        page = unpacker.decompress(data, PAGE_SIZE)
        if not unpacker.eof:
            raise zlib.error("there is more or less of it than a page")
        return page

    return Algorithm("deflate", compress, partial(checked, unpack=unpack, error=zlib.error))
