"""Algorithms that a device is to have, by priority, with their parameters; looked up when the device is initialised.

Kernel: zram->comp_algs, zram->params, comp_algorithm_set(), comp_params_store(), zram_destroy_comps().
"""

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from errno import EFBIG, EINVAL
from typing import Final, NamedTuple

from zram_impl.compression.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, Algorithm, Params
from zram_impl.compression.algorithms.algorithm import Make
from zram_impl.compression.algorithms.driver_dictionaries import (
    nearest_level,
    refused_at_disksize,
    refused_at_each_page,
)
from zram_impl.compression.compressors import Comps
from zram_impl.errors import ZramError, from_os, refuse, refuse_argument, refuse_type, shown
from zram_impl.parsing.algorithm_args import PRIMARY, PRIORITIES, SECONDARY, choose_priority
from zram_impl.parsing.kstrto import S32_MAX, S32_MIN, whole
from zram_impl.quirks import Quirks
from zram_impl.units import PAGE_SIZE

_SAMPLE: Final = bytes(range(256)) * (PAGE_SIZE // 256)
_WORKING: Final = set[tuple[Make, Params]]()
"""Makers of algorithms and parameters that a sample was compressed with and came back; none has a dictionary."""


class Wanted(NamedTuple):
    """Parameters of an algorithm as a caller names them: the dictionary may be a path."""

    level: int | None
    dictionary: bytes | str | os.PathLike[str] | None
    winbits: int | None


class AlgorithmSettings:
    """Names and parameters by priority. The caller holds the control lock."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Go back to the default algorithm alone."""
        self._names: list[str | None] = [DEFAULT_ALGORITHM] + [None] * (PRIORITIES - 1)
        self._params = [Params()] * PRIORITIES

    @property
    def names(self) -> Sequence[str | None]:
        """Name of the algorithm of each priority."""
        return tuple(self._names)

    @property
    def primary(self) -> str:
        """Name of what pages are written with."""
        name = self._names[PRIMARY]
        assert name is not None, "there is always a primary algorithm"
        return name

    def choose(self, name: str, priority: int, *, keep_params: bool = False) -> None:
        """Take an algorithm, which is known, for a priority; keep or drop the parameters of the priority.

        Kernel: comp_algorithm_set(), comp_params_reset()
        """
        self._names[priority] = name
        if not keep_params:
            self.drop_params(priority)

    def drop_params(self, priority: int) -> None:
        """Go back to the defaults of a priority's algorithm."""
        self._params[priority] = Params()

    def set_params(self, params: Params, priority: int) -> None:
        """Take other parameters for a priority; what is not given is the default again."""
        self._params[priority] = params

    def take_params(self, priority: int | None, algorithm: str | None, wanted: "Wanted", quirks: Quirks) -> None:
        """Take other parameters for a priority, or the algorithm's; earlier ones are dropped whatever happens."""
        chosen = choose_priority(priority, algorithm, self._names, lowest=PRIMARY)
        self.drop_params(chosen)
        try:
            data = None if wanted.dictionary is None else self.read_dictionary(wanted.dictionary)
        except ZramError as error:
            if quirks.dictionary_errors_hidden:
                raise refuse(EINVAL, f"dictionary must be readable, got {shown(wanted.dictionary)}: {error}") from error
            raise
        self.set_params(Params(wanted.level, data, wanted.winbits), chosen)

    def read_dictionary(self, source: bytes | str | os.PathLike[str]) -> bytes:
        """Return a dictionary's bytes, of a file if it is a path."""
        return dictionary_of(source)

    def make(self, quirks: Quirks) -> Comps:
        """Make the algorithms, which take the parameters that the driver's do with these quirks.

        Raises:
            ZramError: EINVAL when one cannot work with its parameters; EOPNOTSUPP when one takes no dictionary.
        """
        chosen = zip(self._names, self.taken_params(quirks), strict=True)
        limited = quirks.dictionaries_limited
        return Comps([_make(name, params, dictionaries_as_driver=limited) for name, params in chosen])

    def taken_params(self, quirks: Quirks) -> Sequence[Params]:
        """Return what of the parameters of each priority its algorithm takes."""
        return [_taken(name, params, quirks) for name, params in zip(self._names, self._params, strict=True)]


INSTEAD: Final[Mapping[str, str]] = {
    "lzo": "lz4", "lzo-rle": "lz4", "842": "lz4", "zlib": "deflate", "gzip": "deflate", "lz4-hc": "lz4hc",
    "zstd": "zstd with the extra zstd, or deflate",
}  # fmt: skip
"""Algorithms that kernels have or people ask for, and the one here that serves in their place."""


def known(name: str) -> str:
    """Return `name`; EINVAL when no algorithm is called that."""
    if type(name) is not str or name not in ALGORITHMS:
        instead = f"; use {INSTEAD[name]} instead" if type(name) is str and name in INSTEAD else ""
        message = f"algorithm must be one of {', '.join(ALGORITHMS)}, got {shown(name)}{instead}"
        raise refuse_argument(name, str, message)
    return name


def secondary(priority: int) -> int:
    """Return `priority`; EINVAL unless it is one of recompression."""
    return whole(priority, "priority", SECONDARY, PRIORITIES - 1)


def dictionary_of(source: bytes | str | os.PathLike[str]) -> bytes:
    """Return a dictionary's bytes, of a file if it is a path.

    Raises:
        ZramError: EINVAL for what is not a regular file or empty, EFBIG above S32_MAX bytes; else why it cannot be
            opened or read.

    Kernel: kernel_read_file_from_path()
    """
    if isinstance(source, bytes):
        return source
    try:
        # Looked at first: opening something else than a file may block, or do something.
        status = os.stat(source)
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            raise refuse(EINVAL, f"dictionary must be a file that is not empty, got {shown(source)}")
        if status.st_size > S32_MAX:
            raise refuse(EFBIG, f"dictionary must be at most {S32_MAX} bytes, got {status.st_size} in {shown(source)}")
        with open(source, "rb") as file:
            return file.read(S32_MAX)
    except ZramError:
        raise
    except OSError as error:
        raise from_os(error, f"read dictionary {shown(source)}") from error
    except (ValueError, TypeError) as error:
        raise refuse(EINVAL, f"dictionary must be readable, got {shown(source)}: {error}") from error


def checked_params(level: int | None, dictionary: bytes | str | os.PathLike[str] | None, winbits: int | None) -> Wanted:
    """Return parameters; EINVAL for a number out of range, or a dictionary that is neither bytes nor a path."""
    for name, number in (("level", level), ("winbits", winbits)):
        if number is not None:
            whole(number, name, S32_MIN + 1, S32_MAX)
    # Else a number would be taken for an open file.
    if dictionary is not None and not isinstance(dictionary, (bytes, str, os.PathLike)):
        raise refuse_type(f"dictionary must be bytes or a path, got {shown(dictionary)}")
    return Wanted(level, dictionary, winbits)


def _taken(name: str | None, params: Params, quirks: Quirks) -> Params:
    if name is not None and quirks.levels_unchecked:
        params = params._replace(level=nearest_level(name, params.level))
    if name == "deflate" and quirks.deflate_ignores_dictionary:
        params = params._replace(dictionary=None)
    return params


def _make(name: str | None, params: Params, *, dictionaries_as_driver: bool) -> Algorithm | None:
    if name is None:
        return None
    size = len(params.dictionary or b"")
    code = refused_at_disksize(name, size) if dictionaries_as_driver else None
    if code:
        raise refuse(code, f"algorithm {name} of the driver cannot be used with {_said(params)}")
    try:
        make = ALGORITHMS[name]
        algorithm = make(params)
        if dictionaries_as_driver and refused_at_each_page(name, size):
            return algorithm._replace(compress=_refusing(params), refuses=True)
        if (make, params) in _WORKING:
            return algorithm
        # Some parameters, dictionaries above all, are looked at only when they are used.
        working = algorithm.decompress(algorithm.compress(_SAMPLE)) == _SAMPLE
    except Exception as error:  # each package has exceptions of its own
        raise refuse(EINVAL, f"algorithm {name} cannot be used with {_said(params)}: {error}") from error
    if not working:
        raise refuse(EINVAL, f"algorithm {name} with {_said(params)} does not give back what it was given")
    if params.dictionary is None:
        _WORKING.add((make, params))
    return algorithm


def _refusing(params: Params) -> Callable[[bytes], bytes]:
    def refusing(_page: bytes) -> bytes:
        raise refuse(EINVAL, f"no page can be compressed with {_said(params)}")

    return refusing


def _said(params: Params) -> str:
    size = None if params.dictionary is None else len(params.dictionary)
    return f"level {params.level}, dictionary of {size} bytes, winbits {params.winbits}"
