"""What is done to a device's pages at large: idle marks, writeback, recompression, compaction, statistics.

Kernel: idle_store(), writeback_store(), recompress_store(), compact_store(), mm_stat_show() and its like.
"""

from collections.abc import Callable, Iterable
from errno import EAGAIN, EINTR, EINVAL, ENODEV
from functools import partial
from threading import Event

from zram_impl.device.lifecycle import Lifecycle
from zram_impl.errors import refuse, shown
from zram_impl.pages.initialised import Disk
from zram_impl.pages.snapshot import Snapshot, block_state, snapshot
from zram_impl.pages.stats import MmStat, Stats
from zram_impl.parsing.algorithm_args import SECONDARY, choose_priority
from zram_impl.parsing.kstrto import U32_MAX, whole
from zram_impl.parsing.ranges import recompression_of, scans_for
from zram_impl.parsing.recompress_args import RecompressRequest
from zram_impl.parsing.writeback_args import Scan
from zram_impl.passes.drive import check_watchers, drive, end_pass, run_pass
from zram_impl.passes.recompress import RecompressPass, Target
from zram_impl.passes.writeback import WritebackPass
from zram_impl.result import RecompressResult, WritebackResult
from zram_impl.shield import Interrupts


class Maintenance(Lifecycle):
    """A device whose pages are looked after; `device.Device` adds reading and writing them."""

    def mark_idle(self, *, age_seconds: int | None = None) -> None:
        """Mark every page in memory idle; any access takes the mark off.

        Args:
            age_seconds: Mark only what was not read or written for that long, and take the mark off all other pages.
                Whole seconds on both sides; when the clock itself is no older, nothing is marked or unmarked.

        Raises:
            ZramError: EINVAL for an age that is none, or when the device is not initialised.
        """
        if age_seconds is None:
            self._live().mark_idle(None)
            return
        whole(age_seconds, "age_seconds", 0, U32_MAX)
        now = int(self._runtime.now())
        if age_seconds < now:
            self._live().mark_idle(now - age_seconds)
        elif not self.quirks.old_age_unchecked:  # nothing can be that old
            self._live()

    def writeback(
        self,
        mode: str | None = None,
        *,
        pages: Iterable[int] | None = None,
        ranges: Iterable[tuple[int, int]] | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancel: Event | None = None,
    ) -> WritebackResult:
        """Write pages back and free their memory; return what became of each.

        Args:
            mode: "idle", "huge", "huge_idle" or "incompressible"; or, instead,
            pages: page numbers, and
            ranges: (first, last) pairs of page numbers, both included.
            progress: Called with pages settled and pages selected, from the thread that drives the pass.
            cancel: Set it to submit nothing more; what is in flight is finished.

        Raises:
            ZramError: Nothing started: EINVAL (bad arguments, not initialised), ENODEV (no backing device), ENOMEM (no
                memory for a single request), EAGAIN (another pass runs).
            KeyboardInterrupt: After what was in flight is finished; a second one does not wait for a hung device.
        """
        check_watchers(progress, cancel)
        scans = self._scans(mode, pages, ranges)
        return drive(partial(self._begin_scans, scans), self._runtime, progress, cancel)

    def begin_writeback(
        self,
        mode: str | None = None,
        *,
        pages: Iterable[int] | None = None,
        ranges: Iterable[tuple[int, int]] | None = None,
    ) -> WritebackPass:
        """Begin a pass for the caller to drive with `advance` and `wait`; raises as `writeback` does."""
        return self.begin_scans(self._scans(mode, pages, ranges))

    def begin_scans(self, scans: list[Scan]) -> WritebackPass:
        """Begin a pass over `scans`; EINVAL when they are not within the device."""
        _check_scans(scans)
        return self._runtime.shielded(partial(self._begin_scans, scans), end_pass)

    def run_scans(self, scans: list[Scan]) -> WritebackResult:
        """Do a pass over `scans` as `writeback` does."""
        _check_scans(scans)
        return drive(partial(self._begin_scans, scans), self._runtime, None, None)

    def _scans(
        self, mode: str | None, pages: Iterable[int] | None, ranges: Iterable[tuple[int, int]] | None
    ) -> list[Scan]:
        disk = self._live()
        if disk.backing is None:
            raise refuse(ENODEV, "there is no backing device: set backing_dev before disksize")
        return scans_for(disk.pages, mode, pages, ranges)

    def _begin_scans(self, scans: list[Scan], interrupts: Interrupts) -> WritebackPass:
        while True:
            with self._control:
                disk = self._live()
                if disk.backing is None:
                    raise refuse(ENODEV, "there is no backing device: set backing_dev before disksize")
                end = max((scan.hi for scan in scans), default=0)
                if end > disk.pages:  # the device was reset and made smaller since the scans were checked
                    raise refuse(EINVAL, f"page {end - 1} is not in 0 to {disk.pages - 1}")
                running = disk.begin_pass(scans, self._batch_size)
            if running is not None:
                return running
            self._refuse_or_wait(disk, interrupts)

    def _refuse_or_wait(self, disk: Disk, interrupts: Interrupts) -> None:
        if not self.quirks.pass_waits:
            raise refuse(EAGAIN, "another writeback or recompression is running")
        disk.wait_for_pass(interrupts)
        if interrupts.cancelled:
            raise refuse(EINTR, "interrupted while another writeback or recompression was running")

    def recompress(  # noqa: PLR0913  (everything the attribute takes, by keyword)
        self,
        mode: str | None = None,
        *,
        threshold: int = 0,
        max_pages: int | None = None,
        priority: int | None = None,
        algorithm: str | None = None,
        progress: Callable[[int, int], None] | None = None,
        cancel: Event | None = None,
    ) -> RecompressResult:
        """Compress pages in memory again, with a secondary algorithm, and keep what gets smaller.

        Args:
            mode: "idle", "huge" or "huge_idle"; without it every page in memory that is not known as incompressible.
            threshold: Bytes below which an object is not tried, and below which it must come; 0 is none.
            max_pages: How many pages may be tried.
            priority: Of the algorithm to use; or
            algorithm: its name. Without either, priority 1. Only pages of a lower priority are looked at.
            progress: Called with pages settled and pages selected, from the thread that drives the pass.
            cancel: Set it to try no more pages.

        Raises:
            ZramError: Nothing started: EINVAL (bad arguments, not initialised, no algorithm configured), EAGAIN
                (another pass runs).
            KeyboardInterrupt: After the page at hand is finished.
        """
        check_watchers(progress, cancel)
        request = recompression_of(mode, threshold, max_pages, priority, algorithm)
        return drive(partial(self._begin_recompression, request), self._runtime, progress, cancel)

    def begin_recompression(self, request: RecompressRequest) -> RecompressPass:
        """Begin a pass for the caller to drive with `advance`; raises as `recompress` does."""
        _check_request(request)
        return self._runtime.shielded(partial(self._begin_recompression, request), end_pass)

    def run_recompression(self, request: RecompressRequest) -> RecompressResult:
        """Do a pass of recompression as `recompress` does."""
        _check_request(request)
        return drive(partial(self._begin_recompression, request), self._runtime, None, None)

    def _begin_recompression(self, request: RecompressRequest, interrupts: Interrupts) -> RecompressPass:
        while True:
            with self._control:
                disk = self._live()
                running = disk.begin_recompression(self._target(disk, request))
            if running is not None:
                return running
            self._refuse_or_wait(disk, interrupts)

    @staticmethod
    def _target(disk: Disk, request: RecompressRequest) -> Target:
        names = disk.comps.configured
        priority = choose_priority(request.priority, request.algorithm, names, lowest=SECONDARY)
        if names[priority] is None:
            raise refuse(EINVAL, f"no algorithm is configured for priority {priority}: store recomp_algorithm first")
        return Target(request.mode, request.threshold, request.max_pages, priority, not any(names[priority + 1 :]))

    def wait_as_the_driver(self) -> None:
        """Wait until no pass runs, if that quirk is asked for; no lock may be held."""
        disk = self._disk
        if self.quirks.control_plane_blocks and disk is not None:
            self._runtime.shielded(disk.wait_for_pass)

    def compact(self) -> int:
        """Give memory that freed pages have left behind back to the system, when that has become worth it.

        The pages that are left are moved together, some at a time: everything else goes on meanwhile. Reading a moved
        page takes a little longer. It is worth it when at least a part in sixteen is holes.

        Returns:
            Bytes of the holes that were closed.

        Raises:
            ZramError: EINVAL when not initialised.
        """
        return self._runtime.shielded(self._compact)

    def _compact(self, interrupts: Interrupts) -> int:
        with self._live().compaction() as running:
            return run_pass(running, interrupts, None, None)

    # --- statistics ------------------------------------------------------------------------------------------------

    @property
    def stats(self) -> Stats:
        """The statistics of this moment; never waits for a pass."""
        disk = self._disk
        return Stats(MmStat(mem_limit=self.mem_limit)) if disk is None else disk.stats()

    def snapshot(self) -> Snapshot:
        """Return everything writeback is about, at this moment; exact while nobody is advancing a pass."""
        return snapshot(self._live(), self._table)

    def block_state(self) -> str:
        """Return debugfs' block_state: a line per stored page with its marks."""
        self.wait_as_the_driver()
        return block_state(self._live(), self._table)


def _check_scans(scans: list[Scan]) -> None:
    if type(scans) is not list or not all(isinstance(scan, Scan) for scan in scans):
        raise refuse(EINVAL, f"{shown(scans)} is not a list of scans")


def _check_request(request: RecompressRequest) -> None:
    if not isinstance(request, RecompressRequest):
        raise refuse(EINVAL, f"{shown(request)} is not a request of recompression")
