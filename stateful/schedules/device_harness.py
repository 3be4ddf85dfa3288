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
from stateful.common.carriers import Threads
from stateful.schedules.memory_device import BlocksInMemory
from stateful.schedules.program import (
    PAGES,
    USER_OPERATIONS,
    FaultKind,
    Op,
    OpKind,
    TaskProgram,
    faults_of,
)
from stateful.schedules.scheduler import Policy, ScheduledRuntime
from stateful.seam.chosen import chosen, is_ours
from stateful.seam.operations import (
    DiscardPages,
    ReadPage,
    RunPass,
    SetLimit,
    UserOperation,
    WritePage,
    apply,
    needed,
    page_of,
)
from stateful.seam.protocol import PassReport, Setup, refusals
from stateful.stress.linearizability import unexplained
from stateful.stress.operation import ZERO, PageOperation
from stateful.stress.recorder import value_of
from stateful.traces.following import Following
from stateful.traces.schema import Header

POINTS_MOST: Final = 20_000
"""Points within which every run is quiescent."""

NEEDED: Final[Mapping[OpKind, str]] = {
    **{kind: needed(make(0)) for kind, make in USER_OPERATIONS.items()},
    **dict.fromkeys((OpKind.STORE_LIMIT, OpKind.TOGGLE_LIMIT), needed(SetLimit(None))),
    OpKind.STATS: "",
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
        self.runtime = ScheduledRuntime(policy, most_points=POINTS_MOST, time_may_pass=True, carriers=Threads())
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

    def dismantle(self) -> None:
        """Forget the device, which is closed."""
        vars(self).clear()

    def _main(self) -> None:
        runtime = self.runtime
        runtime.steady = True
        self._do_all(self.what.first)
        lanes = [runtime.spawn(partial(self._do_all, ops), name) for name, ops in self.what.tasks.items()]
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
            self._perform(op)
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

    def _perform(self, op: Op) -> None:
        does = OpKind(op.does)
        if does in USER_OPERATIONS:
            self._use(USER_OPERATIONS[does](op.number))
        elif does == OpKind.STATS:
            now = self.device.state()
            assert len(now.slots) == PAGES, f"statistics_equal_a_recount: the state has {len(now.slots)} pages"
        else:
            self._use(SetLimit(self._limit_after(op)))

    def _limit_after(self, op: Op) -> int | None:
        """Store a limit, or switch between the one that is stored and none."""
        if op.does == OpKind.STORE_LIMIT:
            self._stored = op.number
            self._limit = None if self._limit is None else op.number
        else:
            self._limit = self._stored if self._limit is None else None
        return self._limit

    def _use(self, operation: UserOperation) -> None:
        """Do an operation, and note what it did to its page and when."""
        content, value = b"", ZERO
        if isinstance(operation, WritePage):
            self._generation += 1
            value = self._generation
            content = page_of(operation.page, operation.kind, value)
        start = self._now()
        answer = apply(self.device, operation, content)
        match operation, answer:
            case ((WritePage(page) | DiscardPages(page)), _):
                self._note(page, "write", value, start)
            case ReadPage(page), bytes():
                self._note(page, "read", value_of(answer, page), start)
            case RunPass(), PassReport():
                self._results.append(answer)
            case _:
                pass

    def _now(self) -> int:
        self._moment += 1
        return self._moment

    def _note(self, page: int, kind: str, value: int, start: int) -> None:
        task = self.runtime.current
        name = task.name if task is not None else "main"
        self._history[page].append(
            PageOperation(name, "write" if kind == "write" else "read", value, start, self._now())
        )

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
            self._use(ReadPage(page))
            wrong = unexplained(sorted(self._history[page], key=lambda each: each.start))
            assert wrong is None, (
                f"linearizable: no order of its operations explains that {wrong.task} read what it did from page {page}"
            )
