"""Leading a device along a run of the specification, step by step.

The walk's shortest counterexamples are the shortest programs that show a bug; retraced on the implementation with the
same bug they must break the same property at the same step.
"""

import re
from collections.abc import Sequence
from typing import Final

from spec.scope import Scope
from stateful.lockstep import BY_NAME, Lockstep

_STEP: Final = re.compile(r"(\w+)\(([\d, ]*)\)")


def parse(step: str) -> tuple[str, tuple[int, ...]]:
    """Return name and parameters of a step as a walk prints it."""
    match = _STEP.fullmatch(step)
    assert match is not None, f"{step!r} is not a step"
    return match[1], tuple(int(word) for word in match[2].split(",") if word.strip())


def retrace(steps: Sequence[str], scope: Scope) -> None:
    """Lead a new device along `steps`; raises Difference where device and specification part.

    The pass itself decides what to do next; it is only told which pages to look at, and cancelled where the run has it
    give up. That it takes the very step the run has next is checked.
    """
    both = Lockstep(scope)
    try:
        for position, step in enumerate(steps):
            name, args = parse(step)
            if name == "begin_pass":
                scanned = [parse(later)[1][0] for later in steps[position:] if later.startswith("scan(")]
                both.begin(None, scanned)
            elif BY_NAME[name].actor == "pass":
                if name == "give_up":
                    both.cancel()
                both.advance()
            else:
                both.do(BY_NAME[name], args)
            assert both.steps[-1] == step, f"the device took {both.steps[-1]} where the run has {step}"
    finally:
        both.close()
