"""A backing device in memory: each page is read and written in one step."""

from collections import Counter
from errno import EINVAL
from typing import cast

import pytest

from tests.impl.doubles import CountedLock, huge
from tests.refused import refused
from zram_impl import PAGE_SIZE
from zram_impl.bdev.memory import MemoryDevice


def test_each_page_is_written_and_read_under_the_lock() -> None:
    device, taken = MemoryDevice(4), Counter[str]()
    device._lock = CountedLock("content", taken)  # type: ignore[assignment]  # a lock that counts
    into = bytearray(2 * PAGE_SIZE)
    held = []
    for step in (
        lambda: device.write(1, [memoryview(huge(1)), memoryview(huge(2))]),
        lambda: device.read(1, memoryview(into)),
        lambda: device.block(2) == huge(2),
    ):
        taken.clear()
        assert step() is not False
        held.append(taken["content"])
    assert (held, bytes(into)) == ([2, 2, 1], huge(1) + huge(2))


@pytest.mark.parametrize("blocks", [-1, 1.5, None, "4", True])
def test_a_number_of_blocks_is_checked(blocks: object) -> None:
    with refused(EINVAL, "blocks must be 0 to 4294967295, got "):
        MemoryDevice(cast("int", blocks))
