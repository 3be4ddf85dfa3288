"""The slot table: what each page of the device is at the moment.

An entry is one immutable object that is replaced, never changed, and whose type says what it is:

    None     empty: reads as zeros
    int      same-filled: the word it is filled with
    bytes    stored: the compressed object, or the page itself when it is as long as a page (huge)
    Backed   written back: block, object size and checksum, packed into an int of its own type

So a reader needs no lock: it takes the reference and has a consistent page. It also means that an entry's identity
proves that nothing happened to the slot since the reference was taken; a `Backed` is made anew for every commit, so
identity is slot, block and generation in one. What is cleared by an access (idle mark, claim) is in `flags`.

Everything but the lock-free look at `entries[i]` and `flags[i]` needs the table lock.

Kernel: struct zram_table_entry, zram_slot_free().
"""

from typing import Final, Self

from zram_impl.units import PAGE_SIZE, BlkIdx

IDLE: Final = 0x01
PP_SLOT: Final = 0x02
"""The claim of the running pass: the content is what it was when the scan selected it."""
INCOMPRESSIBLE: Final = 0x04
OWNED: Final = 0x08
"""A pp_slot exists for the slot, in a bucket or with a request. Unlike the claim, nothing but its release ends it."""
ACCESS: Final = IDLE | PP_SLOT
"""What an access takes off."""

_SIZE_BITS: Final = 13
_CHECKSUM_BITS: Final = 32
assert PAGE_SIZE < 1 << _SIZE_BITS, "an object of a full page has a size that fits"


class Backed(int):
    """The entry of a written-back slot; compare with `is`, its identity is its generation."""

    __slots__ = ()

    @classmethod
    def at(cls, blk_idx: int, size: int, checksum: int) -> Self:
        """Pack block, size of the object in memory (a full page: huge) and CRC-32 of the page."""
        return cls((blk_idx << _CHECKSUM_BITS | checksum) << _SIZE_BITS | size)

    @property
    def blk_idx(self) -> BlkIdx:
        """The block that holds the page."""
        return BlkIdx(self >> _CHECKSUM_BITS + _SIZE_BITS)

    @property
    def checksum(self) -> int:
        """CRC-32 of the page."""
        return self >> _SIZE_BITS & (1 << _CHECKSUM_BITS) - 1

    @property
    def size(self) -> int:
        """Size of the object the slot had in memory."""
        return self & (1 << _SIZE_BITS) - 1


Stored = bytes
Entry = bytes | int | None


class SlotTable:
    """Entries, flags and the statistics that follow from them.

    Attributes:
        entries: One per page.
        flags: One byte per page: IDLE, PP_SLOT, INCOMPRESSIBLE, OWNED.
        pages_stored: Entries that are not None.
        same_pages: Same-filled ones.
        huge_pages: Huge ones in memory; `huge_pages_since` counts every one there ever was.
        compr_data_size: Bytes of the stored ones; `compr_data_max` is the most there ever were.
    """

    __slots__ = (
        "compr_data_max", "compr_data_size", "entries", "flags",
        "huge_pages", "huge_pages_since", "pages_stored", "same_pages",
    )  # fmt: skip

    def __init__(self, pages: int) -> None:
        self.entries: list[Entry] = [None] * pages
        self.flags = bytearray(pages)
        self.pages_stored = 0
        self.same_pages = 0
        self.huge_pages = 0
        self.huge_pages_since = 0
        self.compr_data_size = 0
        self.compr_data_max = 0

    def replace(self, index: int, entry: Entry) -> BlkIdx | None:
        """Replace the content of a slot; return the block the old content was on, which is the caller's to release.

        The claim and all marks are gone; a pp_slot keeps its owner.
        """
        old = self.entries[index]
        self.entries[index] = entry
        if self.flags[index]:
            self.flags[index] &= OWNED
        freed = None
        if old is None:
            self.pages_stored += 1
        elif type(old) is bytes:
            self._forget_object(len(old))
        elif type(old) is Backed:
            freed = old.blk_idx
        else:
            self.same_pages -= 1
        if type(entry) is bytes:
            size = len(entry)
            self.compr_data_size = total = self.compr_data_size + size
            self.compr_data_max = max(self.compr_data_max, total)
            if size == PAGE_SIZE:
                self.huge_pages += 1
                self.huge_pages_since += 1
        elif entry is None:
            self.pages_stored -= 1
        else:
            self.same_pages += 1
        return freed

    def commit(self, index: int, blk_idx: BlkIdx, checksum: int) -> None:
        """Turn a stored slot into a written-back one that owns `blk_idx`; its object's memory is free."""
        old = self.entries[index]
        assert type(old) is bytes, f"only a stored slot is written back: slot {index} is {type(old).__name__}"
        size = len(old)
        self.entries[index] = Backed.at(blk_idx, size, checksum)
        self.flags[index] &= ~IDLE
        self._forget_object(size)

    def _forget_object(self, size: int) -> None:
        self.compr_data_size -= size
        if size == PAGE_SIZE:
            self.huge_pages -= 1

    def accessed(self, index: int) -> None:
        """Note an access: the page is not idle, and a pass loses its claim on it (mark_slot_accessed())."""
        self.flags[index] &= ~ACCESS

    def release_claim(self, index: int) -> None:
        """Take the claim off, if it is still there, and end the pp_slot (release_pp_slot())."""
        self.flags[index] &= ~(PP_SLOT | OWNED)
