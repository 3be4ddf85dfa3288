"""Texts are read as the reference reads them: every short text over the letters that matter, and numbers at the edges.

A symbolic check does not terminate on texts, so they are enumerated: every text there is of up to so many letters.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from errno import EINVAL
from functools import partial
from typing import Final, NamedTuple

from stateful.equivalence import reference_parsers as reference
from stateful.equivalence.reference_parsers import RefusedText
from zram_impl.errors import ZramError
from zram_impl.parsing import algorithm_args, backing_args, kstrto, next_arg, recompress_args, writeback_args

Read = Callable[[str], object]


class Pair(NamedTuple):
    """One reader of texts, twice, and the texts that both are to read."""

    name: str
    implemented: Read
    specified: Read
    texts: Callable[[], Iterable[str]]


_NUMERIC: Final = "0189fxX+-\n\0 K"
_EDGES: Final = [2**n + d for n in (15, 16, 31, 32, 63, 64, 70) for d in (-1, 0, 1)]
_BOOLEAN: Final = "yYnNtTfFeEdDoO01x\n\0 "
_SPLIT: Final = 'a= "\0\n'
_WORDS: Final = (
    *("idle", "huge", "huge_idle", "incompressible", "Idle", "type=idle", "type=", "type", "page_index=0"),
    *("page_index=3", "page_index=4", "page_index=x", "page_index=", "page_indexes=0-3", "page_indexes=2-1"),
    *("page_indexes=1", "page_indexes=1-9", "page_indexes=-", "foo=1", "foo", '"type=huge"', 'type="huge'),
)
_RECOMPRESS_WORDS: Final = (
    *("type=idle", "type=huge_idle", "type=all", "type=", "idle", "threshold=3624", "threshold=3625", "threshold=x"),
    *("max_pages=7", "max_pages=-1", "algo=zstd", "algo=", "priority=-1", "priority=2", "priority=9999999999", "foo=1"),
)
_RECOMP_WORDS: Final = (
    *("algo=zstd", "algo=", "algo", "algo=\udca0", "algo=\u00e0", f"algo={'x' * 127}", f"algo={'x' * 128}"),
    *("priority=1", "priority=0", "priority=3", "priority=4", "priority=-1", "priority=x", "priority=2147483648"),
    *("foo=1", '"algo=lz4'),
)
_PARAMS_WORDS: Final = (
    *("priority=1", "priority=x", "priority=-2147483648", "level=3", "level=-2147483648", "level=2147483648", "level="),
    *("algo=lz4", "algo=\u00e0", "dict=/a", 'dict="/a b"', "dict=\udca0/a", "deflate.winbits=-9", "deflate.winbits=y"),
    *("deflate.winbits=-2147483648", "foo=1", "level"),
)
_PAGES: Final = 4
_BYTES: Final = tuple(bytes([byte]).decode(errors="surrogateescape") for byte in range(1, 256))
_WITH_BLANKS: Final = tuple(c for c in map(chr, range(0x80, 0x3100)) if b"\xa0" in c.encode())
"""Every byte but NUL, and characters of which one is a blank."""


def short(letters: str, length: int) -> Iterator[str]:
    """Yield every text of up to so many of these letters."""
    for n in range(length + 1):
        yield from map("".join, itertools.product(letters, repeat=n))


def odd(*patterns: str) -> Iterator[str]:
    """Yield texts with each byte there is, and with characters of several, in the places of patterns."""
    for letter, pattern in itertools.product((*_BYTES, *_WITH_BLANKS), patterns):
        yield pattern.replace("?", letter)


def numeric() -> Iterator[str]:
    """Yield short texts, and numbers at the edges of what fits, with something before and after them."""
    yield from short(_NUMERIC, 4)
    yield from odd("?", "1?", "?1", "1?1")
    for before, edge, after in itertools.product(("", "+", "-", "0", "0x", "00"), _EDGES, ("", "\n", " ", "\n\n", "K")):
        yield from (f"{before}{edge}{after}", f"{before}{edge:x}{after}", f"{before}{edge:o}{after}")


def sentences(words: Iterable[str]) -> Iterator[str]:
    """Yield every text of up to three words that might be stored in an attribute."""
    for n in range(4):
        yield from map(" ".join, itertools.product(words, repeat=n))


def _ages() -> Iterator[str]:
    yield from short("al\n1", 5)
    yield from numeric()
    yield from odd("all?", "?all")


def _booleans() -> Iterator[str]:
    yield from short(_BOOLEAN, 3)
    yield from odd("?", "y?", "o?")


def _split() -> Iterator[str]:
    yield from short(_SPLIT, 6)
    yield from odd("?", "a=1?b=2", "a?=1", '"a?b" c', 'a="?" b', "a=?", "?=a", "a=1??b")


def _asked(words: Iterable[str], *patterns: str) -> Iterator[str]:
    yield from sentences(words)
    yield from odd(*patterns)


def _names() -> Iterator[str]:
    yield from short("a\n\0 \udca0é", 5)
    for letter, count in itertools.product("aé\udca0", range(60, 131)):
        yield from (letter * count, letter * count + "\n")


def _paths() -> Iterator[str]:
    yield from short("a/\n\0 \udca0é", 5)
    for letter, count in itertools.product("aé\udca0", (2046, 2047, 2048, *range(4090, 4099))):
        yield from (letter * count, "/" + letter * count, letter * count + "\n", letter * (count - 1) + "\nb")


def _implemented_writeback(text: str, *, unknown_keys_ignored: bool) -> object:
    scans = writeback_args.parse_writeback(text, _PAGES, unknown_keys_ignored=unknown_keys_ignored).scans
    return [(int(scan.mode), scan.lo, scan.hi) for scan in scans]


def _implemented_recompress(text: str, *, unknown_keys_ignored: bool) -> object:
    asked = recompress_args.parse_recompress(text, unknown_keys_ignored=unknown_keys_ignored)
    return (asked.mode.value, *asked[1:])


def _by_keys() -> Iterator[Pair]:
    """Yield readers of keys and values, with unknown keys refused and ignored."""
    writeback = partial(reference.writeback, pages=_PAGES)
    for name, implemented, specified, words, *patterns in (
        ("writeback", _implemented_writeback, writeback, _WORDS,
         "page_index=0?huge", "?", "page_index=1?page_index=2", "x=?"),
        ("recompress", _implemented_recompress, reference.recompress, _RECOMPRESS_WORDS,
         "type=idle?threshold=x", "algo=?", "?"),
        ("recomp_algorithm", algorithm_args.parse_recomp_algorithm, reference.recomp_algorithm, _RECOMP_WORDS,
         "algo=a?priority=x", "algo=?", "?"),
        ("algorithm_params", algorithm_args.parse_algorithm_params, reference.params, _PARAMS_WORDS,
         "level=3?level=x", "dict=?", "?"),
    ):  # fmt: skip
        for ignored in (False, True):
            yield Pair(
                f"{name}, unknown keys ignored" if ignored else name,
                partial(implemented, unknown_keys_ignored=ignored),
                partial(specified, unknown_ignored=ignored),
                partial(_asked, words, *patterns),
            )


PAIRS: Final = (
    Pair("u64", kstrto.parse_u64, partial(reference.number, low=0, high=2**64 - 1), numeric),
    Pair("u32", kstrto.parse_u32, partial(reference.number, low=0, high=2**32 - 1), numeric),
    Pair(
        "u32 of any base",
        partial(kstrto.parse_u32, base=0, too_big=EINVAL),
        partial(reference.number, low=0, high=2**32 - 1, base=0, too_big=EINVAL),
        numeric,
    ),
    Pair("u16", kstrto.parse_u16, partial(reference.number, low=0, high=2**16 - 1), numeric),
    Pair("s32", kstrto.parse_s32, partial(reference.number, low=-(2**31), high=2**31 - 1), numeric),
    Pair("boolean", kstrto.parse_bool, reference.boolean, _booleans),
    Pair("size", kstrto.parse_size, reference.size, numeric),
    Pair("words", next_arg.split_arguments, reference.words, _split),
    Pair("algorithm name", algorithm_args.parse_algorithm_name, reference.algorithm, _names),
    Pair("path", backing_args.parse_backing_path, reference.path, _paths),
    *_by_keys(),
    Pair("idle", writeback_args.parse_idle, reference.age, _ages),
)


def differences(pair: Pair) -> Iterator[str]:
    """Yield the texts that are read differently, and how."""
    for text in pair.texts():
        ours, theirs = _answer(pair.implemented, text), pair.specified(text)
        if ours != theirs:
            yield f"{pair.name}: {text!r} is {ours}, should be {theirs}"


def _answer(read: Read, text: str) -> object:
    try:
        return read(text)
    except ZramError as error:
        return RefusedText(error.errno or 0)
