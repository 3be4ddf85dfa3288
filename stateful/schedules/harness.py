"""A small device of production's own parts, and tasks that do what a program says.

Only the runtime and the backing device (blocks in memory) are the tests'. Everything is looked at by `Monitors`; what
an operation returns is checked, and after the last one nothing may be left over.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from errno import EAGAIN, EBUSY, EINVAL, EIO, ENOMEM, errorcode
from functools import lru_cache, partial
from typing import Final

from spec.model.state import State
from spec.scope import Scope
from stateful.common.inside import inside
from stateful.schedules.lockfree_reads import watch
from stateful.schedules.memory_device import BlocksInMemory
from stateful.schedules.monitors import MonitoredEngine, Monitors
from stateful.schedules.page_oracle import ExpectedPages, overwrite, patch
from stateful.schedules.primitives import TaskInterrupt
from stateful.schedules.program import (
    PAGES,
    PASSES,
    USER_OPERATIONS,
    FaultKind,
    Op,
    OpKind,
    TaskProgram,
    faults_of,
    looks,
    shared,
)
from stateful.schedules.scheduler import Policy, ScheduledRuntime, ScheduledTask
from stateful.seam import operations
from stateful.seam.chosen import chosen
from stateful.seam.operations import DiscardPages, ReadPage, RunPass, WritePage
from stateful.seam.zram import ZramUnderTest
from zram_impl import PAGE_SIZE, WritebackResult, Zram, ZramError
from zram_impl.bdev.device import BackingDevice
from zram_impl.decisions import SlotKind
from zram_impl.policy.keeper import Keeper
from zram_impl.runtime import Runtime
from zram_impl.table.block_map import USED

POINTS_MOST: Final = 3000
"""Points within which every run is quiescent."""

_KINDS: Final = tuple(OpKind)
"""By number."""
assert all(number == kind for number, kind in enumerate(_KINDS)), "the kinds of operations are numbered from 0"


@lru_cache(maxsize=256)
def _operation(does: OpKind, number: int) -> operations.UserOperation:
    return USER_OPERATIONS[does](number)


page_of = lru_cache(maxsize=256)(operations.page_of)


class _Runtime(ScheduledRuntime):
    """Starts no thread of the device where that is to fail."""

    def __init__(self, policy: Policy, what: TaskProgram, releasing: Mapping[str, Callable[[], None]]) -> None:
        closes = what.does(OpKind.RESET, OpKind.CLOSE, OpKind.INTERRUPT)
        super().__init__(
            policy, shared=shared(what), most_points=POINTS_MOST, time_may_pass=closes, releasing=releasing
        )
        self._unstartable = faults_of(what).threads
        self._asked = -1

    def spawn(self, run: Callable[[], None], name: str) -> ScheduledTask:  # type: ignore[explicit-override]  # typing: 3.12
        """Start a thread of the device."""
        self._asked += 1
        if self._asked in self._unstartable:
            raise RuntimeError("this thread was not to start")
        return super().spawn(run, name)

    def lane(self, run: Callable[[], None], name: str) -> ScheduledTask:
        """Start a task of the program."""
        return super().spawn(run, name)


class Harness:
    """A device, and who uses it. Pages 0 and 1 are written from the start."""

    device: Zram

    def __init__(self, what: TaskProgram, policy: Policy) -> None:
        self.what = what
        self.pages = ExpectedPages(PAGES)
        faults = faults_of(what)
        requests = max([what.batch, *(op.number + 1 for op in what.ops if op.does == OpKind.STORE_BATCH)])
        self._scope = Scope(PAGES, what.blocks, requests, limit=-1)
        self.monitors = monitors = Monitors(self._scope, self.pages)
        releasing = {"table": self._table_is_released, "engine.answers": monitors.answers_are_known}
        self.runtime = _Runtime(policy, what, releasing)
        self.blocks = monitors.blocks = BlocksInMemory(what.blocks, faults, self.runtime.point)
        monitors.current = self._current
        self.tell: Callable[[str], None] | None = None
        """Called as operations begin and end."""
        self.results: list[tuple[int, int]] = []
        """Of every pass: pages selected, and those accounted for."""
        self._keepers: list[Keeper] = []
        self._depth = requests
        self._begins = 0
        self._cancel = threading.Event()
        self._generation = 0
        self._waiting_for_pass: ScheduledTask | None = None
        """Lane 0, while an interrupt of it means anything."""
        self._allowed = _errors(what)
        self.device = chosen().blank(runtime=self.runtime, engine=self._make_engine, observer=monitors.observe)
        monitors.life = inside(self.device)
        self._seam = ZramUnderTest(self.device)

    def _make_engine(self, device: BackingDevice, runtime: Runtime) -> MonitoredEngine:
        made = MonitoredEngine(device, runtime, depth=self._depth, threads=self.what.threads)
        made.denied = faults_of(self.what).buffers
        self.monitors.engine = made
        return made

    @property
    def steps(self) -> Sequence[object]:
        """The steps of the specification so far."""
        return self.monitors.follower.steps

    @property
    def start(self) -> State:
        """The state of the specification that the device begins in."""
        return self._scope.initial()

    @property
    def taken(self) -> Sequence[tuple[str, tuple[int, ...]]]:
        """The steps that the device took, and their parameters."""
        return self.monitors.follower.steps

    def watch(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called with every operation and every step."""
        self.tell = self.monitors.tell = tell

    # --- observing -------------------------------------------------------------------------------------------------

    def _current(self) -> object:
        return self.runtime.current

    def _table_is_released(self) -> None:
        if not self.runtime.steady:
            self.monitors.compare()

    # --- running ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the program; raises what was found."""
        self.runtime.run(self._main)
        self._check_footprints()

    def dismantle(self) -> None:
        """Forget the device, which is closed, its runtime, its blocks and its monitors."""
        parts: tuple[object, ...] = self.runtime, self.monitors, self.blocks, self
        for part in parts:
            vars(part).clear()

    def _main(self) -> None:
        runtime = self.runtime
        runtime.steady = True
        self._set_up()
        self._do_all(self.what.first)
        lanes = [runtime.lane(partial(self._do_all, ops), name) for name, ops in self.what.tasks.items()]
        runtime.steady = False
        self._begins = len(runtime.trace)
        runtime.join_all(lanes)
        runtime.steady = True
        for keeper in self._keepers:
            keeper.stop()
        self._check_rest()
        self.device.close()

    def _set_up(self) -> None:
        self.device.set_backing(self.blocks)
        self.device.set_batch_size(self.what.batch)
        self.device.set_compressed_writeback(self.what.does(OpKind.COMPRESSED))
        if self.what.does(OpKind.RECOMPRESS):
            self.device.set_recomp_algorithm("deflate")
        self.device.initialise(PAGES * PAGE_SIZE)
        pages = inside(self.device).live().pages
        self.blocks.in_use = lambda block: pages.blocks.map[block] == USED
        if looks(self.what):
            watch(pages, self.runtime)

    # --- operations ------------------------------------------------------------------------------------------------

    def _do_all(self, ops: Sequence[Op]) -> None:
        for op in ops:
            self._do(op)

    def _do(self, op: Op) -> None:
        does = _KINDS[op.does]
        if self.tell is not None:
            self.tell(f"[{op.text}")
        try:
            if does in USER_OPERATIONS:
                self._use(op, _operation(does, op.number))
            else:
                _OWN[does](self, op)
        except ZramError as error:
            if error.errno not in self._allowed[does]:
                raise AssertionError(f"declared_errors: {op.text} ends in {error}") from error
            if self.tell is not None:
                self.tell(f"refused with {errorcode[error.errno]}")
        if self.tell is not None:
            self.tell("]")

    def _use(self, op: Op, operation: operations.UserOperation) -> None:
        """Do what any device can. How a page changes is noted before, because it happens somewhere within the call."""
        task, content = self.runtime.current, bytes(PAGE_SIZE)
        match operation:
            case ReadPage(page):
                self.pages.read(task, page, self.device.read_page)
                return
            case RunPass(mode, named):
                run = partial(self.device.writeback, mode, pages=named or None, cancel=self._cancel)  # type: ignore[arg-type]  # a text
                self._pass(op, lambda: _accounted(run()))
                return
            case WritePage(page, kind):
                content = page_of(page, kind, self._next())
                self.pages.intend(task, page, overwrite(content))
            case DiscardPages(page):
                self.pages.intend(task, page, overwrite(content))
            case _:
                pass
        operations.apply(self._seam, operation, content)

    def _patch(self, op: Op) -> None:
        data = self._next().to_bytes(8, "big")
        self.pages.intend(self.runtime.current, op.number % PAGES, patch(PAGE_SIZE - len(data), data))
        self.device.write((op.number % PAGES + 1) * PAGE_SIZE - len(data), data)

    def _recompress(self, op: Op) -> None:
        def run() -> tuple[int, int]:
            r = self.device.recompress(cancel=self._cancel)
            return r.selected, r.recompressed + r.no_gain + r.below_threshold + r.skipped + r.failed + r.left

        self._pass(op, run)

    def _pass(self, op: Op, run: Callable[[], tuple[int, int]]) -> None:
        task = self.runtime.current
        if op.lane == 0 and task is not None and self.what.does(OpKind.INTERRUPT):
            task.may_be_interrupted = True
            self._waiting_for_pass = task
        try:
            self.results.append(run())
        except TaskInterrupt:
            pass
        finally:
            self._waiting_for_pass = None
            if task is not None:
                task.may_be_interrupted = False

    def _compact(self, _op: Op) -> None:
        self.device.compact()

    def _stats(self, _op: Op) -> None:
        stats = self.device.stats
        stored, used = stats.mm.orig_data_size // PAGE_SIZE, stats.bd.bd_count
        assert 0 <= stored <= PAGES, f"statistics_equal_a_recount: {stored} pages are stored"
        assert 0 <= used <= self.what.blocks, f"statistics_equal_a_recount: {used} blocks are used"
        self.device.block_state()

    def _interrupt(self, _op: Op) -> None:
        self.runtime.point("pass over")
        if self._waiting_for_pass is not None:
            self.runtime.interrupt(self._waiting_for_pass)

    def _next(self) -> int:
        self._generation += 1
        return self._generation

    # --- the end ---------------------------------------------------------------------------------------------------

    def _check_rest(self) -> None:
        """Check that nothing is left over, every page reads back, and every result adds up."""
        passes = inside(self.device).passes
        if passes is None:
            return
        passes.wait_for_pass()
        self.monitors.compare()
        view = self.device.snapshot()
        backed = sorted(slot.blk_idx for slot in view.slots if slot.blk_idx is not None)
        left = [page for page, slot in enumerate(view.slots) if slot.owned or slot.kind is SlotKind.PP_SLOT]
        assert not left, f"nothing_remains_at_rest: pages {left} are claimed"
        used = [block for block, taken in enumerate(view.blocks) if taken]
        assert backed == used, f"every_block_has_one_owner: blocks {used} are in use, {backed} are owned by slots"
        taken = [kind for kind, _args in self.monitors.follower.steps]
        submitted, reaped = taken.count("submit"), taken.count("reap")
        assert submitted == reaped, f"every_request_is_reaped_once: {submitted} submitted, {reaped} reaped"
        for selected, settled in self.results:
            assert settled == selected, f"the_result_adds_up: {selected} pages selected, {settled} accounted for"
        self.blocks.heal()
        self.pages.check(self.device.read_page)

    def _check_footprints(self) -> None:
        """Check that what only one task was said to touch was touched by no other: there was no choice before it."""
        shared_, first = shared(self.what), dict[str, str]()
        for task, where in dict.fromkeys(self.runtime.trace[self._begins :]):
            if task != "main" and where not in shared_ and where != "join" and not where.startswith("wait "):
                before = first.setdefault(where, task)
                assert before == task, f"declared_footprints: {where} is touched by {before} and by {task}"


@lru_cache(maxsize=256)
def _errors(what: TaskProgram) -> Mapping[OpKind, frozenset[int]]:
    """Return the errors that each operation may end in, all things considered."""
    fails = {fault.fails for fault in what.faults}
    passes = [op for op in what.ops if op.does in PASSES]
    busy = ({EAGAIN} if len(passes) > 1 or what.does(OpKind.KEEP) else set()) | (
        {ENOMEM} if FaultKind.BUFFER in fails else set()
    )
    found: dict[OpKind, set[int]] = {
        does: {EINVAL} if what.does(OpKind.RESET, OpKind.CLOSE) else set() for does in OpKind
    }
    found[OpKind.RESET].add(EBUSY)
    for does in PASSES:
        found[does] |= busy
    if what.does(OpKind.KEEP):
        found[OpKind.KEEP] |= {EBUSY} | ({EAGAIN} if FaultKind.THREAD in fails else set())
        for does in (OpKind.WRITE, OpKind.WRITE_HUGE, OpKind.PATCH):
            found[does].add(ENOMEM)
    if FaultKind.READ in fails:
        found[OpKind.READ].add(EIO)
        found[OpKind.PATCH].add(EIO)
    return {does: frozenset(errors) for does, errors in found.items()}


def _accounted(r: WritebackResult) -> tuple[int, int]:
    return r.selected, r.written + r.lost + r.failed + r.skipped + r.left


_OWN: Final[dict[OpKind, Callable[[Harness, Op], None]]] = {
    OpKind.STORE_LIMIT: lambda stage, op: stage.device.set_writeback_limit(op.number),
    OpKind.TOGGLE_LIMIT: lambda stage, _op: stage.device.enable_writeback_limit(
        enabled=not stage.device.writeback_limit_enabled
    ),
    OpKind.STORE_BATCH: lambda stage, op: stage.device.set_batch_size(op.number + 1),
    OpKind.CANCEL: lambda stage, _op: stage._cancel.set(),
    OpKind.INTERRUPT: Harness._interrupt,
    OpKind.RESET: lambda stage, _op: stage.device.reset(),
    OpKind.CLOSE: lambda stage, _op: stage.device.close(),
    OpKind.PATCH: Harness._patch,
    OpKind.RECOMPRESS: Harness._recompress,
    OpKind.STATS: Harness._stats,
    OpKind.COMPACT: Harness._compact,
    OpKind.COMPRESSED: lambda _stage, _op: None,
    OpKind.KEEP: lambda stage, op: stage._keepers.append(stage.device.keep_within((op.number + 1) * PAGE_SIZE)),
}
