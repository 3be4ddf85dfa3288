"""Dictionaries that the driver's algorithms cannot work with, and levels that they once took; pure.

The algorithms of this package work with nearly any dictionary, and with the levels that they have.

Kernel: deflate_setup_params(), lz4_setup_params(), LZ4_loadDict(), lz4hc_compress(), LZ4_loadDictHC(),
zstd_setup_params().
"""

from errno import EINVAL, EOPNOTSUPP
from typing import Final

_SHORTEST_OF_LZ4: Final = 8
"""Bytes that lz4 hashes at a time in a dictionary."""

_DEFAULT_OF_LZ4HC: Final = 9
_HIGHEST: Final = {"lz4hc": 16, "zstd": 22}
_LOWEST: Final = {"lz4": 1, "lz4hc": 1, "zstd": -(1 << 17)}

_WINDOW_OF_LZ4HC: Final = 64 * 1024
"""Bytes of a dictionary that lz4hc loads; that it did not load all is noticed when a page is compressed."""


def refused_at_disksize(algorithm: str, size: int) -> int | None:
    """Return the errno with which a dictionary of `size` bytes is refused as the device is initialised, if it is."""
    if algorithm == "deflate" and size:
        return EOPNOTSUPP
    if algorithm == "lz4" and 0 < size < _SHORTEST_OF_LZ4:
        return EINVAL
    return None


def refused_at_each_page(algorithm: str, size: int) -> bool:
    """Return whether an algorithm is initialised with a dictionary of `size` bytes and then compresses no page."""
    return algorithm == "lz4hc" and size > _WINDOW_OF_LZ4HC


def nearest_level(algorithm: str, level: int | None) -> int | None:
    """Return the level that an algorithm works with when it does not look whether it has the one it was given."""
    if level is None or algorithm not in _LOWEST:
        return level
    if algorithm == "lz4hc" and level < _LOWEST[algorithm]:
        return _DEFAULT_OF_LZ4HC
    return max(_LOWEST[algorithm], min(level, _HIGHEST.get(algorithm, level)))
