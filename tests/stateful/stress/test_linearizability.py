"""Histories of one page that an order explains, those that none does, and the smallest part of those."""

import itertools
import random
from collections.abc import Sequence

import pytest

from stateful.stress.linearizability import unexplained
from stateful.stress.minimise import drawn, smallest
from stateful.stress.operation import FOREIGN, ZERO, PageOperation


def op(text: str) -> PageOperation:
    """`w5@1-3`: a write of 5 from 1 to 3, by the task of that moment."""
    what, _, when = text.partition("@")
    start, _, end = when.partition("-")
    return PageOperation(f"task {start}", "write" if what[0] == "w" else "read", int(what[1:]), int(start), int(end))


def history(text: str) -> list[PageOperation]:
    return [op(word) for word in text.split()]


EXPLAINED = [
    "",
    "r0@1-2",
    "w5@1-2 r5@3-4",
    "w5@1-4 r5@2-3",
    "w5@1-4 r0@2-3 r5@2-5",
    "w5@1-2 w6@3-8 r5@4-5 r6@6-7",
    "w5@1-9 w6@2-8 r5@3-4 r6@5-6",
    "w5@1-2 w0@3-4 r0@5-6",
    "w5@1-2 w0@3-9 r5@4-5 w0@3-8 r0@6-7 w6@6-9 r6@8-10 r0@10-11",
    "w5@1-2 r5@2-3",
]
UNEXPLAINED = [
    ("r5@1-2", 0),
    ("w5@3-4 r5@1-2", 1),
    ("w5@1-2 r0@3-4", 1),
    ("w5@1-2 w6@3-4 r5@5-6", 2),
    ("w5@1-9 r5@2-3 r0@4-5", 2),
    ("w5@1-9 w6@1-9 r5@2-3 r6@4-5 r5@6-7", 4),
    ("w5@1-2 w0@3-4 r5@5-6", 2),
    ("w5@1-2 r-1@3-4", 1),
]


@pytest.mark.parametrize("text", EXPLAINED)
def test_what_some_order_explains(text: str) -> None:
    assert unexplained(history(text)) is None


@pytest.mark.parametrize(("text", "wrong"), UNEXPLAINED)
def test_the_first_operation_that_no_order_explains_is_named(text: str, wrong: int) -> None:
    ops = history(text)
    assert unexplained(ops) == ops[wrong]
    assert unexplained(ops[::-1]) == ops[wrong]


def by_brute_force(ops: Sequence[PageOperation]) -> bool:
    """Try every order that keeps what was over before something else began."""
    for order in itertools.permutations(ops):
        if any(later.end < earlier.start for earlier, later in itertools.combinations(order, 2)):
            continue
        value = ZERO
        for each in order:
            if each.kind == "read" and each.value != value:
                break
            value = each.value
        else:
            return True
    return False


def drawn_at_random(chance: random.Random, count: int) -> list[PageOperation]:
    values = [ZERO, *range(1, count)]
    ops, written = [], set[int]()
    for number in range(count):
        start = chance.randrange(20)
        kind = chance.choice(["write", "read"])
        value = chance.choice(values)
        if kind == "write" and value in written:
            value = ZERO
        written.add(value)
        ops.append(
            op(f"{kind[0]}{value}@{2 * start}-{2 * start + 1 + 2 * chance.randrange(8)}")._replace(task=f"{number}")
        )
    return ops


def test_the_answer_is_that_of_trying_every_order() -> None:
    chance, answers = random.Random(3), set[bool]()
    for _ in range(700):
        ops = drawn_at_random(chance, chance.randint(1, 6))
        explained = by_brute_force(ops)
        assert (unexplained(ops) is None) == explained, ops
        answers.add(explained)
    assert answers == {True, False}


def a_long_history(chance: random.Random, length: int) -> list[PageOperation]:
    """One that some order explains: made by running it, the moments drawn around the real ones."""
    ops, value = [], ZERO
    for number in range(1, length):
        kind = chance.choice(["write", "read", "read"])
        value = (number if chance.random() < 0.8 else ZERO) if kind == "write" else value
        start, end = 10 * number - chance.randrange(40), 10 * number + chance.randrange(40)
        ops.append(PageOperation(f"task {number % 4}", "write" if kind == "write" else "read", value, start, end))
    return ops


def test_a_stale_read_in_a_long_history_shrinks_to_three() -> None:
    ops = a_long_history(random.Random(5), 3000)
    assert unexplained(ops) is None
    stale = next(each for each in ops[1000:] if each.kind == "write" and each.value)
    late = PageOperation("stale", "read", stale.value, 25_000, 25_001)
    found = smallest([*ops, late])
    assert len(found) == 3
    assert (found[0], found[-1]) == (stale, late)
    assert found[1].kind == "write"


@pytest.mark.parametrize(("text", "wrong"), UNEXPLAINED)
def test_nothing_more_can_be_left_out_of_the_smallest_part(text: str, wrong: int) -> None:
    ops = history(text)
    found = smallest(ops)
    assert unexplained(found) is not None
    assert set(found) <= set(ops)
    assert ops[wrong] in found


def test_zeros_without_a_recent_discard_are_found() -> None:
    before = " ".join(
        f"w{n}@{10 * n}-{10 * n + 1} w0@{10 * n + 2}-{10 * n + 3} r0@{10 * n + 4}-{10 * n + 5}" for n in range(1, 20)
    )
    found = smallest(history(f"{before} w99@500-501 r0@510-511"))
    assert found == history("w99@500-501 r0@510-511")


def test_shrinking_keeps_the_write_that_explains_a_read() -> None:
    assert smallest(history("w5@1-2 r5@3-4 r5@5-6 w6@7-8 r7@9-10")) == history("r7@9-10")


def test_a_history_is_drawn_as_bars_with_values_by_letters() -> None:
    text = drawn(history("w70@1000-3000 w80@4000-6000 r70@8000-9000"))
    assert text.splitlines() == [
        "  task 1000  |----------|                                      write a",
        "  task 4000                   |-----------|                    write b",
        "  task 8000                                           |-----|  read a",
        "             8.0 us in all",
    ]
    assert "bytes that nobody wrote" in drawn([op(f"r{FOREIGN}@1-2")])


def test_many_writes_at_a_time_are_no_matter() -> None:
    writes = [PageOperation(f"task {n}", "write", n, 1, 1000) for n in range(1, 60)]
    assert unexplained([*writes, op("r7@2-3"), op("r9@4-5"), op("r7@1001-1002")])
    assert unexplained([*writes, op("r7@2-3"), op("r9@4-5"), op("r9@1001-1002")]) is None
