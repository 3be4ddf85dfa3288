"""The keeper: a task that keeps a device within a budget of memory, as a policy says, for as long as the device lives.

It looks some times a second, and whenever a writer finds no room. Each look is at most one pass over a slice of the
pages, so that who waits gets room soon. It does not keep a device alive that nobody holds.
"""

import logging
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from errno import EAGAIN, EINVAL
from typing import Final, Self

from zram_impl.device.companion import wait_for_end
from zram_impl.device.lifecycle import Lifecycle
from zram_impl.device.passes import Passes
from zram_impl.errors import Uncopied, ZramError, errno_name, refuse, refuse_argument, refuse_type, shown
from zram_impl.pages.room import Room
from zram_impl.parsing import kstrto
from zram_impl.passes.drive import run_pass
from zram_impl.policy.measure import measured
from zram_impl.policy.metrics import KeeperMetrics
from zram_impl.policy.protocol import MemoryPolicy, MemoryUse, Plan
from zram_impl.policy.ranking import Ranking
from zram_impl.result import WritebackResult
from zram_impl.shield import Interrupts
from zram_impl.units import PAGE_SIZE

WRITERS_WAIT: Final = 5.0
"""Seconds that a write waits for memory at most, unless something else is asked for."""
SLICE: Final = 2048
"""Pages that a round writes back at most, before writers that wait are woken."""
_SHORTEST: Final = 0.02
_LONGEST: Final = 0.5
"""Seconds between two looks at a device that grows, and at one at rest."""

_log: Final = logging.getLogger(__name__)


def _say(level: int, text: str, *values: object, error: Exception | None = None) -> None:
    """Log. The budget is kept whatever somebody's handlers of logging raise."""
    with suppress(Exception):
        _log.log(level, text, *values, exc_info=error, stacklevel=2)


@dataclass(frozen=True)
class KeeperSettings:
    """Settings of a keeper: `budget` in bytes, and the seconds that a write may wait."""

    budget: int
    policy: MemoryPolicy
    patience: float


def checked(memory: int | str, policy: MemoryPolicy, patience: float) -> KeeperSettings:
    """Return the settings; EINVAL for a budget below a page, a policy without `plan`, or a negative patience."""
    budget = kstrto.size_of(memory)
    if budget < PAGE_SIZE:
        raise refuse(EINVAL, f"memory must be at least {PAGE_SIZE} bytes, got {budget}")
    if not callable(getattr(policy, "plan", None)):
        raise refuse_type(f"policy must have a method plan, got {shown(policy)}")
    if type(patience) not in (int, float) or not 0 <= patience < threading.TIMEOUT_MAX:
        raise refuse_argument(patience, (int, float), f"patience must be seconds from 0, got {shown(patience)}")
    return KeeperSettings(budget, policy, patience)


class Keeper(Uncopied):
    """A task that keeps a device within a budget. It ends with `stop`, which a context manager calls, or the device."""

    def __init__(self, life: Lifecycle, passes: Passes, settings: KeeperSettings) -> None:
        """Begin; the control lock is held. `Zram.keep_within` makes one."""
        runtime = life.configuration.runtime
        self._settings: Final = settings
        self._life: Final = weakref.ref(life)
        self._passes: Final = passes
        self._runtime: Final = runtime
        self._room: Final = Room(runtime, settings.patience)
        self._interrupts: Final = Interrupts()
        """Of the passes; set from outside to end the one that runs."""
        self._ranking: Final = Ranking(passes.pages)
        self._metrics = KeeperMetrics(MemoryUse(settings.budget, 0, 0, 0, 0, 0, 0, 0))
        self._rest: Plan | None = None
        """The part of the plan that is still to be done."""
        self._pause = _SHORTEST
        self._ended = False
        self._thread: int | None = None
        with life.table:
            passes.pages.room = self._room
        self._look(life, 0)
        try:
            self._task: Final = runtime.spawn(self._run, "zram keeper")
        except (OSError, RuntimeError) as error:
            self._leave(life)
            raise refuse(EAGAIN, f"no thread can be started for a keeper: {error}") from error

    @property
    def budget(self) -> int:
        """The bytes that the device is kept within."""
        return self._settings.budget

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return not self._ended

    @property
    def metrics(self) -> KeeperMetrics:
        """The account of what it has done so far; never waits for a pass."""
        return self._metrics._replace(writers=self._room.use)

    def stop(self) -> None:
        """End it: what is in flight is finished, the device has its own mem_limit again. Idempotent."""
        self._runtime.shielded(self._stop)

    def _stop(self, interrupts: Interrupts) -> None:
        self.end_soon()
        wait_for_end(self, interrupts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        return f"<Keeper of {self.budget} bytes, {'running' if self.running else 'ended'}>"

    # --- as the device sees it -------------------------------------------------------------------------------------

    def end_soon(self) -> None:
        """Begin nothing more, and end; it does not wait, and any lock of a lower rank than the engine's may be held."""
        self._interrupts.cancelled = True
        self._room.close()

    def join(self, seconds: float) -> bool:
        """Wait for its end, for so many seconds at most; return whether it has ended, or is who calls."""
        if self._thread == self._runtime.me():  # a policy that closes its device
            return True
        self._task.join(seconds)
        return not self._task.is_alive()

    # --- the task --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._thread = self._runtime.me()
        _say(logging.INFO, "keeping a device within %d bytes", self.budget)
        try:
            self._keep()
        except Exception as error:  # a policy is anybody's code; its device has no keeper from here on, and says so
            _say(logging.ERROR, "the keeper of %d bytes ends", self.budget, error=error)
            self._metrics = self._metrics._replace(obstacle=f"the keeper has ended: {type(error).__name__}: {error}")
        finally:
            self._end()
            _say(logging.INFO, "no longer keeping a device within %d bytes", self.budget)

    def _keep(self) -> None:
        asked = self._room.wait_for_writers(0)
        while asked is not None and self._turn(asked):
            asked = self._room.wait_for_writers(0 if self._rest else self._pause)

    def _end(self) -> None:
        self._room.close()
        self._restore()
        self._ended = True  # last, when nothing here holds the device any more

    def _restore(self) -> None:
        life = self._life()
        if life is not None:
            with life.control:
                # Race with a reset: these may be the pages of another life, or gone.
                if life.passes is self._passes:
                    self._leave(life)

    def _leave(self, life: Lifecycle) -> None:
        """Let writes fail at the device's own limit again; the control lock is held."""
        with life.table:
            self._passes.pages.room = None
            self._passes.pages.set_limit(life.configuration.limit_pages)

    def _turn(self, asked: int) -> bool:
        """Do what is due and wake those who had asked before; return False when the device is gone."""
        life = self._life()
        # Race with a reset, as in `_restore`. One that follows finds no lock held: what this turn does then is refused,
        # as there are no pages, and the reset returns only once the keeper has ended.
        if life is None or life.passes is not self._passes:
            return False
        obstacle: str | None = None
        freed = compacted = 0
        memory = self._look(life, self._room.use.waiting)
        plan, self._rest = self._rest or self._plan(memory), None
        try:
            if plan.idle_seconds is not None:
                life.mark_idle(plan.idle_seconds)
            if plan.free > 0:
                freed, obstacle = self._spill(life, plan, memory)
            if plan.compact:
                compacted = life.compact(self._interrupts)
        except ZramError as error:
            obstacle = str(error.strerror)
        if 0 < freed < plan.free:
            self._rest = plan._replace(free=plan.free - freed, idle_seconds=None)
        self._note(memory, compacted, obstacle)
        self._look(life, 0)
        self._room.round_ended(asked, obstacle)
        return True

    def _look(self, life: Lifecycle, waiting: int) -> MemoryUse:
        """Measure the device, and limit its objects accordingly."""
        memory = measured(
            self._passes.pages,
            self.budget,
            before=self._metrics.memory.used,
            own_limit_pages=life.configuration.limit_pages,
            waiting=waiting,
        )
        self._metrics = self._metrics._replace(memory=memory)
        return memory

    def _plan(self, memory: MemoryUse) -> Plan:
        plan = self._settings.policy.plan(memory)
        if not isinstance(plan, Plan):
            raise refuse_type(f"plan must return a Plan, got {shown(plan)}")
        return plan

    def _note(self, memory: MemoryUse, compacted: int, obstacle: str | None) -> None:
        """Note what became of a turn, say it if it is news, and decide when to look again."""
        metrics = self._metrics
        if obstacle is not None and obstacle != metrics.obstacle:
            text = "%d of %d bytes used, and nothing can be written back: %s"
            _say(logging.WARNING, text, memory.used, self.budget, obstacle)
        if compacted:
            _say(logging.DEBUG, "closed holes of %d bytes", compacted)
        self._metrics = metrics._replace(
            compactions=metrics.compactions + bool(compacted),
            compacted=metrics.compacted + compacted,
            obstacle=obstacle,
        )
        grows = memory.grown and obstacle is None
        self._pause = _SHORTEST if grows else min(2 * self._pause, _LONGEST)

    # --- writing back ----------------------------------------------------------------------------------------------

    def _spill(self, life: Lifecycle, plan: Plan, memory: MemoryUse) -> tuple[int, str | None]:
        """Write a slice of the coldest pages back; return about how many bytes that freed, else why it cannot."""
        most = min(memory.spillable, SLICE)
        if most <= 0:
            return 0, "the backing device is full, or the writeback_limit used up"
        scans, size = self._ranking.take(plan.free, most, idle_only=plan.idle_only)
        if not scans:
            return 0, None if plan.idle_only else "no page in memory can be written back"
        try:
            begin = life.writeback(lambda _pages: scans, largest_first=False)  # those are chosen already
            result = run_pass(begin(self._interrupts), self._interrupts, None, None)
        except ZramError as error:
            if error.errno != EAGAIN:
                raise
            self._ranking.forget()
            self._passes.wait_for_pass(self._interrupts)  # somebody else's: then there is more room, or another look
            return 0, None
        if result.left:
            self._ranking.forget()
        freed = size * result.written // max(result.selected, 1)
        metrics = self._metrics
        self._metrics = metrics._replace(
            rounds=metrics.rounds + 1,
            written=metrics.written + result.written,
            freed=metrics.freed + freed,
            lost=metrics.lost + result.lost,
            failed=metrics.failed + result.failed,
        )
        text = "wrote back %d of %d pages, about %d bytes"
        _say(logging.DEBUG, text, result.written, result.selected, freed)
        return freed, _in_the_way(result)


def _in_the_way(result: WritebackResult) -> str | None:
    """Return why a pass freed nothing and the next one cannot either; None when there is hope."""
    if result.written:
        return None
    if result.errors:
        index, code = result.errors[0]
        return f"page {index} could not be written: {errno_name(code)}"
    return {None: None, "cancelled": None, "limit": "the writeback_limit is used up"}.get(
        result.stopped_by, "the backing device is full"
    )
