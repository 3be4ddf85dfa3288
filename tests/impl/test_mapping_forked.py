"""A mapping in a forked child: its lock is free, although another thread of the parent held it."""

from collections.abc import Iterator

import pytest

from tests.impl.children import held_elsewhere, in_a_child
from tests.impl.doubles import HookedDevice, huge
from zram_impl import PAGE_SIZE, Zram
from zram_impl.mapping import PageMap

pytestmark = [
    pytest.mark.usefixtures("unmeasured"),
    # A fork among threads is what is tested; 3.15 warns of every one.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

PAGES = 16
OLD, NEW = huge(1) * 3, huge(2) * 4 + b"and a part"


@pytest.fixture
def values() -> Iterator[PageMap]:
    with Zram.create(PAGES * PAGE_SIZE, backing=HookedDevice(PAGES)) as dev:
        made = PageMap(dev)
        made["other"] = huge(3)
        yield made


def test_a_child_is_free_of_a_lock_that_another_thread_held(values: PageMap) -> None:
    def use() -> bool:
        values["key"] = NEW
        return values["key"] == NEW and values.free_pages == PAGES - 6

    with held_elsewhere(values._lock):
        assert in_a_child(use, measured=False)
