"""Leading a device along a run of the specification, step by step.

The walk's shortest counterexamples are the shortest programs that show a bug; retraced on the implementation with the
same bug they must break the same property at the same step.
"""

import re
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from spec.scope import Scope
from stateful.lockstep.lockstep import BY_NAME, Lockstep
from stateful.lockstep.pass_oracle import reason_to_give_up

_STEP: Final = re.compile(r"(\w+)\(([\d, ]*)\)")


def parse(step: str) -> tuple[str, tuple[int, ...]]:
    """Return name and parameters of a step as a walk prints it."""
    match = _STEP.fullmatch(step)
    assert match is not None, f"{step!r} is not a step"
    return match[1], tuple(int(word) for word in match[2].split(",") if word.strip())


def retrace(steps: Sequence[str], scope: Scope) -> None:
    """Lead a new device along `steps`; raises Divergence where device and specification part."""
    with closing(Lockstep(scope)) as both:
        lead(both, steps)


def lead(both: Lockstep, steps: Sequence[str]) -> None:
    """Lead a device along `steps`.

    The pass itself decides what to do next; it is only given the pages to look at, and cancelled where the run has it
    give up and it had no other reason. That it takes the very step the run has next is checked.
    """
    for position, step in enumerate(steps):
        name, args = parse(step)
        if name == "begin_pass":
            following = [parse(later) for later in steps[position:]]
            end = next((n for n, later in enumerate(following) if later[0] == "end_pass"), None)
            both.begin(None, [later[1][0] for later in following[:end] if later[0] == "scan"])
        elif BY_NAME[name].actor == "pass":
            if name == "give_up" and both.account.result.stopped_by is None:
                _give_a_reason(both)
            both.advance()
        else:
            both.do(name, *args)
        assert both.steps[-1] == step, f"the device took {both.steps[-1]} where the run has {step}"


def _give_a_reason(both: Lockstep) -> None:
    if reason_to_give_up(both.state, cancelled=both.cancelled) is None:
        both.cancel()
