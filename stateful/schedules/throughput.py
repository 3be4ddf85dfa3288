"""Speed of verification: points of schedules, states of the search, steps of machines, events of a trace a second.

Points of the runtime alone, and of the scenarios with the device and everything that looks at it. In processor time,
which depends little on what else the machine does (but threads that follow each other cost more on busy processors).
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from spec.explore.bfs import search
from spec.scope import EVERY_RUN
from stateful.common.seldom import seldom_collecting
from stateful.lockstep.machine import MACHINES
from stateful.lockstep.run_machine import Until, run_machine
from stateful.schedules import policies
from stateful.schedules.program import TaskProgram
from stateful.schedules.run import execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.scheduler import Policy, ScheduledRuntime
from stateful.stress import free_threads
from stateful.traces.check import judge
from stateful.traces.schema import read
from zram_impl.runtime import Rank

RUNS: Final = 400
MACHINE_SECONDS: Final = 1.0
TRACE_SECONDS: Final = 1.0
SCOPE: Final = "flags"
TASKS: Final = 3
LOCKS: Final = 3
STEPS: Final = 10


class Speed(NamedTuple):
    """Points, or other units, of some runs."""

    what: str
    points: int
    seconds: float
    unit: str = "points"

    @property
    def line(self) -> str:
        """Say it."""
        return f"{self.points / self.seconds:>9,.0f} {self.unit} a second: {self.what}"


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
    with seldom_collecting():  # as a search does
        runs: list[Callable[[], int]] = [partial(_of, what, seed) for what in SCENARIOS.values() for seed in seeds]
        yield _timed("the scenarios, random", runs)
    yield _states()
    yield _steps()
    yield _events()


def _states() -> Speed:
    """Search a scope of the specification."""
    began = time.process_time()
    states = search(EVERY_RUN[SCOPE]).states
    return Speed(f"the search of scope {SCOPE}", states, time.process_time() - began, "states")


def _steps() -> Speed:
    """Hold device and specification together, each machine for a moment."""
    began, steps = time.process_time(), 0
    for number, machine in enumerate(MACHINES):
        steps += run_machine(machine, Until(seconds=MACHINE_SECONDS), number=number).steps
    return Speed("the machines, device and specification in lockstep", steps, time.process_time() - began, "steps")


def _events() -> Speed:
    """Record what threads do, and judge it."""
    with tempfile.TemporaryDirectory(prefix="trace-") as directory:
        path = Path(directory) / "trace.jsonl"
        events = free_threads.run(TRACE_SECONDS, lambda _text: None, trace=path).events
        began = time.process_time()
        with path.open(encoding="utf-8") as file:
            judgement = judge(read(file))
        spent = time.process_time() - began
    assert not judgement.problem, f"a trace of the device is a behaviour of the specification: {judgement.problem}"
    return Speed("a trace of free threads, judged by refinement", events, spent, "events")


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
