"""Bugs that the schedules' own parts once had, put back: each breaks the kept token that showed it.

Nobody looks for them by chance, as for those of `variants.py`: production code is the same with them and without.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple
from unittest import mock

from stateful.schedules import bugs, harness
from stateful.schedules.bugs import Patches, Variant, put_in
from stateful.schedules.primitives import FREE, Task
from stateful.schedules.program import BEFORE, PASSES, Does, Program, shared
from stateful.schedules.scheduler import BatonRuntime


class Mended(NamedTuple):
    """A bug of the schedules' own."""

    name: str
    mistake: str
    breaks: tuple[str, ...]
    """The properties it breaks."""
    patches: Callable[[], Patches]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the bug in, and take it out again."""
        with put_in(self.patches()):
            yield


def _time_passes_for_the_first() -> Patches:
    """Where nobody can go on, time passes for the oldest task that waits for a while, again and again."""
    in_turns = BatonRuntime._let_time_pass

    def for_the_first(self: BatonRuntime) -> Task | None:
        for task in self._live:
            if task.timed and self._time_may_pass:
                task.timed_out, task.timed, task.gate = True, False, FREE
                return task
        return in_turns(self)

    return (mock.patch.object(BatonRuntime, "_let_time_pass", for_the_first),)


def _resets_are_never_refused() -> Patches:
    """Of a reset it is expected that it ends as a close does: never in EBUSY."""
    errors = harness._errors

    def as_a_close(what: Program) -> Mapping[Does, frozenset[int]]:
        return {**errors(what), Does.RESET: errors(what)[Does.CLOSE]}

    return (mock.patch.object(harness, "_errors", as_a_close),)


def _threads_are_forgotten() -> Patches:
    """Footprints leave out the threads that a pass before the lanes has left."""

    def without_that_pass(what: Program) -> frozenset[str]:
        return shared(what._replace(ops=tuple(op for op in what.ops if op.lane != BEFORE or op.does not in PASSES)))

    return (mock.patch.object(harness, "shared", without_that_pass),)


def _waiter_is_forgotten() -> Patches:
    """Footprints take it that two tasks meet where a pass is over only if one of the lanes interrupts."""

    def unless_a_lane_interrupts(what: Program) -> frozenset[str]:
        interrupts = any(op.does == Does.INTERRUPT and op.lane != BEFORE for op in what.ops)
        return shared(what) if interrupts else shared(what) - {"pass over"}

    return (mock.patch.object(harness, "shared", unless_a_lane_interrupts),)


MENDED: Final = (
    Mended(
        "time_for_the_first", "of those who wait until time passes it passes for the first alone",
        ("it_comes_to_rest",), _time_passes_for_the_first,
    ),
    Mended(
        "reset_never_refused", "a reset that is refused because of another is an error nobody declared",
        ("declared_errors",), _resets_are_never_refused,
    ),
    Mended(
        "forgotten_threads", "the threads that a pass before the lanes has left have no footprint",
        ("declared_footprints",), _threads_are_forgotten,
    ),
    Mended(
        "forgotten_waiter", "who waits because an interrupt may come has no footprint if it came before the lanes",
        ("declared_footprints",), _waiter_is_forgotten,
    ),
)  # fmt: skip
NAMES: Final = (*bugs.NAMES, *(bug.name for bug in MENDED))
"""Of every bug that a kept token shows."""


def by_name(name: str) -> Variant | Mended:
    """Return the bug of a name, wherever it was."""
    return next(bug for bug in (*bugs.VARIANTS, *MENDED) if bug.name == name)
