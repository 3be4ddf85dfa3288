"""Pages that say what they are."""

import itertools

import lz4.block
import pytest

from stateful.common.stamped_pages import same_filled, stamp_of, stamped
from zram_impl import PAGE_SIZE
from zram_impl.compression.algorithms import ALGORITHMS, Params
from zram_impl.compression.codec import encode

COMPRESS = ALGORITHMS["lz4"](Params()).compress


@pytest.mark.parametrize("huge", [False, True])
def test_a_page_says_which_it_is_and_which_writing_of_it(*, huge: bool) -> None:
    pages = {(page, n): stamped(page, n, huge=huge) for page, n in itertools.product(range(5), range(9))}
    assert {stamp_of(content) for content in pages.values()} == set(pages)
    assert {len(content) for content in pages.values()} == {PAGE_SIZE}
    assert len(set(pages.values())) == len(pages)


def test_a_page_is_compressible_unless_it_is_huge() -> None:
    sizes = [len(lz4.block.compress(stamped(0, n), store_size=False)) for n in range(8)]
    assert (max(sizes) < 3000, len(set(sizes)) > 2) == (True, True)
    assert encode(stamped(0, 1, huge=True), COMPRESS) == stamped(0, 1, huge=True)


@pytest.mark.parametrize("at", [0, 8, 16, 20, 100, PAGE_SIZE - 1])
def test_a_torn_page_is_no_page(at: int) -> None:
    torn = bytearray(stamped(3, 7, huge=True))
    torn[at] ^= 1
    assert stamp_of(bytes(torn)) is None
    assert stamp_of(stamped(3, 7)[:100] + stamped(3, 8)[100:]) is None


def test_a_same_filled_page_is_stored_as_its_word() -> None:
    assert [encode(same_filled(word), COMPRESS) for word in (0, 1, 2**64 - 1)] == [0, 1, 2**64 - 1]
    assert stamp_of(same_filled(5)) is None
