"""Sources of findings: each source does a second or two of work that its seed decides.

Whatever else looks for bugs by chance is added to `SOURCES`: a function of a seed and of something to report with,
which says what it did and what it found. It must not keep anything from one call to the next.
"""

import random
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from stateful.api_fuzz.device_fuzz import device_inputs
from stateful.interrupts.storm import storm
from stateful.jobs.runner import Report
from stateful.lockstep.run_machine import AnyMachine, MachineCampaign, Until, run_machine
from stateful.lockstep.run_machine import machines as machines_that_fit
from stateful.metamorphic import independence
from stateful.schedules.policies import exhaust
from stateful.schedules.render import story
from stateful.schedules.run import Execution, execute
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.search import policies
from stateful.schedules.shrink import smallest
from stateful.schedules.strategies import drawn, look
from stateful.schedules.token import encode
from stateful.seam.chosen import chosen, is_ours
from stateful.stress import device_threads
from stateful.stress import free_threads as threads
from stateful.stress.free_threads import ThreadsAccount
from stateful.traces.check import judge
from stateful.traces.schema import read

SEEDS_A_TURN: Final = 4
EXAMPLES: Final = 250
PROGRAMS: Final = 4
SHRINKING: Final = "shrinking"
"""Ends a report from a source that has found something."""
SCHEDULES_A_PROGRAM: Final = 250
THREAD_SECONDS: Final = 1.0
TRACE_SECONDS: Final = 0.3
STORM_SECONDS: Final = 1.0
METAMORPHIC: Final = 60
INPUTS: Final = 2000


class FuzzFinding(NamedTuple):
    """Something that is wrong."""

    name: str
    """The property that is broken, or the kind of error."""
    text: str
    """Everything there is to say about it."""
    token: str = ""


class Harvest(NamedTuple):
    """The result of one turn of a source."""

    schedules: int = 0
    steps: int = 0
    """Steps of machines, and events of threads."""
    found: tuple[FuzzFinding, ...] = ()
    cut: int = 0
    """Programs of which not every schedule was run, because there were too many."""


def of_played(played: Execution) -> FuzzFinding:
    """Shrink a program that broke something, and say what it is."""
    small = smallest(played)
    return FuzzFinding(small.found, story(small.what), encode(small.what))


def scenarios(seed: int, report: Report) -> Harvest:
    """Run the standard scenarios under random schedules."""
    schedules, found = 0, list[FuzzFinding]()
    for number in range(seed * SEEDS_A_TURN, (seed + 1) * SEEDS_A_TURN):
        for name, what in SCENARIOS.items():
            for policy in policies(number, what):
                played = execute(what, policy)
                schedules += 1
                if played.error is not None:
                    report(f"{name}: {SHRINKING}")
                    found.append(of_played(played))
    return Harvest(schedules, 0, tuple(found))


def joint(seed: int, report: Report) -> Harvest:
    """Draw operations, faults and preemptions together."""
    del report
    search = look(seed, EXAMPLES)
    found = search.finding
    return Harvest(search.examples, 0, () if found is None else (of_played(found),))


def exhausted(seed: int, report: Report) -> Harvest:
    """Draw a few programs and run each under every schedule of one preemption, as far as there is time."""
    schedules, cut, chance = 0, 0, random.Random(seed)
    for _ in range(PROGRAMS):
        what = drawn(chance)
        for number, attempt in enumerate(exhaust(1)):
            if number == SCHEDULES_A_PROGRAM:
                cut += 1
                break
            played = execute(what, attempt.policy)
            attempt.schedule, schedules = played.schedule, schedules + 1
            if played.error is not None:
                report(SHRINKING)
                return Harvest(schedules, 0, (of_played(played),), cut)
    return Harvest(schedules, cut=cut)


def machines(seed: int, report: Report) -> Harvest:
    """Let one of the machines look for a difference between device and specification."""
    fitting = list(machines_that_fit().values())
    machine = fitting[seed % len(fitting)]
    campaign = run_machine(machine, Until(examples=1), number=seed, report=lambda runs, _steps: report(f"run {runs}"))
    found = () if campaign.finding is None else (of_machine(machine, campaign),)
    return Harvest(0, campaign.steps, found)


def of_machine(machine: AnyMachine, campaign: MachineCampaign) -> FuzzFinding:
    """Say what a machine has found."""
    found = campaign.finding
    text = "\n".join([machine.__name__, str(found), *getattr(found, "__notes__", [])])
    return FuzzFinding(campaign.found.partition(":")[0], text)


class RunThreads(Protocol):
    """Lets threads run for a while."""

    def __call__(self, seconds: float, report: Report, trace: Path | None = None, *, seed: int) -> ThreadsAccount:
        """Run them."""
        ...


def _threads() -> RunThreads:
    return threads.run if is_ours() else device_threads.run


def free_threads(seed: int, report: Report) -> Harvest:
    """Let users and passes run freely on a real file."""
    account = _threads()(THREAD_SECONDS, report, seed=seed)
    found = (FuzzFinding("real_threads", "\n".join(account.problems)),) if account.problems else ()
    return Harvest(0, account.writes + account.reads + (0 if is_ours() else account.shared), found)


def traces(seed: int, report: Report) -> Harvest:
    """Record free-running threads, and judge them by the specification."""
    with tempfile.TemporaryDirectory(prefix="trace-") as directory:
        path = Path(directory) / "trace.jsonl"
        account = _threads()(TRACE_SECONDS, report, trace=path, seed=seed)
        with path.open(encoding="utf-8") as file:
            judgement = judge(read(file), report=report)
    texts = [*account.problems, *filter(None, [judgement.problem])]
    return Harvest(0, account.events, (FuzzFinding("trace", "\n".join(texts)),) if texts else ())


def metamorphic(seed: int, report: Report) -> Harvest:
    """Run programs in several ways whose results must be the same."""
    campaign = independence.run(METAMORPHIC, seed, lambda done: report(f"metamorphic: {done}"))
    found = campaign.finding
    if found is None:
        return Harvest(0, campaign.passes)
    text = "\n".join([str(found), *getattr(found, "__notes__", [])])
    return Harvest(0, campaign.passes, (FuzzFinding("metamorphic", text),))


def interrupts(seed: int, report: Report) -> Harvest:
    """Send real signals into calls of the device."""
    report("a storm of signals")
    came = storm(seed, STORM_SECONDS)
    found = (FuzzFinding("interrupts", "\n".join(came.found)),) if came.found else ()
    return Harvest(0, came.landed, found)


def inputs(seed: int, report: Report) -> Harvest:
    """Call every method of another device than ours with arguments of any kind."""
    report("inputs")
    found = device_inputs(seed, INPUTS)
    listed = [
        FuzzFinding("inputs", f"input {each.number} of seed {seed}: {each.call}\n    {each.what}") for each in found
    ]
    return Harvest(0, INPUTS, tuple(listed[:1]))


class Source(NamedTuple):
    """Something that looks for bugs."""

    run: Callable[[int, Report], Harvest]
    share: int = 1
    """Of the time, compared with the others."""
    needs: str = ""
    """The capability without which it says nothing."""
    ours: bool | None = None
    """True: for our device alone; False: for any other."""

    @property
    def fits(self) -> bool:
        """Return whether it can test the device that is tested."""
        has = not self.needs or is_ours() or self.needs in chosen().capabilities
        return has and self.ours in (None, is_ours())


class _Unheard(BaseException):
    """A report was not taken. No Exception: it is no fault of the source or of the device."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error: Final = error


def turn(source: Source, seed: int, report: Report) -> Harvest:
    """Give a source one turn. An exception that it does not expect is a finding, too: the device may raise anything.

    Raises:
        OSError: Nobody takes the reports any more: the command has ended.
    """

    def heard(text: str) -> None:
        try:
            report(text)
        except OSError as error:
            raise _Unheard(error) from error

    try:
        return source.run(seed, heard)
    except _Unheard as unheard:
        raise unheard.error from None
    except Exception as error:
        text = "".join(traceback.format_exception(error)).rstrip()
        return Harvest(found=(FuzzFinding(type(error).__name__, text),))


SOURCES: Final[dict[str, Source]] = {
    "scenarios": Source(scenarios, 2, "runtime"),
    "joint": Source(joint, 3, "runtime"),
    "exhausted": Source(exhausted, 3, "runtime"),
    "machines": Source(machines, 3, "events"),
    "threads": Source(free_threads),
    "traces": Source(traces, needs="events"),
    "metamorphic": Source(metamorphic, needs="batch"),
    "inputs": Source(inputs, ours=False),
    "interrupts": Source(interrupts, ours=True),
}


def fitting() -> dict[str, Source]:
    """Return the sources that can test the device that is tested."""
    return {name: source for name, source in SOURCES.items() if source.fits}


def left_out() -> list[str]:
    """Say which sources cannot test it, and which capability they need."""
    return [f"{name} needs {each.needs}" for name, each in SOURCES.items() if each.needs and not each.fits]
