"""The settings of a device as it has them now: one load each, which takes no lock and never waits for a pass."""

from collections.abc import Sequence

from zram_impl.device.config import Configuration
from zram_impl.device.lifecycle import Lifecycle
from zram_impl.units import PAGE_SHIFT, PAGE_SIZE


class DeviceSettings:
    """The properties of a device that are settings, or follow from one."""

    _configuration: Configuration
    _life: Lifecycle

    @property
    def pages(self) -> int:
        """Number of pages; 0 when not initialised."""
        return pages.pages if (pages := self._life.pages) is not None else 0

    @property
    def disksize(self) -> int:
        """Size in bytes; 0 when not initialised."""
        return self.pages * PAGE_SIZE

    @property
    def algorithm(self) -> str:
        """Name of the compressor."""
        return self._configuration.algorithms.primary

    @property
    def algorithms(self) -> Sequence[str | None]:
        """Name of the algorithm of each priority, None without one."""
        return self._configuration.algorithms.names

    @property
    def backing_name(self) -> str | None:
        """Name of the backing device; None without one."""
        return backing.name if (backing := self._configuration.backing) is not None else None

    @property
    def engine_kind(self) -> str | None:
        """The engine that carries writes to the backing device, for people; None before the first pass of writeback."""
        return self._life.engine_kind

    @property
    def batch_size(self) -> int:
        """Requests the next pass keeps in flight."""
        return self._configuration.batch_size

    @property
    def compressed_writeback(self) -> bool:
        """True if blocks carry objects as they are."""
        return self._configuration.compressed_writeback

    @property
    def mem_limit(self) -> int:
        """The most bytes that objects may have together; 0 is no limit."""
        return self._configuration.limit_pages << PAGE_SHIFT

    @property
    def writeback_limit(self) -> int:
        """The budget left, in blocks of 4 KiB."""
        return self._configuration.budget.limit

    @property
    def writeback_limit_enabled(self) -> bool:
        """True if the budget counts."""
        return self._configuration.budget.enabled
