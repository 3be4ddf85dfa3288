"""Writeback of the same pages with one request in flight and with many, in turns, onto the same blocks."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from zram_impl.cli.course import Course
from zram_impl.cli.pairing import paired
from zram_impl.cli.stop import Stop

_TRIAL_PAGES: Final = 64
_SECONDS_EACH: Final = 0.5
"""Seconds that one pass with a single request may take: a slow disk gets fewer pages."""


class Throughput(NamedTuple):
    """Medians; rates in pages a second, from the first look at the slots to the end of fdatasync.

    Attributes:
        one: Rate with batch size 1.
        many: Rate with the larger batch size.
        ratio: Median of each pair's ratio.
        pages: Pages of one pass.
        rounds: Pairs measured.
        where: File system, and whether the page cache was passed.
        direct: Whether it was.
        failed: Pages that could not be written, over all passes; the rates mean nothing then.
    """

    one: float
    many: float
    ratio: float
    pages: int
    rounds: int
    where: str
    direct: bool
    failed: int


def throughput(pages: Sequence[bytes], batch: int, directory: str | None, rounds: int, stop: Stop) -> Throughput:
    """Measure with at least one page, none of them same-filled."""
    with Course(pages[:_TRIAL_PAGES], directory, stop) as trial:
        trial.run(1, sync=True)
        affordable = int(_SECONDS_EACH / trial.run(1, sync=True) * trial.pages)
    with Course(pages[: max(_TRIAL_PAGES, affordable)], directory, stop) as course:
        # The first writes of a new file pay for its blocks: the warming round of `paired` does.
        pair = paired(lambda _: course.run(batch, sync=True), lambda _: course.run(1, sync=True), 1, rounds, stop)
        return Throughput(
            one=course.pages / pair.measured,
            many=course.pages / pair.yardstick,
            ratio=pair.ratio,
            pages=course.pages,
            rounds=rounds,
            where=course.where,
            direct=course.device.direct,
            failed=course.failed,
        )
