"""A device that is dropped without being closed: its backing device is closed, with a ResourceWarning."""

import warnings
import weakref
from contextlib import suppress

from zram_impl.bdev.device import BackingDevice
from zram_impl.device.passes import Passes
from zram_impl.shield import Interrupts, NoThreadError, start_thread


class Held:
    """The parts of a device that have to be closed, and, once it has a backing device, a finaliser that closes them.

    Attributes:
        passes: Those of the device, once it is initialised.
    """

    def __init__(self) -> None:
        self.passes: Passes | None = None
        self.backing: BackingDevice | None = None
        self._finaliser: weakref.finalize[[Held], object] | None = None

    def took(self, device: object, backing: BackingDevice) -> None:
        """Note that `device` has a backing device."""
        self.backing = backing
        if self._finaliser is None:
            self._finaliser = weakref.finalize(device, dropped, self)
            self._finaliser.atexit = False  # what is open then goes with the process

    def released(self) -> None:
        """Note that all of it is closed."""
        self.passes = self.backing = None
        if self._finaliser is not None:
            self._finaliser.detach()
            self._finaliser = None


def dropped(held: Held) -> None:
    """Close the parts of a dropped device, in a thread of its own: the thread that drops it may hold any lock."""

    def close() -> None:
        with suppress(OSError, AssertionError):  # nobody is there to hear of it
            if held.passes is not None:
                held.passes.close(Interrupts())
            elif held.backing is not None:
                held.backing.close()

    name = held.backing.name if held.backing is not None else "none"
    # Where no thread can be had, as at the interpreter's end, it is left to the end of the process.
    with suppress(NoThreadError):
        start_thread(close)
    warnings.warn(f"a device was dropped without close(); its backing device is {name}", ResourceWarning, stacklevel=2)
