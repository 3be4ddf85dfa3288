"""Signals while greenlets carry the tasks of a run: whatever they are doing, the run ends, and says why."""

import gc
import itertools
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from spec.processes.interrupts import land
from stateful.interrupts.points import interrupted
from stateful.schedules import policies
from stateful.schedules.harness import Harness
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.scheduler import ScheduledRuntime
from zram_impl.runtime import Rank

if TYPE_CHECKING:
    from _typeshed import TraceFunction

# A tracer of its own; at a collection Hypothesis looks at the time.
pytestmark = pytest.mark.usefixtures("unmeasured", "uncollected")


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def two_tasks() -> None:
    runtime = ScheduledRuntime(policies.round_robin)
    lock = runtime.lock("it", Rank.TABLE)

    def work() -> None:
        for _ in range(2):
            with lock:
                pass

    runtime.run(lambda: runtime.join_all([runtime.spawn(work, "a"), runtime.spawn(work, "b")]))


def test_an_exception_ends_a_run_wherever_it_lands() -> None:
    """A greenlet that had ended before its task was done was waited for without an end."""
    for point in itertools.count():
        outcome = interrupted(two_tasks, [point], KeyboardInterrupt)
        if not outcome.reached:
            assert point > 100
            break
        assert isinstance(outcome.raised, KeyboardInterrupt), outcome


class Landing:
    """Has a handler's exception land at the n-th line of the device."""

    def __init__(self, line: int) -> None:
        self.left = line

    def trace(self, frame: FrameType, event: str, _arg: object) -> "TraceFunction | None":
        if "zram_impl" not in frame.f_code.co_filename:
            return None
        self.left -= event == "line"
        if not self.left:
            self.left = -1
            land(KeyboardInterrupt())
        return self.trace


def test_a_signal_to_a_command_is_no_finding() -> None:
    """It landed in a keeper's task, a thread in truth, which then took a lock out of order."""
    for line in itertools.count(1, 15):
        landing = Landing(line)
        stage = Harness(SCENARIOS["keeper and write"], policies.random_walk(7))
        sys.settrace(landing.trace)
        try:
            stage.run()
        except KeyboardInterrupt:
            continue
        finally:
            sys.settrace(None)
        assert landing.left > 0, "it has not landed"
        assert line > 1000
        break
    with pytest.raises(KeyboardInterrupt):  # outside of a run nobody else raises it
        land(KeyboardInterrupt())
