"""The seam between the layers and the device that they test: a small protocol, and our device as one adapter of it.

An adapter is a function that makes a device from a `Setup`; `--device package.module:factory` names it. What every
device must have is `SystemUnderTest`; what a layer needs besides is a capability, which the device declares.
docs/how-to-your-device.md builds an adapter from nothing.
"""

from stateful.seam.protocol import CAPABILITIES, DeviceState, PassReport, Setup, SystemUnderTest

__all__ = ["CAPABILITIES", "DeviceState", "PassReport", "Setup", "SystemUnderTest"]
