"""Five bugs of the store, each a factory: `--device examples.naive_store.bugs:NAME`."""

from collections.abc import Mapping
from typing import Final

from examples.naive_store.store import Flight, NaiveStore, OnBlock
from stateful.seam import Setup, SystemUnderTest
from zram_impl import PAGE_SIZE


class LosesUpdate(NaiveStore):
    """A written block is handed to its page even if the page was replaced in flight."""

    def _complete(self, flight: Flight, *, written: bool) -> str:  # type: ignore[explicit-override]  # typing: 3.12
        self._claimed.add(flight.page)
        return super()._complete(flight, written=written)


class LeaksOnError(NaiveStore):
    """The block of a failed write is not released."""

    def _complete(self, flight: Flight, *, written: bool) -> str:  # type: ignore[explicit-override]  # typing: 3.12
        outcome = super()._complete(flight, written=written)
        if outcome == "failed":
            self._free.remove(flight.block)
        return outcome


class ReadsStale(NaiveStore):
    """A read does not look again whether its block still is the page's."""

    def read(self, page: int) -> bytes:  # type: ignore[explicit-override]  # typing: 3.12
        """Return a page."""
        self._check(page)
        with self._lock:
            entry = self._pages[page]
        if not isinstance(entry, OnBlock):
            return bytes(PAGE_SIZE) if entry is None else entry
        into = bytearray(PAGE_SIZE)
        self._backing.read(entry.block, memoryview(into))
        return bytes(into)


class FailsTogether(NaiveStore):
    """After a failed write, those that were sent with it count as failed, too."""

    _failed = False

    def _carry(self, flight: Flight) -> bool:  # type: ignore[explicit-override]  # typing: 3.12
        written = self._report_failure(flight) if self._failed and flight.request else super()._carry(flight)
        self._failed = not written
        return written

    def _report_failure(self, flight: Flight) -> bool:
        self._report("device_error", flight.block)
        self._report("endio_queue", flight.request)
        self._report("endio_leave", flight.request)
        return False


class CountsFromTheEnd(NaiveStore):
    """A page below 0 is taken, and counts from the end."""

    def _check(self, *pages: int) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        super()._check(*[page % len(self._pages) if type(page) is int and page < 0 else page for page in pages])


def loses_update(setup: Setup) -> SystemUnderTest:
    """Make a store that loses updates."""
    return LosesUpdate(setup)


def leaks_on_error(setup: Setup) -> SystemUnderTest:
    """Make a store that leaks blocks."""
    return LeaksOnError(setup)


def reads_stale(setup: Setup) -> SystemUnderTest:
    """Make a store whose reads may be another page's."""
    return ReadsStale(setup)


def fails_together(setup: Setup) -> SystemUnderTest:
    """Make a store whose results depend on the batch size."""
    return FailsTogether(setup)


def counts_from_the_end(setup: Setup) -> SystemUnderTest:
    """Make a store that takes pages below 0."""
    return CountsFromTheEnd(setup)


BUGS: Final[Mapping[str, type[NaiveStore]]] = {
    "loses_update": LosesUpdate,
    "leaks_on_error": LeaksOnError,
    "reads_stale": ReadsStale,
    "fails_together": FailsTogether,
    "counts_from_the_end": CountsFromTheEnd,
}
