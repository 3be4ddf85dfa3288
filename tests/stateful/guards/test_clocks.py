"""Happens-before: what locks, starts and ends order, and nothing else."""

from stateful.guards.clocks import Clocks, Uses


def races(clocks: Clocks, uses: Uses, task: int, *, write: bool) -> list[str]:
    """Note an access; return what it races with."""
    found = list(uses.unordered(clocks, task, write=write))
    uses.note(clocks, task, f"place {task}", write=write)
    return found


def test_two_writes_that_nothing_orders_race() -> None:
    clocks, uses = Clocks(), Uses()
    assert races(clocks, uses, 1, write=True) == []
    assert races(clocks, uses, 1, write=True) == []
    assert races(clocks, uses, 2, write=True) == ["its write by task 1 in place 1"]


def test_a_read_races_with_a_write_and_not_with_a_read() -> None:
    clocks, uses = Clocks(), Uses()
    assert races(clocks, uses, 1, write=False) == races(clocks, uses, 2, write=False) == []
    assert races(clocks, uses, 3, write=True) == ["its read by task 1 in place 1", "its read by task 2 in place 2"]
    assert races(clocks, uses, 1, write=False) == ["its write by task 3 in place 3"]


def test_a_lock_orders_what_was_before_its_release() -> None:
    clocks, uses = Clocks(), Uses()
    races(clocks, uses, 1, write=True)
    clocks.released(1, "lock")
    clocks.acquired(2, "lock")
    assert races(clocks, uses, 2, write=True) == []


def test_a_lock_does_not_order_what_comes_after_its_release() -> None:
    clocks, uses = Clocks(), Uses()
    clocks.released(1, "lock")
    races(clocks, uses, 1, write=True)
    clocks.acquired(2, "lock")
    assert races(clocks, uses, 2, write=False) == ["its write by task 1 in place 1"]


def test_another_lock_orders_nothing() -> None:
    clocks, uses = Clocks(), Uses()
    races(clocks, uses, 1, write=True)
    clocks.released(1, "lock")
    clocks.acquired(2, "another")
    assert races(clocks, uses, 2, write=True) == ["its write by task 1 in place 1"]


def test_a_chain_of_locks_orders() -> None:
    clocks, uses = Clocks(), Uses()
    races(clocks, uses, 1, write=True)
    clocks.released(1, "a")
    clocks.acquired(2, "a")
    clocks.released(2, "b")
    clocks.acquired(3, "b")
    assert races(clocks, uses, 3, write=True) == []


def test_a_start_and_an_end_order() -> None:
    clocks, uses = Clocks(), Uses()
    races(clocks, uses, 0, write=True)
    clocks.started(0, 1)
    assert races(clocks, uses, 1, write=True) == []
    clocks.joined(0, 1)
    assert races(clocks, uses, 0, write=True) == []


def test_what_a_parent_does_after_a_start_is_unknown() -> None:
    clocks, uses = Clocks(), Uses()
    clocks.started(0, 1)
    races(clocks, uses, 0, write=True)
    assert races(clocks, uses, 1, write=False) == ["its write by task 0 in place 0"]
