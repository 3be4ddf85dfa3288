"""Monitors of a schedule: refinement of the specification, checked wherever the device releases a lock.

What the device reports are steps of the specification, each of which must be enabled and break nothing. When the table
lock is released, the device must be in the state of the specification; when the engine's is, new answers become known.
When a pass ends, its requests and page buffers are freed: any later access to them is a finding.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import NoReturn

from spec.model.state import State
from spec.scope import Scope
from stateful.lockstep.refinement_map import state_of
from stateful.lockstep.stepped_engine import Io
from stateful.schedules.memory_device import BlocksInMemory
from stateful.schedules.page_oracle import ExpectedPages
from stateful.schedules.refinement import Follower, said
from zram_impl import PAGE_SIZE, ZramError
from zram_impl.decisions import SlotKind
from zram_impl.device.lifecycle import Lifecycle
from zram_impl.device.passes import Passes
from zram_impl.device.snapshot import Snapshot, snapshot
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.threads import ThreadEngine
from zram_impl.pages.page_io import Pages
from zram_impl.passes.base import PassStage
from zram_impl.passes.recompress import RecompressPass
from zram_impl.passes.writeback import WritebackPass
from zram_impl.table.entries import Backed, priority_of

POISON = b"\xdb" * PAGE_SIZE
"""The content of a page buffer without an owner."""
CHANGES = ("write", "write_same", "discard")


class Freed(WbReq):
    """A request whose pass is over."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> NoReturn:  # type: ignore[explicit-override]  # typing: 3.12
        raise AssertionError(f"nobody_touches_a_freed_control_block: {name} of a request of a pass that is over")

    def __setattr__(self, name: str, value: object) -> NoReturn:  # type: ignore[explicit-override]  # typing: 3.12
        raise AssertionError(f"nobody_touches_a_freed_control_block: {name} of a request of a pass that is over")


class MonitoredEngine(ThreadEngine):
    """Production's engine: buffers run out as the faults say, and released ones are poisoned."""

    denied: frozenset[int] = frozenset()
    asked = -1

    def buffer(self) -> memoryview | None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Hand out a page, unless there is to be no memory for it."""
        self.asked += 1
        return None if self.asked in self.denied else super().buffer()

    def release(self, page: memoryview) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        """Take a page back; a write of it that is still under way writes poison."""
        page[:] = POISON
        super().release(page)

    def answered_unreaped(self) -> list[WbReq]:
        """Return the answered requests that no pass has reaped yet."""
        return self._done


class Monitors:
    """Observer of one device.

    Attributes:
        life: Of the device; set once it is there, as are the others.
    """

    life: Lifecycle
    blocks: BlocksInMemory
    current: Callable[[], object]
    """Returns the task that runs."""
    engine: MonitoredEngine | None = None

    def __init__(self, scope: Scope, pages: ExpectedPages) -> None:
        self.follower = Follower(scope)
        self.tell: Callable[[str], None] | None = None
        """Called with every step as it is taken."""
        self._pages = pages
        self._answers_known: set[WbReq] = set()
        self._dead = False

    def observe(self, kind: str, /, *args: int) -> None:
        """Take a step that the device reports."""
        if self._dead or (kind == "read" and not self.follower.allows(kind, args)):
            return  # the disk was reset since; a read of a written-back page is judged by what it returns
        if kind in CHANGES:
            self._pages.happened(self.current(), args[0])
        elif kind == "submit":
            args = args[:2]
        elif kind == "reap":
            self._answers_known.discard(self._request(args[0]))
            args = args[:1]
        elif kind == "endio_leave":
            self._answers_known.add(self._request(args[0]))
        elif kind == "end_pass":
            self._free()
        elif kind == "reset":
            self._dead = True
        if self.tell is not None:
            self.tell(said(kind, args))
        self.follower.step(kind, args)

    def _request(self, number: int) -> WbReq:
        requests = self._requests()
        assert requests, "a request belongs to a pass"
        return requests[number]

    def _requests(self) -> Sequence[WbReq]:
        passes = self.life.passes
        return passes.running.requests if passes is not None and isinstance(passes.running, WritebackPass) else ()

    def _free(self) -> None:
        for req in self._requests():
            req.__class__ = Freed
        self._answers_known.clear()

    def answers_are_known(self) -> None:
        """Note the answers that the engine has: the device is done with them, and their callbacks leave now."""
        for req in self.engine.answered_unreaped() if self.engine is not None else ():
            if req not in self._answers_known:
                self._answers_known.add(req)
                self.observe("device_error" if req.error else "device_ok", req.blk_idx)
                self.observe("endio_queue", req.number)
                self.observe("endio_leave", req.number)

    def compare(self) -> None:
        """Compare the device with the specification; the table lock is held."""
        passes = self.life.passes
        if passes is None or self._dead:
            return
        pages, running = passes.pages, passes.running
        table, budget, blocks, known = pages.table, pages.shared.budget, pages.blocks, self._answers_known
        requests = running.requests if isinstance(running, WritebackPass) else ()
        holds = self._holds(pages, requests)
        look = (
            tuple([entry if not isinstance(entry, bytes) else len(entry) == PAGE_SIZE for entry in table.entries]),
            bytes(table.flags),
            isinstance(running, RecompressPass),
            bytes(blocks.map),
            tuple(holds.items()),
            tuple([_look_at(req, req in known) for req in requests]) if requests else (),
            (running.stage, getattr(running, "held_block", None), *running.waiting()) if running else None,
            (budget.enabled, budget.limit, budget.grant, blocks.used),
            (table.pages_stored, table.same_pages, table.huge_pages),
        )
        self.follower.compare(look, partial(self._state, passes, requests, holds))

    def _state(self, passes: Passes, requests: Sequence[WbReq], holds: Mapping[int, int], ghost: State) -> State:
        """Return the state that the device is in."""
        flying = (req for req in requests if req.phase >= Phase.FLIGHT and req not in self._answers_known)
        io = dict.fromkeys(flying, Io.PENDING)
        view = snapshot(passes, nullcontext())
        if isinstance(passes.running, RecompressPass):
            view = _without_claims(view)
        return state_of(view, requests, io, holds, ghost.readers, ghost)

    def _holds(self, pages: Pages, requests: Sequence[WbReq]) -> Mapping[int, int]:
        """Return, per block that a slot or a request owns, the page whose present content is, or will be, on it."""
        holds, owner = dict[int, int](), self._pages.owner
        for entry in pages.table.entries:
            if type(entry) is Backed:
                block = entry.blk_idx
                holds[block] = owner(self._on_block(pages, block, entry))
        for req in requests:
            if req.phase >= Phase.FLIGHT:
                holds[req.blk_idx] = owner(self._written(pages, req))
        return holds

    def _written(self, pages: Pages, req: WbReq) -> bytes:
        """Return the page that a request has written or will write, nothing when it failed."""
        if req not in self._answers_known:
            return pages.comps.decode(req.entry)
        return b"" if req.error else self._on_block(pages, req.blk_idx, req.entry)

    def _on_block(self, pages: Pages, block: int, entry: Backed | bytes) -> bytes:
        """Return the page that is on a block, nothing when the block holds no page."""
        content = self.blocks.block(block)
        if not pages.shared.compressed:
            return content
        if isinstance(entry, Backed):
            size, priority = entry.size, entry.priority
        else:
            size, priority = len(entry), priority_of(entry)
        try:
            return pages.comps.unpack(content, size, priority)
        except ZramError:
            return b""


def _without_claims(view: Snapshot) -> Snapshot:
    """Return what the specification sees while pages are recompressed: each page's turn is one step of a user."""
    slots = [slot._replace(kind=SlotKind.STORED) if slot.kind is SlotKind.PP_SLOT else slot for slot in view.slots]
    return view._replace(slots=tuple(slots), queued=(), stage=PassStage.OVER)


def _look_at(req: WbReq, known: bool) -> tuple[int, ...]:
    if req.phase < Phase.FLIGHT:
        return (req.phase,)
    return req.phase if known else Phase.FLIGHT, req.index, req.blk_idx, req.grant, req.error if known else 0
