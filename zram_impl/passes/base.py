"""The parts that passes of writeback and of recompression have in common: how one is driven, cancelled and ended."""

from collections.abc import Callable
from enum import IntEnum
from typing import Final, Generic, TypeVar

from zram_impl.errors import Uncopied
from zram_impl.events.observer import Observer
from zram_impl.forking import made_anew
from zram_impl.passes.pp_buckets import PpBuckets
from zram_impl.result import RecompressResult, WritebackResult
from zram_impl.runtime import Lock, Rank, Runtime
from zram_impl.units import SlotIndex

MANY: Final = 1 << 30

ResultT = TypeVar("ResultT", bound=WritebackResult | RecompressResult)


class PassProgress(IntEnum):
    """The answer of `advance`."""

    PROGRESS = 0
    WAIT = 1
    DONE = 2


class PassStage(IntEnum):
    """The stages of a pass."""

    SCANNING = 1
    WRITING = 2
    OVER = 3


class SteppedPass(Uncopied, Generic[ResultT]):
    """A pass under way; it is DONE once `advance` says so, and `result` is final then.

    It may be advanced by more than one task, one at a time: a reset drives a pass to its end beside its worker.

    Attributes:
        abandoned: Somebody gave up waiting for a device that does not answer: nobody is to wait for this pass any more.
        stage: SCANNING, WRITING or OVER.
        result: The account of its pages, so far.
    """

    def __init__(
        self,
        result: ResultT,
        table_lock: Lock,
        *,
        runtime: Runtime,
        observer: Observer | None,
        on_end: Callable[[], None],
        buckets: PpBuckets | None = None,
    ) -> None:
        """Begin a pass; `on_end` is called, under the table lock, as it ends."""
        # Guards the state of the pass: the task that holds it drives the pass. Taken before the table lock.
        self._lock = runtime.lock("pass", Rank.PASS)
        self._table_lock = table_lock
        self._runtime = runtime
        self._observer = observer
        self._on_end = on_end
        self._cancelled = False
        self.abandoned: bool = False
        self._buckets = PpBuckets() if buckets is None else buckets
        self.stage: PassStage = PassStage.SCANNING
        self.result: ResultT = result

    def advance(self, actions: int = MANY) -> PassProgress:
        """Do what can be done without waiting, at most `actions` actions of the specification."""
        if self._runtime.interruptible():
            return self._runtime.shielded(lambda _interrupts: self._advance(actions))
        return self._advance(actions)

    def _advance(self, actions: int) -> PassProgress:
        with self._lock:
            # Race with another driver: it may have ended the pass while this one waited for the lock.
            return PassProgress.DONE if self.stage is PassStage.OVER else self._step(actions)

    def _step(self, actions: int) -> PassProgress:
        """Do some actions of a pass that is not over; the pass lock is held."""
        raise NotImplementedError

    def wait(self) -> None:
        """Wait a while for an answer; call it when `advance` said WAIT."""

    def cancel(self) -> None:
        """Begin nothing more. What is in flight is still finished; takes no lock, so a signal handler may call it."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called."""
        return self._cancelled

    @property
    def selected(self) -> int:
        """Pages the scan claimed."""
        return self.result.selected

    @property
    def settled(self) -> int:
        """Selected pages that are done with, one way or another."""
        return self.result.settled

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        return f"<{type(self).__name__}, {self.settled} of {self.selected} pages settled>"

    def waiting(self) -> list[SlotIndex]:
        """List the candidates whose turn has not come; needs the table lock."""
        return self._buckets.waiting()

    def after_fork(self) -> None:
        """Be over, in a forked child: its parent drives the pass."""
        made_anew(self._lock)
        self.stage = PassStage.OVER

    def _end(self) -> None:
        """Be over; the table lock is held."""
        self.stage = PassStage.OVER
        self._on_end()

    def _observe(self, kind: str, *args: int) -> None:
        if self._observer is not None:
            self._observer(kind, *args)
