"""The parts in common of engines that write in the background: page buffers, runs, answers, the end."""

from collections.abc import Sequence
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.buffers import PageBuffers
from zram_impl.engine.request import Phase, WbReq
from zram_impl.engine.runs import into_runs, report
from zram_impl.events.observer import Observer
from zram_impl.runtime import Rank, Runtime

PATIENCE: Final = 0.1
"""Seconds a waiting `answered` goes without an answer before it returns to its caller empty-handed."""


class BackgroundEngine:
    """An engine whose tasks queue answers and wake the reaper, as endio does.

    One task at a time takes buffers and submits; any may reap. Tasks start with the first submission and live until
    `close`, which the owner must call: they keep the engine alive.

    Attributes:
        kind: What it is, for people.
    """

    def __init__(  # noqa: PLR0913  (a device, and what any engine is made with)
        self,
        device: BackingDevice,
        runtime: Runtime,
        *,
        depth: int,
        parts: int,
        run_pages: int,
        observer: Observer | None,
        kind: str,
    ) -> None:
        """Write to `device`, which stays the caller's and must stay open until after `close`.

        Args:
            device: What requests are written to.
            runtime: Where conditions and tasks come from.
            depth: The most requests in flight.
            parts: Into how many runs the requests of a pass are cut at least, so that the device is never idle while
                answers of a run are reaped.
            run_pages: The most pages of one run.
            observer: Called for every answer.
            kind: Its name, for people.
        """
        self._device = device
        self._runtime = runtime
        self._parts = parts
        self._run_pages = run_pages
        self._observer = observer
        self.kind: str = kind
        self._buffers = PageBuffers(depth)
        # Guards _done and _defect; the reaper waits here for answers.
        self._answers = runtime.condition("engine.answers", Rank.ENGINE)
        self._done: list[WbReq] = []
        self._defect: Exception | None = None

    @property
    def depth(self) -> int:
        """The most requests it carries at a time."""
        return self._buffers.depth

    def buffer(self) -> memoryview | None:
        """Hand out one page buffer; None when `depth` are out or memory for one more cannot be had."""
        return self._buffers.take()

    def release(self, page: memoryview) -> None:
        """Take a buffer back; its request is not in flight."""
        self._buffers.give(page)

    def answered(self, wait: bool = False) -> list[WbReq]:
        """Return and forget the answered requests, oldest first; with `wait`, after at most a short while."""
        with self._answers:
            if wait:
                self._answers.wait_for(self._has_answers, PATIENCE)
            done, self._done = self._done, []
        return done

    def _runs_of(self, requests: Sequence[WbReq]) -> list[list[WbReq]]:
        """Cut requests that were submitted into runs of consecutive blocks."""
        flight = Phase.FLIGHT
        for request in requests:
            assert request.phase is flight, "a request is in flight from its submission on"
        pool = max(self._buffers.out, len(requests))
        return into_runs(requests, min(self._run_pages, -(-pool // self._parts)))

    def _answer(self, requests: Sequence[WbReq], defect: Exception | None) -> None:
        """Queue and wake, like zram_writeback_endio(): the unlock is the last access to anything of the pass."""
        with self._answers:
            self._put(requests, defect)

    def _put(self, requests: Sequence[WbReq], defect: Exception | None) -> None:
        """Queue answered requests and wake the reaper; the lock of the answers is held."""
        if self._observer is not None:
            try:
                report(self._observer, requests)
            except Exception as error:  # whatever it is, the requests must come back, and those after them
                defect = error
        self._done += requests
        if defect is not None:
            self._defect = defect
        self._answers.notify_all()

    def _give_back(self) -> None:
        """Give the memory back, once every task has ended.

        Raises:
            AssertionError: The device raised something that is no OSError; its requests were answered with EIO. Or an
                observer raised; what it was called for has happened.
        """
        self._buffers.close()
        with self._answers:
            defect, self._defect = self._defect, None
        if defect is not None:
            raise AssertionError(
                f"the backing device, or an observer, failed in a way it must not: {defect!r}"
            ) from defect

    def _has_answers(self) -> bool:
        return bool(self._done)
