"""The parts of a device, for tests that look at it closely."""

from zram_impl import Zram
from zram_impl.device.lifecycle import Lifecycle


def inside(device: Zram) -> Lifecycle:
    """Return the configuration, pages and passes of a device; they are no part of its interface."""
    return device._life  # noqa: SLF001  (no other module looks at it)
