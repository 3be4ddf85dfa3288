"""A small device of production's own parts, and two calls at the same time.

Only the runtime and the backing device are the tests'. There is no observer (but in one state), so the calls take the
paths of production: reading a page in memory takes no lock.
"""

import gc
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from errno import errorcode
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from stateful.common.stamped_pages import stamped
from stateful.guards.judge import Access, Judge
from stateful.guards.runtime import GuardedRuntime
from stateful.schedules.policies import steady
from stateful.schedules.primitives import ScheduledTask, TaskInterrupt
from stateful.schedules.scheduler import Policy
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.block_layer import Node, NodeFile
from zram_impl.device.config import open_backing_file
from zram_impl.engine.threads import ThreadEngine
from zram_impl.events.observer import Observer
from zram_impl.mapping import PageMap
from zram_impl.passes.base import PassProgress
from zram_impl.passes.recompress import RecompressPass
from zram_impl.passes.writeback import WritebackPass
from zram_impl.policy.keeper import Keeper
from zram_impl.runtime import Runtime

PAGES: Final = 3
BLOCKS: Final = 3
BATCH: Final = 2
ENDS: Final = frozenset({"Zram.reset", "Zram.close", "Zram.__enter__", "Zram.__exit__", "store reset"})
"""Calls that end the use of a device; they may drive a pass beside its worker, and then wait until time passes."""
_POINTS_MOST: Final = 3000
"""Points within which everything is at rest."""


class PairRuntime(GuardedRuntime):
    """A runtime whose policy is chosen once the tasks are there."""

    def __init__(self, judge: Judge, *, time_may_pass: bool) -> None:
        super().__init__(self._choose_by_policy, most_points=_POINTS_MOST, time_may_pass=time_may_pass)
        self.policy: Policy = steady
        self.alone = False
        """True when no task can be started."""
        self.begin(judge)

    def spawn(self, run: Callable[[], None], name: str) -> ScheduledTask:  # type: ignore[explicit-override]  # typing: 3.12
        """Start a task; while `alone`, the engine does its writes where they are submitted instead."""
        if self.alone:
            raise RuntimeError("no thread is started before the calls are made")
        return super().spawn(run, name)

    def _choose_by_policy(self, ready: Sequence[int], can_run: bool) -> int:
        return self.policy(ready, can_run)


class DeviceGate:
    """Something that calls of a device wait for while it has an owner."""

    owner: object = None


class Blocks(MemoryDevice):
    """A backing device in memory. Every call is a point; its close waits for them, and nothing follows it.

    Attributes:
        under_way: Reads and writes under way.
        gate: Every call waits for it first.
        later: A read waits for it once it has read, and sets `has_read` free.
        fails: What the next calls of a name raise, oldest first.
        closed: Whether it was closed.
        refused: Whether the device did not take it.
        hung: Whether it is left to the process.
    """

    def __init__(self, runtime: PairRuntime, name: str, blocks: int) -> None:
        super().__init__(blocks, name)
        self.under_way: list[str] = []
        self.gate, self.later, self.has_read = DeviceGate(), DeviceGate(), DeviceGate()
        self.fails: dict[str, list[Exception]] = {"read": [], "write": [], "close": []}
        self.closed = self.refused = self.hung = False
        self._runtime = runtime
        self._judge = runtime.judge
        self._rules = runtime.judge.rules[BackingDevice]

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:  # type: ignore[explicit-override]  # typing: 3.12
        """Write pages."""
        self._begin("write")
        written = super().write(blk_idx, pages)
        self._end("write")
        return written

    def wipe(self) -> None:
        """Lose what is on every block."""
        super().write(0, [memoryview(bytes(PAGE_SIZE))] * self.blocks)

    def read(self, blk_idx: int, into: memoryview) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Read pages."""
        self._begin("read")
        super().read(blk_idx, into)
        self.has_read.owner = None
        if self.later.owner is not None:
            self._runtime.stop("device", self.later)
        self._end("read")

    def _begin(self, what: str) -> None:
        self._judge.called(self._rules[f"{what}()"], self)
        if self.closed:
            self._judge.found(f"nothing_follows_a_close: a {what} of {self.name}")
        self.under_way.append(what)
        if self._runtime.current is not None:
            self._runtime.stop("device", self.gate)

    def _end(self, what: str) -> None:
        self.under_way.remove(what)
        if self.closed:
            self._judge.found(f"a_close_waits_for_transfers: {self.name} was closed during a {what}")
        if self.fails[what]:
            raise self.fails[what].pop(0)

    def close(self) -> None:  # type: ignore[explicit-override]  # likewise
        """Close it."""
        if self.under_way:
            self._judge.found(f"a_close_waits_for_transfers: {self.name} is closed during a {self.under_way[0]}")
        self.closed = True
        if self.fails["close"]:
            raise self.fails["close"].pop(0)


class PairState(NamedTuple):
    """The situation in which two calls are made."""

    name: str
    prepare: Callable[["PairWorld"], None]
    """Brings the device there; nobody else runs."""
    calls: tuple[str, ...] = ()
    """Calls that are made in it; () for all but the attributes."""
    besides: Callable[["PairWorld"], None] | None = None
    """The work that runs beside the calls."""
    landmark: Callable[["PairWorld"], bool] = lambda _world: True
    """True once that work is where the calls are to find it."""
    kept: bool = False
    """True when a keeper of the device acts besides the calls."""
    quirks: Quirks = Quirks()
    observer: Observer | None = None
    blocks: int = BLOCKS
    tick: float = 0.0
    """Seconds that pass whenever somebody looks at the clock."""
    on_file: bool = False
    """True when paths are opened as in production."""
    time_may_pass: bool = False
    """True when a wait with a time-out may be what ends a standstill."""
    defective: bool = False
    """True when the backing device fails as it must not: its close raises an AssertionError."""


Call = Callable[["PairWorld", int], object]
"""The body of a lane: gets its number, 1 or 2, and returns what can be compared."""


class PairWorld:
    """One run.

    Attributes:
        names: Of the two calls.
        device: The device.
        files: Opens of its node, with whether each is exclusive; the state's own are the first.
        running: The pass that the state has begun.
        keeper: The keeper that it has begun.
        values: A mapping over the device, which has all its pages.
        interrupts: Whether a pass of a call may be interrupted.
        interruptible: The task whose pass may be interrupted now; `may_be_interrupted` says whether there was one.
        lanes: Numbers of the tasks: the two calls, and what runs besides.
        results: Of each call.
        left: The device after the calls, as its users see it.
        accesses: What the tasks accessed, if that was to be recorded.
        rest: Called at the end, when everybody else is done.
    """

    def __init__(self, state: PairState, calls: Sequence[tuple[str, Call | None]], judge: Judge) -> None:
        self.state = state
        self.names = tuple(name for name, _call in calls)
        self.interrupts = "interrupt" in self.names
        patient = state.time_may_pass or self.interrupts or not ENDS.isdisjoint(self.names)
        self.runtime = PairRuntime(judge, time_may_pass=patient)
        self.runtime.tick = state.tick
        self.devices: list[Blocks] = []
        self.engines: list[ThreadEngine] = []
        self.device = Zram(
            runtime=self.runtime,
            engine=self._engine,
            open_backing=open_backing_file if state.on_file else lambda path, _size: self.blocks(str(path)),
            observer=state.observer,
            quirks=state.quirks,
        )
        self.node = Node(self.device)
        self.files: list[tuple[NodeFile, bool]] = []
        self.running: WritebackPass | RecompressPass | None = None
        self.keeper: Keeper | None = None
        self.values: PageMap | None = None
        self.interruptible: ScheduledTask | None = None
        self.may_be_interrupted = False
        self.lanes: list[int] = []
        self.results: dict[int, object] = {}
        self.left: dict[str, object] = {}
        self.accesses: list[Access] = []
        self.rest: Callable[[PairWorld], None] = lambda _world: None
        self._undo = ExitStack()
        self._calls = [call for _name, call in calls]

    def blocks(self, name: str = "memory") -> Blocks:
        """Make a backing device."""
        self.devices.append(Blocks(self.runtime, name, self.state.blocks))
        return self.devices[-1]

    def folder(self) -> Path:
        """Return a folder for files, which goes with the run."""
        return Path(self._undo.enter_context(tempfile.TemporaryDirectory(prefix="pairs-")))

    def _engine(self, device: BackingDevice, runtime: Runtime) -> ThreadEngine:
        self.engines.append(ThreadEngine(device, runtime, depth=BATCH, threads=1))
        return self.engines[-1]

    def run(self, *, record: bool = False) -> None:
        """Run; raises what was found."""
        # What is in a cycle ends when it is collected, and nothing may depend on when that is.
        collects = gc.isenabled()
        gc.disable()
        try:
            with self._undo:
                self.runtime.run(partial(self._main, record=record))
        finally:
            if collects:
                gc.enable()

    def _main(self, *, record: bool) -> None:
        runtime, judge = self.runtime, self.runtime.judge
        # One task by itself is judged once, when its accesses are recorded.
        alone = nullcontext if record else judge.paused
        runtime.steady = runtime.alone = True
        with alone():
            self.state.prepare(self)
        runtime.alone = False
        tasks = [runtime.spawn(partial(self._do, *each), f"lane {each[0]}") for each in enumerate(self._calls, start=1)]
        if self.state.besides is not None:
            tasks.append(runtime.spawn(partial(self.state.besides, self), "besides"))
        self.lanes = [task.number for task in tasks]
        runtime.count_anew()
        judge.recorded = [] if record else None
        runtime.steady = False
        runtime.join_all(tasks)
        runtime.steady = True
        self.accesses, judge.recorded = judge.recorded or [], None
        with alone():
            self.rest(self)

    def _do(self, lane: int, call: Call | None) -> None:
        if call is not None:
            self.results[lane] = self.attempt(call, lane)

    def attempt(self, call: Call, lane: int = 0) -> object:
        """Make a call; return what it returned, or the name of the errno that it was refused with."""
        try:
            return call(self, lane)
        except ZramError as error:
            return errorcode[error.errno or 0]
        except TaskInterrupt:
            return "interrupted"
        except KeyError:
            return "no such key"
        except AssertionError:
            if not self.state.defective:
                raise
            return "the backing device has a defect"

    # --- for calls and states --------------------------------------------------------------------------------------

    @property
    def judge(self) -> Judge:
        """The observer of the device."""
        return self.runtime.judge

    def page(self, lane: int) -> bytes:
        """Return what a lane writes; the pages of the second do not compress."""
        return stamped(0, 10 + lane, huge=lane > 1)

    def drive(self, running: WritebackPass | RecompressPass) -> str:
        """Drive a pass as a user does."""
        while (progress := running.advance()) is not PassProgress.DONE:
            if progress is PassProgress.WAIT:
                running.wait()
        return self.account(running.selected, running.settled)

    def account(self, selected: int, settled: int) -> str:
        """Check the result of a pass."""
        if selected != settled:
            self.judge.found(f"the_result_adds_up: {selected} pages selected, {settled} accounted for")
        return "done"
