"""Programs of any kind that a token can stand for, not only those that the drawn ones and the scenarios are."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stateful.schedules.program import BEFORE, LANES, Fault, FaultKind, Op, OpKind, TaskProgram
from stateful.schedules.run import execute_twice
from stateful.schedules.token import decode, encode

OPS = st.builds(Op, st.sampled_from([*range(LANES), BEFORE]), st.sampled_from(OpKind), st.integers(0, 2))
LEFT_BEHIND = [(), (Op(BEFORE, OpKind.WRITEBACK, 0),), (Op(BEFORE, OpKind.INTERRUPT, 0),)]
FAULTS = st.builds(Fault, st.sampled_from(FaultKind), st.integers(0, 2))
PROGRAMS = st.builds(
    TaskProgram,
    st.builds(lambda before, ops: (*before, *ops), st.sampled_from(LEFT_BEHIND), st.lists(OPS, max_size=6)),
    st.lists(FAULTS, max_size=2).map(tuple),
    st.just(()),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 4),
)


@settings(max_examples=300)
@given(PROGRAMS)
def test_any_operation_may_come_before(what: TaskProgram) -> None:
    """Operations before the lanes may leave threads and interrupts behind: footprints have to say so."""
    assert execute_twice(decode(encode(what))).error is None


def test_a_write_after_a_pass_is_done_by_its_own_task() -> None:
    """A write after a pass that might be interrupted ended in KeyError: another task than the one that meant it did it.

    The lane stayed interruptible when its pass was over, so that the write ran in a task of its own.
    """
    ops = (Op(BEFORE, OpKind.INTERRUPT), Op(0, OpKind.WRITEBACK), Op(0, OpKind.WRITE))
    assert execute_twice(TaskProgram(ops, blocks=1, batch=1)).error is None
