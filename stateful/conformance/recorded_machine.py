"""The recorded machine: a device under test, its node, and disks for it; does operations and says what came of them."""

import errno
import os
import zlib
from collections.abc import Callable
from typing import Final, TypeVar

from stateful.conformance.background import Background, Hangs, Turns
from stateful.conformance.batch_engine import TogetherEngine
from stateful.conformance.operations import (
    BackgroundStore,
    Discard,
    DmTable,
    Hold,
    Join,
    MakeBacking,
    Operation,
    Read,
    Resume,
    Show,
    Store,
    Suspend,
    Unhold,
    Write,
    Zeroout,
)
from stateful.conformance.recorded_disks import Disk, Disks
from stateful.conformance.schema import Answer
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError
from zram_impl.bdev.device import BackingDevice
from zram_impl.block_layer import SECTOR, Node, NodeFile
from zram_impl.errors import refuse
from zram_impl.parsing.algorithm_args import PRIMARY, parse_algorithm_params
from zram_impl.runtime import Runtime, UnshieldedRuntime

T = TypeVar("T")

UPTIME: Final = 5.0
"""Seconds since the recorded machine was started, as good as constant."""

STORE_BYTES: Final = PAGE_SIZE
"""Of what is written to an attribute at once, sysfs passes on this much."""

HANGS: Final = "(hangs)"
"""What `err` says of an operation that waits for a later one; no kernel was recorded doing that."""


class GuestRuntime(UnshieldedRuntime):
    """Native threads, the clock of the recorded machine; a store runs where it was called."""

    def __init__(self) -> None:
        self.now = lambda: UPTIME


class Guest:
    """One machine, as it is after the driver was loaded; close it.

    Attributes:
        device: The device under test.
        disks: What can be its backing device.
        disk: What was its last one; None before.
    """

    def __init__(self, quirks: Quirks, attributes: frozenset[str] | None = None) -> None:
        """Load the driver; it has only `attributes`, if those are known."""
        self._attributes = attributes
        self.turns = Turns()
        self.disks = Disks(self.turns)
        self.disk: Disk | None = None
        self.device = Zram(
            quirks=quirks, runtime=GuestRuntime(), engine=self._make_engine, open_backing=self._open_backing
        )
        self._node = Node(self.device)
        self._held: list[NodeFile] = []
        self._background: Background | None = None
        self._stuck: list[Background] = []
        """Stores that hang, and were not in the background."""

    def close(self) -> None:
        """Let everything go."""
        self.disks.resume_all()
        for each in self._held:
            each.close()
        self.device.close()

    def do(self, operation: Operation) -> Answer:
        """Do one operation."""
        try:
            return self._do(operation)
        except ZramError as error:
            return Answer(-1, errno.errorcode[error.errno or errno.EIO])
        except Hangs:
            return Answer(-1, HANGS)

    def _do(self, operation: Operation) -> Answer:  # noqa: C901, PLR0911, PLR0912  (one line an operation)
        match operation:
            case Store(attribute, value):
                return Answer(self._store(attribute, value))
            case Show(attribute):
                text = self._show(attribute)
                return Answer(len(text.encode()), text=text)
            case Write(page, count, pattern):
                data = b"".join(pattern.page(position) for position in range(count))
                return Answer(self._opened(lambda node: node.pwrite(data, page * PAGE_SIZE)))
            case Read(page, count):
                return self._read(page, count)
            case Discard(offset, length):
                self._opened(lambda node: node.discard(offset, length))
            case Zeroout(offset, length):
                self._opened(lambda node: node.zeroout(offset, length))
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
                if self._would_wait() or (attribute == "reset" and self._passes()):
                    raise Hangs
                self._background = self.turns.begin(lambda: self._store_now(attribute, value))
                return Answer(0, text="done" if self._background.over else "blocked")
            case Join():
                return Answer(self._join())
            case Hold():
                self._held.append(self._node.open())
            case Unhold():
                while self._held:
                    self._held.pop().close()
        return Answer(0)

    # --- attributes --------------------------------------------------------------------------------------------------

    def _would_wait(self, attribute: str = "") -> bool:
        """Return whether an attribute waits for a store that itself waits."""
        begun = [self._background] if self._background is not None else []
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
        if self._would_wait() or (attribute == "reset" and self.disks.suspended and self._passes()):
            raise Hangs
        if not self.disks.suspended:
            return self._store_now(attribute, value)
        store = self.turns.begin(lambda: self._store_now(attribute, value))
        if not store.over:
            self._stuck.append(store)
        return _result(store)

    def _passes(self) -> bool:
        """Return whether a pass runs, which a reset would have to end."""
        disk = self.device.disk
        return disk is not None and disk.running_pass is not None

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
        return self.device.attrs.store(attribute, value[:STORE_BYTES])

    def _join(self) -> int:
        store = self._background
        if store is None:
            raise ZramError(errno.ECHILD, "no store was begun in the background")
        if store.over:
            self._background = None
        return _result(store)

    # --- the node ----------------------------------------------------------------------------------------------------

    def _opened(self, do: Callable[[NodeFile], T]) -> T:
        with self._node.open() as node:
            return do(node)

    def _read(self, page: int, count: int) -> Answer:
        data = self._opened(lambda node: node.pread(count * PAGE_SIZE, page * PAGE_SIZE))
        crc = tuple(f"{zlib.crc32(data[at : at + PAGE_SIZE]):08x}" for at in range(0, len(data), PAGE_SIZE))
        return Answer(len(data), crc=crc or None)

    # --- what the device is made of -----------------------------------------------------------------------------------

    def _open_backing(self, path: str | os.PathLike[str], size: int | None) -> BackingDevice:
        assert size is None, "an attribute names no size"
        self.disk = self.disks.open(str(path), files_too=not self.device.quirks.regular_file_refused)
        return self.disk

    def _make_engine(self, device: BackingDevice, _runtime: Runtime) -> TogetherEngine:
        return TogetherEngine(device)


def _result(store: Background) -> int:
    if not store.over:
        raise Hangs
    if store.failure is not None:
        raise store.failure
    return store.result
