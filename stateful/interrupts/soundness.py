"""Checks of a device after a call of it was interrupted."""

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from stateful.common.inside import inside
from stateful.common.recount import both_counts
from stateful.interrupts.calls import NEW, Call
from stateful.interrupts.worlds import EMPTY, HUGE, KEY, OLD, PAGES, SMALL, InterruptedWorld, drive
from zram_impl import PAGE_SIZE, ZramError
from zram_impl.mapping import PageMap
from zram_impl.pages.backing_reads import WasResetError
from zram_impl.table.moved import Moved, moved_size
from zram_impl.table.slot_table import OWNED, PP_SLOT

PATIENCE: Final = 3.0
"""Seconds that anything may take."""


class Before:
    """The threads and the open files there were."""

    def __init__(self) -> None:
        self.threads = set(threading.enumerate())
        self.files = set(os.listdir("/proc/self/fd"))

    def left(self) -> Iterator[str]:
        """Say what there is besides, after a moment."""
        until = time.monotonic() + 0.5
        while time.monotonic() < until and (threads := set(threading.enumerate()) - self.threads):
            time.sleep(0.002)
        if threads := set(threading.enumerate()) - self.threads:
            yield f"threads are left: {', '.join(sorted(thread.name for thread in threads))}"
        while time.monotonic() < until and set(os.listdir("/proc/self/fd")) - self.files:
            time.sleep(0.002)
        if files := set(os.listdir("/proc/self/fd")) - self.files:
            yield f"{len(files)} files are left open"


def within(run: Callable[[], object], what: str) -> str:
    """Run in a thread of its own; return what went wrong, or that it hangs, empty when nothing did."""
    outcome: list[str] = []

    def body() -> None:
        try:
            run()
        except BaseException as error:  # whatever it is, it is said
            outcome.append(f"{what}: {type(error).__name__}: {error}")
        else:
            outcome.append("")

    thread = threading.Thread(target=body, daemon=True, name=f"looks at {what}")
    thread.start()
    thread.join(PATIENCE)
    return outcome[0] if outcome else f"{what} hangs"


def problems(it: InterruptedWorld, call: Call) -> Iterator[str]:
    """Say what is wrong with the device; it is closed at the end."""
    # Nobody holds it any more, but perhaps a cycle of frames and an exception, or the shield for a moment.
    it.file = None
    until = time.monotonic() + 0.5
    while it.dev.openers.count and time.monotonic() < until:
        time.sleep(0.0005)  # collecting alone, this thread would keep the interpreter from the shield's
        gc.collect()
    found = list(_while_in_use(it, call))
    yield from found
    if any("hang" in each or "lock" in each for each in found):
        return
    if wrong := within(it.dev.close, "close"):
        yield wrong
        return
    if inside(it.dev).pages is not None or it.dev.backing_name is not None:
        yield "close: something is not closed"
    if wrong := within(lambda: _again(it), "use after close"):
        yield wrong
    if it.recorder is not None and (wrong := within(lambda: _ordered(it), "events")):
        yield wrong


def _while_in_use(it: InterruptedWorld, call: Call) -> Iterator[str]:
    if it.running is not None and (wrong := within(partial(drive, it.running), "the pass")):
        yield wrong
        return
    it.running = None
    yield from _at_rest(it)
    if held := _held(it):
        yield f"lock {', '.join(held)} is held"
        return
    pages = inside(it.dev).pages
    if pages is None:
        if call.writes is not None:
            yield "the device is not initialised"
        return
    yield from _counted(it)
    if any(flags & (OWNED | PP_SLOT) for flags in pages.table.flags):
        yield "claims are left"
    if wrong := within(lambda: _read_all(it, call), "read"):
        if call.writes is None and WasResetError.__name__ in wrong:
            wrong = within(it.dev.reset, "reset")
        if wrong:
            yield wrong
        return
    if wrong := within(lambda: _use(it), "next pass"):
        yield wrong
        return
    yield from _counted(it)


def _at_rest(it: InterruptedWorld) -> Iterator[str]:
    """Give background work a moment to end; a second interrupt leaves it to itself."""
    until = time.monotonic() + PATIENCE
    while (passes := inside(it.dev).passes) is not None and passes.running is not None:
        if time.monotonic() > until:
            yield "a pass is left"
            return
        time.sleep(0.001)


def _held(it: InterruptedWorld) -> list[str]:
    until = time.monotonic() + 0.5
    while (held := it.watch.held()) and time.monotonic() < until:
        time.sleep(0.001)
    return held


def _counted(it: InterruptedWorld) -> Iterator[str]:
    pages = inside(it.dev).pages
    if pages is None:
        return
    try:
        theirs, mine = both_counts(it.dev)
    except AssertionError as error:
        yield str(error)
        return
    if mine != theirs:
        yield f"counters: {theirs} are {mine}"
    segments, entries = pages.table.segments, pages.table.entries
    live = sum(moved_size(entry) for entry in entries if type(entry) is Moved)
    if segments.live != live or sum(segments.live_in.values()) != live:
        yield f"segments: {segments.live} bytes are {live}"


def _read_all(it: InterruptedWorld, call: Call) -> None:
    for page in range(PAGES):
        found = it.dev.read_page(page)
        allowed = (it.content[page], (call.writes or {}).get(page, bytes(PAGE_SIZE) if call.writes is None else None))
        assert found in allowed, f"page {page} holds what nobody wrote"
        it.content[page] = found


def _map_is_sound(it: InterruptedWorld, values: PageMap) -> None:
    gc.collect()  # a call that was ended is in a cycle of frames and an exception, perhaps
    assert values.get(KEY, OLD) in (OLD, NEW), "the value is what nobody stored"
    values["another"] = SMALL[0]
    del values["another"]
    used = -(-len(values.get(KEY, b"")) // PAGE_SIZE)
    assert values.free_pages + used == PAGES, f"{values.free_pages} of {PAGES} pages are free, {used} are used"
    it.look()


def _use(it: InterruptedWorld) -> None:
    if it.values is not None:
        _map_is_sound(it, it.values)
    dev = it.dev
    for page, content in ((EMPTY, SMALL[9]), (PAGES - 1, HUGE[0])):
        dev.write_page(page, content)
        it.content[page] = content
    if dev.backing_name is not None:
        dev.writeback("huge")
    for page in range(PAGES):
        assert dev.read_page(page) == it.content[page], f"page {page} is lost in a pass"


def _again(it: InterruptedWorld) -> None:
    try:
        it.dev.reset()
        it.dev.initialise(4 * PAGE_SIZE)
        it.dev.write_page(0, SMALL[0])
        assert it.dev.read_page(0) == SMALL[0], "a device that was closed can be used again"
    except ZramError as error:
        raise AssertionError(str(error)) from error
    finally:
        it.dev.close()


def _ordered(it: InterruptedWorld) -> None:
    assert it.recorder is not None, "it is observed"
    assert it.recorder.events, "something was observed"
