"""The recorded machine: a device under test, its node, and disks for it; does operations and returns answers."""

import errno
import os
from typing import Final

from stateful.common.inside import inside
from stateful.conformance.background import Background, Hangs, Turns
from stateful.conformance.batch_engine import TogetherEngine
from stateful.conformance.contents import generated_bytes
from stateful.conformance.kernel_algorithms import KernelAlgorithms
from stateful.conformance.operations import (
    BackgroundStore,
    ByteRead,
    ByteWrite,
    Discard,
    DmTable,
    Flush,
    GetSize,
    Hold,
    Join,
    MakeBacking,
    MakeFile,
    Operation,
    Read,
    Resume,
    Show,
    Sleep,
    Store,
    Suspend,
    Unhold,
    Write,
    Zeroout,
)
from stateful.conformance.recorded_disks import CountedDisk, Disks
from stateful.conformance.recorded_node import RecordedNode
from stateful.conformance.schema import RecordedAnswer
from stateful.seam.chosen import chosen
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError
from zram_impl.bdev.device import BackingDevice
from zram_impl.block_layer import SECTOR
from zram_impl.errors import errno_name, refuse
from zram_impl.pages.byte_io import Buffer
from zram_impl.parsing.algorithm_args import PRIMARY, parse_algorithm_params
from zram_impl.parsing.kstrto import as_bytes, as_text
from zram_impl.runtime import UnshieldedRuntime

UPTIME: Final = 5
"""Seconds since the recorded machine was started, where that was not recorded."""

STORE_BYTES: Final = PAGE_SIZE
"""Of what is written to an attribute at once, sysfs passes on this much."""

HANGS: Final = "(hangs)"
"""The `err` of an operation that waits for a later one; no kernel was recorded doing that."""


class GuestRuntime(UnshieldedRuntime):
    """Native threads, the clock of the recorded machine; a store runs where it was called."""

    def __init__(self) -> None:
        self.now = lambda: float(self.clock)
        self.clock = UPTIME
        """The present second."""
        self.accesses: dict[int, int] = {}
        """The seconds in which the present operation accesses pages, where they may be others."""

    def access(self, page: int) -> None:
        """Set the clock to when a page is accessed."""
        self.clock = max(self.clock, self.accesses.get(page, 0))


class RecordedDevice(Zram):
    """A device under test, with the files of the recorded machine; counts the requests whose page it refused."""

    def __init__(self, guest: "Guest", quirks: Quirks, runtime: GuestRuntime) -> None:
        super().__init__(
            quirks=quirks,
            runtime=runtime,
            engine=lambda device, _runtime: TogetherEngine(device),
            open_backing=guest.open_backing,
        )
        self._configuration.algorithms = KernelAlgorithms(guest.disks.read_file)
        self._clock = runtime
        self.refused = 0

    def write_page(self, index: int, page: Buffer) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        """Store a page for the block layer, which ends a request whose page is refused."""
        self._clock.access(index)
        try:
            super().write_page(index, page)
        except ZramError:
            self.refused += 1
            raise

    def read_page(self, index: int) -> bytes:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Read a page for the block layer."""
        self._clock.access(index)
        return super().read_page(index)


def _recorded_class() -> type[RecordedDevice]:
    """Return the class of the device under test, derived from the one that is tested."""
    kind = chosen().zram
    if kind is None or kind is Zram:
        return RecordedDevice
    return type("RecordedDerived", (RecordedDevice, kind), {})


class Guest:
    """One machine, as it is after the driver was loaded; close it.

    Attributes:
        device: The device under test.
        disks: What can be its backing device.
        disk: What was its last one; None before.
        runtime: Its clock.
    """

    def __init__(self, quirks: Quirks, attributes: frozenset[str] | None = None) -> None:
        """Load the driver; it has only `attributes`, if those are known."""
        self._attributes = attributes
        self.turns = Turns()
        self.disks = Disks(self.turns)
        self.disk: CountedDisk | None = None
        self.runtime = GuestRuntime()
        self.device = _recorded_class()(self, quirks, self.runtime)
        self._node = RecordedNode(self.device)
        self._begun: list[Background | Store] = []
        """Stores in the background, oldest first; a `Store` waits for the one before it, and has not begun."""
        self._stuck: list[Background] = []
        """Stores that hang, and were not in the background."""

    def close(self) -> None:
        """Let everything go."""
        self.disks.resume_all()
        self._node.unhold()
        self.device.close()

    def do(self, operation: Operation) -> RecordedAnswer:
        """Do one operation."""
        try:
            return self._do(operation)
        except ZramError as error:
            return RecordedAnswer(-1, errno_name(error.errno or errno.EIO))
        except Hangs:
            return RecordedAnswer(-1, HANGS)

    def _do(self, operation: Operation) -> RecordedAnswer:  # noqa: C901, PLR0911, PLR0912  (one line an operation)
        match operation:
            case Store(attribute, value):
                return RecordedAnswer(self._store(attribute, value))
            case Show(attribute):
                text = self._show(attribute)
                return RecordedAnswer(len(text.encode()), text=text)
            case Write(page, count, pattern):
                return self._node.write(page, count, pattern)
            case Read(page, count):
                return self._node.read(page, count)
            case ByteWrite():
                return self._node.write_bytes(operation)
            case ByteRead():
                return self._node.read_bytes(operation)
            case Discard(offset, length):
                self._node.discard(offset, length)
            case Zeroout(offset, length):
                self._node.zeroout(offset, length)
            case Flush():
                self._node.flush()
            case GetSize():
                return RecordedAnswer(0, text=self._node.sizes())
            case MakeFile(path, size, seed):
                self.disks.make_file(path, generated_bytes(seed, size))
            case Sleep():
                pass  # the clock is set by what was recorded of it
            case MakeBacking(number, size):
                self.disks.make(number, size)
            case DmTable():
                self.disks.load(operation)
            case Suspend(number):
                self.disks.suspend(number, on=True)
            case Resume(number):
                self.disks.suspend(number, on=False)
            case BackgroundStore(attribute, value):
                self._check_there(attribute)
                return RecordedAnswer(0, text=self._begin(Store(attribute, value)))
            case Join():
                return RecordedAnswer(self._join())
            case Hold():
                self._node.hold(operation)
            case Unhold():
                self._node.unhold()
        return RecordedAnswer(0)

    # --- attributes --------------------------------------------------------------------------------------------------

    def _would_wait(self, attribute: str = "") -> bool:
        """Return whether an attribute waits for a store that itself waits."""
        begun = [store for store in self._begun if isinstance(store, Background)]
        waiting = any(store.waits for store in [*begun, *self._stuck])
        return waiting and self.device.quirks.control_plane_blocks and attribute != "disksize"

    def _check_there(self, attribute: str) -> None:
        if self._attributes is not None and attribute not in self._attributes:
            raise refuse(errno.ENOENT, f"the recorded device had no attribute {attribute!r}")

    def _show(self, attribute: str) -> str:
        self._check_there(attribute)
        if self._would_wait(attribute):
            raise Hangs
        if attribute == "size":  # this one and the next are the block layer's own
            return f"{self._node.size // SECTOR}\n"
        if attribute == "ro":
            return "0\n"
        return self.device.attrs.show(attribute)

    def _store(self, attribute: str, value: str) -> int:
        """Store; on the side while a device is suspended, where it can be seen to hang."""
        self._check_there(attribute)
        if self._would_be_held_up(Store(attribute, value)):
            raise Hangs
        if not self.disks.suspended:
            return self._store_now(attribute, value)
        store = self.turns.begin(lambda: self._store_now(attribute, value))
        if not store.over:
            self._stuck.append(store)
        return _result(store)

    def _would_be_held_up(self, store: Store) -> bool:
        """Return whether a store waits for a pass that waits: one whose text is refused does not get that far."""
        waits = self._would_wait() or (store.attribute == "reset" and self.disks.suspended and self._passes())
        if not waits:
            return False
        try:
            return self.device.attrs.look_at(store.attribute, _passed_on(store.value)) is not None
        except ZramError:
            return False

    def _passes(self) -> bool:
        """Return whether a pass runs, which a reset would have to end."""
        passes = inside(self.device).passes
        return passes is not None and passes.running is not None

    def _check_priority(self, value: str) -> None:
        """Refuse parameters of a priority that a driver without recompression does not have.

        It looks at that after the words and before everything but whether the device is initialised.
        """
        if self._attributes is None or "recomp_algorithm" in self._attributes or self.device.pages:
            return
        if parse_algorithm_params(value, unknown_keys_ignored=True).priority not in (None, PRIMARY):
            raise refuse(errno.EINVAL, f"{value!r}: the recorded device had one priority")

    def _store_now(self, attribute: str, value: str) -> int:
        if attribute == "algorithm_params":
            self._check_priority(value)
        return self.device.attrs.store(attribute, _passed_on(value))

    def _begin(self, store: Store) -> str:
        """Begin a store in the background, behind one that waits where the driver has it wait; return how it is."""
        if self._would_be_held_up(store):
            if self._stuck:
                raise Hangs
            self._begun.append(store)
            return "blocked"
        begun = self.turns.begin(lambda: self._store_now(store.attribute, store.value))
        self._begun.append(begun)
        return "done" if begun.over else "blocked"

    def _join(self) -> int:
        if not self._begun:
            raise ZramError(errno.ECHILD, "no store was begun in the background")
        store = self._begun[0]
        if isinstance(store, Store):  # the one before it is over
            attribute, value = store
            store = self._begun[0] = self.turns.begin(lambda: self._store_now(attribute, value))
        if store.over:
            self._begun.pop(0)
        return _result(store)

    # --- what the device is made of -----------------------------------------------------------------------------------

    def open_backing(self, path: str | os.PathLike[str], size: int | None) -> BackingDevice:
        """Open the device's backing device."""
        assert size is None, "an attribute names no size"
        self.disk = self.disks.open(str(path), files_too=not self.device.quirks.regular_file_refused)
        return self.disk


def _passed_on(value: str) -> str:
    return as_text(as_bytes(value)[:STORE_BYTES])


def _result(store: Background) -> int:
    if not store.over:
        raise Hangs
    if store.failure is not None:
        raise store.failure
    return store.result
