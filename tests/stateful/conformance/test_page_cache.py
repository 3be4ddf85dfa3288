"""The page cache of the recorded machine: what it asks the device for, and what it forgets. Rows are recordings."""

from collections.abc import Iterator

import pytest

from stateful.conformance.page_cache import PageCache
from tests.refused import refused
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.block_layer import Node, NodeFile

PAGES = 64


class Watched(Zram):
    """A device that notes which pages are read and written, and can fail them."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.failing: set[int] = set()

    def read_page(self, index: int) -> bytes:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Read a page."""
        self.asked.append(index)
        if index in self.failing:
            raise ZramError(5, "ordered")
        return super().read_page(index)

    def write_page(self, index: int, page: bytes) -> None:  # type: ignore[override, explicit-override]  # typing: 3.12
        """Write a page."""
        self.asked.append(-index)
        if index in self.failing:
            raise ZramError(5, "ordered")
        super().write_page(index, page)

    def taken(self) -> list[int]:
        """Return what was asked for since the last time."""
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def device() -> Iterator[Watched]:
    made = Watched()
    made.initialise(PAGES * PAGE_SIZE)
    for index in range(PAGES):
        made.write_page(index, bytes([index]) * PAGE_SIZE)
    made.taken()
    yield made
    made.close()


@pytest.fixture
def node(device: Watched) -> Iterator[NodeFile]:
    with Node(device).open() as opened:
        yield opened


def pages(first: int, end: int) -> list[int]:
    return list(range(first, end))


@pytest.mark.parametrize(
    ("offset", "length", "read"),
    [
        (0, 1, pages(0, 4)),
        (0, 2 * PAGE_SIZE, pages(0, 4)),
        (1, 2 * PAGE_SIZE, pages(0, 8)),
        (0, 9 * PAGE_SIZE, pages(0, 32)),
        (0, 64 * PAGE_SIZE, pages(0, 64)),
        (PAGE_SIZE, 1, [1]),
        (10 * PAGE_SIZE, 5000, [10, 11]),
        (20 * PAGE_SIZE, 40 * PAGE_SIZE, pages(20, 64)),
        (63 * PAGE_SIZE, 1, [63]),
        (5 * PAGE_SIZE, 0, []),
    ],
)
def test_a_first_read_reads_ahead(device: Watched, node: NodeFile, offset: int, length: int, read: list[int]) -> None:
    cache = PageCache()
    want = b"".join(bytes([index]) * PAGE_SIZE for index in range(PAGES))[offset : offset + length]
    assert cache.read(node, offset, length) == want
    assert device.taken() == read
    assert cache.read(node, offset, length) == want
    assert device.taken() == [], "what is cached asks for nothing"


def test_a_mark_that_is_reached_has_more_read(device: Watched, node: NodeFile) -> None:
    """Recording cached_reads, whose third window began one page late: the kernel counts from within a folio."""
    cache, asked = PageCache(), []
    for first, count in ((0, 1), (0, 2), (2, 2), (4, 1), (16, 1), (40, 2), (42, 1)):
        cache.read(node, first * PAGE_SIZE, count * PAGE_SIZE)
        asked.append(device.taken())
    assert asked == [pages(0, 4), pages(4, 12), [], pages(13, 32), [], [40, 41], pages(42, 45)]


def test_folios_of_a_further_window_are_larger(device: Watched, node: NodeFile) -> None:
    cache = PageCache()
    cache.read(node, 0, 1)
    cache.read(node, 0, 2 * PAGE_SIZE)
    cache.invalidate(range(2, 3))
    cache.invalidate(range(9, 10))
    device.taken()
    for page in (3, 2, 11):
        cache.read(node, page * PAGE_SIZE, 1)
    assert device.taken() == [2, 11], "pages 8 to 11 are one"


def test_a_mark_goes_with_a_write(device: Watched, node: NodeFile) -> None:
    cache = PageCache()
    cache.read(node, 0, 1)
    cache.write(node, PAGE_SIZE, bytes(PAGE_SIZE))
    device.taken()
    cache.read(node, 0, 4 * PAGE_SIZE)
    assert device.taken() == []


def test_what_is_known_is_not_read_for_a_window(device: Watched, node: NodeFile) -> None:
    cache = PageCache()
    cache.read(node, 2 * PAGE_SIZE, 1)
    device.taken()
    cache.read(node, 0, 1)
    assert device.taken() == [0, 1, 3]


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, PAGE_SIZE), (100, 50), (4000, 200), (PAGE_SIZE + 1, 4 * PAGE_SIZE), (62 * PAGE_SIZE + 7, 5000), (9, 40000)],
)
def test_a_write_reads_what_it_changes_in_part(device: Watched, node: NodeFile, offset: int, length: int) -> None:
    data = bytes(range(256)) * 160
    whole = bytearray(b"".join(bytes([index]) * PAGE_SIZE for index in range(PAGES)))
    whole[offset : offset + length] = data[:length]
    assert PageCache().write(node, offset, data[:length]) == (length, True)
    written = sorted({at // PAGE_SIZE for at in range(offset, offset + length)})
    edges = sorted({at // PAGE_SIZE for at in (offset, offset + length) if at % PAGE_SIZE})
    assert device.taken() == edges + [-page for page in written]
    assert node.pread(PAGES * PAGE_SIZE, 0) == bytes(whole)


def test_a_page_that_cannot_be_read_ends_a_read(device: Watched, node: NodeFile) -> None:
    """One bad page spoils what was asked for together; alone, the good ones are had."""
    device.failing = {2}
    cache = PageCache()
    assert cache.read(node, 0, 4 * PAGE_SIZE) == bytes(PAGE_SIZE) + bytes([1]) * PAGE_SIZE
    assert device.taken() == [*pages(0, 8), 0, 1, 2]
    with refused(5):
        cache.read(node, 2 * PAGE_SIZE, PAGE_SIZE)
    device.failing.clear()
    assert cache.read(node, 2 * PAGE_SIZE, 1) == b"\2"


def test_a_page_that_cannot_be_read_cannot_be_changed_in_part(device: Watched, node: NodeFile) -> None:
    device.failing = {1}
    with pytest.raises(ZramError):
        PageCache().write(node, PAGE_SIZE + 1, b"x")
    assert PageCache().write(node, 0, bytes(PAGE_SIZE + 1)) == (PAGE_SIZE, True)
    assert PageCache().write(node, PAGE_SIZE, bytes(2 * PAGE_SIZE)) == (2 * PAGE_SIZE, False)
    device.failing.clear()
    assert (device.read_page(1), device.read_page(2)) == (bytes([1]) * PAGE_SIZE, bytes(PAGE_SIZE))


def test_a_refused_write_is_cached_all_the_same(device: Watched, node: NodeFile) -> None:
    device.failing = {3}
    cache = PageCache()
    assert cache.write(node, 3 * PAGE_SIZE, b"x" * PAGE_SIZE) == (PAGE_SIZE, False)
    assert cache.read(node, 3 * PAGE_SIZE, 1) == b"x"


def test_a_folio_is_forgotten_whole(device: Watched, node: NodeFile) -> None:
    cache = PageCache()
    cache.write(node, 0, bytes(8 * PAGE_SIZE))
    device.taken()
    cache.invalidate(range(3, 4))
    cache.read(node, 7 * PAGE_SIZE, 1)
    assert device.taken() == [7]


def test_a_truncated_range_is_forgotten_by_the_page(device: Watched, node: NodeFile) -> None:
    """Recording cached_reads: what is cleared of a page in part is cleared in the cache alone."""
    cache = PageCache()
    cache.write(node, 0, b"x" * 8 * PAGE_SIZE)
    device.taken()
    cache.truncate(PAGE_SIZE + 512, 3 * PAGE_SIZE + 512)
    assert cache.read(node, PAGE_SIZE, PAGE_SIZE) == b"x" * 512 + bytes(PAGE_SIZE - 512)
    assert device.taken() == []
    assert cache.read(node, 2 * PAGE_SIZE, PAGE_SIZE) == b"x" * PAGE_SIZE
    assert device.taken() == [2]
    assert cache.read(node, 3 * PAGE_SIZE, PAGE_SIZE) == bytes(512) + b"x" * (PAGE_SIZE - 512)
    assert device.taken() == []


def test_a_cleared_cache_reads_everything_again(device: Watched, node: NodeFile) -> None:
    cache = PageCache()
    cache.read(node, 5 * PAGE_SIZE, 1)
    cache.clear()
    cache.read(node, 5 * PAGE_SIZE, 1)
    assert device.taken() == [5, 5]
