"""A Hypothesis state machine over the specification's list of actions.

One rule per action of a user or of the backing device, made from the list; the pass takes whatever step it takes next.
After every single step `Lockstep` compares device and specification. Two rules do several steps at a time (`advance`,
`answer`), because a run that needs eleven rules in a row is rarely drawn; the single ones are there as well.
"""

from collections.abc import Callable
from typing import ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from spec.model.actions import ACTIONS, Action
from spec.scope import Scope
from stateful.lockstep.keeping import WhatIsIdle
from stateful.lockstep.lockstep import BY_NAME, Lockstep
from zram_impl import PAGE_SIZE
from zram_impl.passes.base import PassProgress
from zram_impl.policy.coldest import ColdestFirst

_parts: Final = st.integers(0, 4)
MODES: Final = ("huge", "idle", "huge_idle")
PASS_ACTIONS: Final = tuple(action.name for action in ACTIONS if action.actor == "pass")
MANY_AT_ONCE: Final = ("clear_idle", "recompress", "recompress_in_vain")
"""Actions that the device takes on whichever pages are due: rules of their own make it."""


class WritebackMachine(RuleBasedStateMachine):
    """The device and the specification in lockstep; subclasses choose the scope."""

    scope: ClassVar[Scope] = Scope(
        slots=4, blocks=3, requests=2, limit=-1, huge=1, idle=1, recompress=1, stores=1, toggles=1, resets=1
    )

    def __init__(self) -> None:
        super().__init__()
        self.both = Lockstep(self.scope)

    @initialize(
        stored=st.lists(st.booleans(), min_size=1, max_size=4), backed=st.integers(0, 2), ahead=st.integers(0, 16)
    )
    def write_first(self, stored: list[bool], backed: int, ahead: int) -> None:
        """Begin with pages stored, some huge, some written back, and with a pass that has come so far already."""
        for page, huge in enumerate(stored[: self.scope.slots]):
            self.both.do("write", page, int(huge and self.scope.huge))
        if backed:
            self.both.begin(None, range(backed))
            self.both.reach_quiescence()
        if ahead:
            self.both.do("begin_pass")
        while ahead and self.both.running and self.both.advance() is PassProgress.PROGRESS:
            ahead -= 1

    @precondition(lambda self: not self.both.running)
    @rule(mode=st.sampled_from(MODES), pages=st.none() | st.lists(st.integers(0, 3), min_size=1, max_size=5))
    def begin_pass(self, mode: str, pages: list[int] | None) -> None:
        """Begin a pass over named pages (the same twice, perhaps), over all, or over a mode."""
        if pages:
            self.both.begin(None, [page % self.scope.slots for page in pages])
        elif self.scope.idle:
            self.both.begin(mode, None)
        else:
            self.both.do("begin_pass")

    @precondition(lambda self: self.both.running)
    @rule(steps=st.integers(1, 20), failing=st.lists(st.booleans(), max_size=4))
    def advance(self, steps: int, failing: list[bool]) -> None:
        """Let the pass take its next steps; where it waits, the device answers as `failing` says, and then stops."""
        answers = iter(failing)
        while steps and self.both.running:
            steps -= 1
            if self.both.advance() is PassProgress.WAIT:
                fails = next(answers, None)
                if fails is None:
                    return
                self.both.answer(self.both.in_flight()[0], failing=fails)

    @precondition(lambda self: self.both.running)
    @rule(last=st.sampled_from(PASS_ACTIONS))
    def advance_past(self, last: str) -> None:
        """Advance the pass until it has taken a certain step, or must wait: to stop there is where bugs live."""
        while self.both.running and self.both.advance() is PassProgress.PROGRESS:
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
        self.both.do(what, *((page, 0) if what == "write" else (page,)))

    @precondition(lambda self: self.both.reading())
    @rule(which=st.integers(0, 1))
    def read_on(self, which: int) -> None:
        """Let a read under way take its next step, whichever that is."""
        under_way = self.both.reading()
        self.both.do(*under_way[which % len(under_way)])

    @precondition(lambda self: self.scope.idle)
    @rule(passed=st.integers(0, 3), age=st.integers(0, 3))
    def mark_by_age(self, passed: int, age: int) -> None:
        """Let some seconds pass, then mark idle what was not used for so long, and take the mark off all else."""
        self.both.mark_by_age(passed, age)

    @precondition(lambda self: self.scope.recompress and not self.both.running)
    @rule(mode=st.sampled_from((None, "idle", "huge", "huge_idle")), page=st.none() | st.integers(0, 3))
    def recompress(self, mode: str | None, page: int | None) -> None:
        """Recompress what is in memory, perhaps with two new huge pages among it, one of which can be compressed."""
        for new in () if page is None else (page, page + 1):
            self.both.do("write", new % self.scope.slots, self.scope.huge)
        self.both.recompress(mode)

    @rule(pages=st.integers(0, 8), ahead=st.integers(1, 4))
    def keep_what_is_read(self, pages: int, ahead: int) -> None:
        """Keep some written-back pages that are read from here on, or none."""
        self.both.set_read_cache(pages, ahead)

    @precondition(lambda self: self.both.running and not self.both.cancelled and not self.both.keeper_passes)
    @rule()
    def cancel(self) -> None:
        """Cancel the pass."""
        self.both.cancel()

    @precondition(lambda self: self.both.running and self.scope.resets and not self.scope.readers)
    @rule()
    def reset_in_pass(self) -> None:
        """Reset the device while a pass runs, which ends the pass first."""
        self.both.do("reset")

    def teardown(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Let everything go."""
        self.both.close()


def _rule_for(action: Action) -> Callable[[WritebackMachine, int], None]:
    def step(self: WritebackMachine, choice: int) -> None:
        enabled = self.both.enabled(action)
        self.both.do(action.name, *enabled[choice % len(enabled)])

    step.__name__ = action.name
    step.__doc__ = action.effect.__doc__
    made = rule(choice=st.integers(0, 7))(step)
    return precondition(lambda self: bool(self.both.enabled(action)))(made)


for _action in ACTIONS:
    if _action.actor != "pass" and _action.name not in ("begin_pass", *MANY_AT_ONCE) and _action.switch != "keeps":
        setattr(WritebackMachine, _action.name, _rule_for(_action))


class ReadingMachine(WritebackMachine):
    """With two reads of written-back pages under way, which may leave their pages behind."""

    scope = Scope(slots=3, blocks=2, requests=2, limit=-1, readers=2, resets=1, keeps=1)

    @precondition(lambda self: self.both.enabled(BY_NAME["read_begin"]))
    @rule(which=st.integers(0, 7), ahead=st.integers(0, 2), keeps=st.booleans())
    def begin_reading(self, which: int, ahead: int, keeps: bool) -> None:
        """Begin a read and advance it, perhaps to its end."""
        enabled = self.both.enabled(BY_NAME["read_begin"])
        page, k = enabled[which % len(enabled)]
        self.both.do("read_begin", page, k)
        for step in ("read_answer", "read_keep" if keeps else "read_end")[:ahead]:
            self.both.do(step, k)

    @precondition(lambda self: self.both.may_read_whole())
    @rule(which=st.integers(0, 7), anew=st.booleans())
    def read_whole(self, which: int, anew: bool) -> None:
        """Read a written-back page in one call, kept or not; perhaps again when it was replaced and written back."""
        possible = self.both.may_read_whole()
        page, k = possible[which % len(possible)]
        self.both.read_whole(page, k)
        if anew and not self.both.running:
            self.both.do("write", page, 0)
            self.both.begin(None, [page])
            self.both.reach_quiescence()
            for again in [each for each in self.both.may_read_whole() if each[0] == page]:
                self.both.read_whole(*again)


for _action in ACTIONS:
    if _action.switch == "keeps":
        setattr(ReadingMachine, _action.name, _rule_for(_action))


class BudgetMachine(WritebackMachine):
    """With a budget from the start."""

    scope = Scope(slots=4, blocks=3, requests=2, limit=2, stores=1, toggles=1)


class KeepingMachine(WritebackMachine):
    """With a keeper that comes and goes; its task runs when a rule lets it, or when a writer waits for it."""

    scope = Scope(slots=4, blocks=3, requests=2, limit=-1, huge=1, idle=1, recompress=1, stores=1, toggles=1, resets=1)

    @precondition(lambda self: not self.both.kept)
    @rule(memory=st.integers(1, 4), parts=st.tuples(_parts, _parts), idle_seconds=st.integers(0, 2))
    def keep(self, memory: int, parts: tuple[int, int], idle_seconds: int) -> None:
        """Keep the device within some pages, the coldest first, from a part of them down to another, in quarters."""
        low, high = (part / 4 for part in sorted(parts))
        self.both.keep(memory * PAGE_SIZE, ColdestFirst(high=high, low=low, holes=0, idle_seconds=idle_seconds))

    @precondition(lambda self: not self.both.kept)
    @rule(memory=st.integers(1, 4))
    def keep_what_is_not_idle(self, memory: int) -> None:
        """Keep the device within some pages by a policy that writes back nothing but what is idle."""
        self.both.keep(memory * PAGE_SIZE, WhatIsIdle())

    @precondition(lambda self: self.both.kept)
    @rule(turns=st.integers(1, 4))
    def continue_keeping(self, turns: int) -> None:
        """Let the keeper continue, as far as to where it waits, some times."""
        for _ in range(turns):
            self.both.continue_keeping()

    @precondition(lambda self: self.both.kept)
    @rule(pages=st.lists(st.integers(0, 3), min_size=1, max_size=6))
    def write_beyond(self, pages: list[int]) -> None:
        """Write pages that do not compress, more than there is room for, perhaps."""
        for page in pages:
            self.both.do("write", page, 1)

    @precondition(lambda self: self.both.kept)
    @rule()
    def stop_keeping(self) -> None:
        """End the keeper."""
        self.both.stop_keeping()


MACHINES = (WritebackMachine, ReadingMachine, BudgetMachine, KeepingMachine)
