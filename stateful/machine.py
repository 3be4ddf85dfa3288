"""A Hypothesis state machine over the specification's list of actions.

One rule per action of a user or of the backing device, made from the list; the pass takes whatever step it takes next.
After every single step `Lockstep` compares device and specification. Two rules do several steps at a time (`advance`,
`answer`), because a run that needs eleven rules in a row is rarely drawn; the single ones are there as well.
"""

from collections.abc import Callable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from spec.actions import ACTIONS, Action
from spec.scope import Scope
from stateful.lockstep import BY_NAME, Lockstep
from zram_impl.wbpass import Progress

MODES = ("huge", "idle", "huge_idle")
PASS_ACTIONS = tuple(action.name for action in ACTIONS if action.actor == "pass")
NOT_YET = ("recompress",)
"""Actions that the device cannot take yet."""


class WritebackMachine(RuleBasedStateMachine):
    """The device and the specification in lockstep; subclasses choose the scope."""

    scope: ClassVar[Scope] = Scope(slots=4, blocks=3, requests=2, limit=-1, huge=1, idle=1, stores=1, toggles=1, resets=1)

    def __init__(self) -> None:
        super().__init__()
        self.both = Lockstep(self.scope)

    @initialize(stored=st.lists(st.booleans(), max_size=3))
    def write_first(self, stored: list[bool]) -> None:
        """Begin with some pages stored, huge ones among them."""
        for page, huge in enumerate(stored[: self.scope.slots]):
            self.both.do(BY_NAME["write"], (page, int(huge and self.scope.huge)))

    @precondition(lambda self: self.both.running is None)
    @rule(mode=st.sampled_from(MODES), pages=st.none() | st.lists(st.integers(0, 3), min_size=1, max_size=5))
    def begin_pass(self, mode: str, pages: list[int] | None) -> None:
        """Begin a pass over named pages (the same twice, perhaps), over all, or over a mode."""
        if pages:
            self.both.begin(None, [page % self.scope.slots for page in pages])
        elif self.scope.idle:
            self.both.begin(mode, None)
        else:
            self.both.do(BY_NAME["begin_pass"], ())

    @precondition(lambda self: self.both.running is not None)
    @rule(steps=st.integers(1, 20), failing=st.lists(st.booleans(), max_size=4))
    def advance(self, steps: int, failing: list[bool]) -> None:
        """Let the pass take its next steps; where it has to wait, the device answers as `failing` says, then no more."""
        answers = iter(failing)
        while steps and self.both.running is not None:
            steps -= 1
            if self.both.advance() is Progress.WAIT:
                fails = next(answers, None)
                if fails is None:
                    return
                self.both.answer(self.both.in_flight()[0], failing=fails)

    @precondition(lambda self: self.both.running is not None)
    @rule(last=st.sampled_from(PASS_ACTIONS))
    def advance_past(self, last: str) -> None:
        """Let the pass go on until it has taken a certain step, or must wait: to stop there is where bugs live."""
        while self.both.running is not None and self.both.advance() is Progress.PROGRESS:
            if self.both.steps[-1].startswith(last):
                return

    @precondition(lambda self: self.both.in_flight())
    @rule(which=st.integers(0, 3), failing=st.booleans())
    def answer(self, which: int, failing: bool) -> None:
        """Let the device answer one request, and its callback do all it has to."""
        waiting = self.both.in_flight()
        self.both.answer(waiting[which % len(waiting)], failing=failing)

    @precondition(lambda self: self.both.claimed())
    @rule(what=st.sampled_from(("write", "write_same", "discard", "read")), which=st.integers(0, 3))
    def interfere(self, what: str, which: int) -> None:
        """Let a user touch a page that the pass has claimed."""
        claimed = self.both.claimed()
        page = claimed[which % len(claimed)]
        self.both.do(BY_NAME[what], (page, 0) if what == "write" else (page,))

    @precondition(lambda self: self.both.running is not None and not self.both.running.cancelled)
    @rule()
    def cancel(self) -> None:
        """Cancel the pass."""
        self.both.cancel()

    def teardown(self) -> None:
        """Let everything go."""
        self.both.close()


def _rule_for(action: Action) -> Callable[[WritebackMachine, int], None]:
    def step(self: WritebackMachine, choice: int) -> None:
        enabled = self.both.enabled(action)
        self.both.do(action, enabled[choice % len(enabled)])

    step.__name__ = action.name
    step.__doc__ = action.effect.__doc__
    made = rule(choice=st.integers(0, 7))(step)
    return precondition(lambda self: self.both.admits(action) and bool(self.both.enabled(action)))(made)


for _action in ACTIONS:
    if _action.actor != "pass" and _action.name not in ("begin_pass", *NOT_YET):
        setattr(WritebackMachine, _action.name, _rule_for(_action))


class ReadingMachine(WritebackMachine):
    """With two reads of written-back pages under way."""

    scope = Scope(slots=3, blocks=2, requests=2, limit=-1, readers=2)


class BudgetMachine(WritebackMachine):
    """With a budget from the start."""

    scope = Scope(slots=4, blocks=3, requests=2, limit=2, stores=1, toggles=1)


MACHINES = (WritebackMachine, ReadingMachine, BudgetMachine)
