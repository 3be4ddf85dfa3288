"""A real device and the specification, side by side, one step at a time.

Whatever the device reports as done is taken as a step of the specification, and must be one that it allows; after it
the device, read off through `refinement_map`, must be in the very state the specification is in, every property must
hold of it, its reports must agree with the steps so far, and every page must read back what was last written to it. A
difference is a `Divergence`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NoReturn

from spec.model.actions import ACTIONS, Action
from spec.model.properties import QUIESCENT
from spec.model.state import IDLE, KEPT, State
from spec.model.tables import PP_SLOT, STORED, WB
from spec.model.transitions import may_charge
from spec.scope import Scope, domain
from stateful.lockstep.compare import TakenStep, differences
from stateful.lockstep.divergence import Divergence
from stateful.lockstep.keeping import ENGINE
from stateful.lockstep.pass_oracle import Account
from stateful.lockstep.stepped_engine import Io
from stateful.lockstep.system_under_test import Event, Subject, Wrong
from zram_impl import PAGE_SIZE
from zram_impl.engine.request import WbReq
from zram_impl.passes.base import PassProgress
from zram_impl.policy.protocol import MemoryPolicy

BY_NAME: Final[Mapping[str, Action]] = {action.name: action for action in ACTIONS}

WRITES: Final = ("write", "write_same")
"""Steps of users for which a keeper may have to make room first."""
SEVERAL: Final = ("mark_idle", "read_retry", "reset", "drop_kept")
"""Steps of users that may be several to the specification."""
LONGEST_REST: Final = 1000
"""Steps within which a pass of a few pages is at rest."""

# What a user makes the device do: a method of Subject, with parameters of its own.
_Perform = Callable[..., None]  # type: ignore[explicit-any]  # each has parameters of its own


class Lockstep:
    """Both sides, and the calls that move them."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.subject = Subject(scope)
        self.account = Account()
        self.steps: list[str] = []
        self._differed = False
        # storing the limit has opened a grant, which a fresh specification does not know
        fresh = scope.initial()
        grant = self.subject.device.snapshot().grant
        self.state: State = fresh._replace(budget=fresh.budget._replace(grant=grant))

    def close(self) -> None:
        """Lead a running pass to its end, if nothing differed so far; then release everything."""
        try:
            if not self._differed:
                self.reach_quiescence()
        finally:
            self.subject.close()

    # --- what may happen -------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Return whether a pass runs."""
        return self.subject.running is not None

    @property
    def cancelled(self) -> bool:
        """Return whether the running pass has been cancelled."""
        return self.subject.running is not None and self.subject.running.cancelled

    @property
    def kept(self) -> bool:
        """Return whether a keeper keeps the device."""
        return self.subject.keeping is not None

    @property
    def keeper_passes(self) -> bool:
        """Return whether the running pass is a keeper's."""
        keeping = self.subject.keeping
        return self.running and keeping is not None and keeping.at == ENGINE

    def claimed(self) -> list[int]:
        """Return the pages that the running pass has claimed."""
        return [page for page, slot in enumerate(self.state.slots) if slot.kind == PP_SLOT]

    def reading(self) -> list[tuple[str, int]]:
        """Return the next step of each read under way."""
        names = ("read_answer", "read_end", "read_retry")
        return [(name, args[0]) for name in names for args in self.enabled(BY_NAME[name])]

    def may_read_whole(self) -> list[tuple[int, int]]:
        """Return the written-back pages that can be read in one call, each with a reader for one that is not kept."""
        idle = next((k for k, reader in enumerate(self.state.readers) if reader.phase == IDLE), None)
        written = [page for page, slot in enumerate(self.state.slots) if slot.kind == WB]
        kept = {reader.slot: k for k, reader in enumerate(self.state.readers) if reader.phase == KEPT and reader.valid}
        return [(page, kept[page] if idle is None else idle) for page in written if idle is not None or page in kept]

    def in_flight(self) -> list[WbReq]:
        """Return the requests that the device or their callbacks still have."""
        return self.subject.in_flight()

    def enabled(self, action: Action) -> list[tuple[int, ...]]:
        """Return the parameters with which scope and specification allow `action` now."""
        if action.switch and not getattr(self.scope, action.switch):
            return []
        found: list[tuple[int, ...]] = [()]
        for over in action.over:
            found = [(*args, value) for args in found for value in domain(self.scope, over)]
        return [args for args in found if action.guard(self.state, *args)]

    # --- moving ----------------------------------------------------------------------------------------------------

    def do(self, name: str, *args: int) -> None:
        """Make the device take a step of a user or of the backing device, and follow it."""
        if name == "begin_pass":
            self.begin(None, range(self.scope.slots))
            return
        perform: _Perform = getattr(self.subject, name)
        with self._failures_are_differences():
            try:
                perform(*args)
            except Wrong:
                self.steps.append(_said(name, args))
                raise
        if name in WRITES and self.subject.refused:
            self._follow(None)
            self._check_refusal(args[0])
        else:
            self._follow((name, args))

    def begin(self, mode: str | None, pages: Iterable[int] | None) -> None:
        """Begin a pass over a mode or over named pages, and follow it."""
        named = None if pages is None else list(pages)
        with self._failures_are_differences():
            self.subject.begin_pass(mode, named)
        self.account.open(mode, range(self.scope.slots) if named is None else named)
        self._follow(("begin_pass", ()))

    def mark_by_age(self, passed: int, age: int) -> None:
        """Let time pass and mark idle by age, and follow it."""
        with self._failures_are_differences():
            self.subject.mark_by_age(passed, age)
        self._follow(None)

    def recompress(self, mode: str | None) -> None:
        """Recompress all pages of a mode, and follow it."""
        with self._failures_are_differences():
            self.subject.recompress(mode)
        self._follow(None)

    def set_read_cache(self, pages: int, ahead: int) -> None:
        """Have the device keep so many written-back pages that are read, and follow it.

        Where the scope has it, what is kept is part of the state (see `kept_pages`), and the device keeps one page at
        least. Elsewhere it is no step of the specification, to which every read asks the device: all pages are looked
        at after each step, so from here on through the cache, neighbours together.
        """
        with self._failures_are_differences():
            if self.scope.keeps:
                self.subject.kept.begin(self.subject.device, max(pages, 1))
            else:
                self.subject.device.set_read_cache(pages * PAGE_SIZE, ahead=ahead)
        self._follow(None)

    def read_whole(self, page: int, k: int) -> None:
        """Read a written-back page in one call, by reader `k` where it is not kept, and follow it."""
        with self._failures_are_differences():
            self.subject.read_whole(page, k)
        self._follow(None)

    def keep(self, memory: int, policy: MemoryPolicy) -> None:
        """Have the device kept within so many bytes, and follow it."""
        with self._failures_are_differences():
            self.subject.keep(memory, policy)
        self._follow(None)

    def continue_keeping(self) -> None:
        """Let the keeper continue to where it waits next, and follow it."""
        assert self.subject.keeping is not None, "there is a keeper"
        with self._failures_are_differences():
            self.subject.keeping.step()
        self._follow(None)

    def stop_keeping(self) -> None:
        """End the keeper, which cancels its pass, and follow it."""
        with self._failures_are_differences():
            self.subject.stop_keeping()
        self._follow(None, cancelled=True)
        self.subject.keeping = None

    def advance(self) -> PassProgress:
        """Let the pass take one step, follow it, and return what the pass said; a keeper's goes as far as it can."""
        if self.keeper_passes:
            self.continue_keeping()
            return PassProgress.WAIT if self.running else PassProgress.DONE
        running = self.subject.running
        assert running is not None, "there is a pass to advance"
        with self._failures_are_differences():
            step = running.advance(1)
        taken = [kind for kind, _args in self.subject.events if BY_NAME[kind].actor == "pass"]
        if step is PassProgress.DONE:
            self.subject.running = None
        self._follow(None)
        if len(taken) != (step is not PassProgress.WAIT) or (step is PassProgress.DONE) != (taken == ["end_pass"]):
            self._differ("one_step_at_a_time", f"the pass says {step.name} and has taken {taken}")
        if step is PassProgress.WAIT and not self.in_flight():
            self._differ(QUIESCENT[0], f"{QUIESCENT[1]}; the pass waits and nothing is in flight")
        return step

    def answer(self, req: WbReq, *, failing: bool) -> None:
        """Take a request in flight all the way through the device and its callback."""
        assert self.subject.engine is not None, "something is in flight"
        io = self.subject.engine.io
        if io[req] is Io.PENDING:
            self.do("device_error" if failing else "device_ok", req.blk_idx)
        if io[req] in (Io.OK, Io.ERROR):
            self.do("endio_queue", req.number)
        if io[req] is Io.INSIDE:
            self.do("endio_leave", req.number)

    def cancel(self) -> None:
        """Cancel the pass; it notices as it is advanced."""
        assert self.subject.running is not None, "there is a pass to cancel"
        self.subject.running.cancel()

    def reach_quiescence(self) -> None:
        """Lead a running pass to its end; whatever is in flight is written well."""
        for _ in range(LONGEST_REST):
            if not self.running:
                return
            if self.advance() is PassProgress.WAIT:
                self.answer(self.in_flight()[0], failing=False)
        self._differ(QUIESCENT[0], f"{QUIESCENT[1]}; this pass does not in {LONGEST_REST} steps")

    # --- following -------------------------------------------------------------------------------------------------

    def _follow(self, asked: Event | None, *, cancelled: bool = False) -> None:
        """Take what was reported as steps of the specification and compare; `asked` must be among it."""
        self.subject.note_dropped()
        taken, self.subject.events = self.subject.events, []
        last = None
        for kind, args in taken:
            if kind == "begin_pass" and asked != ("begin_pass", ()):
                self.account.open(None, None)  # a keeper has begun it
            last = self._step(kind, args, cancelled=cancelled or self.cancelled or asked == ("reset", ()))
        several = asked is not None and (asked[0] in SEVERAL or (self.kept and asked[0] in WRITES))
        others = [event for event in taken if event[0] != "drop_kept"]
        if asked is not None and (asked not in taken or (len(others) > 1 and not several)):
            self._differ("reported_step", f"asked for {_said(*asked)}, the device reports {taken}")
        with self._failures_are_differences():
            found = next(differences(self.subject, self.state, self.account, last), None)
        if found is not None:
            self._differ(*found)

    def _step(self, kind: str, args: tuple[int, ...], *, cancelled: bool) -> TakenStep:
        """Let the specification take a step that the device says it has taken."""
        action, before = BY_NAME[kind], self.state
        args, more = args[: len(action.over)], args[len(action.over) :]
        self.steps.append(_said(kind, args))
        with self._failures_are_differences():
            if not action.guard(before, *args):
                self._differ("allowed_step", f"the specification does not allow {self.steps[-1]} in\n{before}")
            expected = _also_reported(before, kind, args)
            if more != expected:
                self._differ("reported_step", f"with {self.steps[-1]} goes {expected}, not {more}")
            self.state = action.effect(before, *args)
        wrong = self.account.enter(before, kind, args, cancelled=cancelled)
        if wrong is not None:
            self._differ(*wrong)
        return TakenStep(before, action.name, args)

    def _check_refusal(self, page: int) -> None:
        """Check that a write was refused because a keeper could make no room: if it could, it had time to."""
        keeping = self.subject.keeping
        if (
            keeping is None
            or not keeping.coldest_first
            or self.running
            or (keeping.results and keeping.results[-1].failed)
        ):
            return
        stored = any(slot.kind == STORED for slot in self.state.slots)
        free = any(not block.used for block in self.state.blocks) and may_charge(self.state.budget)
        if stored and free:
            self._differ("a_write_is_refused_for_a_reason", f"page {page} is refused, and pages could be written back")

    @contextmanager
    def _failures_are_differences(self) -> Iterator[None]:
        try:
            yield
        except Divergence:
            raise
        except Wrong as wrong:
            self._differ(wrong.name, wrong.sentence)
        except Exception as error:
            self._differ("nothing_is_raised", f"{type(error).__name__}: {error}", error)

    def _differ(self, name: str, sentence: str, cause: Exception | None = None) -> NoReturn:
        self._differed = True
        raise Divergence(name, sentence, self.steps) from cause


def _said(kind: str, args: tuple[int, ...]) -> str:
    return f"{kind}({', '.join(str(int(value)) for value in args)})"


def _also_reported(s: State, kind: str, args: tuple[int, ...]) -> tuple[int, ...]:
    """Return what the device reports of a step besides its parameters."""
    if kind == "submit":
        return (s.held,)
    return (s.reqs[args[0]].slot, s.reqs[args[0]].blk) if kind == "reap" else ()
