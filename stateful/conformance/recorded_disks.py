"""The block devices of the recorded machine: files, loop devices over them, device-mapper devices over those.

A device-mapper device can be suspended, so that what it is asked waits, and its table can make blocks fail.
"""

from collections.abc import Sequence
from errno import EBUSY, EINVAL, EISDIR, ENOENT, ENOTBLK, ENXIO, ETXTBSY
from typing import Final

from stateful.conformance.background import Turns
from stateful.conformance.operations import DmTable
from stateful.conformance.paths import walk
from zram_impl.bdev.device import BackingDevice
from zram_impl.errors import ZramError, refuse
from zram_impl.faults import Delayed, Failing, Operation
from zram_impl.units import PAGE_SIZE

LOOPS: Final = 8
"""Loop devices there are, attached or not."""

_CHARACTER_DEVICES: Final = {"/dev/console", "/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/zero"}
_RUNNING: Final = "/init"
_PROGRAM: Final = bytes(1 << 20)
"""The program that runs: of its bytes only their number is known, and that roughly."""
_OWN_NODE: Final = "/dev/zram0"


class DiskNode:
    """Something with a path that a file's bytes can be reached through.

    Attributes:
        file: The bytes; none while a loop device is not attached.
        blocks: Whole blocks it has.
        holder: Who has claimed it; "" when nobody has.
    """

    def __init__(self, file: bytearray) -> None:
        self.file = file
        self.blocks = len(file) // PAGE_SIZE
        self.holder = ""

    def claim(self, holder: str) -> None:
        """Claim it; EBUSY when somebody has, the holder included."""
        if self.holder:
            raise refuse(EBUSY, f"{self.holder} has it")
        self.holder = holder


class Mapping:
    """A device-mapper device over a loop device.

    Attributes:
        node: The device.
        suspended: What it is asked waits.
        table: What it does when it does not wait.
    """

    def __init__(self, turns: Turns) -> None:
        self.node = DiskNode(bytearray())
        self.suspended = False
        self.table: DmTable | None = None
        self._turns = turns

    def surround(self, device: BackingDevice) -> BackingDevice:
        """Put what this device does around what a loop device does; what waited does as the table says by then."""
        failing = Failing(device, self._fails)
        return Delayed(failing, lambda _operation: self.suspended, seconds=0, sleep=lambda _seconds: self._wait())

    def _wait(self) -> None:
        self._turns.wait_until(lambda: not self.suspended)

    def _fails(self, operation: Operation) -> bool:
        assert self.table is not None, "a device that is used has a table"
        ranges = self.table.fail_all + (self.table.fail_write if operation.kind == "write" else ())
        return any(first <= block <= last for first, last in ranges for block in operation.blocks)


class Bytes:
    """The bytes of a node as a backing device; claimed until it is closed."""

    def __init__(self, path: str, node: DiskNode) -> None:
        self.name, self.blocks = path, node.blocks
        self._node = node

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write pages to consecutive blocks."""
        data = b"".join(pages)
        self._node.file[blk_idx * PAGE_SIZE : blk_idx * PAGE_SIZE + len(data)] = data
        return len(data)

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read consecutive blocks."""
        into[:] = self._node.file[blk_idx * PAGE_SIZE :][: len(into)]

    def sync(self) -> None:
        """Nothing is to be made durable."""

    def close(self) -> None:
        """Release the node."""
        self._node.holder = ""


class CountedDisk:
    """A backing device that counts.

    Attributes:
        reads: Blocks that reads were begun of.
        writes: Blocks that were written.
    """

    def __init__(self, device: BackingDevice) -> None:
        self.name, self.blocks = device.name, device.blocks
        self.reads = self.writes = 0
        self._device = device

    def write(self, blk_idx: int, pages: Sequence[memoryview]) -> int:
        """Write through."""
        written = self._device.write(blk_idx, pages)
        self.writes += written // PAGE_SIZE
        return written

    def read(self, blk_idx: int, into: memoryview) -> None:
        """Read through."""
        self.reads += len(into) // PAGE_SIZE
        self._device.read(blk_idx, into)

    def sync(self) -> None:
        """Sync through."""
        self._device.sync()

    def close(self) -> None:
        """Close what it counts for."""
        self._device.close()


class Disks:
    """Everything that can be a backing device, by its path."""

    def __init__(self, turns: Turns) -> None:
        self.files: dict[int, bytearray] = {}
        """The files made, by number."""
        self._made: dict[str, bytes] = {}
        """Plain files made besides, by path."""
        self._turns = turns
        self._loops = [DiskNode(bytearray()) for _ in range(LOOPS)]
        self._mappings: dict[int, Mapping] = {}

    # --- what the operations do --------------------------------------------------------------------------------------

    def make(self, number: int, size: int) -> None:
        """Make a file and attach its loop device; EBUSY when that is attached, whose file is emptied all the same."""
        loop = self._loop(number)
        if number in self.files:
            self.files[number][:] = bytes(len(self.files[number]))
            raise refuse(EBUSY, f"loop device {number} is attached")
        loop.file = self.files[number] = bytearray(size)
        loop.blocks = size // PAGE_SIZE

    def load(self, table: DmTable) -> None:
        """Load a table, and resume who was suspended; EBUSY, EINVAL when the loop device is taken or too small."""
        loop = self._loop(table.number)
        mapping = self._mappings.get(table.number, Mapping(self._turns))
        if mapping.table is None and loop.holder:
            raise refuse(EBUSY, f"{loop.holder} has loop device {table.number}")
        if table.blocks > loop.blocks:
            raise refuse(EINVAL, f"{table.blocks} blocks do not fit into the {loop.blocks} of loop {table.number}")
        self._mappings[table.number] = mapping  # there is no such device before a table was loaded
        loop.holder = f"dm-{table.number}"
        mapping.node.file, mapping.node.blocks = loop.file, table.blocks

        def change() -> None:
            mapping.table = table
            mapping.suspended = False

        self._turns.proceed(change)

    def suspend(self, number: int, *, on: bool) -> None:
        """Suspend or resume a device; ENXIO if there is no such device."""
        if number not in self._mappings:
            raise refuse(ENXIO, f"there is no device-mapper device {number}")
        mapping = self._mappings[number]

        def change() -> None:
            mapping.suspended = on

        self._turns.proceed(change)

    def resume_all(self) -> None:
        """Resume every device."""
        for number in self._mappings:
            self.suspend(number, on=False)

    @property
    def suspended(self) -> bool:
        """Return whether any device is suspended."""
        return any(mapping.suspended for mapping in self._mappings.values())

    # --- what backing_dev opens --------------------------------------------------------------------------------------

    def open(self, path: str, *, files_too: bool) -> CountedDisk:
        """Open the block device at `path` for the device under test alone; a plain file too, if `files_too`.

        Raises:
            ZramError: As `paths.walk`; ENOTBLK, ETXTBSY (a program that runs), EBUSY (claimed), EINVAL (below one
                block, as is the device itself).
        """
        files = {f"/bd/{number}": DiskNode(file) for number, file in self.files.items()}
        loops = {f"/dev/loop{number}": node for number, node in enumerate(self._loops)}
        mappings = {f"/dev/dm-{number}": mapping for number, mapping in self._mappings.items()}
        path = walk(path, self._paths())
        if path == _OWN_NODE:
            raise refuse(EINVAL, f"{path!r} has no size")
        if path == _RUNNING:
            raise refuse(ETXTBSY, f"{path!r} is a program that runs")
        if path in _CHARACTER_DEVICES or path in self._made or (path in files and not files_too):
            raise refuse(ENOTBLK, f"{path!r} is not a block device")
        node = mappings[path].node if path in mappings else (files | loops)[path]
        node.claim("zram0")
        if not node.blocks:
            node.holder = ""
            raise refuse(EINVAL, f"{path!r} has less than a block")
        device = Bytes(path, node)
        return CountedDisk(mappings[path].surround(device) if path in mappings else device)

    # --- plain files -------------------------------------------------------------------------------------------------

    def make_file(self, path: str, data: bytes) -> None:
        """Make a file, or write one anew; errors as `paths.walk`, ETXTBSY for a program that runs.

        A file that a loop device has keeps its size for the device.
        """
        path = walk(path, self._paths(), create=True)
        if path == _RUNNING:
            raise refuse(ETXTBSY, f"{path!r} is a program that runs")
        number = path.removeprefix("/bd/")
        if number.isdecimal() and int(number) in self.files:
            file = self.files[int(number)]
            file[:] = data[: len(file)].ljust(len(file), b"\0")
        else:
            self._made[path] = data

    def read_file(self, path: str) -> bytes:
        """Read a file, as the driver reads dictionaries.

        Raises:
            ZramError: As `paths.walk`; EINVAL for what is not a file, or empty; ETXTBSY for what somebody may write to.
        """
        try:
            path = walk(path, self._paths())
        except ZramError as error:
            if error.errno != EISDIR:
                raise
            raise refuse(EINVAL, f"{path!r} is a directory") from error
        if path.removeprefix("/bd/") in map(str, self.files):
            raise refuse(ETXTBSY, f"a loop device has {path!r}")
        data = _PROGRAM if path == _RUNNING else self._made.get(path)
        if not data:
            raise refuse(EINVAL, f"{path!r} is not a file, or empty")
        return data

    def _paths(self) -> set[str]:
        paths = {_OWN_NODE, _RUNNING, *_CHARACTER_DEVICES, *self._made}
        paths |= {f"/bd/{number}" for number in self.files}
        paths |= {f"/dev/loop{number}" for number in range(LOOPS)}
        return paths | {f"/dev/dm-{number}" for number in self._mappings}

    def _loop(self, number: int) -> DiskNode:
        if not 0 <= number < LOOPS:
            raise refuse(ENOENT, f"there is no loop device {number}")
        return self._loops[number]
