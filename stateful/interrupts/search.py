"""Every call interrupted at every point; and at every point of the handling of that."""

import gc
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Final, NamedTuple

from stateful.interrupts.calls import CALLS, Call
from stateful.interrupts.points import CallOutcome, HungError, interrupted
from stateful.interrupts.soundness import Before, problems
from stateful.interrupts.worlds import PAGES, Maker
from zram_impl import PAGE_SIZE, Zram, ZramError

CREATE: Final = "create"
NAMES: Final = (*CALLS, CREATE)


class PlainError(Exception):
    """A class of its own that a handler may raise."""


class AlarmError(TimeoutError):
    """An OSError without an errno, as the handler of an alarm may raise."""


EXCEPTIONS: Final[dict[str, type[BaseException]]] = {
    "KeyboardInterrupt": KeyboardInterrupt,
    "TimeoutError": AlarmError,
    "Exception": PlainError,
}


class Where(NamedTuple):
    """At which points a call is interrupted: every `step`-th from `first` on, and at `second` counted from there."""

    first: int = 0
    step: int = 1
    second: int | None = None


class UnsoundPoint(NamedTuple):
    """Something that is wrong."""

    call: str
    at: tuple[int, ...]
    landed: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def text(self) -> str:
        """Say where it was interrupted, and what is wrong."""
        where = ", then in ".join(self.landed) or "nowhere"
        return "\n    ".join([f"{self.call} at point {' and '.join(map(str, self.at))}, in {where}:", *self.problems])


EVERYWHERE: Final = Where()


class InterruptSearch(NamedTuple):
    """The result of a search of one call."""

    call: str
    points: int
    found: tuple[UnsoundPoint, ...]
    seconds: float


def points_of(name: str, make: Maker, kind: type[BaseException], at: Sequence[int]) -> tuple[CallOutcome, list[str]]:
    """Interrupt a call once and say what is wrong afterwards."""
    if name == CREATE:
        return _create(make, kind, at)
    before = Before()
    outcome, wrong = _on_a_device(CALLS[name], make, kind, at)
    return outcome, [*wrong, *before.left()]


def _on_a_device(
    call: Call, make: Maker, kind: type[BaseException], at: Sequence[int]
) -> tuple[CallOutcome, list[str]]:
    it = make.make(call.kind)
    outcome = interrupted(partial(call.run, it), at, kind)
    wrong = _unlike(outcome, kind, at)
    outcome = outcome._replace(raised=None)  # its frames hold what the call has made
    return outcome, [*wrong, *problems(it, call)]


def _unlike(outcome: CallOutcome, kind: type[BaseException], at: Sequence[int]) -> list[str]:
    """Say what is wrong with what the call raised."""
    raised = outcome.raised
    if raised is not None:
        raised.__traceback__ = None
    if isinstance(raised, HungError):
        return ["the call hangs"]
    if outcome.reached < len(at):
        # A second point that there was not: the first is a case of its own.
        return [] if raised is None or isinstance(raised, kind) else [f"it raises {type(raised).__name__}: {raised}"]
    if not outcome.landed:
        return ["nothing was delivered"]
    return [] if isinstance(raised, kind) else [f"the exception is swallowed: {type(raised).__name__}: {raised}"]


def _create(make: Maker, kind: type[BaseException], at: Sequence[int]) -> tuple[CallOutcome, list[str]]:
    before, path = Before(), make.fresh()

    made: list[Zram] = []

    def call() -> None:
        made.append(Zram.create(PAGES * PAGE_SIZE, backing=path, backing_size=PAGES * PAGE_SIZE))
        made[0].close()

    with warnings.catch_warnings():
        # Who is interrupted before the call of `close` has dropped the device.
        warnings.simplefilter("ignore", ResourceWarning)
        outcome = interrupted(call, at, kind)
        wrong = _unlike(outcome, kind, at)
        outcome = outcome._replace(raised=None)
        made.clear()
        gc.collect()  # of two exceptions, one in the handling of the other, the frames may be a cycle
        wrong += before.left()  # waits for the shield's thread, which may be the last to hold the device
        gc.collect()  # and then what that held
    try:
        Zram.create(PAGES * PAGE_SIZE, backing=path, backing_size=PAGES * PAGE_SIZE).close()
    except ZramError as error:
        wrong.append(f"the file cannot be used: {error}")
    return outcome, wrong


def search(
    name: str,
    make: Maker,
    kind: type[BaseException] = KeyboardInterrupt,
    where: Where = EVERYWHERE,
    report: Callable[[str], None] = lambda _text: None,
) -> InterruptSearch:
    """Interrupt a call at one point after the other, until a run has no further point."""
    began, found, points = time.perf_counter(), list[UnsoundPoint](), 0
    collecting = gc.isenabled()
    gc.disable()  # a collection has points of its own, at other places each time
    try:
        most = CALLS[name].most if name in CALLS else None
        for number in count(where.first, where.step) if most is None else range(where.first, most, where.step):
            at = (number,) if where.second is None else (number, where.second)
            outcome, wrong = points_of(name, make, kind, at)
            if not outcome.reached:
                break
            points += outcome.reached == len(at)
            if wrong:
                found.append(UnsoundPoint(name, at, outcome.landed, tuple(wrong)))
            report(f"{name}: {points} points, {len(found)} wrong")
    finally:
        if collecting:
            gc.enable()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # devices that are past closing
            gc.collect()
    return InterruptSearch(name, points, tuple(found), time.perf_counter() - began)


def summed(found: Sequence[UnsoundPoint]) -> Iterator[str]:
    """Yield what is wrong, each kind once, with the place where it happened first."""
    kinds = Counter((each.call, problem.partition(":")[0]) for each in found for problem in each.problems)
    for (call, problem), number in kinds.most_common():
        first = next(each for each in found if each.call == call and any(p.startswith(problem) for p in each.problems))
        yield f"{number} times: {first.text}"
