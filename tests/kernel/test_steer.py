"""The search for moves, without a kernel: what it finds is short, and its script waits for nothing it held itself."""

import pytest

from spec.scope import Scope
from tests.kernel import playing
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


def test_ways_of_the_explorer_are_scripts() -> None:
    twice, early, reset = playing.workloads().values()
    assert twice.traced[1:] == [
        *("write 0 1 rand 1000 0", "bg_store writeback page_index=0%20page_index=0"),
        *("pending 2", "go all", "gate none", "join"),
    ]
    assert early.traced[1:3] == ["store writeback_limit_enable 1", "store writeback_limit 1"]
    assert early.traced[-5:] == ["pending 1", "go 0 EIO", "join", "go all", "gate none"]
    assert reset.traced[-4:] == ["store reset 1", "store disksize 4096", "go all", "gate none"]


def test_step_that_no_script_makes_is_refused() -> None:
    scope = Scope(slots=1, blocks=1, requests=1)
    with pytest.raises(ValueError, match="step must be one that a script makes, or the driver's own, got read_begin"):
        playing.workload(["write(0, 0)", "read_begin(0, 0)"], scope)
