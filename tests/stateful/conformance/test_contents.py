"""Pages that recordings name."""

import zlib

import pytest

from stateful.conformance.contents import Pattern
from zram_impl import PAGE_SIZE


@pytest.mark.parametrize(
    ("pattern", "crc"),
    [(Pattern("zero"), ["c71c0011", "c71c0011"]), (Pattern("rand", 20), ["bbc84104", "2cdc3e06"])],
)
def test_pages_have_the_checksums_that_were_recorded(pattern: Pattern, crc: list[str]) -> None:
    assert [f"{zlib.crc32(pattern.page(position)):08x}" for position in (0, 1)] == crc


def test_a_word_is_repeated_whatever_the_position() -> None:
    word = (0x1111).to_bytes(8, "little")
    assert Pattern("same", 0x1111).page(0) == Pattern("same", 0x1111).page(3) == word * 512


def test_a_compressible_page_is_random_bytes_then_zeros() -> None:
    page = Pattern("comp", 131, 600).page(2)
    assert page == Pattern("rand", 133).page(0)[:600] + bytes(PAGE_SIZE - 600)


def test_generated_bytes_come_in_words() -> None:
    assert Pattern("comp", 1, 3).page(0) == Pattern("comp", 1, 8).page(0)


def test_a_seed_whose_state_is_zero_is_taken_as_one() -> None:
    inverse = pow(0x9E3779B97F4A7C15, -1, 1 << 64)
    assert any(Pattern("rand", (-0x1234567887654321 * inverse % (1 << 64))).page(0))
