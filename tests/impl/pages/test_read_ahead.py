"""Reads of written-back pages that are on their way while their reader uses others, over a real file."""

import errno
import random
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.impl.aside import Aside
from tests.impl.children import in_a_child
from tests.impl.doubles import huge, page
from tests.refused import raising
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.bdev.file import FileDevice
from zram_impl.engine.ring_reads import AioReads, FileRead
from zram_impl.pages.read_ahead import ReadAhead

PAGES = 512
ALL = [huge(index) for index in range(PAGES)]


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Zram]:
    """A device whose pages are on blocks in an order of runs, with a read cache for half of them."""
    with Zram.create(PAGES * PAGE_SIZE, backing=tmp_path / "pages", backing_size=PAGES * PAGE_SIZE) as made:
        made.write_pages(0, b"".join(ALL))
        for first in (1, 0, 2):
            made.writeback(pages=range(first, PAGES, 3))
        made.set_read_cache(PAGES // 2 * PAGE_SIZE)
        if made._life.live().pages.reads.ahead is None:
            pytest.skip("files are not read past the page cache here")
        yield made


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The blocks that are read here and now, one transfer after the other."""
    seen, read = list[int](), FileDevice.read

    def noted(device: FileDevice, blk_idx: int, into: memoryview) -> None:
        seen.append(blk_idx)
        read(device, blk_idx, into)

    monkeypatch.setattr(FileDevice, "read", noted)
    return seen


def ahead_of(dev: Zram) -> ReadAhead:
    ahead = dev._life.live().pages.reads.ahead
    assert ahead is not None
    return ahead


def read(dev: Zram, start: int = 0, end: int = PAGES) -> list[bytes]:
    return [dev.read_page(index) for index in range(start, end)]


def test_pages_in_order_arrive_before_they_are_read(dev: Zram, alone: list[int]) -> None:
    assert read(dev) == ALL
    assert len(alone) == 1, "the first one, which continues nothing"
    assert PAGES <= dev.stats.bd.bd_reads < PAGES + PAGES // 8
    for _ in range(5):
        assert read(dev) == ALL
    assert len(alone) <= 6
    assert dev.stats.bd.bd_reads < 5 * PAGES, "part of them is kept"


def test_the_next_window_is_asked_for_with_the_present_one(dev: Zram, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted, submit = list[int](), AioReads.submit

    def noted(ring: AioReads, reads: Sequence[FileRead], taken: list[int]) -> None:
        submitted.append(sum(each.length for each in reads) // PAGE_SIZE)
        submit(ring, reads, taken)

    monkeypatch.setattr(AioReads, "submit", noted)
    assert read(dev, 0, 3) == ALL[:3]
    assert len(submitted) == 2
    assert sum(submitted) >= 2 * 32


def test_answers_that_are_errors_are_asked_for_again(
    dev: Zram, monkeypatch: pytest.MonkeyPatch, alone: list[int]
) -> None:
    fetch = AioReads.fetch
    monkeypatch.setattr(AioReads, "fetch", lambda ring, least: [(key, -errno.EIO) for key, _ in fetch(ring, least)])
    assert read(dev) == ALL
    assert dev.stats.bd.bd_reads == len(alone) == PAGES, "what did not arrive is not counted"


def test_short_answers_are_asked_for_again(dev: Zram, monkeypatch: pytest.MonkeyPatch, alone: list[int]) -> None:
    fetch = AioReads.fetch
    monkeypatch.setattr(AioReads, "fetch", lambda ring, least: [(key, got - 1) for key, got in fetch(ring, least)])
    assert read(dev) == ALL
    assert len(alone) == PAGES


@pytest.mark.parametrize("taken", [[], [0], [-1]])
def test_reads_that_nobody_takes_are_done_here(dev: Zram, monkeypatch: pytest.MonkeyPatch, taken: list[int]) -> None:
    monkeypatch.setattr(AioReads, "submit", lambda _ring, _reads, into: into.extend(taken))
    assert read(dev) == ALL
    assert not ahead_of(dev)._under_way


def test_without_a_ring_runs_are_read_here(dev: Zram, monkeypatch: pytest.MonkeyPatch, alone: list[int]) -> None:
    monkeypatch.setattr(AioReads, "__init__", raising(OSError, errno.EAGAIN, "io_setup"))
    assert read(dev) == ALL
    assert not ahead_of(dev).usable
    assert len(alone) < PAGES // 4


def test_flights_that_nobody_lands_are_in_nobodys_way(dev: Zram, alone: list[int]) -> None:
    """Reads that begin and stop anywhere leave flights behind; a reader in order still reads ahead afterwards."""
    chance = random.Random(3)
    for _ in range(100):
        first = chance.randrange(PAGES - 8)
        assert read(dev, first, first + 8) == ALL[first : first + 8]
    for _ in range(2):
        alone.clear()
        assert read(dev) == ALL
    assert len(alone) < 20


def test_pages_that_change_on_their_way_are_right(dev: Zram) -> None:
    """Blocks are freed, and get other pages, while they are read."""
    chance, content = random.Random(5), list(ALL)
    for step in range(400):
        first = chance.randrange(PAGES - 40)
        assert read(dev, first, first + 20) == content[first : first + 20]
        for index in chance.sample(range(first, first + 40), 6):
            content[index] = chance.choice((page, huge))(PAGES + step)
            dev.write_page(index, content[index])
        dev.writeback(pages=range(first, first + 40))
        assert read(dev, first + 20, first + 40) == content[first + 20 : first + 40]


def test_readers_beside_each_other_read_the_same(dev: Zram) -> None:
    readers = [Aside(lambda: read(dev) * (read(dev) == ALL)) for _ in range(3)]
    for reader in readers:
        assert reader.join() == ALL


@pytest.mark.usefixtures("unmeasured")
def test_what_a_handler_raises_leaves_no_place_taken(dev: Zram, alone: list[int]) -> None:
    class AlarmError(Exception):
        pass

    before = signal.signal(signal.SIGALRM, raising(AlarmError))
    raised, chance = 0, random.Random(7)
    try:
        for _ in range(300):
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, chance.uniform(2e-5, 3e-3))
                    read(dev)
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except AlarmError:
                raised += 1
    finally:
        signal.signal(signal.SIGALRM, before)
    assert raised > 100
    for _ in range(2):
        alone.clear()
        assert read(dev) == ALL
    assert len(alone) < 20
    clean, ahead = dev._life.live().pages.clean, ahead_of(dev)
    assert clean is not None
    ahead._forget(lambda _base: True)
    while ahead._under_way:
        assert ahead._ring is not None
        ahead._collect(ahead._ring, 1)
    assert clean.lease(clean.turn, clean.turn) is not None, "no place is anybody's"


def test_a_forked_child_reads_by_itself(dev: Zram) -> None:
    assert read(dev, 0, 40) == ALL[:40]
    assert in_a_child(lambda: read(dev) == ALL)
    assert read(dev) == ALL


def test_compressed_blocks_arrive_on_their_way_too(tmp_path: Path) -> None:
    with Zram() as dev:
        dev.set_compressed_writeback(True)
        dev.set_backing(tmp_path / "pages", "512K")
        dev.initialise("512K")
        content = [page(index) for index in range(dev.pages)]
        dev.write_pages(0, b"".join(content))
        dev.writeback(pages=range(dev.pages))
        dev.set_read_cache("256K")
        for _ in range(3):
            assert read(dev, 0, dev.pages) == content


def test_a_cache_that_is_replaced_takes_no_flight(dev: Zram) -> None:
    assert read(dev, 0, 40) == ALL[:40]
    dev.set_read_cache("256K")
    assert read(dev, 40) == ALL[40:]
    dev.set_read_cache(0)
    assert not ahead_of(dev)._flights
    assert read(dev) == ALL


def test_a_close_waits_for_what_is_under_way(dev: Zram) -> None:
    assert read(dev, 0, 40) == ALL[:40]
    ahead = ahead_of(dev)
    ring = ahead._ring
    dev.close()
    assert ring is not None
    assert not ring._context
    assert (ahead._ring, ahead._under_way, ahead._flights) == (None, {}, {})
    with pytest.raises(ZramError):
        dev.read_page(41)
