"""The protocol of a device under test: make it, do an operation, report events, say its state, close it.

Pages are `PAGE_SIZE` bytes and numbered from 0. A call that is refused raises one of `REFUSALS`, or of the device's own
`refuses`, and changes nothing. Calls may come from several threads at once.
"""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Final, NamedTuple, Protocol, runtime_checkable

from zram_impl.bdev.device import BackingDevice
from zram_impl.events.observer import Observer
from zram_impl.runtime import Runtime

CAPABILITIES: Final[Mapping[str, str]] = {
    "events": "reports every action of the specification to setup.report, under the lock that makes it happen",
    "runtime": "takes every lock, condition and thread from setup.runtime",
    "backing": "keeps written-back pages on setup.backing, whose calls may fail",
    "batch": "has up to setup.batch pages in flight during a pass",
    "limit": "has set_limit(blocks), which limits the blocks that passes may write",
    "modes": "has mark_idle(), and writeback_mode(mode) for huge, idle and huge_idle",
    "zram": "is built on zram_impl.Zram, so that the layers look inside it",
}
"""Names of what a layer may need besides `SystemUnderTest`; a device lists those that it has in `capabilities`."""


class Setup(NamedTuple):
    """The parts that a device is made from."""

    pages: int
    blocks: int
    """Of the backing device: a written-back page takes one."""
    batch: int
    """Pages in flight during a pass, at most; requests are numbered below it."""
    backing: BackingDevice
    """Blocks of written-back pages. It is not the device's to close."""
    runtime: Runtime
    """Source of locks, conditions and threads."""
    report: Observer
    """Called with the name of an action of the specification and its parameters (docs/traces.md lists them)."""


class PassReport(NamedTuple):
    """The account of a pass: each selected page is counted once more, as what became of it."""

    selected: int = 0
    written: int = 0
    lost: int = 0
    """Changed while they were in flight."""
    failed: int = 0
    skipped: int = 0
    """Changed before they were sent."""
    left: int = 0
    """Given up, for want of blocks or budget."""


class DeviceState(NamedTuple):
    """A device at one moment."""

    slots: str
    """A letter a page: `.` empty, `s` same-filled, `S` stored, `P` claimed by a pass, `W` written back."""
    used: frozenset[int]
    """Blocks in use."""
    limit: int | None = None
    """Blocks that may still be written; None without a limit."""
    counts: Mapping[str, int] = {}
    """Any of the statistics stored, same, huge and bd_count."""


class SystemUnderTest(Protocol):
    """A device, as every layer needs it."""

    @property
    def capabilities(self) -> frozenset[str]:
        """Those of CAPABILITIES that it has."""
        ...

    def write(self, page: int, content: bytes) -> None:
        """Store a page."""
        ...

    def discard(self, page: int) -> None:
        """Free a page, which reads as zeros from then on."""
        ...

    def read(self, page: int) -> bytes:
        """Return a page."""
        ...

    def writeback(self, pages: Sequence[int]) -> PassReport:
        """Write those of the pages back that are in memory, in this order."""
        ...

    def state(self) -> DeviceState:
        """Say what it is like; that is no access."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


@runtime_checkable
class LimitedDevice(Protocol):
    """The capability `limit`."""

    def set_limit(self, blocks: int | None) -> None:
        """Allow passes to write so many blocks from now on; None: any number."""
        ...


@runtime_checkable
class MarkingDevice(Protocol):
    """The capability `modes`."""

    def mark_idle(self) -> None:
        """Mark every page in memory idle, until it is accessed."""
        ...

    def writeback_mode(self, mode: str) -> PassReport:
        """Write back the pages that are huge, idle or both."""
        ...


METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("write", "discard", "read", "writeback", "state", "close"),
    "limit": ("set_limit",),
    "modes": ("mark_idle", "writeback_mode"),
}
"""The methods that a capability stands for; "" is what every device has."""

PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(signature(getattr(kind, name)).parameters)[1:]
    for kind, capability in ((SystemUnderTest, ""), (LimitedDevice, "limit"), (MarkingDevice, "modes"))
    for name in METHODS[capability]
}
"""The parameters of each of these methods."""

MakeDevice = Callable[[Setup], SystemUnderTest]


REFUSALS: Final = (OSError, ValueError, TypeError)
"""By which a device refuses a call, unless it says otherwise."""


def refusals(device: SystemUnderTest) -> tuple[type[Exception], ...]:
    """Return the exceptions by which a device refuses a call."""
    said: object = getattr(device, "refuses", REFUSALS)
    listed = said if isinstance(said, tuple) else (said,)
    return tuple(each for each in listed if isinstance(each, type) and issubclass(each, Exception)) or REFUSALS
