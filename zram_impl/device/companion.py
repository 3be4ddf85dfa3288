"""A task that works for an initialised device, on its own, and ends with it."""

from typing import Protocol

from zram_impl.shield import PATIENCE, Interrupts


class Companion(Protocol):
    """The task, as the device sees it."""

    @property
    def budget(self) -> int:
        """The bytes that it keeps the device within."""
        ...

    @property
    def running(self) -> bool:
        """Return whether it has not ended."""
        ...

    def end_soon(self) -> None:
        """Begin nothing more, and end; it does not wait, and any lock of a lower rank than the engine's may be held."""
        ...

    def join(self, seconds: float) -> bool:
        """Wait for its end, for so many seconds at most; return whether it has ended, or is who calls."""
        ...


def wait_for_end(companion: Companion | None, interrupts: Interrupts) -> None:
    """Wait until a companion has ended, or `interrupts` says not to; no lock may be held."""
    while companion is not None and not interrupts.abandoned and not companion.join(PATIENCE):
        pass
