"""zstd, by the package zstandard: needed only by those who ask for it (the extra `zstd`)."""

import threading
from functools import partial
from typing import Final

import zstandard

from zram_impl.compression.algorithms.algorithm import Algorithm, Params, checked, level_within
from zram_impl.units import PAGE_SIZE

_DEFAULT_LEVEL: Final = 3
_LOWEST_LEVEL: Final = -(1 << 17)


class _Contexts(threading.local):
    """A thread's own compressor and decompressor, which no two threads may use at once."""

    def __init__(self, level: int, dictionary: "zstandard.ZstdCompressionDict | None") -> None:
        super().__init__()
        parameters = zstandard.ZstdCompressionParameters.from_level(
            level,
            source_size=PAGE_SIZE,
            dict_size=len(dictionary) if dictionary is not None else 0,  # its window is to reach all of a large one
            write_content_size=True,
            write_checksum=False,
            write_dict_id=False,
        )
        self.compressor = zstandard.ZstdCompressor(dict_data=dictionary, compression_params=parameters)
        self.decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)


def zstd(params: Params) -> Algorithm:
    """Make zstd; levels from -131072, the fastest, to 22; 3 is the default, and what 0 means.

    Kernel: backend_zstd.c
    """
    level = level_within(params.level, _DEFAULT_LEVEL, _LOWEST_LEVEL, zstandard.MAX_COMPRESSION_LEVEL)
    # Digested once and shared by all threads; each has contexts of its own.
    dictionary = zstandard.ZstdCompressionDict(params.dictionary) if params.dictionary else None
    contexts = _Contexts(level or _DEFAULT_LEVEL, dictionary)

    def compress(page: bytes) -> bytes:
        return contexts.compressor.compress(page)

    def unpack(data: bytes) -> bytes:
        return contexts.decompressor.decompress(data, max_output_size=PAGE_SIZE)

    return Algorithm("zstd", compress, partial(checked, unpack=unpack, error=zstandard.ZstdError))
