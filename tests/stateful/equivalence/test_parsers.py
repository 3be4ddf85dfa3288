"""Every short text is read as the reference reads it, and a reader that differs is noticed."""

from collections.abc import Callable
from errno import E2BIG, EINVAL, ERANGE
from functools import cache

import pytest

from stateful.equivalence import reference_parsers as reference
from stateful.equivalence.parsers import PAIRS, Pair, differences, short
from stateful.equivalence.reference_parsers import RefusedText

# What a text means is asked once: several tests look at it.
BY_NAME = {pair.name: pair._replace(specified=cache(pair.specified)) for pair in PAIRS}


@pytest.mark.parametrize("pair", BY_NAME.values(), ids=list(BY_NAME))
def test_texts_are_read_alike(pair: Pair) -> None:
    assert list(differences(pair)) == []


def test_there_are_enough_texts_of_either_kind() -> None:
    for pair in BY_NAME.values():
        answers = [pair.specified(text) for text in pair.texts()]
        refused = sum(isinstance(answer, RefusedText) for answer in answers)
        assert len(answers) > 4000
        assert pair.name in ("words", "path") or 100 < refused < len(answers) - 50


@pytest.mark.parametrize(
    ("name", "wrong", "text"),
    [
        ("u64", int, "'-0'"),
        ("u32", lambda text: reference.number(text, 0, 2**64 - 1), "'4294967296'"),
        ("s32", lambda text: reference.number(text, 1 - 2**31, 2**31 - 1), "'-2147483648'"),
        ("boolean", lambda text: reference.boolean(text[:1]), "'on'"),
        ("size", lambda text: reference.size(text.lower().replace("k", "")), "'0K0'"),
        ("words", lambda text: [tuple(word.partition("=")[::2]) for word in text.split()], "'\"'"),
        ("words", lambda text: reference.words(text.replace("\udca0", "x")), "'a=1\\udca0b=2'"),
        ("words", lambda text: reference.words(text.replace("\u00a0", " ")), "'a=1\\xa0b=2'"),
        ("algorithm name", lambda text: text.partition("\0")[0].removesuffix("\n"), "'" + "a" * 128 + "'"),
        ("path", lambda text: reference.path(text)[:4094], "'" + "a" * 4095 + "'"),
        ("writeback", lambda text: reference.writeback(text, 5, unknown_ignored=False), "'idle'"),
    ],
)
def test_a_reader_that_differs_is_noticed(name: str, wrong: Callable[[str], object], text: str) -> None:
    def guarded(given: str) -> object:
        try:
            return wrong(given)
        except ValueError:
            return RefusedText(EINVAL)

    found = list(differences(BY_NAME[name]._replace(specified=guarded)))
    assert found
    assert name == "size" or any(text in difference for difference in found), found[:5]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (reference.number("12\n", 0, 99), 12),
        (reference.number("100", 0, 99), RefusedText(ERANGE)),
        (reference.number("-1", 0, 99), RefusedText(EINVAL)),
        (reference.number("0x1f", 0, 99, base=0), 31),
        (reference.number("010", 0, 99, base=0), 8),
        (reference.size("2k!"), 2048),
        (reference.boolean("oFF"), False),
        (reference.words('"a b"="c d" e'), [('a b"', "c d"), ("e", "")]),
        (reference.writeback("page_indexes=1-2 huge", 4, unknown_ignored=False), [(0, 1, 3), (2, 1, 3)]),
        (reference.recompress("type=huge priority=3", unknown_ignored=False), ("huge", 0, None, 3, None)),
        (reference.age("all\n"), None),
        (reference.words("a=1\udca0\u00e0=2"), [("a", "1"), ("\udcc3", ""), ("=2", "")]),
        (reference.algorithm("lz4\n\n"), "lz4\n"),
        (reference.algorithm("é" * 64), RefusedText(E2BIG)),
        (reference.path("/a\n\0b"), "/a"),
        (reference.path("é" * 3000), "é" * 2047 + "\udcc3"),
        (reference.recomp_algorithm("algo=zstd priority=3", unknown_ignored=False), ("zstd", 3)),
        (reference.recomp_algorithm("priority=1", unknown_ignored=False), RefusedText(EINVAL)),
        (reference.params("level=3 dict=/a", unknown_ignored=False), (None, None, 3, "/a", None)),
        (list(short("ab", 2)), ["", "a", "b", "aa", "ab", "ba", "bb"]),
    ],
)
def test_the_reference_reads_by_hand_what_is_meant(said: object, expected: object) -> None:
    assert said == expected
