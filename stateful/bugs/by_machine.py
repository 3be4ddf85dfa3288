"""A bug seeded on both sides: found by the search, retraced on the device, found by the machine.

The search finds the shortest run of the specification with the bug. Retraced on the device with the same bug, it must
part from the specification at its last step, by the same property. And the machine must find the bug by itself.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from spec.bugs.history import SEEDED_BUGS
from spec.explore.bfs import search
from stateful.bugs.seeded import SeededBug, by_name
from stateful.lockstep.divergence import Divergence
from stateful.lockstep.machine import BudgetMachine, ReadingMachine
from stateful.lockstep.retrace import retrace
from stateful.lockstep.run_machine import Until, run_machine

SECONDS_TO_FIND: Final = 30.0
"""Seconds in which the machine may search for a bug before it counts as missed."""


class MachineDetection(NamedTuple):
    """Account of how a bug was caught."""

    bug: SeededBug
    steps: tuple[str, ...]
    """The shortest run."""
    walked: str
    """The property that the search found broken."""
    retraced: str
    """The property that the device broke along that run."""
    found: str
    """The property that the machine found broken by itself."""
    runs: int
    """Of the machine, until it found it."""
    seconds: float
    wrong: str
    """Difference from what is expected; "" without one."""


def judge(name: str, number: int = 0, report: Callable[[str], None] | None = None) -> MachineDetection:
    """Catch one bug in all three ways."""
    theirs = next(bug for bug in SEEDED_BUGS if bug.name == name)
    mine = by_name(name)
    say = report or (lambda _text: None)
    say("searching the specification")
    broken = search(theirs.scope, theirs.actions).broken
    if broken is None:
        return MachineDetection(mine, (), "", "", "", 0, 0.0, "the search does not find it")
    say(f"retracing {len(broken.steps)} steps")
    retraced, at = "", len(broken.steps)
    with mine.applied():
        try:
            retrace(broken.steps, theirs.scope)
        except Divergence as error:
            retraced, at = error.name, len(error.steps)
    say("running the machine")
    machine = ReadingMachine if theirs.scope.readers else BudgetMachine
    campaign = run_machine(machine, Until(seconds=SECONDS_TO_FIND), number=number, shrink=False, bug=mine.applied)
    wrong = [
        complaint
        for holds, complaint in (
            (broken.name == theirs.breaks, f"the search finds {broken.name}, not {theirs.breaks}"),
            (len(broken.steps) == theirs.steps, f"{len(broken.steps)} steps, not {theirs.steps}"),
            (retraced in mine.breaks, f"retraced it breaks {retraced or 'nothing'}, not {mine.breaks[0]}"),
            (at == len(broken.steps), f"retraced it shows at step {at} of {len(broken.steps)}"),
            (bool(campaign.found), f"the machine did not find it in {SECONDS_TO_FIND:.0f} s"),
        )
        if not holds
    ]
    return MachineDetection(
        mine, broken.steps, broken.name, retraced, campaign.found, campaign.runs, campaign.seconds, "; ".join(wrong)
    )
