"""Playing a program: once under a policy, or again as it is written down, and looking whether that is the same."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from spec.model.state import State
from stateful.schedules.device_harness import DeviceHarness, playable
from stateful.schedules.harness import Harness
from stateful.schedules.policies import NondeterminismError, parting, pct, round_robin, sparse, steady
from stateful.schedules.program import Preemption, TaskProgram
from stateful.schedules.scheduler import Policy, ScheduledRuntime, SchedulingChoice
from stateful.seam.chosen import chosen, is_ours

ORDERS: Final = 8
"""Orders of the tasks that are tried to see how long a program is: more than there are of three."""


_preemption: Final = lru_cache(maxsize=4096)(Preemption)
_WATCHERS: Final = list["Callable[[Execution], None]"]()


class Stage(Protocol):
    """A program on a device, ready to be run once."""

    @property
    def runtime(self) -> ScheduledRuntime:
        """The runtime of the run."""
        ...

    @property
    def steps(self) -> Sequence[object]:
        """The steps that the device took."""
        ...

    @property
    def start(self) -> State:
        """The state of the specification that the device begins in."""
        ...

    @property
    def taken(self) -> Sequence[tuple[str, tuple[int, ...]]]:
        """The steps that the device took, as actions of traces and their parameters."""
        ...

    def watch(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called with every operation and every step."""
        ...

    def run(self) -> None:
        """Run the program; raise what was found."""
        ...

    def dismantle(self) -> None:
        """Forget the parts, which refer to each other, once nothing was found and the device is closed."""
        ...


class Execution(NamedTuple):
    """One run of a program."""

    what: TaskProgram
    """With the preemptions there were."""
    schedule: Sequence[SchedulingChoice]
    points: int
    trace: Sequence[object]
    """Every point, every choice and every step."""
    error: Exception | None
    """The failure, None when the run passed."""

    @property
    def found(self) -> str:
        """Name of what was found: the property that is broken, or the kind of error; "" for nothing."""
        return name_of(self.error) if self.error is not None else ""


def name_of(error: Exception) -> str:
    """Return the property that an error names, or its kind."""
    name, colon, _rest = str(error).partition(":")
    return name if colon and name.isidentifier() else type(error).__name__


def policy_of(what: TaskProgram) -> Policy:
    """Return the policy that preempts as a program says."""
    return sparse({each.step: each.alternative for each in what.preemptions})


def execute(what: TaskProgram, policy: Policy | None = None) -> Execution:
    """Play a program, under its own preemptions unless there is a policy."""
    what = playable(what)
    stage = stage_of(what, policy or policy_of(what))
    played = run_harness(stage, what)
    if played.error is None:
        # Else the collector of cycles takes a tenth of the time, and each run memory that is in no cache.
        stage.dismantle()
    if policy is not None:
        taken = tuple([_preemption(n, choice.taken) for n, choice in enumerate(played.schedule) if choice.taken])
        played = played._replace(what=what._replace(preemptions=taken))
    for each in _WATCHERS:
        each(played)
    return played


@contextmanager
def watching(each: Callable[[Execution], None]) -> Iterator[None]:
    """Have `each` called with every run of a program in this process, while the context lasts."""
    _WATCHERS.append(each)
    try:
        yield
    finally:
        _WATCHERS.remove(each)


def stage_of(what: TaskProgram, policy: Policy) -> Stage:
    """Return a program on the device that is tested: ours, looked into, or another one."""
    return Harness(what, policy) if is_ours() else DeviceHarness(what, policy)


def run_harness(stage: Stage, what: TaskProgram) -> Execution:
    """Play what is on the stage."""
    error: Exception | None = None
    try:
        stage.run()
    except Exception as raised:  # what was found is a result
        error = raised
    runtime = stage.runtime
    trace = [*runtime.trace, *runtime.schedule, *stage.steps]
    return Execution(what, runtime.schedule, len(runtime.trace), trace, error)


def choices(what: TaskProgram) -> int:
    """Return how many choices there are in a run of a program: the most of several fixed orders of its tasks."""
    return _choices(what, chosen().name)


@lru_cache(maxsize=1024)
def _choices(what: TaskProgram, _device: str) -> int:
    orders = [steady, round_robin, *(pct(seed, depth=1, points=1) for seed in range(ORDERS))]
    return max(len(execute(what, policy).schedule) for policy in orders)


def execute_twice(what: TaskProgram, once: Callable[[TaskProgram], Execution] = execute) -> Execution:
    """Play a program twice.

    Raises:
        NondeterminismError: The two runs part.
    """
    first, second = once(what), once(what)
    apart = parting(first.trace, second.trace)
    if apart:
        raise NondeterminismError(f"two runs of the same program part: point {apart}")
    return first
