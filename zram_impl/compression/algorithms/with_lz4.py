"""lz4 and lz4hc, one format: what packs a page harder is unpacked just as fast."""

import sys
from collections.abc import Callable
from errno import EIO
from functools import partial
from typing import Final

try:
    import lz4.block
except ModuleNotFoundError:
    # `python -m zram_impl` imports the package before anything of the command, which could say it in its own words.
    if sys.argv[:1] == ["-m"] and "zram_impl" in sys.orig_argv:
        sys.stderr.write(
            "error: lz4 is not installed: in a clone `. .venv/bin/activate` after `make venv`; else `pip install lz4`\n"
        )
        sys.exit(2)
    raise

from zram_impl.compression.algorithms.algorithm import Algorithm, Params, checked, level_within
from zram_impl.compression.algorithms.lz4_into import find_unpack_into
from zram_impl.errors import refuse
from zram_impl.parsing.kstrto import S32_MAX
from zram_impl.units import PAGE_SIZE

_UNPACK_INTO: Final = find_unpack_into()
_MOST_ACCELERATION: Final = 65537
_HARDEST: Final = 12
_HARD: Final = 9
_HIGHEST_LEVEL: Final = 16
"""Of lz4hc in the driver, which packs no harder above 12 either."""
_WINDOW: Final = 64 * 1024


def _compress(page: bytes) -> bytes:
    # Positional: keywords cost a fifth of a microsecond a call. No size header: a page's size is known.
    return lz4.block.compress(page, "default", False)


def _decompress(data: bytes) -> bytes:
    # Not through `checked`: a pass has every page decompressed.
    try:
        page = lz4.block.decompress(data, PAGE_SIZE)
    except lz4.block.LZ4BlockError as error:
        raise refuse(EIO, f"an object of {len(data)} bytes cannot be decompressed: {error}") from error
    if len(page) != PAGE_SIZE:
        raise refuse(EIO, f"an object of {len(data)} bytes decompresses to {len(page)} bytes, not to a page")
    return page


def _unpacking_with(dictionary: bytes | None) -> Callable[[bytes], bytes]:
    if not dictionary:
        return _decompress
    unpack = partial(lz4.block.decompress, uncompressed_size=PAGE_SIZE, dict=dictionary)
    return partial(checked, unpack=unpack, error=lz4.block.LZ4BlockError)


def lz4_default(params: Params) -> Algorithm:
    """Make lz4; its level, from 1 on, is the acceleration, so that a higher one is faster and packs less.

    A dictionary has at most 64 KiB.

    Kernel: backend_lz4.c
    """
    acceleration = min(level_within(params.level, 1, 1, S32_MAX), _MOST_ACCELERATION)
    if len(params.dictionary or b"") > _WINDOW:
        raise ValueError(f"dictionary must be at most {_WINDOW} bytes, got {len(params.dictionary or b'')}")
    if acceleration == 1 and not params.dictionary:
        return Algorithm("lz4", _compress, _decompress, lz4.block.decompress, _UNPACK_INTO)
    pack = partial(
        lz4.block.compress, mode="fast", store_size=False, acceleration=acceleration, dict=params.dictionary or b""
    )
    return Algorithm("lz4", pack, _unpacking_with(params.dictionary))


def lz4_high(params: Params) -> Algorithm:
    """Make lz4hc; levels from 1 to 16, those above 12 as 12; 9 is the default.

    A dictionary makes pages like it smaller, as with lz4; matches reach 64 KiB back, so of a longer one the end counts.

    Kernel: backend_lz4hc.c
    """
    level = level_within(params.level, _HARD, 1, _HIGHEST_LEVEL)
    pack = partial(
        lz4.block.compress,
        mode="high_compression",
        store_size=False,
        compression=min(level, _HARDEST),
        dict=params.dictionary or b"",
    )
    return Algorithm("lz4hc", pack, _unpacking_with(params.dictionary))
