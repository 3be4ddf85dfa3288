"""A step that a condition does not hold of, for people to read."""

import re
from typing import Final

from spec.explore.trace import state as drawn
from spec.explore.trace import step
from spec.model import state
from spec.model.state import State

AS_A_STEP: Final = "_as_a_step"
"""Ends the name of a contract on a step; the others are called as their action."""

_SAID: Final = re.compile(r"false when calling (?P<call>(?P<name>\w+)\(.*\)) \(which returns (?P<after>State\(.*\))\)")
_ROWS: Final = {name: getattr(state, name) for name in ("State", "Slot", "Block", "Req", "Reader", "Budget", "Counts")}


def witness(action: str, args: tuple[int, ...], before: State, after: State) -> str:
    """Return a step, the state before and the state after."""
    taken = step(f"{action}({', '.join(map(str, args))})")
    try:
        states = (drawn(before, after), drawn(after, before))
    except IndexError:  # there is no word for a number out of range
        states = (str(before), str(after))
    return "\n".join((f"{taken}, from a state that need not be reachable", "before", states[0], "after", states[1]))


def readable(said: str) -> str:
    """Return what CrossHair said, readable where it is about a step of the specification."""
    match = _SAID.fullmatch(said)
    if match is None:
        return said
    try:
        return _step(match["name"], match["call"], match["after"])
    except (IndexError, NameError, SyntaxError, TypeError):  # said in other words than expected: a witness all the same
        return said


def _step(name: str, call: str, result: str) -> str:
    # CrossHair says what to call to see for oneself, so this does.
    after: State = eval(result, dict(_ROWS))
    cells: tuple[object, ...] = eval(call, {**_ROWS, name: lambda *given: given})
    width = len(State._fields)
    if not after.readers:
        cells = (*cells[:4], (), *cells[4:])
    before = State(*cells[:width])  # type: ignore[arg-type]  # in the order of the contract's parameters
    return witness(name.removesuffix(AS_A_STEP), cells[width:], before, after)  # type: ignore[arg-type]  # ints
