"""The public calls, each on a device that it means something to, and which pages it may change."""

from collections.abc import Callable, Mapping
from threading import Event
from types import MappingProxyType
from typing import Final, NamedTuple

from stateful.interrupts.worlds import (
    BACKED,
    BACKED_TOO,
    COMPRESSIBLE,
    EMPTY,
    FILLED,
    HUGE,
    IDLE,
    IS_HUGE,
    KEY,
    MOVED,
    PAGES,
    RECOMPRESSED,
    SAME,
    SMALL,
    STORED,
    TEXT,
    InterruptedWorld,
)
from zram_impl import PAGE_SIZE, Zram
from zram_impl.block_layer import Node, NodeFile
from zram_impl.decisions import Mode
from zram_impl.mapping import PageMap
from zram_impl.parsing.recompress_args import RecompressRequest
from zram_impl.parsing.writeback_args import Scan
from zram_impl.passes.recompress import RecompressPass
from zram_impl.passes.writeback import WritebackPass

Pages = Mapping[int, bytes]

_ZEROS: Final = bytes(PAGE_SIZE)
_NONE: Final[Pages] = MappingProxyType({})
_EVERY_PAGE: Final = PAGES * PAGE_SIZE


class Call(NamedTuple):
    """A call.

    Attributes:
        of: The public name it is about.
        run: Makes it; what it returns may be a resource, which is dropped.
        writes: What pages may hold afterwards besides what they held; None when the device may hold none.
        kind: Of the world it is made in.
        most: Points after which a search ends: it waits for what only the world does, so there is no last one.
    """

    of: str
    run: Callable[[InterruptedWorld], object]
    writes: Pages | None = _NONE
    kind: str = "plain"
    most: int | None = None


def _write(page: int, content: bytes) -> tuple[Callable[[InterruptedWorld], object], Pages]:
    return lambda it: it.dev.write_page(page, content), {page: content}


_SEVERAL: Final = (SMALL[5], HUGE[4], SMALL[6], SAME, SMALL[7], HUGE[5], SAME, SMALL[8])


def _patched(old: bytes, at: int, data: bytes) -> bytes:
    return old[:at] + data + old[at + len(data) :]


def _open_and_drop(it: InterruptedWorld) -> None:
    Node(it.dev).open()


def _in_pass(do: Callable[[WritebackPass | RecompressPass], object]) -> Callable[[InterruptedWorld], None]:
    def call(it: InterruptedWorld) -> None:
        assert it.running is not None, "a pass has begun"
        do(it.running)

    return call


def _wait(running: WritebackPass | RecompressPass) -> None:
    running.advance()
    running.wait()


def _on_file(do: Callable[[NodeFile], object]) -> Callable[[InterruptedWorld], None]:
    def call(it: InterruptedWorld) -> None:
        assert it.file is not None, "it is open"
        do(it.file)

    return call


def _look_at_a_keeper(it: InterruptedWorld) -> None:
    with it.dev.keep_within("1M") as keeper:
        assert keeper.metrics.memory.budget == keeper.budget, "it keeps what it was asked to"


def _map(do: Callable[[PageMap], object]) -> Callable[[InterruptedWorld], object]:
    def call(it: InterruptedWorld) -> None:
        assert it.values is not None, "there is a mapping"
        do(it.values)

    return call


def _begin(begin: Callable[[Zram], WritebackPass | RecompressPass]) -> Callable[[InterruptedWorld], None]:
    def hold(it: InterruptedWorld) -> None:
        it.running = begin(it.dev)

    return hold


def _compact(it: InterruptedWorld) -> None:
    it.dev.discard(0, 8 * PAGE_SIZE)
    it.dev.compact()


def _after_reset(run: Callable[[InterruptedWorld], object]) -> Callable[[InterruptedWorld], object]:
    def both(it: InterruptedWorld) -> None:
        it.dev.reset()
        run(it)

    return both


_GONE: Final = dict.fromkeys(range(PAGES), _ZEROS)
_FIRST: Final = dict(enumerate(_SEVERAL))
_BYTES: Final = b"xyz" * 9
NEW: Final = HUGE[5] + SMALL[5] + b"new"
"""The value that a mapping's key gets: it is written to pages 2 to 4, then the first two are free."""
_FREED: Final = {0: _ZEROS, 1: _ZEROS}

CALLS: Final[dict[str, Call]] = {
    "write_page, empty": Call("write_page", *_write(EMPTY, SMALL[5])),
    "write_page, stored": Call("write_page", *_write(STORED, SMALL[5])),
    "write_page, same-filled": Call("write_page", *_write(FILLED, SMALL[5])),
    "write_page, huge": Call("write_page", *_write(IS_HUGE, SMALL[5])),
    "write_page, written back": Call("write_page", *_write(BACKED, SMALL[5])),
    "write_page, idle": Call("write_page", *_write(IDLE, HUGE[4])),
    "write_page, recompressed": Call("write_page", *_write(RECOMPRESSED, HUGE[4])),
    "write_page, moved": Call("write_page", *_write(MOVED, HUGE[4])),
    "write_page, same-filled over stored": Call("write_page", *_write(STORED, SAME)),
    "write_page, same-filled over written back": Call("write_page", *_write(BACKED_TOO, SAME)),
    "write_pages": Call("write_pages", lambda it: it.dev.write_pages(0, b"".join(_SEVERAL)), _FIRST),
    "read_page, stored": Call("read_page", lambda it: it.dev.read_page(STORED)),
    "read_page, idle": Call("read_page", lambda it: it.dev.read_page(IDLE)),
    "read_page, moved": Call("read_page", lambda it: it.dev.read_page(MOVED)),
    "read_page, written back": Call("read_page", lambda it: it.dev.read_page(BACKED)),
    "read_pages_into": Call("read_pages_into", lambda it: it.dev.read_pages_into(0, bytearray(_EVERY_PAGE))),
    "read": Call("read", lambda it: it.dev.read(100, 3 * PAGE_SIZE)),
    "write, stored": Call(
        "write", lambda it: it.dev.write(STORED * PAGE_SIZE + 10, _BYTES), {STORED: _patched(SMALL[3], 10, _BYTES)}
    ),
    "write, written back": Call(
        "write", lambda it: it.dev.write(BACKED * PAGE_SIZE + 10, _BYTES), {BACKED: _patched(HUGE[1], 10, _BYTES)}
    ),
    "discard, all": Call("discard", lambda it: it.dev.discard(0, _EVERY_PAGE), _GONE),
    "discard, written back": Call(
        "discard", lambda it: it.dev.discard(BACKED * PAGE_SIZE, PAGE_SIZE), {BACKED: _ZEROS}
    ),
    "slot_free_notify": Call("slot_free_notify", lambda it: it.dev.slot_free_notify(BACKED_TOO), {BACKED_TOO: _ZEROS}),
    "write_zeroes": Call(
        "write_zeroes",
        lambda it: it.dev.write_zeroes(IS_HUGE * PAGE_SIZE + 100, 2 * PAGE_SIZE),
        {
            IS_HUGE: _patched(HUGE[2], 100, bytes(PAGE_SIZE - 100)),
            BACKED: _ZEROS,
            BACKED_TOO: _patched(SMALL[2], 0, bytes(100)),
        },
    ),
    "mark_idle": Call("mark_idle", lambda it: it.dev.mark_idle()),
    "mark_idle, by age": Call("mark_idle", lambda it: it.dev.mark_idle(age_seconds=1)),
    "writeback, huge_idle": Call("writeback", lambda it: it.dev.writeback("huge_idle")),
    "writeback, pages": Call("writeback", lambda it: it.dev.writeback(pages=range(PAGES), cancel=Event())),
    "begin_writeback": Call("begin_writeback", _begin(lambda dev: dev.begin_writeback("huge"))),
    "begin_writeback, scans": Call(
        "begin_writeback", _begin(lambda dev: dev.begin_writeback(scans=[Scan(Mode.IDLE, 0, PAGES)]))
    ),
    "recompress": Call("recompress", lambda it: it.dev.recompress()),
    "begin_recompression": Call(
        "begin_recompression", _begin(lambda dev: dev.begin_recompression(RecompressRequest(priority=1)))
    ),
    "compact": Call("compact", _compact, _GONE),
    "keep_within": Call("keep_within", lambda it: it.dev.keep_within("1M").stop()),
    "keep_within, metrics": Call("keep_within", _look_at_a_keeper),
    "stats": Call("stats", lambda it: it.dev.stats),
    "slot": Call("slot", lambda it: it.dev.slot(0)),
    "snapshot": Call("snapshot", lambda it: it.dev.snapshot()),
    "block_state": Call("block_state", lambda it: it.dev.block_state()),
    "set_batch_size": Call("set_batch_size", lambda it: it.dev.set_batch_size(7)),
    "set_mem_limit": Call("set_mem_limit", lambda it: it.dev.set_mem_limit("1M")),
    "set_read_cache": Call("set_read_cache", lambda it: it.dev.set_read_cache("64K")),
    "reset_mem_used_max": Call("reset_mem_used_max", lambda it: it.dev.reset_mem_used_max()),
    "set_writeback_limit": Call("set_writeback_limit", lambda it: it.dev.set_writeback_limit(5)),
    "enable_writeback_limit": Call("enable_writeback_limit", lambda it: it.dev.enable_writeback_limit(enabled=False)),
    "reset": Call("reset", lambda it: it.dev.reset(), None),
    "close": Call("close", lambda it: it.dev.close(), None),
    "initialise": Call("initialise", _after_reset(lambda it: it.dev.initialise(_EVERY_PAGE)), None),
    "set_algorithm": Call("set_algorithm", _after_reset(lambda it: it.dev.set_algorithm("deflate")), None),
    "set_recomp_algorithm": Call(
        "set_recomp_algorithm", _after_reset(lambda it: it.dev.set_recomp_algorithm("lz4hc")), None
    ),
    "set_algorithm_params": Call(
        "set_algorithm_params", _after_reset(lambda it: it.dev.set_algorithm_params(level=3)), None
    ),
    "set_compressed_writeback": Call(
        "set_compressed_writeback",
        _after_reset(lambda it: it.dev.set_compressed_writeback(compressed=True)),
        None,
    ),
    "set_backing": Call("set_backing", _after_reset(lambda it: it.dev.set_backing(it.path, PAGE_SIZE)), None),
    "attrs, writeback": Call("attrs", lambda it: it.dev.attrs.store("writeback", "huge")),
    "attrs, recompress": Call("attrs", lambda it: it.dev.attrs.store("recompress", "type=idle")),
    "attrs, writeback_limit": Call("attrs", lambda it: it.dev.attrs.store("writeback_limit", "5")),
    "attrs, mem_limit": Call("attrs", lambda it: it.dev.attrs.store("mem_limit", "1M")),
    "attrs, idle": Call("attrs", lambda it: it.dev.attrs.store("idle", "all")),
    "attrs, reset": Call("attrs", lambda it: it.dev.attrs.store("reset", "1"), None),
    "attrs, mm_stat": Call("attrs", lambda it: it.dev.attrs.show("mm_stat")),
    "Node.open": Call("Node", _open_and_drop),
    "NodeFile.close": Call("Node", _on_file(NodeFile.close), kind="open"),
    "NodeFile.size": Call("Node", _on_file(lambda file: file.size), kind="open"),
    "NodeFile.pwrite": Call("Node", _on_file(lambda file: file.pwrite(b"".join(_SEVERAL), 0)), _FIRST, kind="open"),
    "NodeFile.pread": Call("Node", _on_file(lambda file: file.pread(_EVERY_PAGE, 0)), kind="open"),
    "NodeFile.discard": Call("Node", _on_file(lambda file: file.discard(0, _EVERY_PAGE)), _GONE, kind="open"),
    "NodeFile.zeroout": Call("Node", _on_file(lambda file: file.zeroout(0, _EVERY_PAGE)), _GONE, kind="open"),
    "PageMap, get": Call("PageMap", _map(lambda values: values[KEY]), kind="mapped"),
    "PageMap, set": Call(
        "PageMap",
        _map(lambda values: values.update({KEY: NEW})),
        _FREED | {2: HUGE[5], 3: SMALL[5], 4: b"new".ljust(PAGE_SIZE, b"\0")},
        kind="mapped",
    ),
    "PageMap, del": Call("PageMap", _map(lambda values: values.pop(KEY, None)), _FREED, kind="mapped"),
    "a pass, advance": Call("passes", _in_pass(lambda running: running.advance(3)), kind="running"),
    "a pass, wait": Call("passes", _in_pass(_wait), kind="running"),
    "a pass, cancel": Call("passes", _in_pass(lambda running: running.cancel()), kind="running"),
    "observed: write_page": Call("write_page", *_write(BACKED, SMALL[5]), kind="observed"),
    "observed: write_pages": Call(
        "write_pages", lambda it: it.dev.write_pages(0, b"".join(_SEVERAL)), _FIRST, kind="observed"
    ),
    "observed: read_page": Call("read_page", lambda it: it.dev.read_page(BACKED), kind="observed"),
    "observed: discard": Call("discard", lambda it: it.dev.discard(0, _EVERY_PAGE), _GONE, kind="observed"),
    "observed: mark_idle": Call("mark_idle", lambda it: it.dev.mark_idle(), kind="observed"),
    "observed: limit": Call("set_writeback_limit", lambda it: it.dev.set_writeback_limit(9), kind="observed"),
    "observed: write": Call(
        "write",
        lambda it: it.dev.write(COMPRESSIBLE * PAGE_SIZE + 10, _BYTES),
        {COMPRESSIBLE: _patched(TEXT[1], 10, _BYTES)},
        kind="observed",
    ),
    "observed: writeback": Call("writeback", lambda it: it.dev.writeback("huge_idle"), kind="observed"),
    "no threads: writeback": Call("writeback", lambda it: it.dev.writeback("huge_idle"), kind="no threads"),
    "no threads: close": Call("close", lambda it: it.dev.close(), None, kind="no threads"),
    "no threads: reset": Call("reset", lambda it: it.dev.reset(), None, kind="no threads"),
    "waiting: writeback": Call("writeback", lambda it: it.dev.writeback("huge_idle"), kind="waiting"),
    "waiting: block_state": Call("block_state", lambda it: it.dev.block_state(), kind="waiting"),
    "waiting for a pass: writeback": Call(
        "writeback", lambda it: it.dev.writeback("idle"), kind="waiting for a pass", most=70
    ),
    "waiting for a pass: recompress": Call(
        "recompress", lambda it: it.dev.recompress(), kind="waiting for a pass", most=60
    ),
    "waiting for a pass: stats": Call(
        "attrs", lambda it: it.dev.attrs.show("mm_stat"), kind="waiting for a pass", most=60
    ),
}
"""By what they are called; `create` is on its own, since there is no device before it."""

UNINTERESTING: Final = {
    "algorithm", "algorithms", "backing_name", "batch_size", "compressed_writeback", "disksize", "engine_kind",
    "mem_limit", "pages", "writeback_limit", "writeback_limit_enabled",
}  # fmt: skip
"""Public names of a device that do nothing but return one attribute."""
ON_THEIR_OWN: Final = {"create", "set_backing_path"}
"""Public names that another call is made of, or that have a search of their own."""
