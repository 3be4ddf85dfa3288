"""Sizes and number types every other module counts in.

Kernel: PAGE_SIZE, PAGE_SHIFT, SECTOR_SHIFT; zs_huge_class_size(), PP_BUCKET_SIZE_RANGE.
"""

from typing import Final, NewType

PAGE_SHIFT: Final = 12
PAGE_SIZE: Final = 1 << PAGE_SHIFT
ZERO_PAGE: Final = bytes(PAGE_SIZE)

HUGE_CLASS_SIZE: Final = 3625
"""A compressed object of at least this many bytes is kept raw (a huge slot)."""

PP_BUCKET_WIDTH: Final = 64
"""Width in bytes of one post-processing bucket; a bucket holds slots of about one object size."""

PP_BUCKETS: Final = PAGE_SIZE // PP_BUCKET_WIDTH + 1

DEFAULT_BATCH_SIZE: Final = 32
"""Requests one writeback pass keeps in flight by default."""

SlotIndex = NewType("SlotIndex", int)
"""Page number on the device, from 0."""

BlkIdx = NewType("BlkIdx", int)
"""Block number on the backing device, from 0; absent is None, never a value in range."""

assert PAGE_SIZE % PP_BUCKET_WIDTH == 0, "buckets tile a page"
assert PP_BUCKET_WIDTH < HUGE_CLASS_SIZE < PAGE_SIZE, "a huge slot is the only object of a full page"
