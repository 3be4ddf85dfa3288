"""A counterexample of a search as a story: lanes for user, pass and device, a switch wherever the lane changes."""

from collections.abc import Iterator, Sequence

from spec.bugs.batching_v3 import SpecBug
from spec.explore.result import Counterexample, RunStep
from spec.explore.stopped import BY_NAME, enabled, history, said, stopped
from spec.model.state import State
from spec.outputs.story import RunStory, StoryStep, Switch

LANES = ("user", "pass", "device")


def story(found: Counterexample, again: str, bug: SpecBug | None = None) -> RunStory:
    """Return a counterexample as a story; `again` is the command that finds it."""
    assert found.start is not None, "the search keeps its way"
    return RunStory(
        title=bug.name if bug else found.name,
        mistake=bug.mistake if bug else "",
        again=again,
        rule=found.name,
        sentence=found.sentence,
        message=f"{found.name} is broken after {len(found.steps)} steps: {found.sentence}",
        lanes=LANES,
        start=found.start,
        steps=tuple(steps_of(found.start, found.taken)),
        stopped=stopped(found.start, found.taken),
        history=history(found.name, bug.name if bug else ""),
    )


def steps_of(start: State, taken: Sequence[RunStep]) -> Iterator[StoryStep]:
    """Yield the steps of a run, each in the lane of its actor, with the switches between them."""
    before, lane = start, ""
    for each in taken:
        made = step_of(each.action, each.args, each.after)
        yield made._replace(switch=_switch(lane, made.lane, before, made.text) if lane not in ("", made.lane) else None)
        before, lane = each.after, made.lane


def step_of(action: str, args: tuple[int, ...], after: State, lane: str = "") -> StoryStep:
    """Return a step of the specification; without a lane, in that of its actor."""
    known = BY_NAME[action]
    needs, does = ((function.__doc__ or "").strip().partition("\n")[0] for function in (known.guard, known.effect))
    return StoryStep(
        lane or known.actor, said(action, args), "step", after, action, args, needs, does, known.kernel
    )  # fmt: skip


def _switch(leaves: str, enters: str, before: State, text: str) -> Switch:
    """Return a switch; a user may always do something else, so it is never said to be preempted."""
    left = enabled(leaves, before) if leaves != "user" else []
    if left:
        return Switch(leaves, enters, preempts=True, text=f"{enters} preempts {leaves} before {left[0]}")
    why = "has nothing to do until then" if leaves != "user" else "is done for now"
    return Switch(leaves, enters, preempts=False, text=f"{enters} takes over with {text}: {leaves} {why}")
