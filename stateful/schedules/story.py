"""A replayed schedule as a story: a lane per task, the state of the specification, what should have stopped it."""

from collections.abc import Iterator, Sequence
from typing import Final

from spec.bugs.catalogue import CATALOGUE, DriverBug
from spec.bugs.history import SEEDED_BUGS
from spec.explore.stopped import BY_NAME as ACTION
from spec.explore.stopped import apart, enabled, history, judged
from spec.explore.story import step_of
from spec.model.state import State
from spec.outputs.places import SENTENCES, flow_step, place
from spec.outputs.story import NOTHING, RunStory, Stopped, StoryStep, Switch
from spec.outputs.verdicts import FAILED, PASSED, Check, Finding
from stateful.schedules.render import LaneRow, Watched, verdict
from stateful.schedules.run import name_of
from stateful.schedules.scheduler import StuckError
from stateful.traces.schema import BY_NAME
from stateful.traces.total import resolve
from stateful.traces.world import World

OF_THE_DEVICE: Final = {
    "allowed_step": "every step of the device is one that the specification allows",
    "same_state": "the device is in the state of the specification",
    "nobody_waits_without_a_waker": "a task that waits has another that will wake it",
    "a_run_ends": "a run has an end",
    "pages_read_back": "every page reads back as it was last written",
    "linearizable": "some order of the operations on a page explains all that was read from it",
    "declared_errors": "an operation is refused only with an error that it may end in",
    "the_result_adds_up": "a pass accounts for each page that it selected",
    "every_request_is_reaped_once": "each request that was submitted is completed once",
    "statistics_equal_a_recount": "the statistics are what a recount gives",
    "declared_footprints": "an operation touches only what it declares",
}
"""Properties that only a device can break, with their sentences."""


def story(seen: Watched, again: str, title: str, mistake: str = "", numbers: Sequence[int] = ()) -> RunStory:
    """Return a run as a story.

    Args:
        seen: The run.
        again: The command that shows it.
        title: What the page is called.
        mistake: The bug that is seeded, "" for none.
        numbers: Of the kernel's bugs that it repeats.
    """
    error = seen.played.error
    rule = seen.played.found
    message = verdict(seen.played).removeprefix("verdict  ").removeprefix("FAILED ")
    walked = list(walk(seen))
    return RunStory(
        title=title,
        mistake=mistake,
        again=again,
        rule=rule,
        sentence=sentence_of(rule, message),
        message=message if error is not None else "",
        lanes=tuple(dict.fromkeys(row.task for row in seen.rows)) or ("main",),
        start=seen.start,
        steps=tuple(walked),
        stopped=_stopped(seen.start, walked, error, numbers) if error is not None else NOTHING,
        history=_of_kernel(rule, numbers) if error is not None else (),
        device=getattr(error, "device", None),
    )


def sentence_of(rule: str, otherwise: str = "") -> str:
    """Return what a property says; for a kind of error, `otherwise` or its name."""
    return SENTENCES.get(rule) or OF_THE_DEVICE.get(rule) or otherwise or rule


def check_of_story(name: str, made: RunStory) -> Check:
    """Return a run as a check of a command."""
    if not made.rule:
        return Check(name, PASSED, f"{len(made.steps)} steps", 0.0)
    steps = tuple(flow_step(each.action, each.text, each.lane) for each in made.steps if each.action)
    found = Finding(made.rule, made.sentence, made.message, made.again, place(made.rule), steps)
    return Check(name, FAILED, f"{made.rule}: {made.sentence}", 0.0, made.message, (found,))


def _of_kernel(rule: str, numbers: Sequence[int]) -> tuple[DriverBug, ...]:
    return tuple(bug for bug in CATALOGUE if bug.number in numbers) if numbers else history(rule)


def walk(seen: Watched) -> Iterator[StoryStep]:
    """Yield the rows with the state after each; steps are rows as well, in their order."""
    world, state, left = World(seen.start), seen.start, list(seen.taken)
    for number, row in enumerate(seen.rows):
        switch = _switch(seen.rows, number)
        if left and row.text.partition("(")[0] == left[0][0] and not row.preempted:
            name, reported = left.pop(0)
            args = tuple(map(int, reported))  # False is a 0
            action = resolve(world, BY_NAME[name], args)  # some events stand for whichever step they are
            if action is not None:
                world.take(action, args)
                state = world.state()
                yield step_of(action.name, args, state, row.task)._replace(switch=switch)
                continue
        yield StoryStep(row.task, row.text, "switch" if row.enters else "call", state, switch=switch)


def _switch(rows: Sequence[LaneRow], place: int) -> Switch | None:
    """Return the switch that a row is, or that it follows without a row that says so."""
    row = rows[place]
    if row.preempted:
        text = f"{row.enters} preempts {row.task} {row.text.removeprefix('preempted ')}"
        return Switch(row.task, row.enters, preempts=True, text=text)
    if row.enters:
        return Switch(row.task, row.enters, preempts=False, text=f"{row.enters} runs: {row.task} waits")
    before = rows[place - 1] if place else row
    if row.task not in (before.task, before.enters):
        return Switch(before.task, row.task, preempts=False, text=f"{row.task} runs: {before.task} waits or has ended")
    return None


def _stopped(start: State, steps: Sequence[StoryStep], error: Exception, numbers: Sequence[int]) -> Stopped:
    before, last, specified = start, 0, "".join(_specified(numbers))
    for number, each in enumerate(steps, 1):
        if each.action:
            last = number
            guard = judged(each.action, before, each.args)
            if not guard.holds:
                return Stopped(f"The guard of {guard.action} is false: {guard.false}.", number, (guard,))
            before = each.state
    device: State | None = getattr(error, "device", None)
    if device is not None:
        differences = tuple(apart(before, device))
        headline = f"No guard: each step is allowed, but the device did something else: {'; '.join(differences)}."
        return Stopped(headline + specified, last, differences=differences)
    if isinstance(error, StuckError):
        due = [text for actor in ("pass", "device") for text in enabled(actor, before)]
        could = f"The specification has a step here that nobody takes: {', '.join(due)}." if due else "Nor is any due."
        return Stopped(f"No guard: no task can run any more. {could}{specified}", len(steps))
    headline = f"No guard is false: each step that was reported is as specified. What fails is {name_of(error)}."
    return Stopped(headline + specified, len(steps))


def _specified(numbers: Sequence[int]) -> Iterator[str]:
    """Yield what the specification says in the place of a bug of the kernel."""
    seeds = {seed for bug in CATALOGUE if bug.number in numbers for seed in bug.seeds}
    for seed in (each for each in SEEDED_BUGS if each.name in seeds):
        for replaced in seed.replaced:
            own = ACTION[replaced.name]
            piece, what = (own.effect, "effect") if replaced.guard is own.guard else (own.guard, "guard")
            sentence = (piece.__doc__ or "").strip().partition("\n")[0]
            yield f" In the specification, the {what} of {own.name} is in its place: {sentence}"
