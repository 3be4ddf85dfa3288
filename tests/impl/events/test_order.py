"""Events of many tasks in one order, and traces that contradict themselves."""

import random
from typing import NamedTuple

import pytest

from zram_impl.events.order import OrderError, Touched, in_order, in_order_so_far


class Ev(NamedTuple):
    name: str
    touched: Touched = ()


def ev(name: str, *touched: tuple[str, int]) -> Ev:
    """An event that touched objects of one letter, with a version each."""
    return Ev(name, tuple((obj, 0, version) for obj, version in touched))


def test_the_order_of_each_task_and_of_each_object_is_kept() -> None:
    one = [ev("a", ("x", 1)), ev("d", ("x", 4), ("y", 2))]
    two = [ev("b", ("x", 2)), ev("c", ("x", 3), ("y", 1)), ev("e", ("y", 3))]
    assert "".join(event.name for event in in_order([one, two])) == "abcde"


def test_what_touches_nothing_only_follows_its_task() -> None:
    assert {event.name for event in in_order([[ev("a")], [ev("b")], []])} == {"a", "b"}


def history(chance: random.Random, events: int) -> list[list[Ev]]:
    """Events of five tasks, each event with up to three objects."""
    versions: dict[tuple[str, int], int] = {}
    tasks: list[list[Ev]] = [[] for _ in range(5)]
    for number in range(events):
        objects = {(chance.choice("xyz"), chance.randrange(9)) for _ in range(chance.randint(0, 3))}
        touched = []
        for obj in objects:
            versions[obj] = versions.get(obj, 0) + 1
            touched.append((*obj, versions[obj]))
        chance.choice(tasks).append(Ev(str(number), tuple(touched)))
    return tasks


def test_any_interleaving_of_any_history_is_put_in_order_again() -> None:
    tasks = history(random.Random(5), 2000)
    ordered = in_order(tasks)
    assert len(ordered) == 2000
    for task in tasks:
        mine = set(task)
        assert [event for event in ordered if event in mine] == task
    seen: dict[tuple[str, int], int] = {}
    for event in ordered:
        for name, index, version in event.touched:
            assert version == seen.get((name, index), 0) + 1
            seen[name, index] = version


@pytest.mark.parametrize(
    ("tasks", "sentence", "stuck"),
    [
        ([[ev("a", ("x", 1))], [ev("c", ("x", 3))]], "version 2 of x 0 is missing", {1: 0}),
        ([[ev("a", ("x", 1))], [ev("b", ("x", 1))]], "version 1 of x 0 is there twice", {1: 0}),
        (
            [[ev("a", ("x", 2)), ev("b", ("y", 1))], [ev("c", ("y", 2)), ev("d", ("x", 1))]],
            "events wait for each other: version 2 of x 0 comes before version 1; "
            "version 2 of y 0 comes before version 1",
            {0: 0, 1: 0},
        ),
    ],
    ids=["gap", "twice", "cycle"],
)
def test_a_trace_that_contradicts_itself_is_a_finding(
    tasks: list[list[Ev]], sentence: str, stuck: dict[int, int]
) -> None:
    with pytest.raises(OrderError) as caught:
        in_order(tasks)
    assert (str(caught.value), caught.value.stuck) == (sentence, stuck)


def test_any_prefix_of_a_history_is_ordered() -> None:
    chance = random.Random(6)
    for _ in range(100):
        tasks = history(chance, 60)
        cut = [task[: chance.randint(0, len(task))] for task in tasks if chance.random() < 0.9]
        ordered, gap = in_order_so_far(cut)
        assert in_order([ordered]) == ordered
        assert (gap is None) == (len(ordered) == sum(map(len, cut)))
        if gap is not None:
            assert str(gap).endswith(" is missing")
            assert cut[gap.at][gap.stuck[gap.at]] not in ordered


X, Y = "x", "y"


@pytest.mark.parametrize(
    ("tasks", "sentence"),
    [
        ([[ev("a", (X, 1)), ev("b", (X, 2))], [ev("c", (X, 1))]], "version 1 of x 0 is there twice"),
        ([[ev("a", (X, 1)), ev("b", (X, 2))], [ev("c", (Y, 2)), ev("d", (X, 2))]], "version 2 of x 0 is there twice"),
        ([[ev("a", (X, 2)), ev("b", (Y, 3))], [ev("c", (Y, 3))]], "version 3 of y 0 is there twice"),
        (
            [[ev("a", (X, 3)), ev("b", (Y, 5))], [ev("c", (Y, 7)), ev("d", (X, 2))]],
            "events wait for each other: version 3 of x 0 comes before version 2; "
            "version 7 of y 0 comes before version 5",
        ),
        ([[ev("a", (X, 3)), ev("b", (X, 2))]], "events wait for each other: version 3 of x 0 comes before version 2"),
    ],
)
def test_what_no_missing_event_explains_is_a_finding(tasks: list[list[Ev]], sentence: str) -> None:
    with pytest.raises(OrderError) as caught:
        in_order_so_far(tasks)
    assert str(caught.value) == sentence
    assert caught.value.at in caught.value.stuck
