"""The account of a pass: of writeback, or of recompression."""

import errno
from bisect import insort
from dataclasses import dataclass, field
from typing import Final, Literal

StoppedBy = Literal["limit", "no_space", "cancelled"]

_ERRNOS: Final[dict[StoppedBy, int]] = {"limit": errno.EIO, "no_space": errno.ENOSPC, "cancelled": errno.EINTR}


@dataclass(kw_only=True)
class WritebackResult:
    """The account of one pass; `written + lost + failed + skipped + left == selected`.

    Attributes:
        selected: Pages the scan claimed.
        written: Pages that are on the backing device now.
        lost: Pages that were written, but changed, read or freed while in flight, so that they stay as they are.
        failed: Pages whose write failed; they are in memory as before.
        skipped: Pages that changed, were read or freed before they were submitted.
        left: Pages the pass gave up, because of `stopped_by`.
        stopped_by: Why it gave up: no budget, no free block, or cancelled; None when it did not.
        errors: (page index, errno) of the failed ones, by page.
        last_errno: Of what went wrong last, 0 for nothing: what the driver returns, whatever went wrong before.
    """

    selected: int = 0
    written: int = 0
    lost: int = 0
    failed: int = 0
    skipped: int = 0
    left: int = 0
    stopped_by: StoppedBy | None = None
    errors: list[tuple[int, int]] = field(default_factory=list, repr=False)
    last_errno: int = field(default=0, repr=False, compare=False)

    def fail(self, index: int, code: int) -> None:
        """Note that the write of a page failed."""
        self.failed += 1
        insort(self.errors, (index, code))
        self.last_errno = code

    def stop(self, why: StoppedBy) -> None:
        """Note why what is left is given up, if nothing was noted before."""
        if self.stopped_by is None:
            self.stopped_by = why
            self.last_errno = _ERRNOS[why]

    @property
    def settled(self) -> int:
        """Selected pages that are done with, one way or another."""
        return self.written + self.lost + self.failed + self.skipped + self.left

    @property
    def driver_errno(self) -> int:
        """The errno of a store to `writeback`, 0 for success: that of the first page that failed, else of the stop.

        It says the same whatever the batch size and the order in which writes were answered.
        """
        if self.errors:
            return self.errors[0][1]
        return _ERRNOS[self.stopped_by] if self.stopped_by else 0


@dataclass(kw_only=True)
class RecompressResult:
    """The account of one pass; `recompressed + no_gain + below_threshold + skipped + failed + left == selected`.

    Attributes:
        selected: Pages the scan claimed.
        recompressed: Pages that are in memory as a smaller object now.
        no_gain: Pages that were compressed again and did not get smaller enough.
        below_threshold: Pages whose objects are below the threshold already; they were not tried.
        skipped: Pages that changed, were read or freed before their turn, or during it.
        failed: The page at which the pass stopped, because it cannot be read or compressed.
        left: Pages the pass gave up, because of `stopped_by`.
        stopped_by: Why it gave up: as many tried as asked for, an error, or cancelled; None when it did not.
        errors: (page index, errno) of the one that failed.
    """

    selected: int = 0
    recompressed: int = 0
    no_gain: int = 0
    below_threshold: int = 0
    skipped: int = 0
    failed: int = 0
    left: int = 0
    stopped_by: Literal["max_pages", "error", "cancelled"] | None = None
    errors: list[tuple[int, int]] = field(default_factory=list, repr=False)

    @property
    def in_vain(self) -> int:
        """The former name of `no_gain`."""
        return self.no_gain

    @property
    def small(self) -> int:
        """The former name of `below_threshold`."""
        return self.below_threshold

    @property
    def settled(self) -> int:
        """Selected pages that are done with, one way or another."""
        return self.recompressed + self.no_gain + self.below_threshold + self.skipped + self.failed + self.left

    @property
    def driver_errno(self) -> int:
        """The errno the driver's store would return, 0 for success."""
        if self.errors:
            return self.errors[-1][1]
        return errno.EINTR if self.stopped_by == "cancelled" else 0
