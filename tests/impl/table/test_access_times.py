"""Access times: exact to the second, for as many seconds as can be distinguished, and ascending ever after."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zram_impl.runtime import BootClock
from zram_impl.table.access_times import NEVER, TICKS, AccessTimes


class Watch:
    """A clock that is set."""

    def __init__(self) -> None:
        self.seconds = 7.5

    def __call__(self) -> float:
        return self.seconds


def made(pages: int = 4, most: int = 8) -> tuple[AccessTimes, Watch]:
    watch = Watch()
    return AccessTimes(pages, watch, threading.Lock(), most=most), watch


def seconds(times: AccessTimes) -> list[int]:
    return [times.second(index) for index in range(len(times.ticks))]


def test_a_page_that_was_never_accessed_is_as_old_as_the_clock() -> None:
    times, _watch = made()
    assert (seconds(times), set(times.ticks)) == ([0] * 4, {NEVER})


def test_every_access_is_noted_in_its_second() -> None:
    times, watch = made()
    times.stamp(0, 2)
    watch.seconds = 8.0
    times.stamp(1, 3)
    times.forget(2)
    assert seconds(times) == [7, 8, 0, 0]


def test_a_second_is_begun_once() -> None:
    times, watch = made()
    watch.seconds = 9.9
    times.begin()
    before = times.tick, times.ends
    times.begin()
    assert (times.tick, times.ends) == before == (2, 10)


def test_ticks_come_in_the_order_of_their_seconds() -> None:
    times, watch = made()
    for second in (8, 20, 30):
        watch.seconds = second
        times.stamp(0, 1)
    assert [times.first_from(second) for second in (1, 7, 8, 9, 30, 31)] == [1, 1, 2, 3, 4, 5]


def test_numbers_that_no_page_has_are_used_again() -> None:
    times, watch = made(most=8)
    for second in range(10, 200):
        watch.seconds = second
        times.stamp(second % 3, second % 3 + 1)
    assert seconds(times) == [198, 199, 197, 0]
    assert times.tick < 8


def test_when_all_are_in_use_neighbours_share_the_earlier_second() -> None:
    times, watch = made(pages=10, most=8)
    for page in range(10):
        watch.seconds = 10 + page
        times.stamp(page, page + 1)
    found = seconds(times)
    assert found == sorted(found)
    assert all(10 + page - 3 <= second <= 10 + page for page, second in enumerate(found))
    assert found[-1] == 19


@pytest.mark.parametrize(("pages", "first"), [(3, [10, 11]), (4, [10, 10])])
def test_neighbours_share_once_half_of_the_numbers_are_used(pages: int, first: list[int]) -> None:
    times, watch = made(pages=pages, most=8)
    for page in [*range(pages), *[pages - 1] * 8]:
        watch.seconds = watch.seconds + 1 if page else 10
        times.stamp(page, page + 1)
    assert seconds(times)[:2] == first
    assert seconds(times)[-1] == int(watch.seconds)


def test_a_store_that_comes_late_counts_as_the_latest() -> None:
    times, watch = made(most=4)
    late = 3
    for second in (8, 9, 10, 11):
        watch.seconds = second
        times.stamp(0, 1)
    times.ticks[1] = late + 10
    assert times.second(1) == 11


class Suspending(BootClock):
    """A clock that is set, as is the one beside it that stands still during a suspend."""

    def __init__(self) -> None:
        self.monotonic = self.boot = 7.5
        self.looks = 0
        """Number of times that the time since boot was asked for."""

    def __call__(self) -> float:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self.looks += 1
        return self.boot

    def running(self) -> float:  # type: ignore[explicit-override]  # as above
        return self.monotonic

    def run(self, seconds: float) -> None:
        self.monotonic += seconds
        self.boot += seconds

    def suspend(self, seconds: float) -> None:
        """Suspend: the kernel runs for a moment before and after it."""
        self.run(2 / 1024)
        self.boot += seconds


def touch(times: AccessTimes, page: int) -> None:
    """Do as an access does."""
    if times.clock() >= times.ends:
        times.begin()
    times.ticks[page] = times.tick


def test_an_access_after_a_suspend_is_noted_in_its_own_second() -> None:
    clock = Suspending()
    times = AccessTimes(4, clock, threading.Lock())
    touch(times, 0)
    clock.suspend(3600)
    touch(times, 1)
    assert seconds(times) == [7, 3607, 0, 0]


def test_the_dearer_clock_is_asked_once_a_millisecond() -> None:
    clock = Suspending()
    times = AccessTimes(1, clock, threading.Lock())
    touch(times, 0)
    clock.looks = 0
    for _ in range(400):
        clock.run(0.00025)
        touch(times, 0)
    assert clock.looks <= 101


class Counted:
    """The table lock, which counts how often it is taken."""

    def __init__(self) -> None:
        self.taken = 0

    def __enter__(self) -> None:
        self.taken += 1

    def __exit__(self, *_raised: object) -> None:
        pass


def test_the_table_lock_is_taken_only_where_a_second_begins() -> None:
    clock, lock = Suspending(), Counted()
    times = AccessTimes(1, clock, lock)
    clock.run(0.4)
    touch(times, 0)
    assert (seconds(times), lock.taken) == ([7], 0)
    clock.run(0.4)
    touch(times, 0)
    assert (seconds(times), lock.taken) == ([8], 1)


# Fractions that floats add without rounding.
PASSED = st.integers(0, 3 * 1024).map(lambda n: n / 1024)


@given(st.lists(st.tuples(st.integers(0, 3), PASSED, st.booleans()), min_size=1, max_size=60))
def test_any_runs_and_suspends_give_exact_seconds(accesses: list[tuple[int, float, bool]]) -> None:
    clock = Suspending()
    times = AccessTimes(4, clock, threading.Lock())
    expected = [0] * 4
    for page, passed, suspended in accesses:
        (clock.suspend if suspended else clock.run)(passed)
        touch(times, page)
        expected[page] = int(clock.boot)
        assert seconds(times) == expected


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=60))
def test_with_numbers_enough_every_second_is_exact(accesses: list[tuple[int, int]]) -> None:
    times, watch = made(most=12)
    expected = [0] * 4
    for page, passed in accesses:
        watch.seconds += passed
        times.stamp(page, page + 1)
        expected[page] = int(watch.seconds)
        assert seconds(times) == expected


def test_a_second_beyond_all_numbers_gets_one_as_well() -> None:
    """With as many pages as numbers, each accessed in a second of its own, the next second needs a number as well."""
    times, watch = made(pages=TICKS, most=TICKS)
    for index in range(TICKS):
        watch.seconds += 1
        times.stamp(index, index + 1)
    watch.seconds += 1
    times.stamp(0, 1)
    assert times.second(0) == int(watch.seconds)
    assert max(times.ticks) == times.tick < TICKS
    found = seconds(times)[1:]
    assert found == sorted(found)
