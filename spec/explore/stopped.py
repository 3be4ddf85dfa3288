"""The guard that should have stopped a run: the run is compared with what the specification allows, step by step."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final

from spec.bugs.catalogue import CATALOGUE, DriverBug
from spec.bugs.history import SEEDED_BUGS
from spec.explore.result import RunStep
from spec.explore.trace import difference, step
from spec.model.actions import ACTIONS, Action
from spec.model.properties import at_rest
from spec.model.state import State
from spec.outputs.story import Stopped
from spec.outputs.why import GuardVerdict, verdict

BY_NAME: Final[Mapping[str, Action]] = {action.name: action for action in ACTIONS}


def said(action: str, args: Iterable[int]) -> str:
    """Return a step with the names of its parameters."""
    return step(f"{action}({', '.join(map(str, args))})")


def judged(action: str, s: State, args: tuple[int, ...]) -> GuardVerdict:
    """Return what the specification's guard says of a step."""
    return verdict(said(action, args), BY_NAME[action].guard, s, args)


def stopped(start: State, taken: Sequence[RunStep]) -> Stopped:
    """Return the first step that the specification does not take like this, and why."""
    before = start
    for number, each in enumerate(taken, 1):
        action, guard = BY_NAME[each.action], judged(each.action, before, each.args)
        if not guard.holds:
            return Stopped(f"The guard of {guard.action} is false: {guard.false}.", number, (guard,))
        due = action.effect(before, *each.args)
        if due != each.after:
            differences = tuple(apart(due, each.after))
            headline = f"No guard: {guard.action} is allowed here, but does something else: {'; '.join(differences)}."
            later = _twin(due, taken[number:], number)
            return Stopped(headline, number, (guard, *later), differences)
        before = each.after
    if not at_rest(before):
        closed = tuple(_closed(before))
        if closed:
            return Stopped(
                "Every guard of the pass and of the device is false: nothing can happen.", len(taken), closed
            )
    return Stopped("No guard: the specification takes each of these steps.", 0)


def apart(due: State, found: State) -> Iterator[str]:
    """Yield what is different, a thing each."""
    for line in difference(due, found).splitlines():
        name, _, texts = line.partition(": ")
        expected, _, other = texts.partition(" -> ")
        yield f"{name} is {other}, and has to be {expected}"


def _twin(s: State, rest: Sequence[RunStep], number: int) -> tuple[GuardVerdict, ...]:
    """Return the first guard that is false when the specification follows, having done the step its own way."""
    for each in rest:
        guard = judged(each.action, s, each.args)
        if not guard.holds:
            return (guard._replace(action=f"{guard.action}, step {number + 1}, after the step as specified"),)
        s, number = BY_NAME[each.action].effect(s, *each.args), number + 1
    return ()


def _closed(s: State) -> Iterator[GuardVerdict]:
    """Yield the guards of the pass and the device; nothing when one of them holds."""
    found = []
    for action in ACTIONS:
        if action.actor != "user":
            for args in arguments_of(action, s):
                guard = judged(action.name, s, args)
                if guard.holds:
                    return
                found.append(guard)
    yield from found


def arguments_of(action: Action, s: State) -> Iterator[tuple[int, ...]]:
    """Yield what the parameters of an action can be in a state of this size."""
    sizes = {"slot": len(s.slots), "block": len(s.blocks), "request": len(s.reqs), "reader": len(s.readers), "huge": 2}
    domains = [range(sizes.get(over.removeprefix("free_").removeprefix("idle_"), 1)) for over in action.over]
    return product(*domains)


def enabled(actor: str, s: State) -> list[str]:
    """Return the steps that an actor may take in a state."""
    return [
        said(action.name, args)
        for action in ACTIONS
        if action.actor == actor
        for args in arguments_of(action, s)
        if action.guard(s, *args)
    ]


def history(rule: str, seed: str = "") -> tuple[DriverBug, ...]:
    """Return the kernel's bugs that a seeded bug repeats, or else all that break a property."""
    seeds = {seed} if seed else {bug.name for bug in SEEDED_BUGS if bug.breaks == rule}
    return tuple(bug for bug in CATALOGUE if seeds & set(bug.seeds))
