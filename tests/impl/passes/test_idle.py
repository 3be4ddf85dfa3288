"""Idle marks and access times: what counts as an access, and who is idle after how long."""

import errno
from collections.abc import Callable

import pytest

from tests.impl.doubles import Bench, huge, page, same
from tests.refused import refused
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError
from zram_impl.parsing.kstrto import U32_MAX


def idle(bench: Bench) -> list[int]:
    """The pages that are marked."""
    return [index for index, slot in enumerate(bench.snapshot.slots) if slot.idle]


def times(bench: Bench) -> dict[int, int]:
    """Second of the last access of every stored page, as block_state prints it."""
    lines = (line.split() for line in bench.dev.block_state().splitlines())
    return {int(index): int(seconds.removesuffix(".000000")) for index, seconds, _marks in lines}


def aged() -> Bench:
    """Page n was written in second 1000 + 10 n, and it is second 1050 and a half; page 0 is written back."""
    bench = Bench(pages=6)
    for number in range(5):
        bench.clock.seconds = 1000 + 10 * number + 0.9
        bench.dev.write_page(number, huge(number) if number % 2 else page(number))
    bench.dev.write_page(5, same(5))
    assert bench.dev.writeback(pages=[0]).written == 1
    bench.clock.seconds = 1050.5
    return bench


@pytest.mark.parametrize(
    ("age", "marked"), [(0, [1, 2, 3, 4]), (10, [1, 2, 3]), (11, [1, 2, 3]), (30, [1]), (39, [1]), (40, []), (1049, [])]
)
def test_a_page_is_idle_if_its_second_is_older_than_the_age(age: int, marked: list[int]) -> None:
    bench = aged()
    bench.dev.mark_idle(age_seconds=age)
    assert idle(bench) == marked


def test_marking_by_age_takes_the_mark_off_what_is_too_young() -> None:
    bench = aged()
    bench.dev.mark_idle()
    bench.dev.mark_idle(age_seconds=20)
    assert idle(bench) == [1, 2]


def test_an_age_of_0_excludes_pages_of_the_present_second() -> None:
    bench = aged()
    bench.clock.seconds = 1050.99
    bench.dev.read_page(3)
    bench.dev.mark_idle(age_seconds=0)
    assert idle(bench) == [1, 2, 4]


def test_a_read_of_a_marked_page_counts_as_one_at_its_time() -> None:
    bench = aged()
    bench.dev.mark_idle()
    bench.clock.seconds = 1060.5
    bench.dev.read_page(1)
    assert times(bench)[1] == 1060
    bench.dev.mark_idle(age_seconds=5)
    assert idle(bench) == [2, 3, 4]


@pytest.mark.parametrize("age", [1050, 1051, U32_MAX])
def test_an_age_that_the_clock_has_not_reached_changes_nothing(age: int) -> None:
    bench = aged()
    bench.dev.mark_idle()
    bench.dev.mark_idle(age_seconds=age)
    assert idle(bench) == [1, 2, 3, 4]
    assert bench.dev.attrs.store("idle", f"{age}\n") == len(str(age)) + 1
    quirks = Quirks(old_age_unchecked=True)
    Zram(runtime=bench.clock, quirks=quirks).mark_idle(age_seconds=age)  # as the driver, which looks at the clock first


def test_the_attribute_takes_ages_in_any_base() -> None:
    bench = aged()
    bench.dev.attrs.store("idle", "0x1e\n")
    assert idle(bench) == [1]
    bench.dev.attrs.store("idle", "all")
    assert idle(bench) == [1, 2, 3, 4]


@pytest.mark.parametrize("age", [-1, U32_MAX + 1, 1.5, "60", True])
def test_a_malformed_age_is_refused(age: int) -> None:
    bench = aged()
    with refused(errno.EINVAL, r"age_seconds must be 0 to 4294967295, got "):
        bench.dev.mark_idle(age_seconds=age)
    assert idle(bench) == []


def test_marking_needs_a_device() -> None:
    for age in (None, 0, 3):
        with refused(errno.EINVAL, "not initialised"):
            Zram().mark_idle(age_seconds=age)


ACCESSES: dict[str, tuple[Callable[[Bench], object], int]] = {
    "read": (lambda bench: bench.dev.read_page(1), 1050),
    "bulk read": (lambda bench: bench.dev.read_pages_into(0, bytearray(3 * PAGE_SIZE)), 1050),
    "byte read": (lambda bench: bench.dev.read(PAGE_SIZE + 5, 1), 1050),
    "write": (lambda bench: bench.dev.write_page(1, huge(9)), 1050),
    "bulk write": (lambda bench: bench.dev.write_pages(0, huge(8) + huge(9)), 1050),
    "byte write": (lambda bench: bench.dev.write(PAGE_SIZE + 5, b"bytes"), 1050),
    "rewrite as same-filled": (lambda bench: bench.dev.write_page(1, same(3)), 1050),
    "look": (lambda bench: bench.pages.peek_page(1), 1010),
    "idle mark": (lambda bench: bench.dev.mark_idle(), 1010),
    "writeback": (lambda bench: bench.dev.writeback(pages=[1]), 1010),
    "read of a neighbour": (lambda bench: bench.dev.read_page(2), 1010),
}


@pytest.mark.parametrize("name", list(ACCESSES))
def test_reads_and_writes_are_accesses_and_nothing_else_is(name: str) -> None:
    access, second = ACCESSES[name]
    bench = aged()
    access(bench)
    assert times(bench)[1] == second


def test_a_read_of_a_written_back_page_is_an_access() -> None:
    bench = aged()
    assert times(bench)[0] == 1000
    bench.dev.read_page(0)
    assert times(bench)[0] == 1050


def test_a_freed_page_has_never_been_accessed() -> None:
    bench = aged()
    bench.dev.discard(PAGE_SIZE, PAGE_SIZE)
    assert (bench.pages.times.second(1), times(bench).get(1)) == (0, None)


def test_a_write_that_is_refused_is_no_access() -> None:
    bench = aged()
    bench.dev.mark_idle()
    bench.dev.set_mem_limit(1)
    with pytest.raises(ZramError):
        bench.dev.write_page(1, huge(7))
    assert (times(bench)[1], idle(bench)) == (1010, [1, 2, 3, 4])
