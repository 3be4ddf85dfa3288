"""A mapping in a forked child: its lock is free, although another thread of the parent held it."""

import threading
from collections.abc import Iterator

import pytest

from tests.impl.children import PATIENCE, in_a_child
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


def set_key(values: PageMap) -> None:
    values["key"] = NEW


def test_a_child_is_free_of_a_lock_that_another_thread_held(values: PageMap) -> None:
    holding, let = threading.Event(), threading.Event()

    def hold() -> None:
        with values._lock:
            holding.set()
            let.wait(PATIENCE)

    def use() -> bool:
        set_key(values)
        return values["key"] == NEW and values.free_pages == PAGES - 6

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holding.wait(PATIENCE)
        assert in_a_child(use, measured=False)
    finally:
        let.set()
        thread.join()
