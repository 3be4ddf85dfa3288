"""Reads ahead over a ring that a test answers: which reads begin, under which lock, and what is forgotten."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from zram_impl import PAGE_SIZE
from zram_impl.bdev.file import FileDevice, open_file
from zram_impl.engine.ring_reads import FileRead
from zram_impl.pages import read_ahead
from zram_impl.pages.clean_pages import CleanPages
from zram_impl.pages.group import PLACE_BITS, Group
from zram_impl.pages.read_ahead import GroupRead, ReadAhead
from zram_impl.runtime import ThreadRuntime, native_lock

CAPACITY = 96
"""Pages of the cache, of which reads ahead go round in a half."""


class Ring:
    """A ring that does nothing until it is asked to, and notes its calls.

    Attributes:
        reads: Those that were begun.
        lock: The lock that is held whenever it is called.
        room: How many it takes of one submission.
        done: Answers to be fetched next.
    """

    def __init__(self) -> None:
        self.lock: Final = NotedLock(self)
        self.reads: list[FileRead] = []
        self.room = 1000
        self.done: list[tuple[int, int]] = []
        self.calls: list[str] = []

    def _note(self, call: str) -> None:
        assert self.lock.held, call
        self.calls.append(call)

    def submit(self, reads: Sequence[FileRead], taken: list[int]) -> None:
        self._note("submit")
        assert reads
        taken.append(min(self.room, len(reads)))
        self.reads += reads[: taken[0]]

    def fetch(self, least: int) -> Sequence[tuple[int, int]]:
        self._note("fetch")
        if least and not self.done:
            self.done = [(it.key, it.length) for it in self.reads]
        return list(self.done)

    def handed_on(self) -> None:
        self._note("handed on")
        self.done.clear()

    def close(self) -> None:
        self._note("close")


class NotedLock:
    """A lock that notes in a ring's calls when it is taken and released."""

    def __init__(self, ring: Ring) -> None:
        self.held, self._ring = False, ring

    def __enter__(self) -> None:
        assert not self.held
        self.held = True
        self._ring.calls.append("taken")

    def __exit__(self, *_raised: object) -> None:
        self.held = False
        self._ring.calls.append("released")


@pytest.fixture
def device(tmp_path: Path) -> Iterator[FileDevice]:
    made = open_file(tmp_path / "pages", size=4096 * PAGE_SIZE)
    yield made
    made.close()


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    made = Ring()
    monkeypatch.setattr(read_ahead, "AioReads", lambda _device, _entries: made)
    return made


@pytest.fixture
def ahead(device: FileDevice, ring: Ring, monkeypatch: pytest.MonkeyPatch) -> ReadAhead:
    made = ReadAhead(ThreadRuntime(), device)
    monkeypatch.setattr(made, "_lock", ring.lock)
    return made


@pytest.fixture
def clean() -> CleanPages:
    return CleanPages(ThreadRuntime(), CAPACITY, 512)


def group(base: int, *blocks: int) -> Group:
    """Pages of one window on these blocks, in this order."""
    return Group(base, [], [block << PLACE_BITS | place for place, block in enumerate(blocks)])


def land(ahead: ReadAhead, flight: GroupRead) -> tuple[int, list[GroupRead]]:
    kept = list[GroupRead]()
    return ahead.land(flight, kept.append), kept


def in_pages(ring: Ring) -> list[tuple[int, int]]:
    return [(read.offset // PAGE_SIZE, read.length // PAGE_SIZE) for read in ring.reads]


def test_all_groups_that_have_room_begin_in_one_hold(ahead: ReadAhead, clean: CleanPages, ring: Ring) -> None:
    half = clean.turn // 2
    groups = [group(0, 5, 6, 9), group(0, *range(20, 20 + half)), group(0, *range(100, 100 + clean.turn - half - 5))]
    ahead.begin(clean, [*groups, group(0, 300)], 0)
    assert in_pages(ring) == [(5, 5), (20, half), (100, clean.turn - half - 5)]
    assert ring.calls == ["taken", "fetch", "handed on", "submit", "released"]
    ends = [read.address + read.length for read in ring.reads]
    assert [read.address for read in ring.reads[1:]] == ends[:-1], "side by side"


def test_a_group_without_room_begins_nothing(ahead: ReadAhead, clean: CleanPages, ring: Ring) -> None:
    ahead.begin(clean, [group(0, 0, clean.turn)], 0)
    ahead.begin(clean, [], 0)
    assert ring.calls == []


def test_what_the_ring_does_not_take_has_no_flight(ahead: ReadAhead, clean: CleanPages, ring: Ring) -> None:
    ring.room = 1
    ahead.begin(clean, [group(0, 1), group(0, 4, 5)], 0)
    found = [ahead.of(index, clean) for index in (0, 1)]
    assert found[0] is not None
    assert found[0].group.blk_idx == 1
    assert found[1] is None
    assert list(ahead._under_way.values()) == ahead._wanted == [found[0]]


def test_a_flight_is_of_the_cache_it_was_begun_for(ahead: ReadAhead, clean: CleanPages) -> None:
    ahead.begin(clean, [group(8, 1)], 8)
    assert ahead.of(8, clean) is not None
    assert ahead.of(9, clean) is None
    assert ahead.of(8, CleanPages(ThreadRuntime(), CAPACITY, 512)) is None


def test_no_more_reads_are_under_way_than_a_ring_has_entries(
    ahead: ReadAhead, clean: CleanPages, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ahead, "_ENTRIES", 3)
    ahead.begin(clean, [group(0, 1), group(0, 4)], 0)
    ahead.begin(clean, [group(32, 7), group(32, 10)], 0)
    assert in_pages(ring) == [(1, 1), (4, 1), (7, 1)]
    ring.calls.clear()
    ahead.begin(clean, [group(64, 13)], 0)
    assert ring.calls == ["taken", "fetch", "handed on", "released"]
    ring.done = [(ring.reads[0].key, PAGE_SIZE)]
    ahead.begin(clean, [group(64, 13)], 0)
    assert in_pages(ring)[3:] == [(13, 1)]


def test_the_blocks_of_a_flight_are_counted_once(ahead: ReadAhead, clean: CleanPages, ring: Ring) -> None:
    ahead.begin(clean, [group(0, 1, 3), group(8, 9)], 0)
    flight = ahead.of(0, clean)
    assert flight is not None
    ring.calls.clear()
    assert land(ahead, flight) == (3, [flight])
    assert ring.calls == ["taken", "fetch", "handed on", "released"]
    assert not ahead._under_way
    assert land(ahead, flight) == (0, [flight])
    assert ahead.of(0, clean) is None


@pytest.mark.parametrize("short", [1, PAGE_SIZE, 1 << 20])
def test_a_flight_that_did_not_arrive_is_not_kept(ahead: ReadAhead, clean: CleanPages, ring: Ring, short: int) -> None:
    ahead.begin(clean, [group(0, 1, 2)], 0)
    flight = ahead.of(0, clean)
    assert flight is not None
    ring.done = [(ring.reads[0].key, 2 * PAGE_SIZE - short)]
    assert land(ahead, flight) == (0, [])
    assert ahead.of(0, clean) is None


def test_windows_that_were_passed_are_forgotten(ahead: ReadAhead, clean: CleanPages, ring: Ring) -> None:
    for base in (0, 8, 16, 24):
        ahead.begin(clean, [group(base, base)], 0)
    ring.calls.clear()
    ahead.passed(8, 24)
    assert ring.calls == ["taken", "fetch", "handed on", "released"]
    assert [ahead.of(base, clean) is None for base in (0, 8, 16, 24)] == [False, True, True, False]
    assert [it.group.base for it in ahead._wanted] == [0, 24]
    assert len(ahead._under_way) == 4, "the system still has them"


def test_flights_that_have_landed_are_no_longer_wanted(ahead: ReadAhead, clean: CleanPages) -> None:
    ahead.begin(clean, [group(0, 1), group(0, 4)], 0)
    flight = ahead.of(0, clean)
    assert flight is not None
    land(ahead, flight)
    ahead.passed(100, 200)
    assert flight not in ahead._wanted


def test_flights_of_other_windows_make_room(ahead: ReadAhead, clean: CleanPages, ring: Ring) -> None:
    """Once every place was used reads ahead go round, and meet flights that nobody has landed."""
    half = clean.turn // 2
    for base in (0, 100, 200, 300):
        ahead.begin(clean, [group(base, *range(base, base + half))], base)
    ring.done = [(read.key, read.length) for read in ring.reads]
    ahead.begin(clean, [group(400, 400)], 200)
    assert ahead.of(400, clean) is None, "where it would go, a flight of the present window is"
    assert [ahead.of(base, clean) is None for base in (0, 100, 200, 300)] == [True, True, False, True]
    ahead.begin(clean, [group(400, 400)], 400)
    assert ahead.of(400, clean) is not None


def test_a_close_waits_under_the_lock_and_forgets_all(ahead: ReadAhead, clean: CleanPages, ring: Ring) -> None:
    ahead.begin(clean, [group(0, 1)], 0)
    ring.calls.clear()
    ahead.close()
    ahead.close()
    assert ring.calls == ["taken", "close", "released", "taken", "released"]
    assert (ahead.of(0, clean), ahead._under_way, ahead._wanted) == (None, {}, [])


def test_a_child_has_no_reads_and_a_free_lock(
    device: FileDevice, clean: CleanPages, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forked while another thread has the lock and reads are on their way."""
    monkeypatch.setattr(read_ahead, "_ENTRIES", 1)
    ahead, lock = ReadAhead(ThreadRuntime(), device), native_lock()
    monkeypatch.setattr(ahead, "_lock", lock)
    ring.lock.held = True
    ahead.begin(clean, [group(0, 1)], 0)
    flight = ahead.of(0, clean)
    assert flight is not None
    lock.acquire()
    ahead.after_fork()
    assert not lock.locked()
    assert land(ahead, flight) == (0, [])
    assert ahead.of(0, clean) is None
    ahead.begin(clean, [group(8, 2)], 8)
    assert ahead.of(8, clean) is not None
    assert in_pages(ring) == [(1, 1), (2, 1)]
