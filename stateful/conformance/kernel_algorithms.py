"""The algorithms of the recorded kernel, where their objects are not those of the packages that this device uses.

lz4hc is not done again: with a dictionary it is the package's but for a page's first byte, and otherwise the package's.
"""

import os
from collections.abc import Callable
from functools import partial

from stateful.conformance import kernel_lz4
from zram_impl import PAGE_SIZE, Quirks
from zram_impl.compression.algorithms import ALGORITHMS, Algorithm, Params
from zram_impl.compression.compressors import Comps
from zram_impl.device.algorithm_settings import AlgorithmSettings

_DICTIONARY = 64 * 1024
"""Bytes of a dictionary that lz4hc can refer to."""


class KernelAlgorithms(AlgorithmSettings):
    """Names and parameters, of algorithms that compress as the kernel's do; dictionaries are read by `read_file`."""

    def __init__(self, read_file: Callable[[str], bytes]) -> None:
        super().__init__()
        self._read_file = read_file

    def read_dictionary(  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self, source: bytes | str | os.PathLike[str]
    ) -> bytes:
        """Return a dictionary's bytes, of a file of the recorded machine if it is a path."""
        return source if isinstance(source, bytes) else self._read_file(os.fsdecode(source))

    def make(self, quirks: Quirks) -> Comps:  # type: ignore[explicit-override]  # typing: 3.12
        """Make the algorithms; errors as they are."""
        made = super().make(quirks)
        return Comps(
            [
                None if name is None else _as_kernel(made[priority], params)
                for priority, (name, params) in enumerate(zip(self.names, self.taken_params(quirks), strict=True))
            ]
        )


def _as_kernel(algorithm: Algorithm, params: Params) -> Algorithm:
    if algorithm.refuses:
        return algorithm
    if algorithm.name == "lz4":
        return algorithm._replace(compress=partial(_lz4, algorithm.compress, params))
    if algorithm.name == "lz4hc" and params.dictionary:
        return algorithm._replace(compress=partial(_lz4_high, params))
    return algorithm


def _lz4(packed: Callable[[bytes], bytes], params: Params, page: bytes) -> bytes:
    found = packed(page)
    if len(found) >= PAGE_SIZE:  # without a match there are no two ways
        return found
    return kernel_lz4.compress(page, 1 if params.level is None else params.level, params.dictionary or b"")


def _lz4_high(params: Params, page: bytes) -> bytes:
    known = ((params.dictionary or b"") + page[:1])[-_DICTIONARY:]
    rest = ALGORITHMS["lz4hc"](params._replace(dictionary=known)).compress(page[1:])
    return kernel_lz4.with_first_byte(page, rest)
