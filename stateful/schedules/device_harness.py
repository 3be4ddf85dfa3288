"""Any device that takes its locks and threads from a `Runtime`, and tasks that do what a program says.

Nothing inside is known, so every point is a choice, and what is checked is what users see: the history of each page is
linearizable, every result adds up, at rest every block in use belongs to a written-back page. If the device reports
events, they are followed in the specification, whose state it must be in at rest.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from errno import errorcode
from functools import partial
from typing import Final

from spec.model.state import State
from stateful.common.stamped_pages import same_filled, stamped
from stateful.schedules.memory_device import BlocksInMemory
from stateful.schedules.program import BEFORE, LANES, PAGES, FaultKind, Op, OpKind, TaskProgram, faults_of
from stateful.schedules.scheduler import Policy, ScheduledRuntime
from stateful.seam.chosen import chosen, is_ours
from stateful.seam.protocol import LimitedDevice, MarkingDevice, PassReport, Setup, refusals
from stateful.stress.linearizability import unexplained
from stateful.stress.operation import ZERO, PageOperation
from stateful.stress.recorder import value_of
from stateful.traces.following import Following
from stateful.traces.schema import Header

POINTS_MOST: Final = 20_000
"""Points within which every run is quiescent."""

NEEDED: Final[Mapping[OpKind, str]] = {
    **dict.fromkeys((OpKind.WRITE, OpKind.WRITE_SAME, OpKind.WRITE_HUGE, OpKind.DISCARD, OpKind.READ), ""),
    **dict.fromkeys((OpKind.WRITEBACK, OpKind.STATS), ""),
    **dict.fromkeys((OpKind.MARK_IDLE, OpKind.WRITEBACK_IDLE), "modes"),
    **dict.fromkeys((OpKind.STORE_LIMIT, OpKind.TOGGLE_LIMIT), "limit"),
}
"""The capability that an operation needs; those that are absent are our device's own."""
FAULTS: Final = (FaultKind.WRITE, FaultKind.SHORT_WRITE, FaultKind.READ)


def playable(what: TaskProgram) -> TaskProgram:
    """Return a program without what the device that is tested does not have."""
    if is_ours():
        return what
    ops = tuple(op for op in what.ops if _has(NEEDED.get(OpKind(op.does))))
    inside = _has("backing")
    faults = tuple(fault for fault in what.faults if fault.fails in FAULTS and inside)
    return what if (ops, faults) == (what.ops, what.faults) else what._replace(ops=ops, faults=faults)


def absent(what: TaskProgram) -> str:
    """Return the operations and faults of a program that the device that is tested does not have, as a list."""
    played = playable(what)
    ops = [OpKind(op.does).name for op in what.ops if op not in played.ops]
    faults = [f"failing {FaultKind(fault.fails).name}" for fault in what.faults if fault not in played.faults]
    return ", ".join(dict.fromkeys(name.lower().replace("_", " ") for name in (*ops, *faults)))


def _has(capability: str | None) -> bool:
    return capability == "" or (capability is not None and capability in chosen().capabilities)


class DeviceHarness:
    """A device, and who uses it. Pages 0 and 1 are written from the start."""

    def __init__(self, what: TaskProgram, policy: Policy) -> None:
        self.what = what
        self.runtime = ScheduledRuntime(policy, most_points=POINTS_MOST, time_may_pass=True)
        self.blocks = BlocksInMemory(what.blocks, faults_of(what), self.runtime.point)
        self.tell: Callable[[str], None] = lambda _text: None
        self._header = Header(PAGES, what.blocks, max(what.batch, 1), 0, None)
        self._following = Following(self._header, self._passed_on)
        self._history: dict[int, list[PageOperation]] = defaultdict(list)
        self._results: list[PassReport] = []
        self._generation = 0
        self._moment = 0
        self._limit: int | None = None
        self._stored = 0
        setup = Setup(PAGES, what.blocks, what.batch, self.blocks, self.runtime, self._following)
        self.device = chosen().make(setup)
        self._refusals = refusals(self.device)

    def _passed_on(self, text: str) -> None:
        self.tell(text)

    @property
    def steps(self) -> Sequence[object]:
        """The events so far."""
        return [line.said for line in self._following.lines]

    @property
    def start(self) -> State:
        """The state of the specification that the device begins in."""
        return self._header.state()

    @property
    def taken(self) -> Sequence[tuple[str, tuple[int, ...]]]:
        """The events so far, and their parameters."""
        return [(line.action.name, line.args) for line in self._following.lines]

    def watch(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called with every operation and every step."""
        self.tell = tell

    def run(self) -> None:
        """Run the program; raise what was found."""
        self.runtime.run(self._main)

    def _main(self) -> None:
        runtime = self.runtime
        runtime.steady = True
        for op in (Op(BEFORE, OpKind.WRITE, 0), Op(BEFORE, OpKind.WRITE, 1), *self.what.lane(BEFORE)):
            self._do(op)
        lanes = [
            runtime.spawn(partial(self._do_all, ops), f"lane {number}")
            for number in range(LANES)
            if (ops := self.what.lane(number))
        ]
        runtime.steady = False
        runtime.join_all(lanes)
        runtime.steady = True
        self._check_rest()
        self.device.close()

    def _do_all(self, ops: Sequence[Op]) -> None:
        for op in ops:
            self._do(op)

    def _do(self, op: Op) -> None:
        self.tell(f"[{op.text}")
        try:
            _DO[OpKind(op.does)](self, op)
        except self._refusals as error:
            number = error.errno if isinstance(error, OSError) else None
            self.tell(f"refused with {errorcode.get(number or 0, type(error).__name__)}")
            if not self._may_refuse(op):
                raise AssertionError(f"declared_errors: {op.text} ends in {error}") from error
        self.tell("]")
        self._judge(self._following.follow())

    def _may_refuse(self, op: Op) -> bool:
        """Return whether an operation may fail: a read where reads fail, a pass beside another pass."""
        fails = {fault.fails for fault in self.what.faults}
        passes = [each for each in self.what.ops if each.does in (OpKind.WRITEBACK, OpKind.WRITEBACK_IDLE)]
        return (op.does == OpKind.READ and FaultKind.READ in fails) or (op in passes and len(passes) > 1)

    @staticmethod
    def _judge(found: str) -> None:
        assert not found, found

    # --- operations ------------------------------------------------------------------------------------------------

    def _write(self, op: Op) -> None:
        self._generation += 1
        page, value = op.number % PAGES, self._generation
        made = stamped(page, value, huge=op.does == OpKind.WRITE_HUGE)
        content = same_filled(value) if op.does == OpKind.WRITE_SAME else made
        start = self._now()
        self.device.write(page, content)
        self._note(page, "write", value, start)

    def _discard(self, op: Op) -> None:
        start = self._now()
        self.device.discard(op.number % PAGES)
        self._note(op.number % PAGES, "write", ZERO, start)

    def _read(self, op: Op) -> None:
        page, start = op.number % PAGES, self._now()
        content = self.device.read(page)
        self._note(page, "read", value_of(content, page), start)

    def _now(self) -> int:
        self._moment += 1
        return self._moment

    def _note(self, page: int, kind: str, value: int, start: int) -> None:
        task = self.runtime.current
        name = task.name if task is not None else "main"
        self._history[page].append(
            PageOperation(name, "write" if kind == "write" else "read", value, start, self._now())
        )

    def _writeback(self, op: Op) -> None:
        named = range(PAGES) if op.number == 0 else [(op.number - 1) % PAGES]
        self._results.append(self.device.writeback(list(named)))

    def _writeback_idle(self, _op: Op) -> None:
        assert isinstance(self.device, MarkingDevice), "it has the capability"
        self._results.append(self.device.writeback_mode("idle"))

    def _mark_idle(self, _op: Op) -> None:
        assert isinstance(self.device, MarkingDevice), "it has the capability"
        self.device.mark_idle()

    def _set_limit(self, op: Op) -> None:
        """Store a limit, or switch between the one that is stored and none."""
        assert isinstance(self.device, LimitedDevice), "it has the capability"
        if op.does == OpKind.STORE_LIMIT:
            self._stored = op.number
            self._limit = None if self._limit is None else op.number
        else:
            self._limit = self._stored if self._limit is None else None
        self.device.set_limit(self._limit)

    def _stats(self, _op: Op) -> None:
        now = self.device.state()
        assert len(now.slots) == PAGES, f"statistics_equal_a_recount: the state has {len(now.slots)} pages"

    # --- the end ---------------------------------------------------------------------------------------------------

    def _check_rest(self) -> None:
        now = self.device.state()
        if "events" in self.device.capabilities:
            self._judge(self._following.compare(now))
        assert "P" not in now.slots, f"nothing_remains_at_rest: pages are claimed: {now.slots}"
        backed = now.slots.count("W")
        assert len(now.used) == backed, f"every_block_has_one_owner: {len(now.used)} blocks for {backed} pages"
        for result in self._results:
            settled = sum(result[1:])
            assert settled == result.selected, (
                f"the_result_adds_up: {result.selected} selected, {settled} accounted for"
            )
        self.blocks.heal()
        for page in range(PAGES):
            self._read(Op(BEFORE, OpKind.READ, page))
            wrong = unexplained(sorted(self._history[page], key=lambda each: each.start))
            assert wrong is None, (
                f"linearizable: no order of its operations explains that {wrong.task} read what it did from page {page}"
            )


_DO: Final[Mapping[OpKind, Callable[[DeviceHarness, Op], None]]] = {
    OpKind.WRITE: DeviceHarness._write,
    OpKind.WRITE_SAME: DeviceHarness._write,
    OpKind.WRITE_HUGE: DeviceHarness._write,
    OpKind.DISCARD: DeviceHarness._discard,
    OpKind.READ: DeviceHarness._read,
    OpKind.WRITEBACK: DeviceHarness._writeback,
    OpKind.WRITEBACK_IDLE: DeviceHarness._writeback_idle,
    OpKind.MARK_IDLE: DeviceHarness._mark_idle,
    OpKind.STORE_LIMIT: DeviceHarness._set_limit,
    OpKind.TOGGLE_LIMIT: DeviceHarness._set_limit,
    OpKind.STATS: DeviceHarness._stats,
}
