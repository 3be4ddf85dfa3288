"""One writeback pass: scan, submit in batches, reap in any order, end. The order of this page is a request's life.

A pass never blocks in `advance`: its driver alternates `advance` and `wait`. It is cut into the actions of the
specification (`spec/model/writeback.py`, in the same order): each happens in one hold of the table lock, and
`advance(1)` does exactly one, so a test can stop between any two.

While a page is on its way its slot is not locked: it can be read, rewritten or freed. Ownership keeps that safe: a
block belongs to the pass, then to a request, then to the slot or to nobody; a pp_slot belongs to a bucket, then to a
request; a request is idle, held, in flight or answered.

Kernel: writeback_store(), zram_writeback_slots(), zram_complete_done_reqs(), release_wb_ctl(), release_pp_ctl().
"""

import zlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from zram_impl.decisions import completion
from zram_impl.engine.protocol import Engine
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.runs import report
from zram_impl.events.observer import Observer
from zram_impl.passes.base import PassProgress, PassStage, SteppedPass
from zram_impl.passes.filling import filled
from zram_impl.passes.pp_buckets import PpBuckets
from zram_impl.passes.request_pool import RequestPool
from zram_impl.passes.scan import Cursor
from zram_impl.quirks import Quirks
from zram_impl.result import WritebackResult
from zram_impl.runtime import Runtime
from zram_impl.table.shared import Shared
from zram_impl.table.slot_table import PP_SLOT
from zram_impl.units import BlkIdx, SlotIndex

PORTION: Final = range(32, 128 + 1)
"""Requests that are submitted at a time: half of all, if that lies in here: they are written while others are filled.

Fewer cost more for their submission, and for the thread that brings their answers, than overlapping gains.
"""


class WritebackPass(SteppedPass[WritebackResult]):
    """A pass of writeback.

    Attributes:
        held_request: Taken for the next candidate.
        held_block: Reserved for the next candidate.
    """

    # --- begin_pass ------------------------------------------------------------------------------------------------

    def __init__(  # noqa: PLR0913  (what it is made of, named at the one place that makes it)
        self,
        shared: Shared,
        engine: Engine,
        cursor: Cursor,
        pool: RequestPool,
        *,
        runtime: Runtime,
        quirks: Quirks,
        observer: Observer | None,
        on_end: Callable[[], None],
        largest_first: bool = True,
    ) -> None:
        buckets = PpBuckets(by_size=largest_first)
        super().__init__(
            WritebackResult(), shared.lock, runtime=runtime, observer=observer, on_end=on_end, buckets=buckets
        )
        self._shared = shared
        self._engine = engine
        self._cursor = cursor
        self._pool = pool
        self._portion = min(max(pool.most // 2, PORTION[0]), PORTION[-1])
        self._quirks = quirks
        self._answered: deque[WbReq] = deque()
        self.held_request: WbReq | None = None
        self.held_block: BlkIdx | None = None
        self._alive = 0
        """Requests submitted and not yet reaped."""

    @property
    def requests(self) -> Sequence[WbReq]:
        """All its requests, by number."""
        return self._pool.requests

    def _step(self, actions: int) -> PassProgress:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self._answered.extend(self._engine.answered())
        if self._answered:
            self._reap(actions)
            return PassProgress.PROGRESS
        if self.stage is PassStage.SCANNING:
            with self._table_lock:
                self._scan(actions)
            return PassProgress.PROGRESS
        return self._write(actions)

    # --- scan, end_scan --------------------------------------------------------------------------------------------

    def _scan(self, actions: int) -> None:
        """Claim some of the next slots; the table lock is held."""
        # Race with `cancel`, which takes no lock: what was selected before it was seen is given up later.
        found = [] if self._cancelled else self._cursor.select(self._shared.table, actions)
        self._buckets.place(found)
        if self._observer is not None:
            for index, _ in found:
                self._observe("scan", index)
        self.result.selected += len(found)
        if len(found) < actions and (self._cursor.exhausted or self._cancelled):
            self.stage = PassStage.WRITING
            self._observe("end_scan")

    # --- the next action -------------------------------------------------------------------------------------------

    def _write(self, actions: int) -> PassProgress:
        """Fill free requests, or give up what is left, or end."""
        batch: list[WbReq] = []
        try:
            with self._table_lock:
                done = self._fill(batch, actions)
                if not done and not self._alive:
                    assert not len(self._buckets), "a pass that cannot move has nothing left"
                    self._end()
                    return PassProgress.DONE
        finally:
            # Race with users, from the unlock above on: claims may be lost, which `_complete` finds out. The objects in
            # `batch` are immutable: what is copied is what the slots held as their requests were submitted. They are
            # sent whatever an observer raised: a pass that waits for requests nobody has would never end.
            if batch:
                self._send(batch)
        return PassProgress.PROGRESS if done else PassProgress.WAIT

    def _fill(self, batch: list[WbReq], actions: int) -> int:
        """Do what need not wait and put the requests to be sent into `batch`; return the actions done."""
        done, most = 0, self._portion
        while done < actions and len(batch) < most and (did := self._act(batch, actions - done)):
            done += did
        return done

    def _act(self, batch: list[WbReq], actions: int) -> int:  # noqa: PLR0911  (one line a decision, in their order)
        """Do the next action that need not wait, or several alike; return how many. The table lock is held.

        Every decision about a candidate is made here, and holds for those behind it while the table lock is held.
        """
        index = self._buckets.peek()
        if index is None:
            return self._drop_held()
        # Race since the scan: the slot was unlocked, and an access, a write or a discard took the claim off.
        lost = not self._shared.table.flags[index] & PP_SLOT
        if lost and not self._quirks.claim_checked_last:
            return self._skip(index)
        # Race with `cancel`, as in `_scan`: at the latest, the next candidate is given up.
        if self._cancelled:
            self.result.stop("cancelled")
        # Race with a store of the limit: it is read anew for each candidate, under the lock it is stored under.
        if self.result.stopped_by is None and not self._shared.budget.may_charge():
            if self._may_get_more():
                return 0
            self.result.stop("limit")
        if self.result.stopped_by is not None:
            return self._leave(index)
        if self.held_request is None:
            return self._submit_several(batch, actions) or self._take_request()
        if self.held_block is None:
            return self._reserve_block(index)
        if lost:
            return self._skip(index)
        req, block = self.held_request, self.held_block
        self._submit([index], [req], [block])
        self.held_request = self.held_block = None
        batch.append(req)
        self._observe("submit", index, req.number, block)
        return 1

    def _may_get_more(self) -> bool:
        """Return whether to wait for writes in flight, since one that fails or is lost gives budget or a block back."""
        return self._alive > 0 and not self._quirks.decide_before_reaping

    # --- take_request, reserve_block, submit -----------------------------------------------------------------------

    def _submit_several(self, batch: list[WbReq], actions: int) -> int:
        """Submit candidates, while there are idle requests and free blocks; return the actions done, three for each."""
        if self.held_block is not None:
            return 0
        shared, idle = self._shared, self._pool.idle
        most = min(len(idle), actions // 3, shared.budget.affordable, self._portion - len(batch))
        if most <= 0:
            return 0
        indexes = self._buckets.claimed(shared.table.flags, most)
        blocks = shared.blocks.reserve_up_to(len(indexes))
        if not blocks:
            return 0
        reqs, indexes = idle[: len(blocks)], indexes[: len(blocks)]
        del idle[: len(blocks)]
        self._submit(indexes, reqs, blocks)
        batch += reqs
        if self._observer is not None:
            for index, req, block in zip(indexes, reqs, blocks, strict=True):
                self._observe("take_request", req.number)
                self._observe("reserve_block", block)
                self._observe("submit", index, req.number, block)
        return 3 * len(blocks)

    def _take_request(self) -> int:
        req = self.held_request = self._pool.take()
        if req is None:
            return 0
        self._observe("take_request", req.number)
        return 1

    def _reserve_block(self, index: SlotIndex) -> int:
        """Reserve a block, or give the candidate up when no write in flight can release one.

        Kernel: zram_reserve_bdev_block()
        """
        blocks = self._shared.blocks
        block = blocks.reserve()
        if block is None:
            if self._may_get_more():
                return 0
            # A block that failed is tried again only when every other has been, and when nothing is in flight: so which
            # page gets which block depends neither on the batch size nor on the order of the answers.
            block = blocks.reserve() if blocks.take_back() else None
        if block is None:
            self.result.stop("no_space")
            return self._leave(index)
        self.held_block = block
        self._observe("reserve_block", block)
        return 1

    def _submit(self, indexes: Sequence[SlotIndex], reqs: Sequence[WbReq], blocks: Sequence[BlkIdx]) -> None:
        """Hand the next candidates' pp_slots, blocks and budget over to requests, in flight from now on."""
        entries, stored, flight = self._shared.table.entries, self._shared.table.object, Phase.FLIGHT
        grant = self._shared.budget.charge(len(reqs))
        for index, req, block in zip(indexes, reqs, blocks, strict=True):
            entry = entries[index]
            req.index, req.blk_idx = index, block
            req.entry = entry if type(entry) is bytes else stored(index)
            req.grant, req.error = grant, 0
            req.phase = flight
        self._buckets.detach(len(reqs))
        self._alive += len(reqs)

    def _send(self, batch: Sequence[WbReq]) -> None:
        """Fill the buffers and hand the requests to the engine, outside of the table lock.

        Kernel: zram_submit_wb_request()
        """
        ready, failed = filled(self._shared, batch)
        if failed:
            self._answered.extend(failed)
            if self._observer is not None:
                report(self._observer, failed)
        self._engine.submit(ready)
        # While they are written: the device only reads the buffers, and who completes them needs the pass lock. Not by
        # the view that the device has: without the GIL Python 3.13 loses count of those who use one at the same time.
        for req in ready:
            req.checksum = zlib.crc32(req.memory)

    # --- skip, give_up, drop_held ------------------------------------------------------------------------------------

    def _skip(self, index: SlotIndex) -> int:
        """Drop a candidate that lost its claim; a held request and block are kept for the next one."""
        self._release_candidate(index, "skip")
        self.result.skipped += 1
        return 1

    def _leave(self, index: SlotIndex) -> int:
        # A page that was queued twice may be in flight: giving up its twin would take its claim off.
        return 0 if self._alive and self._quirks.queue_twice else self._give_up(index)

    def _give_up(self, index: SlotIndex) -> int:
        """Release a candidate that will not be written, because of `result.stopped_by`."""
        # Race since the scan, as in `_act`: what lost its claim is no page that is left.
        if not self._shared.table.flags[index] & PP_SLOT:
            return self._skip(index)
        self._release_candidate(index, "give_up")
        self.result.left += 1
        return 1

    def _release_candidate(self, index: SlotIndex, kind: str) -> None:
        self._buckets.pop()
        self._shared.table.release_claim(index)
        self._observe(kind, index)

    def _drop_held(self) -> int:
        """Release what was taken for a candidate that never came: a block that nobody owns would be lost for ever."""
        req, block = self.held_request, self.held_block
        if req is None and block is None:
            return 0
        if block is not None:
            self._shared.blocks.release(block)
        if req is not None:
            self._pool.give(req)
        self.held_request = self.held_block = None
        self._observe("drop_held")
        return 1

    # --- reap ------------------------------------------------------------------------------------------------------

    def wait(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Wait a while for an answer; call it when `advance` said WAIT."""
        if self._runtime.interruptible():
            self._runtime.shielded(lambda _interrupts: self._wait())
        else:
            self._wait()

    def _wait(self) -> None:
        # Race with another driver: the pass lock is not held, or a reset could not drive the pass to its end beside a
        # worker that waits. The task that gets an answer puts it where either finds it.
        answered = self._engine.answered(wait=True)
        with self._lock:
            self._answered.extend(answered)

    def _reap(self, actions: int) -> None:
        """Complete answered requests.

        Kernel: zram_complete_done_reqs()
        """
        answered, number = self._answered, min(actions, len(self._answered))
        reqs = [answered.popleft() for _ in range(number)]
        with self._table_lock:
            self._complete(reqs)

    def _complete(self, reqs: Sequence[WbReq]) -> None:
        """Retire answered requests; the table lock is held.

        Race since the submission: the slots were unlocked while their pages were in flight, so by now each may have
        been read, rewritten or freed. That it still has its claim is the only proof that the bytes on the device are
        the bytes of the page. The decision is made before the claim is taken off: releasing the pp_slot first would
        destroy the evidence.

        Kernel: zram_writeback_complete()
        """
        shared, answered = self._shared, Phase.ANSWERED
        flags, release_claim = shared.table.flags, shared.table.release_claim
        # One call for each case instead of one for each request.
        decided = [completion(ok, kept) for ok in (0, 1) for kept in (0, 1)]
        committed: list[tuple[int, BlkIdx, int]] = []
        bd_writes = 0
        for req in reqs:
            assert req.phase is answered, f"only the engine answers a request: {req.phase!r} of slot {req.index}"
            index, error = req.index, req.error
            commit, release_block, refund, written = decided[(0 if error else 2) | (1 if flags[index] & PP_SLOT else 0)]
            if commit:
                committed.append((index, req.blk_idx, req.checksum))
            elif error:
                self.result.fail(index, error)
            else:
                self.result.lost += 1
            if release_block:
                later = error and not self._quirks.retry_failed_block
                (shared.blocks.set_aside if later else shared.blocks.release)(req.blk_idx)
            if refund:
                shared.budget.refund(req.grant)
            bd_writes += written
            # Here, not with the commits: a slot that was queued twice is committed once.
            release_claim(index)
        shared.bd_writes += bd_writes
        shared.table.commit(committed)
        self.result.written += len(committed)
        self._alive -= len(reqs)
        reaped = [] if self._observer is None else [(req.number, req.index, req.blk_idx) for req in reqs]
        self._pool.retire(reqs)
        for each in reaped:
            self._observe("reap", *each)

    # --- end_pass --------------------------------------------------------------------------------------------------

    def _end(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Free the requests; the table lock is held.

        Kernel: release_wb_ctl(), release_pp_ctl()
        """
        assert self.held_request is None and self.held_block is None, "at rest nothing is held"  # noqa: PT018  (one condition)
        self._pool.close()
        self._shared.blocks.take_back()
        try:
            self._observe("end_pass")
        finally:
            super()._end()

    def after_fork(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Be over, in a forked child, and own nothing: its parent drives the pass."""
        super().after_fork()
        if self.held_block is not None:
            self._shared.blocks.release(self.held_block)
        self._pool.abandon(self._shared)
