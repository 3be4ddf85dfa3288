"""Pages to slot-table entries and back.

A page of one repeated word becomes that word (an int), a page that compresses well the compressed object (bytes
shorter than a page), any other page itself (bytes of a page: a huge slot). Nothing here takes a lock, and what it
works on is immutable, so it runs outside of every lock.

Kernel: page_same_filled(), zram_write_page(), zram_read_from_zspool().
"""

from collections.abc import Callable
from typing import Final

from zram_impl.units import HUGE_CLASS_SIZE, PAGE_SIZE, ZERO_PAGE

WORD: Final = 8
WORDS: Final = PAGE_SIZE // WORD


def encode(page: bytes, compress: Callable[[bytes], bytes]) -> int | bytes:
    """Return the entry for `page` (PAGE_SIZE bytes)."""
    # A byte of the outer words, then the words: for most pages that is enough, and less than a comparison of pages.
    if page[0] == page[-WORD] and (word := page[:WORD]) == page[-WORD:]:
        if page == ZERO_PAGE:
            return 0
        if page == word * WORDS:
            return int.from_bytes(word, "little")
    packed = compress(page)
    return packed if len(packed) < HUGE_CLASS_SIZE else page


def decode(entry: bytes, decompress: Callable[[bytes], bytes]) -> bytes:
    """Return the page that a stored entry is; ZramError EIO when the object is damaged."""
    return entry if len(entry) == PAGE_SIZE else decompress(entry)


def filled(word: int) -> bytes:
    """Return the page that consists of `word`."""
    return word.to_bytes(WORD, "little") * WORDS if word else ZERO_PAGE
