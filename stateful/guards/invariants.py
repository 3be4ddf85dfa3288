"""The invariant of each lock, checked as it is released.

Two holds where one was meant, a count that is changed elsewhere than what it counts, a boundary that is one off: each
leaves a state behind that no single hold could.
"""

from collections.abc import Callable
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from stateful.guards.judge import Invariant
from zram_impl.device.lifecycle import Lifecycle
from zram_impl.device.openers import Openers
from zram_impl.device.passes import Passes
from zram_impl.engine.request import Phase, WbReq
from zram_impl.passes.base import PassStage
from zram_impl.passes.pp_buckets import PpBuckets
from zram_impl.passes.recompress import RecompressPass
from zram_impl.passes.writeback import WritebackPass
from zram_impl.table.access_times import AccessTimes
from zram_impl.table.block_map import USED, NextFit
from zram_impl.table.budget import Budget
from zram_impl.table.entries import IN_MEMORY, Backed, size_of
from zram_impl.table.moved import Moved, moved_size
from zram_impl.table.segments import Segments
from zram_impl.table.slot_table import OWNED, PP_SLOT, SlotTable
from zram_impl.units import PAGE_SIZE

T = TypeVar("T")
_ASIDE: Final = 2


def _of(owner: type[T], broken: Callable[[T], str]) -> Callable[[object], str]:
    def checked(obj: object) -> str:
        return broken(obj) if isinstance(obj, owner) else ""

    return checked


def _differ(**pairs: tuple[object, object]) -> str:
    """Say which of several values are not what they have to be."""
    return "; ".join(f"{name} is {has}, and should be {due}" for name, (has, due) in pairs.items() if has != due)


def _slots(table: SlotTable) -> str:
    entries = table.entries
    memory = [entry for entry in entries if isinstance(entry, IN_MEMORY)]
    return _differ(
        pages_stored=(table.pages_stored, sum(entry is not None for entry in entries)),
        same_pages=(table.same_pages, sum(type(entry) is int for entry in entries)),
        huge_pages=(table.huge_pages, sum(size_of(entry) == PAGE_SIZE for entry in memory)),
        compr_data_size=(table.compr_data_size, sum(map(size_of, memory))),
        segments_live=(table.segments.live, sum(moved_size(entry) for entry in memory if type(entry) is Moved)),
    ) or ("" if table.compr_data_max >= table.compr_data_size else "compr_data_max is below compr_data_size")


def _segments(segments: Segments) -> str:
    live = segments.live_in
    dead = [number for number, size in live.items() if not size and number != segments.filling]
    if dead:
        return f"segments {dead} are empty and there"
    return _differ(live=(segments.live, sum(live.values())), maps=(sorted(segments.maps), sorted(live)))


def _blocks(blocks: NextFit) -> str:
    return _differ(used=(blocks.used, blocks.map.count(USED)), aside=(blocks._aside, blocks.map.count(_ASIDE)))


def _budget(budget: Budget) -> str:
    return f"limit is {budget.limit}" if budget.limit < 0 else ""


def _owners(passes: Passes) -> str:
    """Every block in use has one owner: a written-back slot, a request, or the pass that reserved it."""
    owned = [int(entry.blk_idx) for entry in passes.pages.table.entries if type(entry) is Backed]
    running = passes.running
    if isinstance(running, WritebackPass):
        owned += [int(req.blk_idx) for req in running.requests if type(req) is WbReq and req.phase >= Phase.FLIGHT]
        owned += [int(running.held_block)] if running.held_block is not None else []
    used = [block for block, taken in enumerate(passes.pages.blocks.in_use()) if taken]
    return f"blocks {used} are in use, and {sorted(owned)} have owners" if sorted(owned) != used else ""


def _claims(passes: Passes) -> str:
    """A claim, and an owned pp_slot, is of a running pass."""
    if passes.running is not None:
        return ""
    left = [index for index, flags in enumerate(passes.pages.table.flags) if flags & (OWNED | PP_SLOT)]
    return f"pages {left} are claimed, and no pass runs" if left else ""


def _left_alone(passes: Passes) -> str:
    """Passes that are closed are done with: a caller that has them from before finds out."""
    return "a pass has begun and the passes are closed" if passes._closed and passes.running is not None else ""


_MADE_WITH: Final["WeakKeyDictionary[Passes, object]"] = WeakKeyDictionary()


def _configured(life: Lifecycle) -> str:
    """While a device is initialised, its configuration is what its pages were made with."""
    passes, it = life.passes, life.configuration
    if passes is None:
        return ""
    now = [*it.algorithms._names], [*it.algorithms._params], it.backing, it.compressed_writeback
    return "" if _MADE_WITH.setdefault(passes, now) == now else "an initialised device has been configured anew"


def _times(times: AccessTimes) -> str:
    seconds = times._seconds
    if len(seconds) > times._most:
        return f"{len(seconds)} seconds have to share {times._most} numbers"
    if seconds[1:] != sorted(set(seconds[1:])):
        return f"seconds {seconds} do not ascend, each by one at least"
    return _differ(tick=(times.tick, len(seconds) - 1), over=(times._over, seconds[-1] + 1))


def _buckets(buckets: PpBuckets) -> str:
    held = [where for where, each in enumerate(buckets._buckets) if each]
    if held and held[-1] > buckets._top:
        return f"bucket {held[-1]} has candidates, above the top {buckets._top}"
    return _differ(count=(len(buckets), sum(map(len, buckets._buckets))))


def _requests(running: WritebackPass) -> str:
    if running.stage is PassStage.OVER:
        return ""
    held = running.held_request is not None
    flying = [req for req in running.requests if req.phase >= Phase.FLIGHT]
    return _differ(
        alive=(running._alive, len(flying)), idle=(len(running._pool.idle), len(running.requests) - held - len(flying))
    )


def _known(running: WritebackPass | RecompressPass) -> str:
    """A pass that is not over is the one its device knows."""
    passes = getattr(running._on_end, "__self__", None)
    if running.stage is PassStage.OVER or not isinstance(passes, Passes) or passes.running is running:
        return ""
    return f"a {type(running).__name__} is under way that its device does not know"


def _accounts(running: WritebackPass | RecompressPass) -> str:
    if running.stage is not PassStage.OVER:
        return ""
    return _differ(settled=(running.settled, running.selected))


def _opens(openers: Openers) -> str:
    alive = openers._alive()
    if alive and openers._resetting:
        return f"it is open {len(alive)} times during a reset"
    exclusive = sum(opened.exclusive for opened in alive)
    return f"{exclusive} opens are exclusive" if exclusive > 1 else ""


INVARIANTS: Final = (
    Invariant("table", "statistics_equal_a_recount", SlotTable, _of(SlotTable, _slots)),
    Invariant("table", "segments_equal_a_recount", Segments, _of(Segments, _segments)),
    Invariant("table", "blocks_equal_a_recount", NextFit, _of(NextFit, _blocks)),
    Invariant("table", "the_budget_is_not_overdrawn", Budget, _of(Budget, _budget)),
    Invariant("table", "every_block_has_one_owner", Passes, _of(Passes, _owners)),
    Invariant("table", "a_claim_is_of_a_running_pass", Passes, _of(Passes, _claims)),
    Invariant("table", "a_closed_device_is_left_alone", Passes, _of(Passes, _left_alone)),
    Invariant("control", "what_is_in_use_stays_as_it_is", Lifecycle, _of(Lifecycle, _configured)),
    Invariant("table", "every_second_has_a_number", AccessTimes, _of(AccessTimes, _times)),
    Invariant("table", "buckets_equal_a_recount", PpBuckets, _of(PpBuckets, _buckets)),
    Invariant("table", "one_pass_at_a_time", WritebackPass, _of(WritebackPass, _known)),
    Invariant("table", "one_pass_at_a_time", RecompressPass, _of(RecompressPass, _known)),
    Invariant("pass", "requests_equal_a_recount", WritebackPass, _of(WritebackPass, _requests)),
    Invariant("pass", "the_result_adds_up", WritebackPass, _of(WritebackPass, _accounts)),
    Invariant("pass", "the_result_adds_up", RecompressPass, _of(RecompressPass, _accounts)),
    Invariant("openers", "opens_exclude_each_other", Openers, _of(Openers, _opens)),
)
