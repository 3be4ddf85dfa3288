"""One writeback pass: scan, submit in batches, reap in any order, come to an end.

A pass never blocks in `advance`; who drives it alternates `advance` and `wait`. It may be advanced by more than one
task (a reset drives a pass to its end beside the worker), one at a time. What it does is cut into the actions of the
specification: each happens in one hold of the table lock, and `advance(1)` does exactly one, so a test can stop
between any two.

While a page is on its way its slot is not locked, so the slot can be read, rewritten or freed. What keeps that safe is
ownership: a block belongs to the pass, then to a request, then to the slot or to nobody; a pp_slot belongs to a bucket,
then to a request; a request is idle, held, in flight or answered.

Kernel: writeback_store(), zram_writeback_slots(), zram_complete_done_reqs(), release_wb_ctl(), release_pp_ctl().
"""

import zlib
from collections import deque
from collections.abc import Callable
from errno import EIO
from typing import TYPE_CHECKING

from zram_impl.decisions import completion
from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import Phase, WbReq
from zram_impl.errors import ZramError
from zram_impl.events.observer import Observer
from zram_impl.forking import made_anew
from zram_impl.passes.base import MANY, PassProgress, PassStage
from zram_impl.passes.pp_buckets import PpBuckets
from zram_impl.passes.request_pool import give_back, request_of
from zram_impl.passes.scan import Cursor
from zram_impl.quirks import Quirks
from zram_impl.result import WritebackResult
from zram_impl.runtime import Rank, Runtime
from zram_impl.table.shared import Shared
from zram_impl.table.slot_table import PP_SLOT
from zram_impl.units import PAGE_SIZE, BlkIdx, SlotIndex

if TYPE_CHECKING:
    from collections.abc import Sequence


class WritebackPass:
    """A pass under way; it is DONE once `advance` says so, and `result` is final then."""

    def __init__(  # noqa: PLR0913  (what it is made of, named at the one place that makes it)
        self,
        shared: Shared,
        engine: Engine,
        cursor: Cursor,
        batch_size: int,
        *,
        runtime: Runtime,
        quirks: Quirks,
        observer: Observer | None,
        first: WbReq,
        on_end: Callable[[], None],
    ) -> None:
        """Begin a pass; `first` is the one request it cannot do without, `on_end` is called as it ends."""
        # Guards everything below: who holds it drives the pass.
        self._lock = runtime.lock("pass", Rank.PASS)
        self._runtime = runtime
        self._shared = shared
        self._engine = engine
        self._cursor = cursor
        self._batch_size = batch_size
        self._quirks = quirks
        self._observer = observer
        self._on_end = on_end
        self._cancelled = False
        self.abandoned = False
        """Somebody gave up waiting for a device that does not answer; nobody is to wait for this pass any more."""
        self._buckets = PpBuckets()
        self._answered: deque[WbReq] = deque()
        self.stage = PassStage.SCANNING
        self.result = WritebackResult()
        self.requests = [first]
        self._idle = list(self.requests)
        self.held_request: WbReq | None = None
        self.held_block: BlkIdx | None = None
        self._alive = 0
        """Requests submitted and not yet reaped."""

    # --- driving ---------------------------------------------------------------------------------------------------

    def advance(self, actions: int = MANY) -> PassProgress:
        """Do what can be done without waiting, at most `actions` actions of the specification."""
        if self._runtime.interruptible():
            return self._runtime.shielded(lambda _interrupts: self._advance(actions))
        return self._advance(actions)

    def _advance(self, actions: int) -> PassProgress:
        with self._lock:
            if self.stage is PassStage.OVER:
                return PassProgress.DONE
            self._answered.extend(self._engine.answered())
            if self._answered:
                self._reap(actions)
                return PassProgress.PROGRESS
            if self.stage is PassStage.SCANNING:
                with self._shared.lock:
                    self._scan(actions)
                return PassProgress.PROGRESS
            return self._write(actions)

    def wait(self) -> None:
        """Wait a while for an answer; call it when `advance` said WAIT."""
        if self._runtime.interruptible():
            self._runtime.shielded(lambda _interrupts: self._wait())
        else:
            self._wait()

    def _wait(self) -> None:
        # Not under the lock: another task may have to drive the pass to its end meanwhile.
        answered = self._engine.answered(wait=True)
        with self._lock:
            self._answered.extend(answered)

    def cancel(self) -> None:
        """Submit nothing more. What is in flight is still reaped; takes no lock, so a signal handler may call it."""
        self._cancelled = True

    def after_fork(self) -> None:
        """Be over, in a forked child, and own nothing: its parent drives it."""
        made_anew(self._lock)
        give_back(self.requests, self.held_block, self._shared)
        self.stage = PassStage.OVER

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    @property
    def selected(self) -> int:
        """Pages the scan claimed."""
        return self.result.selected

    @property
    def settled(self) -> int:
        """Selected pages that are done with, one way or another."""
        return self.result.settled

    def waiting(self) -> list[SlotIndex]:
        """List the candidates not submitted yet; needs the table lock."""
        return self._buckets.waiting()

    # --- scanning --------------------------------------------------------------------------------------------------

    def _scan(self, actions: int) -> None:
        """Claim some of the next slots; the table lock is held."""
        found = [] if self._cancelled else self._cursor.select(self._shared.table, actions)
        self._buckets.place(found)
        if self._observer is not None:
            for index, _ in found:
                self._observe("scan", index)
        self.result.selected += len(found)
        if len(found) < actions and (self._cursor.exhausted or self._cancelled):
            self.stage = PassStage.WRITING
            self._observe("end_scan")

    # --- writing ---------------------------------------------------------------------------------------------------

    def _write(self, actions: int) -> PassProgress:
        """Fill free requests, or give up what is left, or end."""
        batch: list[WbReq] = []
        with self._shared.lock:
            done = self._fill(batch, actions)
            if not done and not self._alive:
                assert not len(self._buckets), "a pass that cannot move has nothing left"
                self._end()
                return PassProgress.DONE
        if batch:
            self._send(batch)
        return PassProgress.PROGRESS if done else PassProgress.WAIT

    def _fill(self, batch: list[WbReq], actions: int) -> int:
        """Do what need not wait and put the requests to be sent into `batch`; return the actions done."""
        done = 0
        while done < actions and (did := self._submit_run(batch, actions - done) or self._act(batch)):
            done += did
        return done

    def _act(self, batch: list[WbReq]) -> bool:  # noqa: PLR0911  (one line a decision, in the order they are made)
        """Do the next action, if there is one that need not wait; the table lock is held."""
        index = self._buckets.peek()
        if index is None:
            return self._drop_held()
        # Between the scan and now the slot was unlocked: an access, a write or a discard took the claim off.
        lost = not self._shared.table.flags[index] & PP_SLOT
        if lost and not self._quirks.claim_checked_last:
            return self._skip(index)
        if self._cancelled:
            self.result.stop("cancelled")
        if self.result.stopped_by is None and not self._shared.budget.may_charge():
            if self._may_get_more():
                return False
            self.result.stop("limit")
        if self.result.stopped_by is not None:
            return self._leave(index)
        if self.held_request is None:
            return self._take_request()
        if self.held_block is None:
            return self._reserve_block(index)
        if lost:
            return self._skip(index)
        self._submit(index, self.held_request, self.held_block)
        batch.append(self.held_request)
        self.held_request = self.held_block = None
        return True

    def _submit_run(self, batch: list[WbReq], actions: int) -> int:
        """Submit candidate after candidate while nothing speaks against it; return the actions done, three for each.

        What `_act` would do one by one, and it decides about the first candidate this stops at. The table lock is held.
        """
        if self.held_request is not None or self.held_block is not None or self._cancelled or self.result.stopped_by:
            return 0
        shared, idle = self._shared, self._idle
        most = min(len(idle), actions // 3, shared.budget.affordable)
        if most <= 0:
            return 0
        indexes = self._buckets.claimed(shared.table.flags, most)
        blocks = shared.blocks.reserve_up_to(len(indexes))
        for index, block in zip(indexes, blocks, strict=False):
            req = idle.pop()
            self._observe("take_request", req.number)
            self._observe("reserve_block", block)
            self._submit(index, req, block)
            batch.append(req)
        return 3 * len(blocks)

    def _may_get_more(self) -> bool:
        """Return whether to wait for writes in flight, since one that fails or is lost gives budget or a block back."""
        return self._alive > 0 and not self._quirks.decide_before_reaping

    def _take_request(self) -> bool:
        if not self._idle:
            if len(self.requests) >= self._batch_size:
                return False
            # The pool grows on demand. Without memory for one more, the ones there are will do.
            fresh = request_of(self._engine, len(self.requests))
            if fresh is None:
                return False
            self.requests.append(fresh)
            self._idle.append(fresh)
        req = self.held_request = self._idle.pop()
        req.phase = Phase.HELD
        self._observe("take_request", req.number)
        return True

    def _reserve_block(self, index: SlotIndex) -> bool:
        blocks = self._shared.blocks
        block = blocks.reserve()
        if block is None:
            if self._may_get_more():
                return False
            # A block that failed is tried again only when every other has been, and when nothing is in flight: so which
            # page gets which block depends neither on the batch size nor on the order of the answers.
            block = blocks.reserve() if blocks.take_back() else None
        if block is None:
            self.result.stop("no_space")
            return self._leave(index)
        self.held_block = block
        self._observe("reserve_block", block)
        return True

    def _submit(self, index: SlotIndex, req: WbReq, block: BlkIdx) -> None:
        entry = self._shared.table.object(index)
        self._buckets.pop()
        req.index, req.blk_idx, req.entry = index, block, entry
        req.grant = self._shared.budget.charge()
        req.error = 0
        req.phase = Phase.FLIGHT
        self._alive += 1
        self._observe("submit", index, req.number, block)

    def _send(self, batch: "Sequence[WbReq]") -> None:
        """Fill the buffers and hand the requests to the engine; outside of the table lock, objects are immutable."""
        decode = self._padded if self._shared.compressed else self._shared.decode
        ready = []
        for req in batch:
            try:
                page = decode(req.entry)
            except (ZramError, MemoryError):  # the page cannot be had: a write that failed before it began
                req.error, req.phase = EIO, Phase.ANSWERED
                self._answered.append(req)
                self._observe("device_error", req.blk_idx)
                self._observe("endio_queue", req.number)
                self._observe("endio_leave", req.number)
                continue
            req.page[:] = page
            req.checksum = zlib.crc32(page)
            ready.append(req)
        self._engine.submit(ready)

    @staticmethod
    def _padded(stored: bytes) -> bytes:
        """Return the object with zeros behind it: a reused buffer's rest is another page's."""
        return stored.ljust(PAGE_SIZE, b"\0")

    # --- what is not written ---------------------------------------------------------------------------------------

    def _skip(self, index: SlotIndex) -> bool:
        self._release_candidate(index, "skip")
        self.result.skipped += 1
        return True

    def _leave(self, index: SlotIndex) -> bool:
        # A page that was queued twice may be in flight: giving up its twin would take its claim off.
        return not (self._alive and self._quirks.queue_twice) and self._give_up(index)

    def _give_up(self, index: SlotIndex) -> bool:
        if self._shared.table.flags[index] & PP_SLOT:
            self._release_candidate(index, "give_up")
            self.result.left += 1
            return True
        return self._skip(index)

    def _release_candidate(self, index: SlotIndex, kind: str) -> None:
        self._buckets.pop()
        self._shared.table.release_claim(index)
        self._observe(kind, index)

    def _drop_held(self) -> bool:
        """Release what was taken for a candidate that never came: a block that nobody owns would be lost for ever."""
        req, block = self.held_request, self.held_block
        if req is None and block is None:
            return False
        if block is not None:
            self._shared.blocks.release(block)
        if req is not None:
            req.phase = Phase.IDLE
            self._idle.append(req)
        self.held_request = self.held_block = None
        self._observe("drop_held")
        return True

    # --- reaping ---------------------------------------------------------------------------------------------------

    def _reap(self, actions: int) -> None:
        with self._shared.lock:
            self._complete_some(min(actions, len(self._answered)))

    def _complete_some(self, number: int) -> None:
        for _ in range(number):
            self._complete(self._answered.popleft())

    def _complete(self, req: WbReq) -> None:
        """Retire one answered request; the table lock is held.

        The slot was unlocked while its page was in flight, so by now it may have been read, rewritten or freed. That
        it still has its claim is the only proof that the bytes on the device are the bytes of the page. The decision
        is made before the claim is taken off: releasing the pp_slot first would destroy the evidence.
        """
        assert req.phase is Phase.ANSWERED, f"only the engine answers a request: {req.phase!r} of slot {req.index}"
        shared, result = self._shared, self.result
        table = shared.table
        row = completion(req.error == 0, table.flags[req.index] & PP_SLOT and 1)
        if row.commit:
            table.commit(req.index, req.blk_idx, req.checksum)
            result.written += 1
        elif req.error:
            result.fail(req.index, req.error)
        else:
            result.lost += 1
        if row.release_block:
            later = req.error and not self._quirks.retry_failed_block
            (shared.blocks.set_aside if later else shared.blocks.release)(req.blk_idx)
        if row.refund:
            shared.budget.refund(req.grant)
        shared.bd_writes += row.bd_writes
        table.release_claim(req.index)
        self._alive -= 1
        self._retire(req)

    def _retire(self, req: WbReq) -> None:
        index, block = req.index, req.blk_idx
        del req.index, req.blk_idx, req.entry
        req.grant = 0
        req.phase = Phase.IDLE
        self._idle.append(req)
        self._observe("reap", req.number, index, block)

    def _end(self) -> None:
        """Free the requests; nothing is in flight and no callback is inside, so nobody looks at them any more."""
        assert self.held_request is None and self.held_block is None, "at rest nothing is held"  # noqa: PT018
        assert len(self._idle) == len(self.requests), "every submitted request was reaped"
        for req in self.requests:
            self._engine.release(req.page)
        self._shared.blocks.take_back()
        self.stage = PassStage.OVER
        self._observe("end_pass")
        self._on_end()

    def _observe(self, kind: str, *args: int) -> None:
        if self._observer is not None:
            self._observer(kind, *args)
