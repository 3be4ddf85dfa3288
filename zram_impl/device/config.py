"""The configuration of a device: its hooks, which never change, and the settings of its attributes.

Kernel: comp_algorithm_store(), recomp_algorithm_store(), algorithm_params_store(), backing_dev_store(),
mem_limit_store(), compressed_writeback_store(), writeback_batch_size_store(), writeback_limit_store(),
writeback_limit_enable_store().
"""

import os
import stat
from collections.abc import Callable
from errno import EBUSY, EINVAL, EISDIR, ENOTBLK
from typing import Final, NamedTuple, TypedDict

from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import open_file
from zram_impl.device.algorithm_settings import AlgorithmSettings, Wanted
from zram_impl.device.engines import DEFAULT_ENGINE, MakeEngine, maker_of
from zram_impl.errors import from_os, refuse, refuse_argument, refuse_type, shown
from zram_impl.events.observer import Observer
from zram_impl.parsing import kstrto
from zram_impl.quirks import Quirks
from zram_impl.runtime import Runtime, ThreadRuntime
from zram_impl.table.budget import Budget
from zram_impl.units import DEFAULT_BATCH_SIZE

_RUNTIME: Final = ("lock", "condition", "spawn", "interruptible", "shielded", "now")
"""The methods of a runtime."""

READ_AHEAD: Final = 1024
"""Pages looked at for reading ahead where reads are sequential, unless something else is asked for.

Neighbours whose objects were of different sizes lie apart: the more pages are looked at, the fewer transfers they take.
"""
READ_AHEAD_MAX: Final = 1024

OpenBacking = Callable[[str | os.PathLike[str], int | None], BackingDevice]


class ReadCache(NamedTuple):
    """Written-back pages that are kept once they were read, and how many are read at once where reads are sequential.

    Off by default: the driver reads the backing device each time, which its bd_reads shows.
    """

    pages: int = 0
    ahead: int = 1


class Hooks(TypedDict, total=False):
    """The keywords of `Zram()`.

    Attributes:
        quirks: Decisions to make as the driver does; nothing by default.
        runtime: Where locks, threads and the clock come from.
        engine: "ring", which keeps many writes under way wherever their blocks lie, and is threads where the system has
            no ring (`engine_kind` says why); "threads"; or a function that makes the engine for a backing device.
        open_backing: Opens a backing device that is named by its path.
        observer: Called for every action.
    """

    quirks: Quirks | None
    runtime: Runtime | None
    engine: MakeEngine | str
    open_backing: OpenBacking
    observer: Observer | None


def open_backing_file(path: str | os.PathLike[str], size: int | None) -> BackingDevice:
    """Open the file or block device that `backing_dev` names, locked against a second user."""
    return open_file(path, size=size)


class Configuration:
    """The hooks and settings of a device; a setting is changed under the control lock.

    Attributes:
        quirks: The driver's decisions that are made as in the driver.
        runtime: Locks, threads and the clock.
        make_engine: Makes the engine for a backing device.
        open_backing: Opens a backing device by its path.
        observer: Called for every action.
        algorithms: Algorithms and their parameters, by priority.
        backing: The backing device.
        batch_size: Requests that the next pass keeps in flight.
        compressed_writeback: Blocks carry objects as they are.
        limit_pages: The most pages that objects may take together; 0 is no limit.
        read_cache: How reads of written-back pages are kept.
        budget: The writeback limit; guarded by the table lock.
    """

    def __init__(
        self,
        *,
        quirks: Quirks | None = None,
        runtime: Runtime | None = None,
        engine: MakeEngine | str = DEFAULT_ENGINE,
        open_backing: OpenBacking = open_backing_file,
        observer: Observer | None = None,
    ) -> None:
        if quirks is not None and not isinstance(quirks, Quirks):
            raise refuse_type(f"quirks must be a Quirks, got {shown(quirks)}")
        for name, hook in (("open_backing", open_backing), ("observer", observer)):
            if not callable(hook) and not (name == "observer" and hook is None):
                raise refuse_type(f"{name} must be callable, got {shown(hook)}")
        self.quirks: Quirks = quirks or Quirks()
        self.runtime: Runtime = ThreadRuntime() if runtime is None else _checked_runtime(runtime)
        self.make_engine: MakeEngine = maker_of(engine, observer)
        self.open_backing: OpenBacking = open_backing
        self.observer: Observer | None = observer
        self.algorithms: AlgorithmSettings = AlgorithmSettings()
        self.backing: BackingDevice | None = None
        self.batch_size: int = DEFAULT_BATCH_SIZE
        self.compressed_writeback: bool = False
        self.limit_pages: int = 0
        self.read_cache: ReadCache = ReadCache()
        self.budget: Budget = Budget()

    def opened(self, backing: str | os.PathLike[str] | BackingDevice, size: int | str | None) -> BackingDevice:
        """Return an open backing device, which is not yet this one's."""
        if isinstance(backing, (str, os.PathLike)):
            _check_path(backing)
            return self.open_backing(backing, None if size is None else kstrto.size_of(size))
        device = _checked_device(backing)
        if size is not None:
            raise refuse(EINVAL, f"size must be None for {device.name}, which is no file, got {shown(size)}")
        if device is self.backing:
            raise refuse(EBUSY, f"backing device {device.name} is this device's already")
        return device

    def choose_algorithm(self, name: str, priority: int) -> None:
        """Take an algorithm, which is known, for a priority."""
        self.algorithms.choose(name, priority, keep_params=self.quirks.params_kept)

    def take_params(self, priority: int | None, algorithm: str | None, wanted: Wanted) -> None:
        """Take other parameters for a priority, or an algorithm's."""
        self.algorithms.take_params(priority, algorithm, wanted, self.quirks)

    def set_compressed_writeback(self, compressed: bool) -> None:
        """Write objects back as they are, or pages."""
        self.compressed_writeback = compressed

    def check_named(self, path: str) -> None:
        """Refuse, with the driver's errno, a path that a store to backing_dev cannot mean: ENOENT, EISDIR, ENOTBLK."""
        if type(path) is not str:  # to `os.stat` a number is an open file
            raise refuse_type(f"path must be a str, got {shown(path)}")
        if self.open_backing is not open_backing_file:  # another opener has paths of its own
            return
        if not path:
            raise refuse(EISDIR, "backing_dev must be a path, got an empty one")
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            raise from_os(error, f"look up backing device {path!r}") from error
        except ValueError as error:
            raise refuse(EINVAL, f"backing_dev must be a path, got {path!r}: {error}") from error
        if self.quirks.regular_file_refused and stat.S_ISREG(mode):
            raise refuse(ENOTBLK, f"backing_dev must be a block device, got regular file {path!r}")

    def observe(self, kind: str, *args: int) -> None:
        """Call the observer, if there is one."""
        if self.observer is not None:
            self.observer(kind, *args)


def _checked_runtime(runtime: Runtime) -> Runtime:
    missing = [name for name in _RUNTIME if not callable(getattr(runtime, name, None))]
    if missing:
        raise refuse_type(f"runtime must have {', '.join(missing)}, got {shown(runtime)}")
    return runtime


def _check_path(path: str | os.PathLike[str]) -> None:
    try:
        os.fsdecode(path)
    except (TypeError, ValueError) as error:
        raise refuse_argument(
            path, (str, os.PathLike), f"backing must be a path, got {shown(path)}: {error}"
        ) from error


def _checked_device(device: BackingDevice) -> BackingDevice:
    """Return `device`; EINVAL unless it has the methods of a backing device, and a block."""
    methods = [getattr(device, name, None) for name in ("read", "write", "sync", "close")]
    blocks = getattr(device, "blocks", None)
    if not all(map(callable, methods)) or not isinstance(getattr(device, "name", None), str):
        raise refuse_type(f"backing must be a path or a backing device, got {shown(device)}")
    if not isinstance(blocks, int) or blocks < 1:
        raise refuse(EINVAL, f"backing device {device.name} must have at least 1 block, got {shown(blocks)}")
    return device
