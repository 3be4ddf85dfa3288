"""A page store with writeback. A page is `bytes` in memory, a `OnBlock`, or None.

The lock is not held while the backing device works: a pass claims the pages that it writes, and replacing a page takes
the claim off, so that what was written for it is thrown away.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from errno import EINVAL
from typing import NamedTuple

from stateful.seam import DeviceState, PassReport, Setup
from zram_impl import PAGE_SIZE
from zram_impl.runtime import Rank


class OnBlock(NamedTuple):
    """A page on a block; each time that a page is written back makes another one."""

    block: int


class Flight(NamedTuple):
    """A write under way."""

    request: int
    page: int
    block: int
    content: bytes


class NaiveStore:
    """The store."""

    capabilities = frozenset({"events", "runtime", "backing", "batch"})

    def __init__(self, setup: Setup) -> None:
        self._backing, self._batch, self._report = setup.backing, setup.batch, setup.report
        self._one_pass = setup.runtime.lock("naive pass", Rank.PASS)
        self._lock = setup.runtime.lock("naive store", Rank.TABLE)  # guards all below
        self._pages: list[bytes | OnBlock | None] = [None] * setup.pages
        self._blocks, self._free = range(setup.blocks), list(range(setup.blocks))
        self._claimed = set[int]()

    def write(self, page: int, content: bytes) -> None:
        """Store a page."""
        self._check(page)
        if type(content) is not bytes or len(content) != PAGE_SIZE:
            raise OSError(EINVAL, f"content must be {PAGE_SIZE} bytes")
        with self._lock:
            self._replace(page, content)
            self._report("write", page, 0)

    def discard(self, page: int) -> None:
        """Free a page."""
        self._check(page)
        with self._lock:
            if self._pages[page] is not None:
                self._report("discard", page)
            self._replace(page, None)

    def read(self, page: int) -> bytes:
        """Return a page; if it was replaced while its block was read, read again."""
        self._check(page)
        into = bytearray(PAGE_SIZE)
        while True:
            with self._lock:
                entry = self._pages[page]
            if not isinstance(entry, OnBlock):
                return bytes(PAGE_SIZE) if entry is None else entry
            self._backing.read(entry.block, memoryview(into))
            with self._lock:
                if self._pages[page] is entry:
                    return bytes(into)

    def writeback(self, pages: Sequence[int]) -> PassReport:
        """Write pages back, up to `batch` at a time."""
        self._check(*pages)
        counts = Counter[str]()
        with self._one_pass:
            with self._lock:
                self._report("begin_pass")
                waiting = [page for page in dict.fromkeys(pages) if isinstance(self._pages[page], bytes)]
                for page in waiting:
                    self._claimed.add(page)
                    self._report("scan", page)
                self._report("end_scan")
            while flights := self._submit(waiting, counts):
                for flight, written in [(flight, self._carry(flight)) for flight in flights]:
                    with self._lock:
                        self._report("reap", flight.request)
                        counts[self._complete(flight, written=written)] += 1
            with self._lock:
                self._report("end_pass")
        return PassReport(selected=counts.total(), **counts)

    def _check(self, *pages: int) -> None:
        for page in pages:
            if type(page) is not int or not 0 <= page < len(self._pages):
                raise OSError(EINVAL, f"page must be from 0 to {len(self._pages) - 1}")

    def _replace(self, page: int, content: bytes | OnBlock | None) -> None:
        old, self._pages[page] = self._pages[page], content
        self._claimed.discard(page)
        if isinstance(old, OnBlock):
            self._free.append(old.block)

    def _submit(self, waiting: list[int], counts: Counter[str]) -> list[Flight]:
        flights = list[Flight]()
        with self._lock:
            while waiting and len(flights) < self._batch and (self._free or not flights):
                page, content = waiting[0], self._pages[waiting.pop(0)]
                if page in self._claimed and isinstance(content, bytes) and self._free:
                    flights.append(Flight(len(flights), page, self._free.pop(0), content))
                    self._report("take_request", flights[-1].request)
                    self._report("reserve_block", flights[-1].block)
                    self._report("submit", page, flights[-1].request)
                else:
                    counts["left" if page in self._claimed else "skipped"] += 1
                    self._report("give_up" if page in self._claimed else "skip", page)
                    self._claimed.discard(page)
        return flights

    def _carry(self, flight: Flight) -> bool:
        written = False
        with suppress(OSError):
            written = self._backing.write(flight.block, [memoryview(flight.content)]) == PAGE_SIZE
        self._report("device_ok" if written else "device_error", flight.block)
        self._report("endio_queue", flight.request)
        self._report("endio_leave", flight.request)
        return written

    def _complete(self, flight: Flight, *, written: bool) -> str:
        if written and flight.page in self._claimed:
            self._replace(flight.page, OnBlock(flight.block))
            return "written"
        self._claimed.discard(flight.page)
        self._free.append(flight.block)
        return "lost" if written else "failed"

    def state(self) -> DeviceState:
        """Say what it is like."""
        with self._lock:
            kinds = {bytes: "S", OnBlock: "W", type(None): "."}
            slots = "".join("P" if n in self._claimed else kinds[type(page)] for n, page in enumerate(self._pages))
            return DeviceState(slots, frozenset(self._blocks) - set(self._free))

    def close(self) -> None:
        """Do nothing: all of it is memory."""
