"""The standard scenarios of `stateful.schedules`, judged: the same programs under the same policies."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from stateful.common.replaced import Replaced
from stateful.guards.hooks import calls_judged, installed
from stateful.guards.judge import Judge
from stateful.guards.runtime import GuardedRuntime
from stateful.schedules import harness
from stateful.schedules.memory_device import BlocksInMemory
from stateful.schedules.monitors import Monitors
from stateful.schedules.primitives import ScheduledTask
from stateful.schedules.program import TaskProgram
from stateful.schedules.scheduler import Policy
from zram_impl.bdev.device import BackingDevice


@contextmanager
def judged_stages(judge: Judge) -> Iterator[None]:
    """Let a judge look at every program that is played, for a while."""

    class JudgedRuntime(GuardedRuntime, harness._Runtime):
        """The runtime of a stage, with a judge."""

        def __init__(self, policy: Policy, what: TaskProgram, releasing: Mapping[str, Callable[[], None]]) -> None:
            super().__init__(policy, what, releasing)
            self.begin(judge)

        def look(self, where: str) -> None:  # type: ignore[explicit-override]  # typing: 3.12
            """Be at a point where the scenario has one for looks."""
            if self.shared is not None and "look" in self.shared:
                super().look("look")

        def lane(self, run: Callable[[], None], name: str) -> ScheduledTask:  # type: ignore[explicit-override]  # typing: 3.12
            """Start a task of the program."""
            task = super().lane(run, name)
            judge.started(task)
            return task

    with ExitStack() as stack:
        stack.enter_context(installed(judge))
        stack.enter_context(Replaced(harness, "_Runtime", JudgedRuntime))
        # The hooks have points at the looks that it would watch.
        stack.enter_context(Replaced(harness, "watch", lambda *_watched: None))
        stack.enter_context(calls_judged(judge, BackingDevice, BlocksInMemory))
        _pause(stack, judge)
        yield


def _pause(stack: ExitStack, judge: Judge) -> None:
    """Let those who watch the device, and are no part of it, look at it without locks."""
    compare, known = Monitors.compare, Monitors.answers_are_known
    begin, end = BlocksInMemory._begin, BlocksInMemory._end

    def comparing(self: Monitors) -> None:
        with judge.paused():
            compare(self)

    def knowing(self: Monitors) -> None:
        with judge.paused():
            known(self)

    def beginning(self: BlocksInMemory, block: int) -> None:
        with judge.paused():
            begin(self, block)

    def ending(self: BlocksInMemory, block: int) -> None:
        with judge.paused():
            end(self, block)

    patches: Sequence[tuple[type, str, object]] = (
        (Monitors, "compare", comparing), (Monitors, "answers_are_known", knowing),
        (BlocksInMemory, "_begin", beginning), (BlocksInMemory, "_end", ending),
    )  # fmt: skip
    for owner, name, unseen in patches:
        stack.enter_context(Replaced(owner, name, unseen))
