"""The search for moves, without a kernel: what it finds is short, and its script waits for nothing it held itself."""

import pytest

from tests.kernel.steer import Move, shortest, workload


def test_shortest_ways_are_these() -> None:
    assert len(shortest()) == 7
    moves = shortest(foreign=True)
    assert [move.name for move in moves].count("writeback") == 2
    assert len(moves) == 9
    assert moves[-1] == Move("read_on", 0)


def test_no_way_is_said_so() -> None:
    with pytest.raises(LookupError, match="a way must have at most 5 moves, got none"):
        shortest(most=5)


def test_script_answers_each_request_it_waited_for() -> None:
    lines = workload(shortest(foreign=True)).traced
    assert lines[0] == "gate rw"
    assert lines[-3:] == ["go all", "gate none", "join"]
    held = 0
    for line in lines[:-3]:
        name, _, number = line.partition(" ")
        held += name in ("bg_read", "bg_store")
        if name == "pending":
            assert int(number) == held
        if name == "go":
            assert int(number) < held
            held -= 1
    assert lines.count("join_read") == 1


def test_move_that_no_script_makes_is_refused() -> None:
    with pytest.raises(ValueError, match="move must be one that a script makes, got jump"):
        workload([Move("jump", 0)])
