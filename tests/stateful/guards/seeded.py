"""Seeded mistakes: one small change of the device's text each, and what has to name it."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Final, NamedTuple
from unittest import mock

from zram_impl import zram
from zram_impl.device import lifecycle
from zram_impl.device.lifecycle import Lifecycle
from zram_impl.device.openers import Openers
from zram_impl.device.passes import Passes
from zram_impl.engine.background import BackgroundEngine
from zram_impl.engine.threads import ThreadEngine
from zram_impl.pages import page_io
from zram_impl.pages.backing_reads import BackingReads
from zram_impl.pages.page_io import Pages
from zram_impl.passes.base import SteppedPass
from zram_impl.passes.writeback import WritebackPass
from zram_impl.table.access_times import AccessTimes
from zram_impl.table.slot_table import SlotTable


class Mistake(NamedTuple):
    """A change of one function."""

    name: str
    owner: type | ModuleType
    function: str
    text: str
    """The text to replace, which occurs once."""
    instead: str
    names: str
    """The text of the finding: the lock or field, or the property."""
    state: str = ""
    """In which state the calls meet that show it; "" for the standard scenarios."""
    calls: tuple[str, str] = ("", "")

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make it for a while."""
        with mock.patch.object(self.owner, self.function, self._changed()):
            yield

    def _changed(self) -> object:
        function = inspect.unwrap(vars(self.owner)[self.function])
        assert isinstance(function, FunctionType), f"{self.name}: {self.function} is a function"
        source = inspect.getsource(function)
        assert source.count(self.text) == 1, f"{self.name}: {self.text!r} is there {source.count(self.text)} times"
        source, line = source.replace(self.text, self.instead), function.__code__.co_firstlineno
        if isinstance(self.owner, type):  # in a class of the same name, so that it is called what it was called
            source, line = f"class {self.owner.__name__}:\n{source}", line - 1
        made: dict[str, object] = {}
        exec(compile("\n" * (line - 1) + source, inspect.getfile(function), "exec"), vars(_module(function)), made)
        return vars(made[self.owner.__name__])[self.function] if isinstance(self.owner, type) else made[self.function]


def _module(function: FunctionType) -> ModuleType:
    return sys.modules[function.__module__]


_UNLOCKED: Final = "if True:"

MISTAKES: Final = (
    # --- a lock that is not taken ---
    Mistake(
        "statistics without the lock", lifecycle, "stats_of", "with pages.shared.lock:", _UNLOCKED,
        "SlotTable.pages_stored is read without lock table",
    ),
    Mistake(
        "time stamps without the lock", AccessTimes, "begin", "with self._lock:", _UNLOCKED,
        "AccessTimes._seconds is read without lock table",
    ),
    Mistake(
        "budget of a reset without the lock", Lifecycle, "_reset", "with self.table:", _UNLOCKED,
        "Budget.limit is written without lock table",
    ),
    Mistake(
        "a pass begun without the control lock", Lifecycle, "begin_pass", "with self.control:",
        _UNLOCKED, "Passes.begin_recompression() is called without lock control",
    ),
    Mistake(
        "recompression begun without the table lock", Passes, "begin_recompression", "with self._lock:", _UNLOCKED,
        "Passes.running is read without lock table",
    ),
    Mistake(
        "block_state without the lock", zram, "block_state", "with lock:", _UNLOCKED,
        "SlotTable.entries[] is read without lock table", "stored", ("Zram.block_state", "Zram.write_page"),
    ),
    Mistake(
        "idle marks by age without the lock", page_io, "mark_idle", "with lock:", _UNLOCKED,
        "without lock table", "stored", ("Zram.mark_idle", "Zram.write_page"),
    ),
    # --- look and act in two holds ---
    Mistake(
        "an open looks and acts in two holds", Openers, "enter", "            return self._enter(exclusive)\n",
        "            if self._resetting or (exclusive and any(each.exclusive for each in self._alive())):\n"
        "                return self._enter(exclusive)\n"
        "        with self._lock:\n"
        "            fresh = Opened(exclusive=exclusive)\n"
        "            self._opens = (*self._opens, weakref.ref(fresh))\n"
        "            return fresh\n",
        "opens_exclude_each_other", "stored", ("Node.open", "Node.open"),
    ),
    Mistake(
        "a reset looks and acts in two holds", Openers, "_shut", "        self._resetting = True",
        "        self._lock.__exit__(None, None, None)\n"
        "        self._lock.__enter__()\n"
        "        self._resetting = True",
        "opens_exclude_each_other", "stored", ("Node.open", "Zram.reset"),
    ),
    Mistake(
        "a patch looks and acts in two holds", Pages, "patch_page", "                self._replace(index, entry)",
        "            with self._lock:\n                self._replace(index, entry)",
        "some_order_explains", "stored", ("Zram.write", "Zram.write"),
    ),
    Mistake(
        "a setting is changed in two holds", Lifecycle, "configure",
        "            self._refuse_initialised(attribute)\n",
        "            self._refuse_initialised(attribute)\n        with self.control:\n",
        "what_is_in_use_stays_as_it_is", "made", ("Zram.initialise", "Zram.set_algorithm"),
    ),
    Mistake(
        "a pass finds its device and begins in two holds", Lifecycle, "begin_pass",
        "                running = begin(passes)",
        "            with self.control:\n                running = begin(passes)",
        "no page is taken after close", "backed", ("Zram.reset", "Zram.writeback"),
    ),
    Mistake(
        "a recompression finds its device and begins in two holds", Lifecycle, "begin_pass",
        "                running = begin(passes)",
        "            with self.control:\n                running = begin(passes)",
        "a_closed_device_is_left_alone", "backed", ("Zram.reset", "Zram.recompress"),
    ),
    # --- order of stores, of notifications and of the unlock ---
    Mistake(
        "a queue swapped after the unlock", BackgroundEngine, "answered",
        "            done, self._done = self._done, []\n",
        "            done = self._done\n        self._done = []\n",
        "BackgroundEngine._done is written without lock engine.answers",
    ),
    Mistake(
        "a flag cleared after waking", Passes, "_pass_ended",
        "        self.running = None\n        with self._ended:\n            self._ended.notify_all()\n",
        "        with self._ended:\n            self._ended.notify_all()\n        self.running = None\n",
        "Passes.running is changed",
    ),
    Mistake(
        "work put in after waking", ThreadEngine, "submit",
        "                self._todo += runs\n                self._work.notify_all()\n",
        "                self._work.notify_all()\n                self._todo += runs\n",
        "ThreadEngine._todo[] is changed",
    ),
    Mistake(
        "nobody woken", BackgroundEngine, "_put", "        self._answers.notify_all()\n", "",
        "engine.answers is not notified",
    ),
    Mistake(
        "a wait without patience", BackgroundEngine, "answered", "(self._has_answers, PATIENCE)", "(self._has_answers)",
        "engine.answers is waited for without a time-out",
    ),
    Mistake(
        "a reader looks before it is known", BackingReads, "reading", "            self._under_way.add(token)\n", "",
        "a_close_waits_for_transfers", "reading", ("Zram.close", "Zram.read_page"),
    ),
    Mistake(
        "a close looks before readers can know", BackingReads, "close", "        self._closing = True\n",
        "        while not self._wait_a_while():\n            pass\n        self._closing = True\n",
        "nobody_waits_without_a_waker", "backed", ("Zram.close", "Zram.read_page"),
    ),
    Mistake(
        "a lock held while compressing", Pages, "patch_page",
        "            entry = encode(bytes(page), self._compress)\n",
        "            with self._lock:\n                entry = encode(bytes(page), self._compress)\n",
        "Algorithm.compress() is called while lock table", "stored", ("Zram.write", "Zram.read_page"),
    ),
    Mistake(
        "a callback looks at a request that is answered", BackgroundEngine, "_answer",
        "            self._put(requests, defect)\n",
        "            self._put(requests, defect)\n        assert requests[0].error >= 0\n",
        "handed_over_as_declared: WbReq.error",
    ),
    Mistake(
        "a size changed under a pass", WritebackPass, "_fill", "        done, most = 0, self._portion\n",
        "        done, most = 0, self._portion\n        self._pool.most = 1\n",
        "RequestPool.most is written though it is written once",
    ),
    Mistake(
        "a flag taken back", SteppedPass, "cancel", "        self._cancelled = True",
        "        self._cancelled = not self._cancelled",
        "a_flag_only_rises: SteppedPass._cancelled", "passing", ("WritebackPass.cancel", "WritebackPass.cancel"),
    ),
    Mistake(
        "a wait with a lock held", Passes, "_wait_a_while", "        with self._ended:",
        "        with self._compacting, self._ended:",
        "pass ended is waited for holding CONTROL", "as the driver", ("Zram.writeback", "Zram.recompress"),
    ),
    # --- accounting ---
    Mistake(
        "a freed page still counted", SlotTable, "replace", "            self.pages_stored -= 1", "            pass",
        "statistics_equal_a_recount",
    ),
    Mistake(
        "a block leaked when its page is replaced", SlotTable, "replace", "            blocks.map[block] = FREE\n", "",
        "blocks_equal_a_recount",
    ),
    Mistake(
        "a claim left behind", WritebackPass, "_complete", "            release_claim(index)\n", "",
        "a_claim_is_of_a_running_pass",
    ),
    Mistake(
        "a request counted twice", WritebackPass, "_submit", "self._alive += len(reqs)", "self._alive += 1 + len(reqs)",
        "requests_equal_a_recount",
    ),
    # --- identity ---
    Mistake(
        "identity replaced by equality in a read", Pages, "_read_back", "present is entry", "present == entry",
        "compared_by_identity: a Backed",
    ),
    Mistake(
        "identity replaced by equality in a patch", Pages, "patch_page", "is not old", "!= old",
        "compared_by_identity: a Backed", "backed", ("Zram.write", "Zram.write_page"),
    ),
    # --- what breaks the device within a few lines ---
    Mistake(
        "a close waits for one reader too few", BackingReads, "_wait_a_while", "not self._under_way",
        "len(self._under_way) <= 1", "a_close_waits_for_transfers", "reading", ("Zram.close", "Zram.read_page"),
    ),
    Mistake(
        "any close admits a second exclusive open", Openers, "_enter", "any(opened.exclusive for opened in alive)",
        "all(opened.exclusive for opened in alive)", "opens_exclude_each_other", "open", ("Node.open", "Node.open"),
    ),
    Mistake(
        "renumbering keeps half instead of fewer", AccessTimes, "_renumber", "self._most // 2", "self._most",
        "every_second_has_a_number", "aged", ("Zram.write_page", "Zram.read_page"),
    ),
    Mistake(
        "a segment closed under a reader", SlotTable, "replace",
        "del segments.maps[segment], segments.live_in[segment]",
        "segments.maps.pop(segment).memory.close()\n                    del segments.live_in[segment]",
        "mmap closed", "moved", ("Zram.read_page", "Zram.write_page"),
    ),
    Mistake(
        "a device that failed is not forgotten", Lifecycle, "_release",
        "            self._forget()\n            raise",
        "            raise",
        "a_reset_device_is_as_new", "defective", ("Zram.reset", "Zram.stats"),
    ),
    Mistake(
        "an abandoned device is waited for", Passes, "_end_pass", "waits -= running.abandoned or interrupts.abandoned",
        "waits -= interrupts.abandoned", "nobody_waits_without_a_waker", "hung", ("Zram.close", "Zram.stats"),
    ),
    Mistake(
        "an abandoned device is closed", Passes, "_end_pass", "                    return False",
        "                    return True", "nobody_waits_without_a_waker", "hung", ("Zram.close", "Zram.stats"),
    ),
)  # fmt: skip
