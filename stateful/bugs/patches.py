"""Patches of seeded bugs: one or two functions of the device, or of the schedules' own parts, for a while."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from stateful.common.replaced import Replaced
from stateful.schedules import harness
from stateful.schedules.primitives import FREE, ScheduledTask
from stateful.schedules.program import BEFORE, PASSES, OpKind, TaskProgram, shared
from stateful.schedules.scheduler import ScheduledRuntime
from zram_impl.decisions import Completion, completion
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.runs import carry
from zram_impl.engine.threads import ThreadEngine
from zram_impl.pages.clean_pages import CleanPages
from zram_impl.pages.page_io import Pages
from zram_impl.passes import writeback
from zram_impl.passes.writeback import WritebackPass
from zram_impl.shield import Interrupts
from zram_impl.table.budget import Budget
from zram_impl.table.entries import Backed
from zram_impl.table.slot_table import PP_SLOT
from zram_impl.units import PAGE_SIZE, BlkIdx, SlotIndex

Patches = Sequence[AbstractContextManager[object]]

# --- on any schedule -------------------------------------------------------------------------------------------------


def early_release() -> Patches:
    """Drop the claim before completion tests it."""
    complete = WritebackPass._complete

    def too_early(self: WritebackPass, reqs: Sequence[WbReq]) -> None:
        for req in reqs:
            self._shared.table.release_claim(req.index)
        complete(self, reqs)

    return (Replaced(WritebackPass, "_complete", too_early),)


def unassigned_index() -> Patches:
    """Write the content of slot 0, whichever slot was selected."""
    submit = WritebackPass._submit

    def of_slot_0(
        self: WritebackPass, indexes: Sequence[SlotIndex], reqs: Sequence[WbReq], blocks: Sequence[BlkIdx]
    ) -> None:
        submit(self, indexes, reqs, blocks)
        entry = self._shared.table.entries[0]
        if isinstance(entry, bytes):
            for req in reqs:
                req.entry = entry

    return (Replaced(WritebackPass, "_submit", of_slot_0),)


def kept_by_index_only() -> Patches:
    """Return a kept page for any entry that its slot has."""
    get = CleanPages.get

    def of_the_index(self: CleanPages, index: int, entry: Backed) -> bytes | None:
        found = self._kept.get(index)
        return get(self, index, entry if found is None else found[0])

    return (Replaced(CleanPages, "get", of_the_index),)


def leak_after_loop() -> Patches:
    """Forget the block that was reserved for the last candidate."""

    def keeping_the_block(self: WritebackPass) -> int:
        self.held_block = None
        return drop_held(self)

    drop_held = WritebackPass._drop_held
    return (Replaced(WritebackPass, "_drop_held", keeping_the_block),)


def completing(change: Callable[[Completion, int, int], Completion]) -> Callable[[], Patches]:
    """Return the patches that change the row of the completion table for (ok, kept)."""

    def decided(ok: int, kept: int) -> Completion:
        return change(completion(ok, kept), ok, kept)

    return lambda: (Replaced(writeback, "completion", decided),)


# --- on some schedules only ------------------------------------------------------------------------------------------


def stale_completion_count() -> Patches:
    """Count once whenever nothing is in flight; a waiter that finds a count takes every request for finished."""
    submit = ThreadEngine.submit
    flying: dict[ThreadEngine, list[WbReq]] = {}
    count: dict[ThreadEngine, list[int]] = {}

    def one_by_one(self: ThreadEngine, requests: Sequence[WbReq]) -> None:
        for request in requests:
            with self._answers:
                flying.setdefault(self, []).append(request)
                in_flight = count.setdefault(self, [0, 0])
                in_flight[0] += 1
            submit(self, [request])

    def counting(self: ThreadEngine, run: list[WbReq]) -> None:
        carry(self._device, run)
        with self._answers:
            self._done += run
            in_flight = count[self]
            in_flight[0] -= len(run)
            if not in_flight[0]:
                in_flight[1] += 1
                self._answers.notify_all()

    def all_of_them(self: ThreadEngine, wait: bool = False) -> list[WbReq]:
        with self._answers:
            in_flight = count.setdefault(self, [0, 0])
            if not wait or not self._answers.wait_for(lambda: in_flight[1] > 0, 0.1):
                return []
            in_flight[1] -= 1
            done, flying[self] = flying.get(self, []), []
            self._done = []
            for request in done:
                request.phase = Phase.ANSWERED
            return done

    return (
        Replaced(ThreadEngine, "submit", one_by_one),
        Replaced(ThreadEngine, "_carry", counting),
        Replaced(ThreadEngine, "answered", all_of_them),
    )


def wake_after_unlock() -> Patches:
    """Queue the answer and unlock; then wake the pass, which may have ended and freed the request."""

    def queue_then_wake(self: ThreadEngine, run: list[WbReq]) -> None:
        carry(self._device, run)
        with self._answers:
            self._done += run
        with self._answers:
            assert run[0].number >= 0, "the request names the pass to wake"
            self._answers.notify_all()

    return (Replaced(ThreadEngine, "_carry", queue_then_wake),)


def complete_after_free() -> Patches:
    """Queue the answer and wake the pass; then complete the request, which may be freed already."""

    def wake_then_complete(self: ThreadEngine, run: list[WbReq]) -> None:
        carry(self._device, run)
        with self._answers:
            self._done += run
            self._answers.notify_all()
        with self._work:
            assert run[0].error >= 0, "the error of the request"

    return (Replaced(ThreadEngine, "_carry", wake_then_complete),)


def check_then_act() -> Patches:
    """Test the claim before the table lock is taken, and act on the result under the lock."""
    complete, reap = WritebackPass._complete, WritebackPass._reap

    def looks_first(self: WritebackPass, actions: int) -> None:
        flags = self._shared.table.flags
        seen = {req.number: flags[req.index] & PP_SLOT for req in self._answered}

        def late(mine: WritebackPass, reqs: Sequence[WbReq]) -> None:
            for req in reqs:
                flags[req.index] = flags[req.index] & ~PP_SLOT | seen[req.number]
            complete(mine, reqs)

        with Replaced(WritebackPass, "_complete", late):
            reap(self, actions)

    return (Replaced(WritebackPass, "_reap", looks_first),)


def _say_nothing_changed(pages: Pages, index: int, reader: int | None) -> None:
    """Report to the observer that the slot is unchanged, without a look at it."""
    if reader is not None:
        assert pages._read_steps is not None, "only an observed read has a number"
        pages._read_steps.answered(reader)
        with pages._lock:
            pages._read_steps.look_again(reader, index, unchanged=True, backed=True)


def index_outside_lock() -> Patches:
    """Look up the block a second time, without the lock, after the slot was found to be written back."""

    def whatever_is_there(self: Pages, index: int, _entry: Backed, reader: int | None = None) -> bytes:
        assert self.backing is not None, "a written-back slot has a backing device"
        present = self._entries[index]
        number = present.blk_idx if type(present) is Backed else present if isinstance(present, int) else 0
        page = self.reads.read(self.backing, BlkIdx(number % self.backing.blocks))
        _say_nothing_changed(self, index, reader)
        return page

    return (Replaced(Pages, "_read_back", whatever_is_there),)


def no_second_look() -> Patches:
    """Return what the device answers, though the block may hold another page by then."""

    def as_it_comes(self: Pages, index: int, entry: Backed, reader: int | None = None) -> bytes:
        assert self.backing is not None, "a written-back slot has a backing device"
        page = self.reads.read(self.backing, entry.blk_idx)
        _say_nothing_changed(self, index, reader)
        return page

    return (Replaced(Pages, "_read_back", as_it_comes),)


def refund_without_charge() -> Patches:
    """Refund one block for a failed write, charged or not, whatever limit it was charged to."""

    def always(self: Budget, _grant: int) -> None:
        self.limit += 1

    return (Replaced(Budget, "refund", always),)


def leak_when_failed_and_lost() -> Patches:
    """Keep the block of a write that failed and whose slot was lost in flight."""

    def leaking(ok: int, kept: int) -> Completion:
        row = completion(ok, kept)
        return row if ok or kept else row._replace(release_block=0)

    return (Replaced(writeback, "completion", leaking),)


def wake_before_queue() -> Patches:
    """Wake the pass before its answer is queued, and not after."""

    def wake_then_queue(self: ThreadEngine, run: list[WbReq]) -> None:
        carry(self._device, run)
        with self._answers:
            self._answers.notify_all()
        with self._answers:
            self._done += run

    return (Replaced(ThreadEngine, "_carry", wake_then_queue),)


def lost_update() -> Patches:
    """Patch the page as it was read, without a check that it is still the same."""

    def blindly(self: Pages, index: int, at: int, data: bytes) -> None:
        page = bytearray(self.peek_page(index))
        page[at : at + len(data)] = data
        with self._lock:
            self._replace(index, bytes(page[:PAGE_SIZE]))
            self._installed(index, bytes(page[:PAGE_SIZE]))

    return (Replaced(Pages, "patch_page", blindly),)


def driven_where_interrupts_land() -> Patches:
    """Let the caller drive its pass itself, so that a Ctrl-C unwinds it in the middle."""

    def where_it_is_called(
        _self: ScheduledRuntime, run: Callable[[Interrupts], object], _lost: Callable[[object], object] | None = None
    ) -> object:
        return run(Interrupts())

    return (Replaced(ScheduledRuntime, "shielded", where_it_is_called),)


# --- in the schedules' own parts: the device is the same -------------------------------------------------------------


def time_passes_for_the_first() -> Patches:
    """If no task can run, let time pass for the oldest waiting task, again and again."""
    in_turns = ScheduledRuntime._let_time_pass

    def for_the_first(self: ScheduledRuntime) -> ScheduledTask | None:
        for task in self._live:
            if task.timed and self._time_may_pass:
                task.timed_out, task.timed, task.gate = True, False, FREE
                return task
        return in_turns(self)

    return (Replaced(ScheduledRuntime, "_let_time_pass", for_the_first),)


def resets_are_never_refused() -> Patches:
    """Expect a reset to end as a close does: never in EBUSY."""
    errors = harness._errors

    def as_a_close(what: TaskProgram) -> Mapping[OpKind, frozenset[int]]:
        return {**errors(what), OpKind.RESET: errors(what)[OpKind.CLOSE]}

    return (Replaced(harness, "_errors", as_a_close),)


def threads_are_forgotten() -> Patches:
    """Leave the threads of a pass before the lanes out of the footprints."""

    def without_that_pass(what: TaskProgram) -> frozenset[str]:
        return shared(what._replace(ops=tuple(op for op in what.ops if op.lane != BEFORE or op.does not in PASSES)))

    return (Replaced(harness, "shared", without_that_pass),)


def waiter_is_forgotten() -> Patches:
    """Assume that tasks share the end of a pass only if one of the lanes interrupts."""

    def unless_a_lane_interrupts(what: TaskProgram) -> frozenset[str]:
        interrupts = any(op.does == OpKind.INTERRUPT and op.lane != BEFORE for op in what.ops)
        return shared(what) if interrupts else shared(what) - {"pass over"}

    return (Replaced(harness, "shared", unless_a_lane_interrupts),)
