"""A bug that only hides something: the specification's shortest way there, as far as the step that the bug forbids."""

from collections import deque

from spec.bugs.batching_v3 import SpecBug
from spec.explore.result import RunStep
from spec.explore.stopped import BY_NAME, history, said
from spec.explore.story import LANES, steps_of
from spec.model.state import State
from spec.outputs.story import RunStory, Stopped, StoryStep
from spec.outputs.why import verdict
from spec.reachable import Sight, sometimes
from spec.scope import Scope, choices


def story_of_never(bug: SpecBug, sentence: str, again: str) -> RunStory:
    """Return the specification's way to what a bug hides, as far as the bug lets it."""
    start = bug.scope.initial()
    way = shortest(bug.scope, sometimes(bug.scope)[sentence])
    mine = {action.name: action for action in bug.actions}
    states = [start, *(each.after for each in way)]
    number = next(n for n, each in enumerate(way) if not mine[each.action].guard(states[n], *each.args))
    each, before = way[number], states[number]
    step, own = said(each.action, each.args), BY_NAME[each.action]
    guard = verdict(step, mine[each.action].guard, before, each.args)
    allowed = verdict(f"{step}, as specified", own.guard, before, each.args)
    refused = StoryStep(own.actor, f"{step} is refused", "call", before, kernel=own.kernel)
    headline = f"The guard of {step} is false with this bug: {guard.false}. The specification allows the step."
    return RunStory(
        title=bug.name,
        mistake=bug.mistake,
        again=again,
        rule="never_seen",
        sentence=f"never seen in any state: {sentence}",
        message=f"The specification sees it after {len(way)} steps; with the bug, step {number + 1} is refused.",
        lanes=LANES,
        start=start,
        steps=(*steps_of(start, way[:number]), refused),
        stopped=Stopped(headline, number + 1, (guard, allowed)),
        history=history("", bug.name),
    )


def shortest(scope: Scope, goal: Sight) -> tuple[RunStep, ...]:
    """Return the shortest run of the specification to a state in which `goal` holds."""
    start = scope.initial()
    came: dict[State, tuple[State, RunStep] | None] = {start: None}
    todo = deque([start])
    moves = [(choice.action, args) for choice in choices(scope) for args in choice.args]
    while todo:
        s = todo.popleft()
        if goal(s):
            return _way(came, s)
        for action, args in moves:
            if action.guard(s, *args):
                after = action.effect(s, *args)
                if after not in came and scope.admits(after.budget):
                    came[after] = s, RunStep(action.name, args, after)
                    todo.append(after)
    raise AssertionError("goal must hold in some state of the scope")


def _way(came: dict[State, tuple[State, RunStep] | None], s: State) -> tuple[RunStep, ...]:
    steps = []
    while (step := came[s]) is not None:
        s = step[0]
        steps.append(step[1])
    return tuple(reversed(steps))
