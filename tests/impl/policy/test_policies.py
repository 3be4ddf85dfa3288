"""Decisions of the policy, and the order in which pages are taken."""

import pytest

from tests.impl.doubles import Clock, HookedDevice, huge, page
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.decisions import Mode
from zram_impl.parsing.writeback_args import Scan
from zram_impl.policy.coldest import ColdestFirst
from zram_impl.policy.protocol import MemoryUse, Plan
from zram_impl.policy.ranking import Ranking, runs

AT_REST = MemoryUse(budget=1000, used=500, grown=0, holes=0, stored=10, backed=0, spillable=9, waiting=0)


@pytest.mark.parametrize(
    ("memory", "plan"),
    [
        (AT_REST, Plan()),
        (AT_REST._replace(used=901), Plan(idle_seconds=1, free=101)),
        (AT_REST._replace(used=900), Plan()),
        (AT_REST._replace(waiting=1), Plan(idle_seconds=1, free=1)),
        (AT_REST._replace(holes=126), Plan(compact=True)),
        (AT_REST._replace(holes=125), Plan()),
        (AT_REST._replace(holes=500, grown=16), Plan()),
        (AT_REST._replace(holes=500, grown=-16), Plan()),
        (AT_REST._replace(holes=500, grown=15), Plan(compact=True)),
    ],
)
def test_the_usual_policy(memory: MemoryUse, plan: Plan) -> None:
    assert ColdestFirst().plan(memory) == plan


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.8), (-0.1, 0.5), (0.5, 1.1)])
def test_low_is_not_above_high(low: float, high: float) -> None:
    with pytest.raises(ZramError, match="low and high must be 0 <= low <= high <= 1"):
        ColdestFirst(low=low, high=high)


def test_runs_are_of_neighbours() -> None:
    assert runs([5, 1, 2, 9, 3]) == [(1, 4), (5, 6), (9, 10)]
    assert runs([]) == []


def ranked(dev: Zram) -> Ranking:
    return Ranking(dev._life.live().pages)


def indexes(scans: list[Scan]) -> list[int]:
    return [index for scan in scans for index in range(scan.lo, scan.hi)]


def test_the_order_is_age_then_size() -> None:
    clock = Clock()
    with Zram.create(16 * PAGE_SIZE, backing=HookedDevice(16), runtime=clock) as dev:
        dev.write_page(7, page(7))
        dev.write_page(3, huge(3))
        dev.write_page(0, bytes(PAGE_SIZE))  # same-filled: there is nothing to write back
        clock.seconds += 2
        dev.write_page(5, huge(5))
        dev.write_page(6, page(6))
        ranking = ranked(dev)
        taken = [indexes(ranking.take(1, 16, idle_only=False)[0]) for _ in range(4)]
        assert taken == [[3], [7], [5], [6]]


def test_what_was_used_since_is_passed_over_and_ranked_anew() -> None:
    clock = Clock()
    with Zram.create(16 * PAGE_SIZE, backing=HookedDevice(16), runtime=clock) as dev:
        for index in range(4):
            dev.write_page(index, huge(index))
        ranking = ranked(dev)
        assert indexes(ranking.take(1, 1, idle_only=False)[0]) == [0]
        clock.seconds += 2
        dev.read_page(1)
        dev.discard(2 * PAGE_SIZE, PAGE_SIZE)
        assert ranking.take(1 << 20, 16, idle_only=False) == ([Scan(Mode.PAGES, 3, 4)], PAGE_SIZE)
        assert sorted(indexes(ranking.take(1 << 20, 16, idle_only=False)[0])) == [0, 1, 3]


def test_marked_pages_are_selected_by_their_mark() -> None:
    with Zram.create(16 * PAGE_SIZE, backing=HookedDevice(16)) as dev:
        dev.write_pages(0, b"".join(map(huge, range(4))))
        dev.mark_idle()
        dev.read_page(1)
        assert ranked(dev).take(1 << 20, 16, idle_only=False)[0] == [
            Scan(Mode.IDLE, 0, 1),
            Scan(Mode.PAGES, 1, 2),
            Scan(Mode.IDLE, 2, 4),
        ]
        assert ranked(dev).take(1 << 20, 16, idle_only=True) == (
            [Scan(Mode.IDLE, 0, 1), Scan(Mode.IDLE, 2, 4)],
            3 * PAGE_SIZE,
        )
