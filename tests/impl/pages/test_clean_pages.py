"""Written-back pages that are kept once they were read, and reads of several at once."""

import errno
import random
from collections.abc import Iterator, Sequence

import pytest

from tests.impl.doubles import HookedDevice, huge, page
from tests.refused import refused
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.pages import clean_pages
from zram_impl.pages.clean_pages import CleanPages
from zram_impl.pages.group import grouped
from zram_impl.runtime import ThreadRuntime
from zram_impl.table.entries import Backed

PAGES = 32


class Counted(HookedDevice):
    """A backing device that notes the blocks of each read."""

    def __init__(self, blocks: int) -> None:
        super().__init__(blocks)
        self.reads: list[tuple[int, int]] = []

    def read(self, blk_idx: int, into: memoryview) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self.reads.append((blk_idx, len(into) // PAGE_SIZE))
        super().read(blk_idx, into)


def in_order(dev: Zram, indexes: Sequence[int]) -> None:
    """Write pages back one after the other, so that they lie side by side."""
    for index in indexes:
        assert dev.writeback(pages=[index]).written == 1


@pytest.fixture
def blocks() -> Counted:
    return Counted(PAGES)


@pytest.fixture
def dev(blocks: Counted) -> Iterator[Zram]:
    with Zram.create(PAGES * PAGE_SIZE, backing=blocks) as made:
        made.write_pages(0, b"".join(map(huge, range(PAGES))))
        in_order(made, range(PAGES))
        yield made


def entry() -> Backed:
    return Backed.at(1, 2, 3)


def kept(capacity: int = 2, ahead: int = 4) -> CleanPages:
    return CleanPages(ThreadRuntime(), capacity, ahead)


def read_together(clean: CleanPages, entries: dict[int, Backed]) -> None:
    """Keep pages, which are huge, as a read of several blocks does."""
    lease = clean.lease(len(entries), clean.most)
    assert lease is not None
    with clean.memory(lease) as memory:
        memory[:] = b"".join(map(huge, entries))
        clean.keep_leased([(index, entry, lease.first + at) for at, (index, entry) in enumerate(entries.items())])


def test_by_default_each_read_asks_the_device(dev: Zram, blocks: Counted) -> None:
    assert [dev.read_page(3), dev.read_page(3), dev.read_page(4)] == [huge(3), huge(3), huge(4)]
    assert blocks.reads == [(3, 1), (3, 1), (4, 1)]
    assert dev.stats.bd.bd_reads == 3


def test_a_page_that_was_read_is_kept_until_it_changes(dev: Zram, blocks: Counted) -> None:
    dev.set_read_cache("64K", ahead=1)
    assert [dev.read_page(3) for _ in range(5)] == [huge(3)] * 5
    assert blocks.reads == [(3, 1)]
    dev.write_page(3, page(3))
    assert dev.read_page(3) == page(3)
    in_order(dev, [3])
    assert [dev.read_page(3), dev.read_page(3)] == [page(3), page(3)]
    assert len(blocks.reads) == 2
    dev.set_read_cache(0)
    dev.read_page(3)
    assert len(blocks.reads) == 3


def test_a_sequential_read_reads_ahead(dev: Zram, blocks: Counted) -> None:
    dev.set_read_cache("1M", ahead=8)
    assert [dev.read_page(index) for index in range(PAGES)] == [huge(index) for index in range(PAGES)]
    assert blocks.reads == [(0, 1), (1, 8), (9, 8), (17, 8), (25, 7)]
    assert dev.stats.bd.bd_reads == PAGES


def test_pages_in_the_reverse_order_are_read_together_too(blocks: Counted) -> None:
    with Zram.create(PAGES * PAGE_SIZE, backing=blocks) as dev:
        dev.write_pages(0, b"".join(map(huge, range(PAGES))))
        in_order(dev, range(PAGES)[::-1])
        dev.set_read_cache("1M")
        assert [dev.read_page(index) for index in range(PAGES)] == [huge(index) for index in range(PAGES)]
        assert blocks.reads == [(PAGES - 1, 1), (0, PAGES - 1)]


def groups(blocks: Sequence[int | None], gap: int, most: int) -> list[list[int]]:
    """Return the pages of each group if page 10 and those after it are on these blocks."""
    window = [None if blk is None else Backed.at(blk, 1, 2) for blk in blocks]
    found = list(grouped(10, window, gap, most))
    for each in found:
        assert each.blocks == max(on := [blocks[member & 2047] or 0 for member in each.members]) - min(on) + 1
        assert each.blk_idx == min(on)
    return [[each.base + (member & 2047) for member in each.members] for each in found]


def test_pages_are_grouped_by_how_near_their_blocks_are() -> None:
    blocks = (9, 3, None, 4, 12, 5)
    near = [11, 13, 15]
    assert groups(blocks, 0, 100) == [near]
    assert groups(blocks, 2, 100) == [near, [10, 14]]
    assert groups(blocks, 3, 100) == [[*near, 10, 14]]
    assert groups(blocks, 3, 7) == [[*near, 10]]
    assert groups(blocks, 3, 6) == [near, [10, 14]]
    assert not groups((None, 7, None, 9), 0, 100)
    assert not groups((), 8, 100)


def test_a_sequential_read_looks_at_more_and_more_pages() -> None:
    clean, looked, index = kept(capacity=4000, ahead=600), list[int](), 0
    for _ in range(5):
        looked.append(clean.window(index))
        clean.expect(index, looked[-1])
        index += looked[-1]
    assert looked == [1, 32, 128, 512, 600]
    assert clean.window(index - 1) == 1, "what has been looked at already is read by itself"


def test_what_is_read_ahead_leaves_room_for_others() -> None:
    assert [kept(capacity, ahead=8).ahead for capacity in (1, 2, 3, 10, 16, 100)] == [1, 1, 1, 5, 8, 8]


@pytest.mark.parametrize("cache", ["0", "1M"])
def test_a_handler_that_raises_during_a_read_is_no_answer(dev: Zram, blocks: Counted, cache: str) -> None:
    def alarm(_block: int) -> None:
        blocks.before_read = lambda _block: None
        raise TimeoutError("an alarm")

    dev.set_read_cache(cache)
    blocks.before_read = alarm
    with pytest.raises(TimeoutError, match="an alarm"):
        dev.read_pages_into(0, bytearray(4 * PAGE_SIZE))
    assert dev.read_page(1) == huge(1)


def test_reads_here_and_there_read_nothing_ahead(dev: Zram, blocks: Counted) -> None:
    dev.set_read_cache("1M", ahead=2)
    for index in (20, 10, 30, 0):
        dev.read_page(index)
    assert blocks.reads == [(20, 1), (10, 1), (30, 1), (0, 1)]


def test_a_bulk_read_reads_neighbours_in_one_go(dev: Zram, blocks: Counted) -> None:
    dev.write_page(5, page(5))
    into = bytearray(PAGES * PAGE_SIZE)
    dev.read_pages_into(0, into)
    assert bytes(into) == b"".join([*map(huge, range(5)), page(5), *map(huge, range(6, PAGES))])
    assert blocks.reads == [(0, 5), (6, PAGES - 6)]
    assert dev.stats.bd.bd_reads == PAGES - 1


def test_a_read_of_bytes_reads_neighbours_in_one_go(dev: Zram, blocks: Counted) -> None:
    everything = b"".join(map(huge, range(PAGES)))
    assert dev.read(7, 5 * PAGE_SIZE) == everything[7 : 5 * PAGE_SIZE + 7]
    assert [dev.read(3 * PAGE_SIZE + 7, size) for size in (0, 9)] == [b"", everything[3 * PAGE_SIZE + 7 :][:9]]
    assert blocks.reads == [(0, 6), (3, 1)]


@pytest.mark.parametrize("algorithm", ["lz4", "deflate"])
def test_compressed_blocks_are_read_in_one_go_too(algorithm: str) -> None:
    blocks = Counted(PAGES)
    with Zram() as dev:
        dev.set_algorithm(algorithm)
        dev.set_compressed_writeback(True)
        dev.set_backing(blocks)
        dev.initialise(PAGES * PAGE_SIZE)
        dev.write_pages(0, b"".join(map(page, range(8))))
        in_order(dev, range(8))
        assert dev.read(0, 8 * PAGE_SIZE) == b"".join(map(page, range(8)))
        dev.set_read_cache("64K")
        assert [dev.read_page(index) for index in (*range(8), 7)] == [*map(page, range(8)), page(7)]
        into = bytearray(8 * PAGE_SIZE)
        dev.read_pages_into(0, into)
        assert bytes(into) == b"".join(map(page, range(8)))


@pytest.mark.parametrize("cache", ["0", "64K"])
def test_a_page_that_is_damaged_is_refused_alone(dev: Zram, blocks: Counted, cache: str) -> None:
    dev.set_read_cache(cache)
    blocks.data[7 * PAGE_SIZE] ^= 1
    good = [index for index in range(PAGES) if index != 7]
    assert [dev.read_page(index) for index in good] == [huge(index) for index in good]
    with refused(errno.EIO, r"page 7: block 7 .* is not what was written"):
        dev.read_pages_into(0, bytearray(PAGES * PAGE_SIZE))
    assert dev.stats.io.failed_reads == 1


@pytest.mark.parametrize("cache", ["0", "64K"])
def test_a_device_that_fails_on_several_is_asked_for_each(dev: Zram, blocks: Counted, cache: str) -> None:
    dev.set_read_cache(cache)

    def one_at_a_time(_block: int) -> None:
        if blocks.reads[-1][1] > 1:
            raise OSError(errno.EIO, "too many")

    blocks.before_read = one_at_a_time
    into = bytearray(4 * PAGE_SIZE)
    dev.read_pages_into(0, into)
    assert bytes(into) == b"".join(map(huge, range(4)))
    assert dev.stats.bd.bd_reads == 4


def test_a_page_that_changes_during_the_read_is_read_anew(dev: Zram, blocks: Counted) -> None:
    """The block of page 2 is freed, and gets another page, while all are read."""

    def interfere(_block: int) -> None:
        blocks.before_read = lambda _block: None
        dev.write_page(2, page(2))
        dev.write_page(1, page(1))
        dev.discard(3 * PAGE_SIZE, PAGE_SIZE)
        in_order(dev, [2])

    blocks.before_read = interfere
    into = bytearray(5 * PAGE_SIZE)
    dev.read_pages_into(0, into)
    assert bytes(into) == huge(0) + page(1) + page(2) + bytes(PAGE_SIZE) + huge(4)


def test_the_same_read_ahead_is_right_about_pages_that_change() -> None:
    chance = random.Random(5)
    blocks = Counted(PAGES)
    with Zram.create(PAGES * PAGE_SIZE, backing=blocks) as dev:
        dev.set_read_cache("24K", ahead=5)
        content = [bytes(PAGE_SIZE)] * PAGES
        for step in range(2000):
            index = chance.randrange(PAGES)
            if step % 3 == 0:
                content[index] = chance.choice((page, huge))(step)
                dev.write_page(index, content[index])
            elif step % 7 == 0:
                dev.writeback(pages=chance.sample(range(PAGES), 8))
            first = chance.randrange(PAGES - 4)
            assert [dev.read_page(first + at) for at in range(4)] == content[first : first + 4]


def test_the_oldest_that_nobody_asked_for_again_goes_first() -> None:
    clean, entries = kept(capacity=2), [entry() for _ in range(4)]
    for index in range(2):
        clean.keep(index, entries[index], huge(index), 1)
    assert clean.get(0, entries[0]) == huge(0)
    clean.keep(2, entries[2], huge(2), 1)
    assert [clean.get(index, entries[index]) for index in range(3)] == [huge(0), None, huge(2)]
    assert 2 * PAGE_SIZE < clean.size < 3 * PAGE_SIZE
    for index in range(4):
        clean.keep(index, entries[index], huge(index), 0)
    assert clean.size < 3 * PAGE_SIZE


def test_a_scan_drives_out_no_page_that_is_read_again() -> None:
    """Each page that is read ahead is asked for once: that is no reason to keep it, nor to look at it twice."""
    clean, entries = kept(capacity=4), [entry() for _ in range(20)]
    clean.keep(0, entries[0], huge(0), 1)
    for first in range(1, 19, 2):
        assert clean.get(0, entries[0]) == huge(0)
        read_together(clean, {at: entries[at] for at in (first, first + 1)})
        assert clean.get(first, entries[first]) == huge(first)
        assert clean.get(first + 1, entries[first + 1]) == huge(first + 1)


def test_places_are_their_readers_until_it_ends() -> None:
    clean, entries = kept(capacity=6), [entry() for _ in range(20)]
    lease = clean.lease(3, clean.most)
    assert lease is not None
    for index in range(4):
        clean.keep(index, entries[index], huge(index), 0)
    assert [clean.get(index, entries[index]) is None for index in range(4)] == [True, False, False, False]
    other = clean.lease(2, clean.most)
    assert (lease.first, lease.end, other and (other.first, other.end)) == (0, 3, (3, 5))
    assert clean.lease(2, clean.most) is None, "they would be some of another's"
    del other
    read_together(clean, {index: entries[index] for index in range(4, 7)})
    assert [clean.get(index, entries[index]) for index in range(4, 7)] == [huge(index) for index in range(4, 7)]
    other = clean.lease(3, clean.most)
    clean.keep(8, entries[8], huge(8), 0)
    assert clean.get(8, entries[8]) is None, "every place is somebody's"
    clean.after_fork()  # in a child nobody has the places, and nobody gives them back
    clean.keep(8, entries[8], huge(8), 0)
    assert (clean.get(8, entries[8]), other is None) == (huge(8), False)


def test_pages_asked_for_again_make_way_and_stay() -> None:
    clean, entries = kept(capacity=8), [entry() for _ in range(40)]
    for index in range(8):
        clean.keep(index, entries[index], huge(index), 2 * (index % 4 == 1))
    read_together(clean, {index: entries[index] for index in range(10, 14)})
    assert [index for index in range(8) if clean.get(index, entries[index])] == [1, 2, 3, 5]
    assert [clean.get(index, entries[index]) for index in (5, *range(10, 14))] == [huge(5), *map(huge, range(10, 14))]


def test_reads_in_order_of_more_than_is_kept_find_some_of_it(dev: Zram, blocks: Counted) -> None:
    dev.set_read_cache(PAGES // 2 * PAGE_SIZE)
    for _ in range(3):
        assert [dev.read_page(index) for index in range(PAGES)] == [huge(index) for index in range(PAGES)]
    assert dev.stats.bd.bd_reads < 3 * PAGES - 2 * PAGES // 5


def test_a_cache_that_has_no_memory_is_refused(dev: Zram) -> None:
    class NoMemory:
        MAP_PRIVATE = MAP_ANONYMOUS = 0

        def mmap(self, *_args: object, **_options: object) -> None:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")

    dev.set_read_cache("64K")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clean_pages, "mmap", NoMemory())
        with pytest.raises(ZramError, match=r"no memory for a read cache of 64 pages") as no:
            dev.set_read_cache("1G")
    assert no.value.errno == errno.ENOMEM
    assert dev._life.live().pages.clean is not None, "the one before is still there"


def test_an_entry_that_is_equal_is_not_the_same() -> None:
    clean, first = kept(), entry()
    clean.keep(0, first, huge(0), 1)
    assert (clean.get(0, first), clean.get(0, entry()), clean.get(1, first)) == (huge(0), None, None)


def test_what_is_kept_is_not_missing() -> None:
    clean, entries = kept(), [entry() for _ in range(3)]
    clean.keep(6, entries[1], huge(6), 1)
    clean.keep(7, entry(), huge(7), 1)
    assert clean.missing(5, entries) == [entries[0], None, entries[2]]
    assert clean.missing(6, entries) == entries


def test_the_next_pages_follow_those_that_were_looked_at_last() -> None:
    clean = kept(capacity=2000, ahead=1024)
    assert (clean.portion, clean.turn) == (125, 500)
    clean.expect(100, 32)
    assert [clean.entered(index) for index in (99, 132)] == [None, None]
    assert [clean.entered(index) for index in (101, 102, 132, 257)] == [(132, 125), None, (257, 125), (382, 125)]


def test_streams_are_followed_each() -> None:
    clean = kept(capacity=100, ahead=4)
    for index in (100, 200, 300):
        assert clean.window(index) == 1
        clean.expect(index, 1)
    assert [clean.window(index) for index in (101, 104, 105, 201, 301, 100)] == [4, 4, 1, 4, 4, 1]
    clean.expect(101, 4)
    assert [clean.window(index) for index in (101, 105)] == [1, 4]
    for index in (400, 500, 600):
        clean.expect(index, 1)
    assert clean.window(201) == 1


def test_a_budget_counts_the_pages_that_are_kept(dev: Zram) -> None:
    dev.set_read_cache("64K")
    for index in range(8):
        dev.read_page(index)
    with dev.keep_within("1M") as keeper:
        assert keeper.metrics.memory.used > 8 * PAGE_SIZE


@pytest.mark.parametrize(("size", "ahead"), [("x", 1), (-1, 1), ("1M", 0), ("1M", 1025), ("1M", None)])
def test_bad_sizes_are_refused(dev: Zram, size: str, ahead: int) -> None:
    with refused(errno.EINVAL):
        dev.set_read_cache(size, ahead=ahead)


def test_a_reset_forgets_that_pages_were_to_be_kept() -> None:
    blocks = Counted(4)
    with Zram() as dev:
        dev.set_read_cache("64K")
        dev.set_backing(blocks)
        dev.initialise("16K")
        dev.write_page(0, huge(0))
        in_order(dev, [0])
        assert (dev.read_page(0), dev.read_page(0), len(blocks.reads)) == (huge(0), huge(0), 1)
        dev.reset()
        dev.set_backing(Counted(4))
        dev.initialise("16K")
        assert dev._life.live().pages.clean is None
