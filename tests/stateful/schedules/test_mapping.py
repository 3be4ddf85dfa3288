"""A mapping over a device under every schedule of few preemptions: no page is lost, none is two values'."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from weakref import ref

import pytest

from stateful.schedules.policies import exhaust
from stateful.schedules.scheduler import Policy, ScheduledRuntime, SchedulingChoice
from zram_impl import PAGE_SIZE, Zram
from zram_impl.mapping import PageMap, Value, _Change
from zram_impl.table.block_map import FREE

PAGES: Final = 8
BOUND: Final = 2
OLD, ONE, TWO = (bytes([number]) * (2 * PAGE_SIZE) for number in range(1, 4))

Lane = Callable[[PageMap], object]


def _set(key: str, content: bytes) -> Lane:
    return lambda values: values.__setitem__(key, content)


def _pop(key: str) -> Lane:
    return lambda values: values.pop(key, None)


LANES: Final[Mapping[str, Sequence[Lane]]] = {
    "two writes of a key": (_set("a", ONE), _set("a", TWO)),
    "a write and a deletion": (_set("a", ONE), _pop("a")),
    "two deletions": (_pop("a"), _pop("a")),
    "two keys": (_set("b", ONE), _set("c", TWO)),
    "a key that comes and one that goes": (_set("b", ONE), _pop("a")),
    "two new values of a key": (lambda it: it.setdefault("b", ONE), lambda it: it.setdefault("b", TWO)),
    "a new value and a write": (lambda it: it.setdefault("b", ONE), _set("b", TWO)),
    "a removal and a write": (lambda it: it.popitem(), _set("a", TWO)),
    "everything removed twice": (PageMap.clear, PageMap.clear),
    "a count beside a write": (lambda values: _between(values.free_pages, 3, 6), _set("a", ONE)),
}


def _between(number: int, least: int, most: int) -> None:
    assert least <= number <= most


def _played(lanes: Sequence[Lane], policy: Policy) -> tuple[Sequence[SchedulingChoice], list[object]]:
    runtime, answers = ScheduledRuntime(policy), list[object]()

    def main() -> None:
        runtime.steady = True
        with Zram.create(PAGES * PAGE_SIZE, runtime=runtime) as dev:
            values = PageMap(dev)
            values["a"] = OLD
            _leave_pages(values)
            tasks = [
                runtime.spawn(lambda lane=lane: answers.append(lane(values)), f"lane {number}")  # type: ignore[misc]
                for number, lane in enumerate(lanes)
            ]
            runtime.steady = False
            runtime.join_all(tasks)
            runtime.steady = True
            _check(values)
            answers.append(dict(values))

    runtime.run(main)
    return runtime.schedule, answers


def _leave_pages(values: PageMap) -> None:
    """Take a page for a call that has ended by now, as what a signal handler raises ends one."""
    call = _Change()
    values._take(PAGE_SIZE, ref(call))


def _check(values: PageMap) -> None:
    places: list[Value] = list(values._values.values())
    taken = [page for place in places for run in place.runs for page in range(*run)]
    free = [page for page, state in enumerate(values._used) if state == FREE]
    assert sorted(taken + free) == list(range(PAGES)), "each page is free or one value's"
    assert values.dev.stats.mm.orig_data_size == len(taken) * PAGE_SIZE, "who gives pages back discards them"
    assert values.free_pages == len(free), "free pages are counted"
    assert not values._pending, "a call that is over has no pages"
    assert all(content in (OLD, ONE, TWO) for content in values.values())


@pytest.mark.parametrize("lanes", LANES.values(), ids=LANES.keys())
def test_every_page_is_free_or_one_value_s(lanes: Sequence[Lane]) -> None:
    schedules = 0
    for attempt in exhaust(BOUND):
        attempt.schedule, _answers = _played(lanes, attempt.policy)
        schedules += 1
    assert schedules > 7


def test_a_value_is_removed_once_and_new_once() -> None:
    pops, defaults = LANES["two deletions"], LANES["two new values of a key"]
    for attempt in exhaust(BOUND):
        attempt.schedule, (*popped, _left) = _played(pops, attempt.policy)
        assert {OLD, None} == set(popped)
    for attempt in exhaust(BOUND):
        attempt.schedule, (one, other, left) = _played(defaults, attempt.policy)
        assert left == {"a": OLD, "b": one} == {"a": OLD, "b": other}, "both calls return the value that the key has"


def test_a_value_that_is_set_beside_it_is_not_removed_unseen() -> None:
    for attempt in exhaust(BOUND):
        attempt.schedule, answers = _played(LANES["a removal and a write"], attempt.policy)
        removed, left = (answer for answer in answers if answer is not None)
        assert (removed, left) in ((("a", OLD), {"a": TWO}), (("a", TWO), {}))
