"""Version 1 of tokens, written down once more: a change of a number or of the encoding makes version 2.

A new operation or fault at the end changes nothing here. All numbers are literal on purpose, and none is taken from the
code.
"""

import pytest

from stateful.schedules.program import BEFORE, LANES, PAGES, Fault, FaultKind, Op, OpKind, Preemption, TaskProgram
from stateful.schedules.token import VERSION, decode, encode

OPERATIONS = {
    0: "WRITE",
    1: "WRITE_SAME",
    2: "DISCARD",
    3: "READ",
    4: "WRITEBACK",
    5: "MARK_IDLE",
    6: "STORE_LIMIT",
    7: "TOGGLE_LIMIT",
    8: "STORE_BATCH",
    9: "WRITE_HUGE",
    10: "CANCEL",
    11: "INTERRUPT",
    12: "RESET",
    13: "CLOSE",
    14: "WRITEBACK_IDLE",
    15: "PATCH",
    16: "RECOMPRESS",
    17: "STATS",
    18: "COMPACT",
    19: "COMPRESSED",
}
FAULTS = {0: "WRITE", 1: "SHORT_WRITE", 2: "READ", 3: "BUFFER", 4: "THREAD"}
PROGRAMS = {
    "1001": TaskProgram((), (), (), 2, 2, 1),
    "1cpaa8gan": TaskProgram((Op(0, 4, 0),), (), (Preemption(1, 1), Preemption(3, 1)), 2, 2, 1),
    "1cqbfp0as": TaskProgram((Op(0, 4, 0), Op(1, 0, 0)), (Fault(0, 0), Fault(0, 2)), (), 2, 2, 1),
    "1pjsept8pgzd": TaskProgram((Op(0, 4, 0), Op(1, 0, 0)), (Fault(0, 1),), (Preemption(10, 1),), 2, 1, 1),
    "1mjj2njdehb5419": TaskProgram(
        (Op(3, 4, 1), Op(0, 3, 0), Op(1, 0, 0), Op(1, 4, 2)), (), (Preemption(1, 1),), 1, 1, 1
    ),
    "1cq8ct3cprw1": TaskProgram((Op(0, 4, 0), Op(1, 11, 0), Op(1, 12, 0)), (), (Preemption(2, 2),), 2, 2, 1),
    "1ph4gcf12xh50x4": TaskProgram((Op(3, 11, 2), Op(0, 16, 2), Op(2, 8, 1)), (), (), 2, 1, 3),
    "1g4253c56856jmk502bb0s4": TaskProgram(
        (Op(0, 19, 0), Op(3, 9, 2)), (Fault(4, 1),), (Preemption(5, 1), Preemption(300, 2)), 64, 9, 5
    ),
}  # fmt: skip


def test_operations_and_faults_keep_their_numbers() -> None:
    assert {each.value: each.name for each in OpKind if each in OPERATIONS} == OPERATIONS
    assert {each.value: each.name for each in FaultKind if each in FAULTS} == FAULTS


def test_no_number_is_left_out() -> None:
    assert sorted(OpKind) == list(range(len(OpKind)))
    assert sorted(FaultKind) == list(range(len(FaultKind)))


def test_sizes_and_lanes_keep_their_meaning() -> None:
    usual = TaskProgram()
    assert (usual.blocks, usual.batch, usual.threads) == (2, 2, 1)
    assert (LANES, BEFORE, PAGES) == (3, 3, 3)


@pytest.mark.parametrize(("token", "what"), PROGRAMS.items(), ids=PROGRAMS)
def test_a_token_is_the_same_program_for_ever(token: str, what: TaskProgram) -> None:
    assert VERSION == "1"
    assert decode(token) == what
    assert encode(what) == token
