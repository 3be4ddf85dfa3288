"""A device on a scratch file with a block for each page, to write the same pages to the same blocks again and again."""

from collections.abc import Sequence
from time import perf_counter
from typing import Self

from zram_impl.bdev.file import FileDevice
from zram_impl.cli.scratch import describe, scratch_file
from zram_impl.cli.stop import Stop
from zram_impl.device.engines import DEFAULT_ENGINE
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram


class Course:
    """Every pass begins at block 0 and leaves no block free, so all passes do the same.

    Attributes:
        where: File system, and whether the page cache is passed.
        failed: Pages that could not be written so far.
    """

    def __init__(self, pages: Sequence[bytes], directory: str | None, stop: Stop, engine: str = DEFAULT_ENGINE) -> None:
        """Make the file in `directory`; none of `pages` may be same-filled; `engine` is the name of the device's."""
        self.data: bytes = b"".join(pages)
        self.pages: int = len(pages)
        self.device: FileDevice = scratch_file(directory, len(pages))
        self.where: str = describe(self.device, directory)
        self.failed: int = 0
        self._stop = stop
        self._dev = Zram.create(len(self.data), backing=self.device, engine=engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._dev.close()

    def run(self, batch: int, *, sync: bool) -> float:
        """Store the pages anew and write them back; return the seconds of the pass, with fdatasync if asked."""
        self._stop.check()
        self._dev.write_pages(0, self.data)
        self._dev.set_batch_size(batch)
        began = perf_counter()
        result = self._dev.writeback(ranges=[(0, len(self.data) // PAGE_SIZE - 1)], cancel=self._stop.event)
        if sync:
            self.device.sync()
        spent = perf_counter() - began
        self._stop.check()
        self.failed += result.failed
        return spent
