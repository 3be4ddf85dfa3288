"""The device under test: real compression, a real backing file, a stepped engine, and the steps users take.

Every public method from `write` on is a step of the specification of the same name: it makes the device take it. What
the device says it did is left in `events`; of the steps that the device does not report (those of a read under way,
a refusal) the subject itself says that they were taken.
"""

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from errno import EAGAIN, EIO, ENOMEM
from pathlib import Path

from spec.scope import Scope
from stateful.common.inside import inside
from stateful.lockstep.keeping import ENGINE, PATIENCE, Keeping, WhatIsIdle
from stateful.lockstep.kept_pages import KeptPage, KeptPages, past_the_cache
from stateful.lockstep.stepped_engine import Io, SteppedEngine
from stateful.lockstep.stepped_reads import GatedDevice, SteppedRead
from stateful.lockstep.stepped_runtime import SteppedRuntime
from stateful.seam.chosen import chosen
from stateful.seam.operations import PageKind, page_of
from zram_impl import PAGE_SIZE, WritebackResult, ZramError
from zram_impl.bdev.file import open_file
from zram_impl.device.passes import Passes
from zram_impl.engine.request import WbReq
from zram_impl.pages.page_io import Pages
from zram_impl.passes.base import PassProgress
from zram_impl.passes.writeback import WritebackPass
from zram_impl.policy.protocol import MemoryPolicy
from zram_impl.table.entries import Backed, Entry

Event = tuple[str, tuple[int, ...]]

_ACCESSES = ("write", "write_same", "read")
_STEPS_TO_REST = 1000
"""A pass of a few pages that takes more steps than this never ends."""


class Wrong(Exception):  # noqa: N818  (an answer to Lockstep, which raises a Divergence)
    """A step did not do what a user may expect of it."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(name, sentence)
        self.name, self.sentence = name, sentence


class ReadUnderWay:
    """A read of a written-back page, the entry it goes by, and what the page has contained since it began."""

    def __init__(self, read: SteppedRead, entry: Entry, content: bytes) -> None:
        self.read, self.entry, self.seen = read, entry, {content}


class Subject:
    """A device, and who uses it."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.events: list[Event] = []
        self.content = [bytes(PAGE_SIZE)] * scope.slots
        self.running: WritebackPass | None = None
        self.result = WritebackResult()
        """Of the running pass, or of the last one."""
        self.engine: SteppedEngine | None = None
        self.readers: dict[int, ReadUnderWay] = {}
        self.kept = KeptPages()
        self.keeping: Keeping | None = None
        self.refused = False
        """True if the last write found no room."""
        self._generation = 0
        self._undo = ExitStack()
        self._path = Path(self._undo.enter_context(tempfile.TemporaryDirectory(prefix="zram-"))) / "backing"
        self.runtime = SteppedRuntime()
        self.runtime.while_waiting = self._let_keeper_continue
        self._used = [0] * scope.slots
        """The second in which each page was written or, in memory, read."""
        self.device = chosen().blank(engine=self._make_engine, observer=self.observe, runtime=self.runtime)
        self._undo.callback(self.device.close)
        self._set_up()
        if scope.limit >= 0:
            self.device.set_writeback_limit(scope.limit)
            self.device.enable_writeback_limit(enabled=True)
            self.events.clear()

    def _set_up(self) -> None:
        self.gates = GatedDevice(open_file(self._path, size=self.scope.blocks * PAGE_SIZE))
        self.device.set_backing(self.gates)
        self.device.set_batch_size(self.scope.requests)
        if self.scope.recompress:
            self.device.set_recomp_algorithm("deflate")
        self.device.initialise(self.scope.slots * PAGE_SIZE)
        if self.scope.keeps:
            self.kept.by_reader.clear()
            self.kept.begin(self.device, self.scope.slots)

    def _make_engine(self, device: object, _runtime: object) -> SteppedEngine:
        assert isinstance(device, GatedDevice), "the device that was set"
        self.engine = SteppedEngine(device, self.scope.requests, self.observe, self._await_device)
        return self.engine

    def observe(self, kind: str, /, *args: int) -> None:
        """Note what the device says it has done."""
        self.events.append((kind, args))
        if kind in _ACCESSES:
            self._used[args[0]] = int(self.runtime.seconds)
        elif self.keeping is not None and self.keeping.acts:
            self._notice(self.keeping, kind, args)

    def _notice(self, keeping: Keeping, kind: str, args: tuple[int, ...]) -> None:
        """Take notice of a step of a keeper's pass, which nobody else has begun."""
        if kind == "end_scan":
            running = self.passes.running
            assert isinstance(running, WritebackPass), "it scans"
            self.running, self.result = running, running.result
            keeping.results.append(running.result)
        keeping.notice(kind, args, self.pages.table.entries)
        if kind == "end_pass":
            self.running = None

    @property
    def passes(self) -> Passes:
        """The passes of the device."""
        return inside(self.device).live()

    @property
    def pages(self) -> Pages:
        """The pages of the device."""
        return self.passes.pages

    def in_flight(self) -> list[WbReq]:
        """Return the requests that the device or their callbacks still have."""
        return [req for req, io in self.engine.io.items() if io is not Io.LEFT] if self.engine else []

    def request(self, number: int) -> WbReq:
        """Return a request of the running pass."""
        assert self.running is not None, "requests belong to a pass"
        return self.running.requests[number]

    def close(self) -> None:
        """Let everything go, however broken the device is; nothing is left running or on disk."""
        with self._undo:
            for each in self.readers.values():
                each.read.abandon()
            with suppress(Exception):
                self._bring_to_rest()
            if (passes := inside(self.device).passes) is not None:
                passes.running = None  # one that does not end must not be waited for

    def _bring_to_rest(self) -> None:
        if self.running is not None and self.engine is not None:
            self.running.cancel()
            for _ in range(_STEPS_TO_REST):
                if self.running.advance(1) is PassProgress.DONE:
                    return
                self.engine.finish()

    # --- users -----------------------------------------------------------------------------------------------------

    def write(self, page: int, huge: int) -> None:
        """Write a page that nobody has written before, compressible or huge."""
        self._write(page, "huge" if huge else "comp")

    def write_same(self, page: int) -> None:
        """Write a page of one repeated word that nobody has written before."""
        self._write(page, "same")

    def _write(self, page: int, kind: PageKind) -> None:
        self._generation += 1
        content = page_of(page, kind, self._generation)
        self.refused = False
        try:
            self.device.write_page(page, content)
        except ZramError as error:
            if error.errno != ENOMEM or self.keeping is None:
                raise
            self.refused = True
        else:
            self._set_content(page, content)

    def _set_content(self, page: int, content: bytes) -> None:
        self.content[page] = content
        for each in self.readers.values():
            if each.read.index == page:
                each.seen.add(content)

    def discard(self, page: int) -> None:
        """Discard a page."""
        self.device.discard(page * PAGE_SIZE, PAGE_SIZE)
        self._set_content(page, bytes(PAGE_SIZE))

    def read(self, page: int) -> None:
        """Read a page that is in memory."""
        if self.device.read_page(page) != self.content[page]:
            raise Wrong("pages_read_back", f"reading page {page} does not return what was last written to it")

    def read_begin(self, page: int, k: int) -> None:
        """Begin to read a written-back page, as far as to where the device is asked, whether it is kept or not."""
        entry = self.pages.table.entries[page]
        with past_the_cache(self.pages):
            self.readers[k] = ReadUnderWay(SteppedRead(self.device, self.gates, page), entry, self.content[page])
        if self.events == [("read", (page,))]:
            self.events[:] = [("read_begin", (page, k))]

    def read_answer(self, k: int) -> None:
        """Let the device return the bytes that are on the block now."""
        self.readers[k].read.step()
        self.observe("read_answer", k)

    def read_end(self, k: int) -> None:
        """Let a read return what it got, and leave nothing behind."""
        with past_the_cache(self.pages):
            self.readers[k].read.step()
        self.observe("read_end", k)
        self._read_is_over(k)

    def read_keep(self, k: int) -> None:
        """Let a read return what it got, and the device keep the page."""
        each = self.readers[k]
        each.read.step()
        self.observe("read_keep", k)
        self._read_is_over(k)
        self._keep(k, each.read.index, each.entry)

    def _keep(self, k: int, page: int, entry: Entry) -> None:
        assert type(entry) is Backed, "only written-back pages are kept"
        self.kept.by_reader[k] = KeptPage(page, entry)

    def read_kept(self, k: int) -> None:
        """Read a page that is kept."""
        self.read_whole(self.kept.by_reader[k].page, k)

    def drop_kept(self, k: int) -> None:
        """Have the device drop what it keeps: there is no way to drop one page."""
        self.kept.begin(self.device, self.kept.most)
        del self.kept.by_reader[k]
        self.observe("drop_kept", k)

    def read_whole(self, page: int, k: int) -> None:
        """Read a written-back page in one call: one that is kept, or from the device, and then reader `k` keeps it."""
        before, entry = self.gates.reads, self.pages.table.entries[page]
        content = self.device.read_page(page)
        asked, keeper = self.gates.reads > before, self.kept.of(page, entry, k)
        self.events.remove(("read", (page,)))
        if asked:
            self.events += [("read_begin", (page, k)), ("read_answer", (k,)), ("read_keep", (k,))]
            self._keep(k, page, entry)
        elif keeper is not None:
            self.events.append(("read_kept", (keeper,)))
        else:
            raise Wrong("a_kept_page_was_read", f"page {page} is read without the device, and no read has left it")
        if content != self.content[page]:
            raise Wrong("a_read_ends_with_a_value_the_page_held", f"page {page} does not contain what a read returns")

    def note_dropped(self) -> None:
        """Note, before all else, that the device has dropped pages that it kept."""
        self.events[:0] = [("drop_kept", (k,)) for k in self.kept.dropped(self.pages)]

    def read_retry(self, k: int) -> None:
        """Let a read find out that its slot was replaced: it begins again, unless the page is in memory by now."""
        each = self.readers[k]
        each.entry = self.pages.table.entries[each.read.index]
        each.read.step()
        self.observe("read_retry", k)
        if each.read.at is None:
            self._read_is_over(k)
        else:
            self.observe("read_begin", each.read.index, k)

    def _read_is_over(self, k: int) -> None:
        each = self.readers.pop(k)
        page = each.read.index
        if each.read.at is not None:
            each.read.abandon()
            raise Wrong("a_read_ends", f"the read of page {page} continues although its slot did not change")
        if each.read.failure is not None:
            raise Wrong("a_read_ends", f"the read of page {page} failed: {each.read.failure}")
        if each.read.page not in each.seen:
            raise Wrong("a_read_ends_with_a_value_the_page_held", f"page {page} never had what a read of it returned")

    def mark_idle(self, _page: int) -> None:
        """Mark all pages idle: there is no way to mark one."""
        self.device.mark_idle()

    def mark_by_age(self, passed: int, age: int) -> None:
        """Let seconds pass, then mark idle what was not used for an age, and nothing else."""
        self.runtime.seconds += passed
        self.device.mark_idle(age_seconds=age)

    def recompress(self, mode: str | None) -> None:
        """Recompress all pages of a mode: there is no way to recompress one."""
        result = self.device.recompress(mode)  # type: ignore[arg-type]  # a text
        reported = [kind for kind, _args in self.events]
        found = (result.recompressed, result.no_gain, result.skipped, result.failed, result.left)
        if found != (reported.count("recompress"), reported.count("recompress_in_vain"), 0, 0, 0):
            raise Wrong("the_result_is_what_happened", f"recompression says {result} and was seen to do {reported}")

    def store_limit(self, limit: int) -> None:
        """Store the limit."""
        self.device.set_writeback_limit(limit)

    def toggle_limit(self) -> None:
        """Switch the limit on or off."""
        self.device.enable_writeback_limit(enabled=not self.device.writeback_limit_enabled)

    def reset(self) -> None:
        """Reset the device, which ends a running pass, and set it up again."""
        self.device.reset()
        self.running = self.engine = self.keeping = None
        self.content = [bytes(PAGE_SIZE)] * self.scope.slots
        self._set_up()

    def begin_pass(self, mode: str | None = None, pages: Iterable[int] | None = None) -> None:
        """Begin a pass over a mode or over named pages."""
        self.running = self.device.begin_writeback(mode, pages=pages)  # type: ignore[arg-type]  # a text
        self.result = self.running.result

    def refuse_pass(self) -> None:
        """Try to begin a second pass."""
        try:
            self.device.begin_writeback("idle")
        except ZramError as error:
            if error.errno == EAGAIN:
                self.observe("refuse_pass")
                return
            raise
        raise Wrong("a_refusal_changes_nothing", "a second pass is not refused with EAGAIN")

    # --- a keeper --------------------------------------------------------------------------------------------------

    def keep(self, memory: int, policy: MemoryPolicy) -> None:
        """Keep the device within so many bytes from here on."""
        keeper = self.device.keep_within(memory, policy, patience=PATIENCE)
        assert self.runtime.task is not None, "a keeper is a task"
        coldest = not isinstance(policy, WhatIsIdle)
        self.keeping = Keeping(keeper, self.runtime.task, self._used, coldest_first=coldest)

    def stop_keeping(self) -> None:
        """End the keeper, once its pass is over."""
        assert self.keeping is not None, "there is a keeper"
        self.keeping.stop()

    def _let_keeper_continue(self) -> None:
        """Let the keeper continue while a writer waits for it; whatever it waits for is written well."""
        if self.keeping is not None:
            if self.keeping.at == ENGINE and self.engine is not None:
                self.engine.finish()
            self.keeping.step()

    def _await_device(self) -> None:
        """Wait for an answer: a keeper until somebody lets the device answer, everybody else gets all at once."""
        if self.keeping is None or not self.keeping.stops(ENGINE):
            assert self.engine is not None, "it is the engine that waits"
            self.engine.finish()

    # --- the backing device and its callbacks ----------------------------------------------------------------------

    def device_ok(self, block: int) -> None:
        """Let the device write a block."""
        self._carry(block, 0)

    def device_error(self, block: int) -> None:
        """Let the device fail to write a block."""
        self._carry(block, EIO)

    def _carry(self, block: int, error: int) -> None:
        assert self.engine is not None, "something is in flight"
        pending = next(req for req, io in self.engine.io.items() if io is Io.PENDING and req.blk_idx == block)
        self.engine.carry(pending, error)

    def endio_queue(self, number: int) -> None:
        """Let the callback of an answered request put it on the done queue."""
        assert self.engine is not None, "something is in flight"
        self.engine.queue(self.request(number))

    def endio_leave(self, number: int) -> None:
        """Let the callback leave."""
        assert self.engine is not None, "something is in flight"
        self.engine.leave(self.request(number))
