"""Happens-before: what locks, starts and ends order, and nothing else."""

import pytest

from stateful.guards.clocks import Clocks, Uses


def races(steps: str) -> list[str]:
    """Take steps, each a word with task numbers or the name of a lock; return what each access races with."""
    clocks, uses, found = Clocks(), Uses(), list[str]()
    for step in steps.split(", "):
        word, task, *others = step.split()
        match word:
            case "writes" | "reads":
                found += uses.unordered(clocks, int(task), write=word == "writes")
                uses.note(clocks, int(task), f"place {task}", write=word == "writes")
            case "releases":
                clocks.released(int(task), others[0])
            case "acquires":
                clocks.acquired(int(task), others[0])
            case "starts":
                clocks.started(int(task), int(others[0]))
            case _:
                clocks.joined(int(task), int(others[0]))
    return found


@pytest.mark.parametrize(
    "steps",
    [
        "writes 1, writes 1",
        "reads 1, reads 2",
        "writes 1, releases 1 lock, acquires 2 lock, writes 2",
        "writes 1, releases 1 a, acquires 2 a, releases 2 b, acquires 3 b, writes 3",
        "writes 0, starts 0 1, writes 1, joins 0 1, writes 0",
    ],
)
def test_locks_starts_and_ends_order(steps: str) -> None:
    assert races(steps) == []


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ("writes 1, writes 1, writes 2", ["its write by task 1 in place 1"]),
        ("reads 1, reads 2, writes 3", ["its read by task 1 in place 1", "its read by task 2 in place 2"]),
        ("writes 3, reads 1", ["its write by task 3 in place 3"]),
        ("releases 1 lock, writes 1, acquires 2 lock, reads 2", ["its write by task 1 in place 1"]),
        ("writes 1, releases 1 lock, acquires 2 another, writes 2", ["its write by task 1 in place 1"]),
        ("starts 0 1, writes 0, reads 1", ["its write by task 0 in place 0"]),
    ],
)
def test_what_nothing_orders_races(steps: str, found: list[str]) -> None:
    assert races(steps) == found
