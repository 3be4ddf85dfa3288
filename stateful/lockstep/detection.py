"""Every bug, put back on both sides: found by the walk, retraced on the implementation, found by the machine.

The walk finds the shortest run of the specification with the bug. Retraced on the implementation with the same bug, it
must part from the specification at its last step, by the same property. And the machine must find the bug by itself.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from spec.bugs.batching_v3 import VARIANTS as SPEC_VARIANTS
from spec.bugs.batching_v3 import Variant as SpecVariant
from spec.explore.bfs import walk
from stateful.lockstep.bugs import VARIANTS, Variant
from stateful.lockstep.divergence import Difference
from stateful.lockstep.machine import BudgetMachine
from stateful.lockstep.retrace import retrace
from stateful.lockstep.run_machine import Until, run_machine

SECONDS_TO_FIND: Final = 30.0
"""How long the machine may look for a bug before it counts as missed."""


class Verdict(NamedTuple):
    """How a bug was caught."""

    variant: str
    mistake: str
    steps: tuple[str, ...]
    """The shortest run."""
    walked: str
    """The property the walk found broken."""
    retraced: str
    """The property the implementation broke along that run, and at which step."""
    found: str
    """The property the machine found broken by itself."""
    seconds: float
    """Until the machine found it."""
    wrong: str
    """What is not as it should be; "" when all is well."""


def names() -> list[str]:
    """Return the names of all variants."""
    return [variant.name for variant in SPEC_VARIANTS]


def judge(name: str, number: int = 0, report: Callable[[str], None] | None = None) -> Verdict:
    """Catch one bug in all three ways."""
    theirs: SpecVariant = next(variant for variant in SPEC_VARIANTS if variant.name == name)
    mine: Variant = next(variant for variant in VARIANTS if variant.name == name)
    say = report or (lambda _text: None)
    say("walking")
    broken = walk(theirs.scope, theirs.actions).broken
    if broken is None:
        return Verdict(name, theirs.mistake, (), "", "", "", 0.0, "the walk does not find it")
    say(f"retracing {len(broken.steps)} steps")
    retraced, at = _retrace(broken.steps, theirs, mine)
    say("letting the machine look for it")
    campaign = run_machine(BudgetMachine, Until(seconds=SECONDS_TO_FIND), number=number, shrink=False, bug=mine.applied)
    wrong = [
        complaint
        for holds, complaint in (
            (broken.name == theirs.breaks, f"the walk says {broken.name}, not {theirs.breaks}"),
            (len(broken.steps) == theirs.steps, f"{len(broken.steps)} steps, not {theirs.steps}"),
            (retraced == mine.breaks, f"retraced it breaks {retraced or 'nothing'}, not {mine.breaks}"),
            (at == len(broken.steps), f"retraced it shows at step {at} of {len(broken.steps)}"),
            (bool(campaign.found), f"the machine did not find it in {SECONDS_TO_FIND:.0f} s"),
        )
        if not holds
    ]
    return Verdict(
        name, theirs.mistake, broken.steps, broken.name, retraced, campaign.found, campaign.seconds, "; ".join(wrong)
    )


def _retrace(steps: tuple[str, ...], theirs: SpecVariant, mine: Variant) -> tuple[str, int]:
    with mine.applied():
        try:
            retrace(steps, theirs.scope)
        except Difference as error:
            return error.name, len(error.steps)
    return "", len(steps)
