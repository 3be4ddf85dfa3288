"""A run as data, step by step: who did what, the state after it, who preempted whom, and what should have stopped it.

A search makes one of a counterexample, a replay of a schedule; `page` and `itf` draw them.
"""

from typing import Final, Literal, NamedTuple

from spec.bugs.catalogue import DriverBug
from spec.model.state import State
from spec.outputs.why import GuardVerdict

StepKind = Literal["step", "call", "switch"]
"""A step of the specification; a call of a task, which begins or ends; another task runs from here on."""


class Switch(NamedTuple):
    """Another task runs from here on."""

    leaves: str
    enters: str
    preempts: bool
    """The task that ran could have continued."""
    text: str


class StoryStep(NamedTuple):
    """A step, in the lane of the task that takes it."""

    lane: str
    text: str
    kind: StepKind
    state: State
    """After the step."""
    action: str = ""
    """Of the specification, with `args`."""
    args: tuple[int, ...] = ()
    needs: str = ""
    """Its guard in words."""
    does: str = ""
    """Its effect in words."""
    kernel: str = ""
    switch: Switch | None = None
    """The switch to its lane."""


class Stopped(NamedTuple):
    """The guard that should have stopped a run, or what is wrong where every guard holds."""

    headline: str
    at: int
    """Number of the step, from 1; 0 for none."""
    guards: tuple[GuardVerdict, ...] = ()
    differences: tuple[str, ...] = ()
    """The results of the step that are not as specified, a thing each."""


NOTHING: Final = Stopped("No guard had to: nothing is broken.", 0)


class RunStory(NamedTuple):
    """A run and what is to be said of it."""

    title: str
    mistake: str
    """The bug that is seeded; "" for none."""
    again: str
    """The command that shows the run."""
    rule: str
    """The property that is broken; "" if the run passed."""
    sentence: str
    message: str
    """The verdict in full."""
    lanes: tuple[str, ...]
    start: State
    steps: tuple[StoryStep, ...]
    stopped: Stopped = NOTHING
    history: tuple[DriverBug, ...] = ()
    """The bugs of the kernel that it repeats."""
    device: State | None = None
    """The state that the device is in at the end, where it is not that of the specification."""

    @property
    def switches(self) -> list[tuple[int, Switch]]:
        """The switches, each with the number of the first step after it, from 1."""
        return [(number, each.switch) for number, each in enumerate(self.steps, 1) if each.switch is not None]
