"""How many points a second: of the runtime alone, and of the scenarios with the device and everything that looks at it.

In processor time, which depends little on what else the machine does (but threads that follow each other cost more on
busy processors).
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from stateful.schedules import policies
from stateful.schedules.program import TaskProgram
from stateful.schedules.run import execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.scheduler import Policy, ScheduledRuntime
from zram_impl.runtime import Rank

RUNS: Final = 400
TASKS: Final = 3
LOCKS: Final = 3
STEPS: Final = 10


class Speed(NamedTuple):
    """Points of some runs."""

    what: str
    points: int
    seconds: float

    @property
    def line(self) -> str:
        """Say it."""
        return f"{self.points / self.seconds:>9,.0f} points a second: {self.what}"


def speeds() -> Iterator[Speed]:
    """Measure one after the other."""
    kinds: dict[str, Callable[[int], Policy]] = {
        "steady": lambda _seed: policies.steady,
        "PCT": lambda seed: policies.pct(seed, depth=3, points=TASKS * STEPS),
        "random": policies.random_walk,
    }
    for name, make in kinds.items():
        yield _timed(f"the runtime alone, {name}", [partial(_alone, make(seed)) for seed in range(RUNS)])
    seeds = range(RUNS // len(SCENARIOS) + 1)
    yield _timed("the scenarios, random", [partial(_of, what, seed) for what in SCENARIOS.values() for seed in seeds])


def _of(what: TaskProgram, seed: int) -> int:
    return execute(what, policies.random_walk(seed)).points


def _timed(what: str, runs: list[Callable[[], int]]) -> Speed:
    runs[0]()
    began = time.process_time()
    points = sum(run() for run in runs)
    return Speed(what, points, time.process_time() - began)


def _alone(policy: Policy) -> int:
    """Let a few tasks take a few locks in turns; return the number of points."""
    runtime = ScheduledRuntime(policy)
    locks = [runtime.lock(str(number), Rank.TABLE) for number in range(LOCKS)]

    def work() -> None:
        for step in range(STEPS):
            with locks[step % LOCKS]:
                pass

    def main() -> None:
        runtime.steady = True
        tasks = [runtime.spawn(work, "task") for _ in range(TASKS)]
        runtime.steady = False
        runtime.join_all(tasks)

    runtime.run(main)
    return len(runtime.trace)
