"""The algorithms there are, in one table: what `comp_algorithm` lists and in which order.

Kernel: struct zcomp_ops *backends[]
"""

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final

from zram_impl.compression.algorithms.algorithm import Algorithm, Make, Params
from zram_impl.compression.algorithms.with_lz4 import lz4_default, lz4_high
from zram_impl.compression.algorithms.with_zlib import deflate

__all__ = ["ALGORITHMS", "DEFAULT_ALGORITHM", "Algorithm", "Params"]


def _found(*, zstd: bool) -> Mapping[str, Make]:
    makers: dict[str, Make] = {"lz4": lz4_default, "lz4hc": lz4_high}
    if zstd:
        from zram_impl.compression.algorithms.with_zstd import zstd as make  # noqa: PLC0415  (its package may not be there)

        makers["zstd"] = make
    makers["deflate"] = deflate
    return MappingProxyType(makers)


def _has_zstd() -> bool:
    return find_spec("zstandard") is not None


ALGORITHMS: Final = _found(zstd=_has_zstd())
DEFAULT_ALGORITHM: Final = "lz4"
