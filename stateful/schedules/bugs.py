"""Bugs that only a schedule shows, put back into the implementation: each patches one or two functions for a while.

The numbers are those of the catalogue of the driver's bugs; a bug without one was never the driver's.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple
from unittest import mock

from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.scheduler import BatonRuntime
from zram_impl.decisions import Completion, completion
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.runs import carry
from zram_impl.engine.threads import ThreadEngine
from zram_impl.pages.page_io import Pages
from zram_impl.passes import writeback
from zram_impl.passes.writeback import WritebackPass
from zram_impl.shield import Interrupts
from zram_impl.table.budget import Budget
from zram_impl.table.slot_table import PP_SLOT, Backed
from zram_impl.units import PAGE_SIZE, BlkIdx

Patches = Sequence["mock._patch[object]"]


@contextmanager
def put_in(patches: Patches) -> Iterator[None]:
    """Apply patches, and take them back again."""
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


class Variant(NamedTuple):
    """A bug, and how soon it has to be found."""

    name: str
    mistake: str
    catalogue: str
    """Its number in the catalogue."""
    scenario: str
    """In which it is looked for."""
    policy: str
    """`random` or `PCT`."""
    within: int
    """Schedules, the median of 30 seeds."""
    breaks: tuple[str, ...]
    """The properties it is expected to break; that anything else goes wrong with it does not count as found."""
    patches: Callable[[], Patches]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the bug in, and take it out again."""
        with put_in(self.patches()):
            yield


def _stale_completion_count() -> Patches:
    """One count for all: it goes up whenever nothing is in flight, and who waits takes all for finished."""
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
        mock.patch.object(ThreadEngine, "submit", one_by_one),
        mock.patch.object(ThreadEngine, "_carry", counting),
        mock.patch.object(ThreadEngine, "answered", all_of_them),
    )


def _wake_after_unlock() -> Patches:
    """The callback queues the answer and unlocks; then it wakes the pass, which may be over and gone."""

    def queue_then_wake(self: ThreadEngine, run: list[WbReq]) -> None:
        carry(self._device, run)
        with self._answers:
            self._done += run
        with self._answers:
            assert run[0].number >= 0, "whose pass is to be woken"
            self._answers.notify_all()

    return (mock.patch.object(ThreadEngine, "_carry", queue_then_wake),)


def _complete_after_free() -> Patches:
    """The callback counts down and wakes the pass; then it completes what may be freed already."""

    def wake_then_complete(self: ThreadEngine, run: list[WbReq]) -> None:
        carry(self._device, run)
        with self._answers:
            self._done += run
            self._answers.notify_all()
        with self._work:
            assert run[0].error >= 0, "what became of it"

    return (mock.patch.object(ThreadEngine, "_carry", wake_then_complete),)


def _check_then_act() -> Patches:
    """Whether the claim was kept is looked at before the table lock is taken, and acted on after."""
    complete, reap = WritebackPass._complete, WritebackPass._reap

    def looks_first(self: WritebackPass, actions: int) -> None:
        flags = self._shared.table.flags
        seen = {req.number: flags[req.index] & PP_SLOT for req in self._answered}

        def late(mine: WritebackPass, req: WbReq) -> None:
            flags[req.index] = flags[req.index] & ~PP_SLOT | seen[req.number]
            complete(mine, req)

        with mock.patch.object(WritebackPass, "_complete", late):
            reap(self, actions)

    return (mock.patch.object(WritebackPass, "_reap", looks_first),)


def _say_nothing_changed(pages: Pages, index: int, reader: int | None) -> None:
    """Tell whoever observes that the read ended well, without having looked."""
    if reader is not None:
        assert pages._read_steps is not None, "only a read whose steps are told has a number"
        pages._read_steps.answered(reader)
        with pages._lock:
            pages._read_steps.look_again(reader, index, unchanged=True, backed=True)


def _index_outside_lock() -> Patches:
    """Which block to read is looked up again after the slot was found to be written back."""

    def whatever_is_there(self: Pages, index: int, _entry: Backed, reader: int | None = None) -> bytes:
        assert self.backing is not None, "a written-back slot has a backing device"
        present = self._entries[index]
        number = present.blk_idx if type(present) is Backed else present if isinstance(present, int) else 0
        page = self.reads.read(self.backing, BlkIdx(number % self.backing.blocks))
        _say_nothing_changed(self, index, reader)
        return page

    return (mock.patch.object(Pages, "_read_back", whatever_is_there),)


def _no_second_look() -> Patches:
    """What the device answers is returned, though the block may have got another page meanwhile."""

    def as_it_comes(self: Pages, index: int, entry: Backed, reader: int | None = None) -> bytes:
        assert self.backing is not None, "a written-back slot has a backing device"
        page = self.reads.read(self.backing, entry.blk_idx)
        _say_nothing_changed(self, index, reader)
        return page

    return (mock.patch.object(Pages, "_read_back", as_it_comes),)


def _refund_without_charge() -> Patches:
    """A failed write gives back one block, whatever it was charged to, and whether it was."""

    def always(self: Budget, _grant: int) -> None:
        self.limit += 1

    return (mock.patch.object(Budget, "refund", always),)


def _leak_when_failed_and_lost() -> Patches:
    """A block is leaked only when its write failed and its slot was lost in flight."""

    def leaking(ok: int, kept: int) -> Completion:
        row = completion(ok, kept)
        return row if ok or kept else row._replace(release_block=0)

    return (mock.patch.object(writeback, "completion", leaking),)


def _wake_before_queue() -> Patches:
    """The pass is woken before there is anything for it, and not after."""

    def wake_then_queue(self: ThreadEngine, run: list[WbReq]) -> None:
        carry(self._device, run)
        with self._answers:
            self._answers.notify_all()
        with self._answers:
            self._done += run

    return (mock.patch.object(ThreadEngine, "_carry", wake_then_queue),)


def _lost_update() -> Patches:
    """A part of a page is put into what the page was, not into what it is."""

    def blindly(self: Pages, index: int, at: int, data: bytes) -> None:
        page = bytearray(self.peek_page(index))
        page[at : at + len(data)] = data
        with self._lock:
            self._install(index, bytes(page[:PAGE_SIZE]))

    return (mock.patch.object(Pages, "patch_page", blindly),)


def _driven_where_interrupts_land() -> Patches:
    """The caller drives its pass itself, so that a Ctrl-C lands in the middle of it."""

    def where_it_is_called(
        _self: BatonRuntime, run: Callable[[Interrupts], object], _lost: Callable[[object], object] | None = None
    ) -> object:
        return run(Interrupts())

    return (mock.patch.object(BatonRuntime, "shielded", where_it_is_called),)


VARIANTS: Final = (
    Variant(
        "stale_completion_count", "a count of completions outlives its batch, and what is in flight is committed", "10",
        "two pages and two threads", "random", 100,
        ("a_written_back_block_holds_the_page", "same_state"), _stale_completion_count,
    ),
    Variant(
        "complete_after_free", "the callback completes after it has let the pass go on to its end", "11",
        "pass and write", "PCT", 20,
        ("nobody_touches_a_freed_control_block",), _complete_after_free,
    ),
    Variant(
        "wake_after_unlock", "the callback queues the answer, unlocks, and only then wakes the pass", "18",
        "pass and write", "PCT", 20,
        ("nobody_touches_a_freed_control_block",), _wake_after_unlock,
    ),
    Variant(
        "check_then_act", "the claim is tested before the table lock is taken", "-",
        "pass and write", "PCT", 100,
        ("a_written_back_block_holds_the_page",), _check_then_act,
    ),
    Variant(
        "index_outside_lock", "a read takes the block from the slot after the lock was dropped", "16",
        "reuse under a read", "PCT", 100,
        ("a_read_ends_with_a_value_the_page_held",), _index_outside_lock,
    ),
    Variant(
        "no_second_look", "a read returns what the device answers, whosever block it is by then", "26",
        "reuse under a read", "PCT", 100,
        ("a_read_ends_with_a_value_the_page_held",), _no_second_look,
    ),
    Variant(
        "refund_without_charge", "a failed write is refunded whether or not it was charged", "13",
        "pass and toggled limit", "random", 100,
        ("the_budget_is_conserved",), _refund_without_charge,
    ),
    Variant(
        "leak_when_failed_and_lost", "a block is leaked if its write fails and its slot was lost in flight", "7, 8",
        "failing pass and write", "PCT", 100,
        ("every_block_has_one_owner",), _leak_when_failed_and_lost,
    ),
    Variant(
        "wake_before_queue", "the pass is woken before its answer is there", "3",
        "pass and write", "random", 100,
        ("nobody_waits_without_a_waker",), _wake_before_queue,
    ),
    Variant(
        "lost_update", "a partial write does not look whether the page was changed meanwhile", "22",
        "patch and write", "PCT", 100,
        ("pages_read_back",), _lost_update,
    ),
    Variant(
        "interrupt_in_the_pass", "a Ctrl-C lands where the pass is driven, and nobody drives it on", "-",
        "pass and interrupt", "random", 20,
        ("nobody_waits_without_a_waker",), _driven_where_interrupts_land,
    ),
)  # fmt: skip
assert all(variant.scenario in SCENARIOS for variant in VARIANTS), "every variant has a scenario"
NAMES: Final = tuple(variant.name for variant in VARIANTS)


def by_name(name: str) -> Variant:
    """Return the variant of a name."""
    return next(variant for variant in VARIANTS if variant.name == name)
