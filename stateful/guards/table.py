"""The table of guards: which lock guards what, and every exception with its reason.

A field that is missing here is an error, as is a name that matches nothing (`coverage.py`). docs/generated/guards.md is
drawn from it. A lock goes by the name it was made with.
"""

from collections.abc import Mapping
from typing import Final

from stateful.guards.guard import ONCE, Wait, by_class, free, outside, owned, row, under
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.direct import BouncePages
from zram_impl.bdev.file import FileDevice
from zram_impl.block_layer import Node, NodeFile
from zram_impl.compression.algorithms import Algorithm
from zram_impl.compression.compressors import Comps
from zram_impl.device.algorithm_settings import AlgorithmSettings
from zram_impl.device.config import Configuration
from zram_impl.device.dropped import Held
from zram_impl.device.lifecycle import Lifecycle
from zram_impl.device.openers import Opened, Openers
from zram_impl.device.passes import Passes
from zram_impl.engine.background import BackgroundEngine
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import WbReq
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.threads import ThreadEngine
from zram_impl.events.read_steps import ReadSteps
from zram_impl.mapping import MapItems, MapValues, PageMap
from zram_impl.pages.backing_reads import BackingReads
from zram_impl.pages.clean_pages import CleanPages, Lease
from zram_impl.pages.page_io import Pages
from zram_impl.pages.read_ahead import GroupRead, ReadAhead
from zram_impl.pages.room import Room
from zram_impl.pages.run_reads import BulkRead, RunReads
from zram_impl.passes.base import SteppedPass
from zram_impl.passes.compaction import Compaction
from zram_impl.passes.pp_buckets import PpBuckets
from zram_impl.passes.recompress import RecompressPass
from zram_impl.passes.request_pool import RequestPool
from zram_impl.passes.scan import Cursor
from zram_impl.passes.turns import FairTurns
from zram_impl.passes.writeback import WritebackPass
from zram_impl.policy.keeper import Keeper
from zram_impl.policy.ranking import Ranking
from zram_impl.result import RecompressResult, WritebackResult
from zram_impl.shield import Interrupts
from zram_impl.table.access_times import AccessTimes
from zram_impl.table.block_map import NextFit
from zram_impl.table.budget import Budget
from zram_impl.table.entries import Backed
from zram_impl.table.segments import Segment, Segments
from zram_impl.table.shared import Shared
from zram_impl.table.slot_table import SlotTable
from zram_impl.zram import Zram

LOCKS: Final[Mapping[str, str]] = {
    "control": "life cycle and configuration; held while a reset drives a pass to its end",
    "compaction": "one compaction at a time",
    "pass": "one task at a time drives a pass",
    "table": "slots, blocks, budget, statistics, which pass runs",
    "engine.work": "runs of requests for the engine's threads, who wait here",
    "engine.answers": "answered requests; the pass that reaps them waits here",
    "backing reads": "how often the backing device was read",
    "backing reads ended": "nothing; a close of the backing device waits here for the end of its reads",
    "openers": "who has the node open, and whether a reset has it",
    "pass ended": "nothing; waits for the end of a pass are here",
    "read ahead": "the ring for reads, and which are under way; who holds it may wait for the device",
    "clean pages": "which written-back pages are kept, and the order in which they go",
    "room": "writers that wait for memory, who wait here, and what a keeper says to them, who waits here, too",
    "page map": "a mapping's directory, and which pages are free",
    "pass over": "of the controlled runtime: whether a shielded call is over; its caller waits here",
}
"""Every lock by the name it is made with, and what it guards."""

WAITS: Final[Mapping[str, Wait]] = {
    "engine.work": Wait(timed=False, holding=(), why="a thread of the engine has nothing else to do"),
    "engine.answers": Wait(
        timed=True, holding=("CONTROL",), why="a reset drives a pass beside its worker, and either may take the answers"
    ),
    "backing reads ended": Wait(
        timed=True,
        holding=("CONTROL",),
        why="a reader that an exception stops need not notify; a reset lets nobody begin",
    ),
    "pass ended": Wait(
        timed=None, holding=(), why="a pass may need any lock to end; a caller that may be interrupted looks up"
    ),
    "room": Wait(
        timed=True, holding=(), why="a keeper looks up by itself, a writer has so much patience, and may be interrupted"
    ),
    "pass over": Wait(timed=True, holding=(), why="an interrupt that arrives just before the wait does not end it"),
}
"""Kind of wait for each condition."""

TABLE: Final = under("table")
CONTROL: Final = under("control")
PASS: Final = under("pass", of="_lock")
WORK: Final = under("engine.work", of="_work")
ANSWERS: Final = under("engine.answers", of="_answers")

_LOOK: Final = "an entry is immutable; where it matters that it is still there, that is looked at again under the lock"
_VALUE: Final = "a value is immutable; where it matters that the key has it still, that is looked at again"
_MARK: Final = "an access mark that is put on after this look belongs to a later access"
_ONE_LOAD: Final = "one load of one reference; what is found is valid, or refuses, whatever the device becomes"
_SHOWN: Final = "one load, shown as of some moment"
_SNAPSHOT: Final = "exact while nobody advances the pass, as `Zram.snapshot` says"
_FLAG: Final = "a flag that only goes up, also from a signal handler, which must not wait for a lock"
_FIGURE: Final = "figures of progress, or of a pass that is over"
_RING: Final = "its thread waits in a system call, so no scheduled run has a ring"
_NEVER_WAITS: Final = "it never waits, so nobody gives it up"
_NO_RING: Final = "who waits for it waits in a system call, so no scheduled run has a ring for reads"
_ONE_PASS: Final = "used by the running pass alone, and by a close that has ended it; passes follow by the table lock"
_AGAIN: Final = "a task that finds the second over checks again under the lock"
_KEEPER: Final = "used by the task that begins a keeper until that is there, then by the keeper's alone"
_LATE: Final = "an access is noted when it is over; a number that is too high or too low is a second more or less"

ROWS: Final = (
    # --- slots, blocks, budget, statistics ---
    row(
        SlotTable,
        "compr_data_max compr_data_size huge_pages huge_pages_since limit pages_compacted pages_stored peak same_pages",
        TABLE,
    ),
    row(SlotTable, "blocks entries flags segments", ONCE),
    row(
        SlotTable,
        "entries[]",
        TABLE.looked_at(
            _LOOK, "Pages.read_page", "Pages.read_pages_into", "Pages.peek_page", "Pages._decode", "Pages._read_back",
            "Pages.patch_page", "RunReads.fill", "RunReads.kept", "RunReads._sound_of",
        ),
    ),
    row(SlotTable, "flags[]", TABLE.looked_at(_MARK, "Pages.read_page", "Pages.read_pages_into")),
    row(Segments, "_number filling live live_in live_in[]", TABLE),
    row(Segments, "maps", TABLE.looked_at("the dict is never replaced", "Segments.load")),
    row(Segments, "maps[]", TABLE.looked_at("a number is used once: what it finds is what was meant", "Segments.load")),
    row(Segment, "end", TABLE),
    row(Segment, "memory", ONCE),
    row(Segment, "memory[]", TABLE.looked_at("then `start` says whether it was there still", "Segments.load")),
    row(Segment, "start", TABLE.looked_at("stored before the memory goes, looked at after the copy", "Segments.load")),
    row(NextFit, "_aside _hint map map[] used", TABLE),
    row(NextFit, "_lowest", ONCE),
    row(Budget, "grant", TABLE),
    row(Budget, "limit", TABLE.looked_at(_SHOWN, "DeviceSettings.writeback_limit")),
    row(Budget, "enabled", TABLE.looked_at(_SHOWN, "DeviceSettings.writeback_limit_enabled")),
    row(Shared, "bd_writes", TABLE),
    row(Shared, "blocks budget compressed decode lock table unpack_into", ONCE),
    row(AccessTimes, "_lock _most _now clock ticks", ONCE),
    row(AccessTimes, "_seconds _seconds[]", TABLE),
    row(AccessTimes, "tick", TABLE.looked_at(_LATE, "Pages.read_page", "Pages.write_page", "AccessTimes.stamp")),
    row(AccessTimes, "_over", TABLE.looked_at(_AGAIN, "AccessTimes._is_over")),
    row(
        AccessTimes,
        "ends",
        TABLE.looked_at(
            _AGAIN, "Pages.read_page", "Pages.write_page", "AccessTimes.stamp", "AccessTimes._is_over"
        ).stored_by("of two stores at once either leads to a look that is due", "AccessTimes._is_over"),
    ),
    row(
        AccessTimes,
        "ticks[]",
        TABLE.stored_by(
            "a store that is late meets an empty page, whose time nobody asks for",
            "Pages.read_page", "Pages.write_page", "AccessTimes.stamp",
        ),
    ),
    row(
        Pages,
        "_compress _entries _flags _lock _now _observer _read_steps _read_takes_off _replace _runs _runtime _ticks "
        "_unpack backing blocks comps pages reads shared table times",
        ONCE,
    ),
    row(Pages, "failed_reads failed_writes notify_free", TABLE),
    row(Pages, "clean", TABLE.looked_at(_ONE_LOAD, "Pages.read_page", "Pages._decode", "Pages._read_back")),
    row(RunReads, "_backing _compressed _comps _reads _table", ONCE),
    row(BulkRead, "_buffer end filled filled[] looked start", free("used by one call alone")),
    row(CleanPages, "_asked _kept _leases _lock _memory _owners ahead capacity most portion turn", ONCE),
    row(CleanPages, "_kept[]", under("clean pages", of="_lock").looked_at(_LOOK, "CleanPages.get")),
    row(CleanPages, "_hand _leases[] _owners[]", under("clean pages", of="_lock")),
    row(
        CleanPages,
        "_ahead_hand",
        under("clean pages", of="_lock").never_accessed("used once every place is, and scheduled runs have few pages"),
    ),
    row(Lease, "end first", ONCE),
    row(CleanPages, "_asked[]", free("a hint for eviction: whatever store is the last, the page is right")),
    row(CleanPages, "_streams", free("a guess: whatever store is the last, a page more or less is read")),
    row(Pages, "room", TABLE.looked_at(_ONE_LOAD, "Pages._in_time")),
    row(ReadSteps, "_free _numbers", TABLE),
    row(ReadSteps, "_free[]", TABLE.never_accessed("a heap, which heapq changes in C; the field is read each time")),
    row(ReadSteps, "_kept _kept[] _keeping _keeping[]", TABLE),
    row(ReadSteps, "_tell", ONCE),
    row(ReadSteps, "begin() look() look_again()", TABLE),
    row(ReadSteps, "answered()", outside("table")),
    # --- which pass runs, and the end of all of them ---
    row(
        Passes,
        "running",
        TABLE.looked_at(
            "the end of a pass is notified afterwards, so a look that is early is not the last", "Passes._wait_a_while"
        ).waking("pass ended", lambda value: value is None),
    ),
    row(Passes, "_closed", CONTROL),
    row(Passes, "_engine", CONTROL.looked_at(_SHOWN, "Passes.engine_kind")),
    row(Passes, "_compacting _ended _lock _make_engine _observer _owner _quirks _runtime pages", ONCE),
    row(Passes, "begin_writeback() begin_recompression() close()", CONTROL),
    row(Pages, "set_limit()", TABLE),
    row(BackingReads, "_ended _idle _lock _runtime _under_way ahead", ONCE),
    row(BackingReads, "_idle[]", free("append and pop of a deque are atomic, and a buffer is in one place at a time")),
    row(BackingReads, "_closing", free("stored before `_under_way` is looked at; readers do it the other way round")),
    row(BackingReads, "_under_way[]", free("a reader adds its own token before it looks at `_closing`")),
    row(BackingReads, "bd_reads", under("backing reads", of="_lock").looked_at(_SHOWN, "stats_of")),
    row(ReadAhead, "_device _flights _lock", ONCE.never_accessed(_NO_RING)),
    row(ReadAhead, "usable", free("it goes down once: a look that is too early finds out").never_accessed(_NO_RING)),
    row(ReadAhead, "_keys _last _ring", under("read ahead", of="_lock").never_accessed(_NO_RING)),
    row(ReadAhead, "_under_way _under_way[]", under("read ahead", of="_lock").never_accessed(_NO_RING)),
    row(ReadAhead, "_wanted _wanted[] _flights[]", free("a flight forgotten is read anew").never_accessed(_NO_RING)),
    row(GroupRead, "_lease clean first group uncounted", ONCE.never_accessed(_NO_RING)),
    row(GroupRead, "result", under("read ahead").never_accessed(_NO_RING)),
    row(GroupRead, "uncounted[]", free("taken out once, by the task that is first").never_accessed(_NO_RING)),
    # --- passes ---
    row(SteppedPass, "_buckets _lock _observer _on_end _runtime _table_lock result", ONCE),
    row(SteppedPass, "stage", PASS.looked_at(_SNAPSHOT, "snapshot")),
    row(SteppedPass, "_cancelled abandoned", free(_FLAG).rising()),
    row(WritebackPass, "_cursor _engine _pool _portion _quirks _shared", ONCE),
    row(WritebackPass, "_alive _answered _answered[] held_request", PASS),
    row(WritebackPass, "held_block", PASS.looked_at(_SNAPSHOT, "snapshot")),
    row(RequestPool, "_engine idle most requests", ONCE),
    row(RequestPool, "idle[]", under("pass")),
    row(RequestPool, "requests[]", under("pass").looked_at(_SNAPSHOT, "snapshot")),
    row(
        WritebackResult,
        "selected written lost failed skipped left stopped_by errors errors[] last_errno",
        under("pass").looked_at(
            _FIGURE, "SteppedPass.selected", "WritebackResult.settled", "WritebackResult.driver_errno",
            "_write_back", "Keeper._spill", "_in_the_way",
        ),
    ),
    row(RecompressPass, "_comps _compress _table _target _times", ONCE),
    row(RecompressPass, "_next _tries_left", PASS),
    row(
        RecompressResult,
        "selected recompressed no_gain below_threshold skipped failed left stopped_by errors",
        under("pass").looked_at(
            _FIGURE, "SteppedPass.selected", "RecompressResult.settled", "RecompressResult.driver_errno"
        ),
    ),
    row(RecompressResult, "errors[]", under("pass")),
    row(Cursor, "_next _scans _scans[]", TABLE),
    row(Cursor, "_owned_mask", ONCE),
    row(PpBuckets, "_bucket_of", ONCE),
    row(PpBuckets, "_buckets _buckets[] _count _top", TABLE),
    row(Compaction, "_lock _table _trim_every _turns", ONCE),
    row(Compaction, "_emptied _ended _holes _next _sparse _sparse[] _untrimmed result", under("compaction")),
    row(Compaction, "_emptied[]", under("compaction")),
    row(FairTurns, "_ends", owned("the thread that computes")),
    row(Compaction, "_cancelled", free(_FLAG).rising()),
    row(Compaction, "abandoned", free(_FLAG).rising().never_accessed(_NEVER_WAITS)),
    row(Interrupts, "abandoned cancelled", free(_FLAG).rising()),
    # --- keeping within a budget ---
    row(Room, "_asked _closed _served", under("room", of="_turn").waking("room")),
    row(Room, "_obstacle", under("room", of="_turn")),
    row(Room, "_use", under("room", of="_turn").looked_at(_SHOWN, "Room.use")),
    row(Room, "_now _patience _turn", ONCE),
    row(Keeper, "_interrupts _life _passes _ranking _room _runtime _settings _task", ONCE),
    row(Keeper, "_metrics", owned(_KEEPER).looked_at(_SHOWN, "Keeper.metrics")),
    row(Keeper, "_pause _rest", owned(_KEEPER)),
    row(Keeper, "_thread", owned(_KEEPER).looked_at("it is the caller's own number, or another", "Keeper.join")),
    row(Keeper, "_ended", free(_FLAG).rising()),
    row(Ranking, "_pages", ONCE),
    row(Ranking, "_ranked _ranked[]", owned(_KEEPER)),
    # --- engine ---
    row(
        WbReq,
        "blk_idx entry error grant index memory number page phase",
        owned("the owner of the request: its pass under the pass lock; from `submit` on the engine, until it answers")
        .looked_at(_SNAPSHOT, "_request"),
    ),
    row(WbReq, "checksum", owned("its pass, under the pass lock; computed while the engine only reads the page")),
    row(BackgroundEngine, "_answers _buffers _device _observer _parts _run_pages _runtime kind", ONCE),
    row(BackgroundEngine, "_defect _done", ANSWERS),
    row(BackgroundEngine, "_done[]", ANSWERS.waking("engine.answers")),
    row(ThreadEngine, "_threads _work", ONCE),
    row(ThreadEngine, "_todo", WORK),
    row(ThreadEngine, "_closing _todo[]", WORK.waking("engine.work")),
    row(ThreadEngine, "_tasks _tasks[]", owned(_ONE_PASS)),
    row(RingEngine, "_depth _queue", ONCE),
    row(RingEngine, "_closing _task", owned(_ONE_PASS).never_accessed(_RING)),
    row(RingEngine, "_free _free[] _peak _places _places[] _woken", ANSWERS.never_accessed(_RING)),
    row(PageBuffers, "_closed _depth _first _free _free[] _memory _out _out[] _pages _pages[]", owned(_ONE_PASS)),
    # --- configuration ---
    row(Zram, "_configuration _life openers quirks runtime", ONCE),
    row(Configuration, "algorithms budget make_engine observer open_backing quirks runtime", ONCE),
    row(Configuration, "backing", CONTROL.looked_at(_SHOWN, "DeviceSettings.backing_name")),
    row(Configuration, "read_cache", CONTROL),
    row(Configuration, "batch_size", CONTROL.looked_at(_SHOWN, "DeviceSettings.batch_size")),
    row(Configuration, "compressed_writeback", CONTROL.looked_at(_SHOWN, "DeviceSettings.compressed_writeback")),
    row(
        Configuration,
        "limit_pages",
        CONTROL.looked_at(_SHOWN, "DeviceSettings.mem_limit", "Lifecycle.stats", "Keeper._look"),
    ),
    row(Lifecycle, "configuration control held openers table", ONCE),
    row(Lifecycle, "companion", CONTROL),
    row(
        Lifecycle,
        "pages",
        CONTROL.looked_at(_ONE_LOAD, "DeviceSettings.pages", "Zram.read_page", "Zram.write_page"),
    ),
    row(
        Lifecycle,
        "passes",
        CONTROL.looked_at(
            _ONE_LOAD, "Lifecycle.engine_kind", "Lifecycle.live", "Lifecycle.stats", "Lifecycle.wait_as_the_driver",
            "Keeper._turn",
        ),
    ),
    row(
        AlgorithmSettings,
        "_names _names[]",
        CONTROL.looked_at(_SHOWN, "AlgorithmSettings.names", "AlgorithmSettings.primary"),
    ),
    row(AlgorithmSettings, "_params _params[]", CONTROL),
    row(Held, "_finaliser backing passes", CONTROL),
    row(Openers, "_lock", ONCE),
    row(Openers, "_opens", under("openers", of="_lock").looked_at(_SHOWN, "Openers._alive")),
    row(Openers, "_resetting", under("openers", of="_lock").looked_at(_SHOWN, "Openers.available")),
    row(Opened, "exclusive", ONCE),
    row(Opened, "closed", free("stored in one step by the close").rising()),
    row(Comps, "_algorithms _first primary", ONCE),
    row(Node, "_device", ONCE),
    row(NodeFile, "_device _opened _read_only", ONCE),
    # --- a mapping over a device ---
    row(MapItems, "_of", ONCE),
    row(MapValues, "_of", ONCE),
    row(PageMap, "_free _hint", under("page map", of="_lock")),
    row(PageMap, "_lock _pending _used _values dev", ONCE),
    row(PageMap, "_pending[] _used[]", under("page map", of="_lock")),
    row(
        PageMap,
        "_values[]",
        under("page map", of="_lock")
        .looked_at(_VALUE, "PageMap._read", "PageMap.is_spilled")
        .looked_at(_SHOWN, "PageMap.__contains__", "PageMap.__iter__", "PageMap.__len__"),
    ),
    # --- files ---
    row(FileDevice, "_blocks _bounces _direct _name _owner", ONCE),
    row(FileDevice, "_fd", owned("closed when no transfer is under way, and no other follows")),
    row(BouncePages, "_idle", ONCE),
    row(BouncePages, "_idle[]", free("append and pop of a deque are atomic, and a buffer is in one place at a time")),
    # --- what is done without locks ---
    row(Algorithm, "compress() decompress()", outside("table")),
    row(BackingDevice, "read() write()", outside("table")),
)  # fmt: skip
GUARDS: Final = by_class(ROWS)

NOT_GUARDED: Final[Mapping[str, str]] = {
    "zram_impl.engine.ring_aio": "the memory of a submission is its caller's, that of answers the waiting thread's",
    "zram_impl.engine.ring_uring": "likewise; of each word shared with the kernel one side alone is the writer",
    "zram_impl.engine.ring_reads": "used with the lock of what is read ahead held, or once nobody reads any more",
    "zram_impl.engine.ring_queue": "used by a submission alone",
    "zram_impl.cli": "programs of their own, which share nothing but a device",
    "zram_impl.faults": "filters for tests, with locks of the system where they need any",
    "zram_impl.bdev.memory": "a device for tests, with a lock of the system",
    "zram_impl.engine.sync": "an engine for one task; the pass lock is held at every call",
    "zram_impl.events.observer": "lists of one task each, with a lock of the system around the dict of them",
    "zram_impl.events.order": "a sort, done by one task, and its error",
    "zram_impl.runtime.WholeLock": "a lock itself, whose fields are written once",
    "zram_impl.shield._Work": "decided between two steps of the interpreter: `stateful.interrupts` stops at each",
    "zram_impl.shield._HeldBack": "used by the main thread alone",
    "zram_impl.compression.algorithms.with_zstd": "one context for each thread",
    "zram_impl.sysfs.Attributes": "made anew for each call",
}
"""Modules and classes whose fields have no guard, and why."""

IDENTITY: Final[Mapping[type, str]] = {
    Backed: "a block that was freed and used again may hold the same page at the same place: only the entry is new",
}
"""Classes whose objects are compared by identity alone, and why."""
