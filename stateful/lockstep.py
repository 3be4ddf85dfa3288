"""A real device and the specification, side by side, one step at a time.

Whatever the device reports as done is taken as a step of the specification, and must be one that it allows; after it
the device, read off through `abstraction`, must be in the very state the specification is in, every property must
hold of it, and every page must read back what was last written to it. A difference is a `Difference`.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from errno import EAGAIN, EIO
from pathlib import Path
from typing import Final, NoReturn

from spec.actions import ACTIONS, Action
from spec.invariant import broken_clause
from spec.properties import EVERY_STEP
from spec.scope import Scope, domain
from spec.state import Reader, State
from spec.tables import NONE, PP_SLOT
from stateful import abstraction
from stateful.gated import GatedDevice, SteppedRead
from stateful.pages import same_filled, stamped
from stateful.stepped import Io, SteppedEngine
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.bdev.file import open_file
from zram_impl.disk import Disk
from zram_impl.entries import Backed
from zram_impl.request import Phase, WbReq
from zram_impl.wbpass import Progress, WritebackPass

BY_NAME: Final[Mapping[str, Action]] = {action.name: action for action in ACTIONS}


class Difference(AssertionError):
    """The device did what the specification does not do.

    Attributes:
        name: Of the property that is broken, or `same_state`, `allowed_step`, `pages_read_back`.
        steps: What was done, as steps of the specification.
    """

    def __init__(self, name: str, sentence: str, steps: Iterable[str]) -> None:
        self.name = name
        self.steps = tuple(steps)
        super().__init__(f"{name}: {sentence}; after {len(self.steps)} steps: {' · '.join(self.steps)}")


class Lockstep:
    """Both sides, and the calls that move them."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.state: State = scope.initial()
        self.steps: list[str] = []
        self.content = [bytes(PAGE_SIZE)] * scope.slots
        self.running: WritebackPass | None = None
        self._generation = 0
        self._events: list[tuple[str, tuple[int, ...]]] = []
        self._reads: dict[int, SteppedRead] = {}
        self._seen_by_reader: dict[int, set[bytes]] = {}
        self._entry_of_reader: dict[int, object] = {}
        self._undo = ExitStack()
        self._path = Path(self._undo.enter_context(tempfile.TemporaryDirectory(prefix="zram-"))) / "backing"
        self._engine: SteppedEngine | None = None
        self.device = Zram(engine=self._make_engine, observer=self._observe)
        self._undo.callback(self.device.close)
        self._set_up()
        if scope.limit >= 0:
            self.device.set_writeback_limit(scope.limit)
            self.device.enable_writeback_limit(enabled=True)
            # the store opened a grant, which a fresh specification does not know
            self.state = self.state._replace(budget=self.state.budget._replace(grant=self.device.snapshot().grant))
            self._events.clear()

    def _set_up(self) -> None:
        size = self.scope.blocks * PAGE_SIZE
        self._gates = GatedDevice(open_file(self._path, size=size))
        self.device.set_backing(self._gates)
        self.device.set_batch_size(self.scope.requests)
        self.device.initialise(self.scope.slots * PAGE_SIZE)

    def close(self) -> None:
        """Let everything go; nothing is left running or on disk."""
        try:
            for read in self._reads.values():
                read.abandon()
            if self.running is not None:
                self.running.cancel()
                self._drain()
        finally:
            self._undo.close()

    def _drain(self) -> None:
        while self.running is not None and self.running.advance() is not Progress.DONE:
            self.engine.finish()
        self.running = None

    def _make_engine(self, device: object, _runtime: object) -> SteppedEngine:
        assert isinstance(device, GatedDevice), "the device that was set"
        self._engine = SteppedEngine(device, self.scope.requests, self._observe)
        return self._engine

    def _observe(self, kind: str, /, *args: int) -> None:
        self._events.append((kind, args))

    # --- what is where ---------------------------------------------------------------------------------------------

    @property
    def engine(self) -> SteppedEngine:
        """The engine of the running device."""
        assert self._engine is not None, "a pass has begun"
        return self._engine

    @property
    def disk(self) -> Disk:
        """The inside of the device."""
        disk = self.device.disk
        assert disk is not None, "the device is initialised"
        return disk

    def claimed(self) -> list[int]:
        """Return the pages that the running pass has claimed."""
        return [page for page, slot in enumerate(self.state.slots) if slot.kind == PP_SLOT]

    def request(self, number: int) -> WbReq:
        """Return a request of the running pass."""
        assert self.running is not None, "requests belong to a pass"
        return self.running.requests[number]

    def admits(self, action: Action) -> bool:
        """Return whether the scope has the action at all."""
        return not action.switch or bool(getattr(self.scope, action.switch))

    def enabled(self, action: Action) -> list[tuple[int, ...]]:
        """Return the parameters with which the specification allows `action` now."""
        found: list[tuple[int, ...]] = [()]
        for over in action.over:
            found = [(*args, value) for args in found for value in domain(self.scope, over)]
        return [args for args in found if action.guard(self.state, *args)]

    # --- moving ----------------------------------------------------------------------------------------------------

    def do(self, action: Action, args: tuple[int, ...]) -> None:
        """Make the device take a step of a user or of the backing device, and follow it."""
        perform: Callable[..., None] = getattr(self, f"_do_{action.name}")
        perform(*args)
        self._follow((action.name, args))

    def begin(self, mode: str | None, pages: Sequence[int] | None) -> None:
        """Begin a pass over a mode or over named pages, and follow it."""
        self.running = self.device.begin_writeback(mode, pages=pages)
        self._follow(("begin_pass", ()))

    def advance(self) -> Progress:
        """Let the pass take one step, follow it, and return what the pass said."""
        assert self.running is not None, "there is a pass to advance"
        came_to = self.running.advance(1)
        if came_to is Progress.DONE:
            self.running = None
        self._follow(None)
        return came_to

    def in_flight(self) -> list[WbReq]:
        """Return the requests that the device or their callbacks still have."""
        return [req for req, io in self._engine.io.items() if io is not Io.LEFT] if self._engine else []

    def answer(self, req: WbReq, *, failing: bool) -> None:
        """Take a request in flight all the way through the device and its callback."""
        io = self.engine.io
        if io[req] is Io.PENDING:
            self.do(BY_NAME["device_error" if failing else "device_ok"], (req.blk_idx,))
        if io[req] in (Io.OK, Io.ERROR):
            self.do(BY_NAME["endio_queue"], (req.number,))
        if io[req] is Io.INSIDE:
            self.do(BY_NAME["endio_leave"], (req.number,))

    def cancel(self) -> None:
        """Cancel the pass; it notices as it is advanced."""
        assert self.running is not None, "there is a pass to cancel"
        self.running.cancel()

    # --- following -------------------------------------------------------------------------------------------------

    def _follow(self, expected: tuple[str, tuple[int, ...]] | None) -> None:
        """Take what the device reported as steps of the specification and compare.

        `expected` is a step that the device need not report: a read's, or a refusal.
        """
        events, self._events = self._events, []
        steps = [(kind, args) for kind, args in events if kind != "read"]
        if expected is not None and expected[0] not in [kind for kind, _args in steps]:
            steps.append(expected)
        for position, (kind, args) in enumerate(steps):
            action = BY_NAME[kind]
            self._step(action, args[: len(action.over)], compare=position == len(steps) - 1)
        self._pages_read_back()

    def _step(self, action: Action, args: tuple[int, ...], *, compare: bool) -> None:
        before = self.state
        self.steps.append(f"{action.name}({', '.join(str(int(value)) for value in args)})")
        if not action.guard(before, *args):
            self._differ("allowed_step", f"the specification does not allow {self.steps[-1]} in\n{before}")
        self.state = action.effect(before, *args)
        if not compare:
            return
        mine = self._abstract()
        for step in EVERY_STEP:
            if action.name in step.actions and not step.holds(before, args, mine):
                self._differ(step.holds.__name__, step.holds.__doc__ or "")
        clause = broken_clause(mine)
        if clause is not None:
            self._differ(clause.__name__, clause.__doc__ or "")
        if mine != self.state:
            self._differ("same_state", f"the device is in\n{mine}\nand the specification in\n{self.state}")

    def _abstract(self) -> State:
        requests = self.running.requests if self.running else []
        io = self._engine.io if self._engine else {}
        readers = tuple(
            abstraction.reader(
                self._reads[k],
                valid=self.disk.table.entries[self._reads[k].index] is self._entry_of_reader[k],
                sound=self.state.readers[k].sound,
            )
            if k in self._reads
            else Reader()
            for k in range(self.scope.readers)
        )
        return abstraction.abstract(self.device.snapshot(), requests, io, self._holds(requests), readers, self.state)

    def _holds(self, requests: Sequence[WbReq]) -> dict[int, int]:
        """Return, per block that a slot or a request owns, the page whose present content is, or will be, on it."""
        owner = {content: page for page, content in enumerate(self.content)}
        holds = {}
        for page, entry in enumerate(self.disk.table.entries):
            if type(entry) is Backed:
                holds[entry.blk_idx] = owner.get(self._on_block(entry.blk_idx), NONE)
        for req in requests:
            if req.phase >= Phase.FLIGHT:
                pending = self.engine.io.get(req) is Io.PENDING
                content = bytes(req.page) if pending else self._on_block(req.blk_idx)
                holds[req.blk_idx] = owner.get(content, NONE)
        return holds

    def _on_block(self, block: int) -> bytes:
        into = bytearray(PAGE_SIZE)
        self._gates.read(block, memoryview(into))
        return bytes(into)

    def _pages_read_back(self) -> None:
        for page, content in enumerate(self.content):
            try:
                same = self.disk.peek_page(page) == content
            except ZramError as error:
                self._differ("pages_read_back", f"page {page} cannot be read: {error}")
            if not same:
                self._differ("pages_read_back", f"page {page} does not read back what was last written to it")

    def _differ(self, name: str, sentence: str) -> NoReturn:
        raise Difference(name, sentence, self.steps)

    # --- the steps of users and of the backing device -----------------------------------------------------------------

    def _set_content(self, page: int, content: bytes) -> None:
        self.content[page] = content
        for k, read in self._reads.items():
            if read.index == page:
                self._seen_by_reader[k].add(content)

    def _do_write(self, page: int, huge: int) -> None:
        self._generation += 1
        content = stamped(page, self._generation, huge=bool(huge))
        self.device.write_page(page, content)
        self._set_content(page, content)

    def _do_write_same(self, page: int) -> None:
        self._generation += 1
        content = same_filled(self._generation)
        self.device.write_page(page, content)
        self._set_content(page, content)

    def _do_discard(self, page: int) -> None:
        self.device.discard(page * PAGE_SIZE, PAGE_SIZE)
        self._set_content(page, bytes(PAGE_SIZE))

    def _do_read(self, page: int) -> None:
        if self.device.read_page(page) != self.content[page]:
            self._differ("pages_read_back", f"reading page {page} does not return what was last written to it")

    def _do_read_begin(self, page: int, k: int) -> None:
        self._entry_of_reader[k] = self.disk.table.entries[page]
        self._seen_by_reader[k] = {self.content[page]}
        self._reads[k] = SteppedRead(self.device, self._gates, page)

    def _do_read_answer(self, k: int) -> None:
        self._reads[k].step()

    def _do_read_end(self, k: int) -> None:
        self._reads[k].step()
        self._read_is_over(k)

    def _do_read_retry(self, k: int) -> None:
        """The device begins again by itself: with another block, or with a page that is in memory by now."""
        read = self._reads[k]
        entry = self.disk.table.entries[read.index]
        read.step()
        if read.at is None:
            self._read_is_over(k)
            return
        self._entry_of_reader[k] = entry
        self._events.append(("read_retry", (k,)))
        self._events.append(("read_begin", (read.index, k)))

    def _read_is_over(self, k: int) -> None:
        read = self._reads.pop(k)
        if read.at is not None:
            self._differ("a_read_ends", f"the read of page {read.index} goes on although its slot did not change")
        if read.failure is not None:
            self._differ("a_read_ends", f"the read of page {read.index} failed: {read.failure}")
        if read.page not in self._seen_by_reader[k]:
            self._differ("a_read_ends_with_a_value_the_page_held", f"page {read.index} never had what a read returned")

    def _do_mark_idle(self, _page: int) -> None:
        self.device.mark_idle()

    def _do_store_limit(self, limit: int) -> None:
        self.device.set_writeback_limit(limit)

    def _do_toggle_limit(self) -> None:
        self.device.enable_writeback_limit(enabled=not self.device.writeback_limit_enabled)

    def _do_reset(self) -> None:
        self.device.reset()
        self._engine = None
        self.content = [bytes(PAGE_SIZE)] * self.scope.slots
        self._set_up()

    def _do_begin_pass(self) -> None:
        self.running = self.device.begin_writeback(pages=range(self.scope.slots))

    def _do_refuse_pass(self) -> None:
        try:
            self.device.begin_writeback("idle")
        except ZramError as error:
            if error.errno == EAGAIN:
                return
        self._differ("a_refusal_changes_nothing", "a second pass is not refused with EAGAIN")

    def _do_device_ok(self, block: int) -> None:
        self.engine.carry(self._in_flight(block))

    def _do_device_error(self, block: int) -> None:
        self.engine.carry(self._in_flight(block), EIO)

    def _in_flight(self, block: int) -> WbReq:
        return next(req for req, io in self.engine.io.items() if io is Io.PENDING and req.blk_idx == block)

    def _do_endio_queue(self, number: int) -> None:
        self.engine.queue(self.request(number))

    def _do_endio_leave(self, number: int) -> None:
        self.engine.leave(self.request(number))
