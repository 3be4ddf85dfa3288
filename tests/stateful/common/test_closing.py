"""A device is closed at the end of its run, but for one that a signal interrupted."""

import pytest

from spec.processes.interrupts import SIGNALS, Interrupted
from stateful.common.closing import closed_unless_interrupted


class StoppedError(BaseException):
    """End of a run, as Hypothesis has it."""


def test_a_device_is_closed_once() -> None:
    closed = list[str]()
    with closed_unless_interrupted(lambda: closed.append("closed")):
        assert closed == []
    assert closed == ["closed"]


@pytest.mark.parametrize("raised", [AssertionError("found"), StoppedError()], ids=repr)
def test_a_device_that_fails_is_closed_once(raised: BaseException) -> None:
    closed = list[str]()
    with pytest.raises(type(raised)), closed_unless_interrupted(lambda: closed.append("closed")):
        raise raised
    assert closed == ["closed"]


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), *map(Interrupted, SIGNALS)], ids=repr)
def test_an_interrupted_device_is_not_closed(raised: BaseException) -> None:
    """Closing it waited for ever: the exception had landed in its engine, and a write was never answered."""
    closed = list[str]()
    with pytest.raises(KeyboardInterrupt) as caught, closed_unless_interrupted(lambda: closed.append("closed")):
        raise raised
    assert (caught.value, closed) == (raised, [])
