"""Pages to entries and back."""

import errno

import lz4.block
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.impl.doubles import huge, page, same
from tests.refused import raising, refused
from zram_impl.compression.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, Params
from zram_impl.compression.codec import decode, encode, filled
from zram_impl.units import HUGE_CLASS_SIZE, PAGE_SIZE

LZ4 = ALGORITHMS["lz4"](Params())
ALMOST_SAME = b"\1" * 8 + b"\2" + b"\1" * (PAGE_SIZE - 9)

PAGES = st.one_of(
    st.integers(0, 2**64 - 1).map(same),
    st.binary(max_size=40).map(lambda head: head.ljust(PAGE_SIZE, b"\0")),
    st.binary(min_size=1, max_size=40).map(lambda piece: (piece * PAGE_SIZE)[:PAGE_SIZE]),
    st.integers(0, 99).map(huge),
)


never = raising(AssertionError, "a same-filled page is not compressed")


@pytest.mark.parametrize("word", [0, 1, 0xFF << 56, 2**64 - 1, 0x0123456789ABCDEF])
def test_a_page_of_one_word_is_that_word_and_not_compressed(word: int) -> None:
    assert encode(same(word), never) == word


@pytest.mark.parametrize("word", [0, 1, 0xFF << 56, 2**64 - 1, 0x0123456789ABCDEF])
def test_a_word_fills_a_page(word: int) -> None:
    assert filled(word) == same(word)


def test_equal_outer_words_do_not_make_a_page_same_filled() -> None:
    assert encode(ALMOST_SAME, LZ4.compress) == lz4.block.compress(ALMOST_SAME, store_size=False)


@pytest.mark.parametrize(("length", "kept_raw"), [(1, False), (HUGE_CLASS_SIZE - 1, False), (HUGE_CLASS_SIZE, True)])
def test_an_object_of_the_huge_class_is_kept_raw(length: int, kept_raw: bool) -> None:
    packed = b"z" * length
    assert encode(page(1), lambda _: packed) == (page(1) if kept_raw else packed)


def test_a_page_that_grows_is_kept_raw() -> None:
    assert encode(huge(1), LZ4.compress) == huge(1)


def test_an_object_as_long_as_a_page_is_the_page() -> None:
    assert decode(huge(1), never) == huge(1)


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (b"\xff" * 20, "an object of 20 bytes cannot be decompressed"),
        (b"", "an object of 0 bytes cannot be decompressed"),
        (LZ4.compress(page(1))[:-3], "cannot be decompressed"),
        (lz4.block.compress(b"short" * 9, store_size=False), "decompresses to 45 bytes, not to a page"),
        (lz4.block.compress(page(1) + b"x", store_size=False), "cannot be decompressed"),
    ],
    ids=["garbage", "empty", "cut", "short", "long"],
)
def test_a_damaged_object_is_eio_and_never_a_page(damaged: bytes, message: str) -> None:
    with refused(errno.EIO, message):
        decode(damaged, LZ4.decompress)


def test_the_default_algorithm_exists() -> None:
    assert ALGORITHMS[DEFAULT_ALGORITHM](Params()).name == DEFAULT_ALGORITHM


@given(PAGES)
def test_every_page_comes_back_as_it_was(content: bytes) -> None:
    entry = encode(content, LZ4.compress)
    assert (filled(entry) if isinstance(entry, int) else decode(entry, LZ4.decompress)) == content
