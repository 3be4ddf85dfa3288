"""The public class: a device with its attributes."""

from zram_impl.device.io import Device
from zram_impl.sysfs import Attributes


class Zram(Device):
    """A compressed block device in memory that can write pages back to a backing device.

    All calls may be made from any thread. What is refused raises `ZramError` with the driver's errno and leaves the
    device as it was. Use it as a context manager, or close it.
    """

    @property
    def attrs(self) -> Attributes:
        """The attributes by their sysfs names, text in and text out."""
        return Attributes(self)
