"""What a device is made of and how it is configured, before and (as far as it may be) while it is in use.

Locks, outermost first: the control lock (life cycle and configuration; never held while a pass is driven but by a
reset), the lock of a pass, the table lock (slots, blocks, budget, statistics), the engine's. See `runtime.Rank`.

Kernel: comp_algorithm_store(), recomp_algorithm_store(), algorithm_params_store(), backing_dev_store(),
mem_limit_store(), mem_used_max_store(), compressed_writeback_store(), writeback_batch_size_store(),
writeback_limit_store(), writeback_limit_enable_store().
"""

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import EBUSY, EINVAL, EISDIR, ENOTBLK
from functools import partial
from typing import Final

from zram_impl import forking
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import open_file
from zram_impl.compression.algorithms import Params
from zram_impl.device.algorithm_settings import AlgorithmSettings, dictionary_of, dictionary_source, known, secondary
from zram_impl.device.dropped import Held
from zram_impl.device.openers import Openers
from zram_impl.engine.protocol import Engine
from zram_impl.engine.threads import ThreadEngine
from zram_impl.errors import from_os, refuse, shown
from zram_impl.events.observer import Observer
from zram_impl.pages.initialised import Disk
from zram_impl.parsing import kstrto
from zram_impl.parsing.algorithm_args import PRIMARY, SECONDARY, choose_priority
from zram_impl.quirks import Quirks
from zram_impl.runtime import Lock, Rank, Runtime, ThreadRuntime
from zram_impl.table.budget import Budget
from zram_impl.units import DEFAULT_BATCH_SIZE, PAGE_SHIFT, PAGE_SIZE

MAX_IN_FLIGHT: Final = 256
"""Requests the engine of production carries at most, whatever batch size is asked for; their memory grows on demand."""

_RUNTIME: Final = ("lock", "condition", "spawn", "interruptible", "shielded", "now")
"""What a runtime has to offer."""

MakeEngine = Callable[[BackingDevice, Runtime], Engine]
OpenBacking = Callable[[str | os.PathLike[str], int | None], BackingDevice]


def open_backing_file(path: str | os.PathLike[str], size: int | None) -> BackingDevice:
    """Open what `backing_dev` names: a regular file or a block device, locked against a second user."""
    return open_file(path, size=size)


def _check_named(path: str, *, regular_refused: bool) -> None:
    """Refuse, with the driver's errno, what a store to backing_dev cannot mean: ENOENT, EISDIR, ENOTBLK."""
    if not path:
        raise refuse(EISDIR, "an empty path names no backing device")
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise from_os(error, f"look up backing device {path!r}") from error
    except ValueError as error:
        raise refuse(EINVAL, f"{path!r} cannot be a path: {error}") from error
    if regular_refused and stat.S_ISREG(mode):
        raise refuse(ENOTBLK, f"backing device {path!r} is a regular file")


def thread_engine(device: BackingDevice, runtime: Runtime, observer: Observer | None = None) -> Engine:
    """Make the engine of production."""
    return ThreadEngine(device, runtime, depth=MAX_IN_FLIGHT, observer=observer)


class Configuration:
    """A device that nobody uses yet."""

    def __init__(
        self,
        *,
        quirks: Quirks | None = None,
        runtime: Runtime | None = None,
        engine: MakeEngine = thread_engine,
        open_backing: OpenBacking = open_backing_file,
        observer: Observer | None = None,
    ) -> None:
        """Make a device that is not initialised, as hot_add does."""
        if quirks is not None and not isinstance(quirks, Quirks):
            raise refuse(EINVAL, f"quirks {shown(quirks)} are none")
        for name, hook in (
            ("engine", engine),
            ("open_backing", open_backing),
            ("observer", print if observer is None else observer),
        ):
            if not callable(hook):
                raise refuse(EINVAL, f"{name} {shown(hook)} cannot be called")
        self.quirks = quirks or Quirks()
        self._runtime = ThreadRuntime() if runtime is None else _checked_runtime(runtime)
        # Any other engine is its maker's to connect.
        self._make_engine = partial(thread_engine, observer=observer) if engine is thread_engine else engine
        self._open_backing = open_backing
        self._observer = observer
        self.openers = Openers(self._runtime)
        """Who has the device's node open."""
        # Guards the configuration below: algorithms, backing device, sizes, and whether there is a disk.
        self._control = self._runtime.lock("control", Rank.CONTROL)
        # Guards the slots, blocks and statistics of the disk, and the budget, which outlives it.
        self._table = self._runtime.lock("table", Rank.TABLE)
        self._algorithms = AlgorithmSettings()
        self._backing: BackingDevice | None = None
        self._batch_size = DEFAULT_BATCH_SIZE
        self._compressed_writeback = False
        self._limit_pages = 0
        self._budget = Budget()
        self._disk: Disk | None = None
        self._held = Held()
        forking.register(self)

    # --- forks -----------------------------------------------------------------------------------------------------

    def _fork_locks(self) -> tuple[Lock, Lock]:
        """Return the locks that guard what a forked child goes on to use: control and table."""
        return self._control, self._table

    def _after_fork(self, *, whole: bool) -> None:
        """Be a forked child's copy of a device: no lock is held, no pass runs, the backing device is its maker's."""
        forking.made_anew(self._control, self._table)
        self.openers.after_fork()
        if self._disk is not None:
            self._disk.after_fork()
        if not whole:  # it was being made, reset or closed
            backing, self._disk, self._backing = self._backing, None, None
            self._held.released()
            if backing is not None:
                with suppress(OSError):
                    backing.close()

    # --- configuration ---------------------------------------------------------------------------------------------

    def set_algorithm(self, name: str) -> None:
        """Choose the compressor, and drop its parameters; EINVAL for an unknown name, EBUSY once initialised."""
        self._choose(name, PRIMARY, "comp_algorithm")

    def set_recomp_algorithm(self, name: str, priority: int = SECONDARY) -> None:
        """Choose an algorithm for recompression, and drop the parameters of its priority.

        Args:
            name: As for `set_algorithm`.
            priority: 1 to 3; a page is recompressed only by an algorithm of a higher priority than it has.

        Raises:
            ZramError: EINVAL for a name or a priority that is none, EBUSY once initialised.
        """
        self._choose(name, secondary(priority), "recomp_algorithm")

    def _choose(self, name: str, priority: int, attribute: str) -> None:
        known(name)
        with self._control:
            self._refuse_initialised(attribute)
            self._algorithms.choose(name, priority)

    def set_algorithm_params(
        self,
        priority: int | None = None,
        algorithm: str | None = None,
        *,
        level: int | None = None,
        dictionary: bytes | str | os.PathLike[str] | None = None,
        winbits: int | None = None,
    ) -> None:
        """Say how an algorithm is to work; whether it can is found out when the device is initialised.

        What was said of the priority before counts no more, not even when the dictionary cannot be read.

        Args:
            priority: Whose parameters these are, 0 to 3; or
            algorithm: the name of one that is configured. Without either, the compressor's.
            level: As the algorithm counts levels.
            dictionary: What pages are expected to look like: bytes, or the path of a file of them.
            winbits: Window of deflate.

        Raises:
            ZramError: EBUSY once initialised; EINVAL for a priority, an algorithm or a dictionary that is none;
                otherwise why the dictionary cannot be read.
        """
        for name, number in (("level", level), ("winbits", winbits)):
            if number is not None:
                kstrto.whole(number, name, kstrto.S32_MIN + 1, kstrto.S32_MAX)
        source = None if dictionary is None else dictionary_source(dictionary)
        with self._control:
            self._refuse_initialised("algorithm_params")
            chosen = choose_priority(priority, algorithm, self._algorithms.names, lowest=PRIMARY)
            self._algorithms.drop_params(chosen)
            data = None if source is None else self._read_dictionary(source)
            self._algorithms.set_params(Params(level, data, winbits), chosen)

    def _read_dictionary(self, source: bytes | str | os.PathLike[str]) -> bytes:
        return dictionary_of(source)

    def set_backing(self, backing: str | os.PathLike[str] | BackingDevice, size: int | str | None = None) -> None:
        """Take a backing device; one taken before is let go, unless the new one is refused.

        Args:
            backing: Path of a file or block device, or an object with the protocol of `bdev.device`, which is closed in
                the end like any other.
            size: Bytes to use of what a path names, and to make it with if it is missing.

        Raises:
            ZramError: EBUSY once initialised or when somebody uses it; EINVAL for what is no backing device or has no
                whole block; otherwise why it cannot be opened.
        """
        self._runtime.shielded(lambda _interrupts: self._set_backing(backing, size))

    def _set_backing(self, backing: str | os.PathLike[str] | BackingDevice, size: int | str | None) -> None:
        with self._control:
            self._refuse_initialised("backing_dev")
            if isinstance(backing, (str, os.PathLike)):
                _check_path(backing)
                device = self._open_backing(backing, None if size is None else kstrto.size_of(size))
            else:
                device = _checked(backing)
                if size is not None:
                    raise refuse(EINVAL, f"size {shown(size)} of {device.name}: only a file's size can be chosen")
                if device is self._backing:
                    raise refuse(EBUSY, f"backing device {device.name} is this device's already")
            before, self._backing = self._backing, device
            self._held.took(self, device)
            if before is not None:
                with suppress(OSError):
                    before.close()

    def set_backing_path(self, path: str) -> None:
        """Take the backing device that a store to backing_dev names; nothing is created.

        Raises:
            ZramError: As `set_backing`; ENOENT when there is no such file.
        """
        if self._open_backing is open_backing_file and self._disk is None:  # another opener has paths of its own
            _check_named(path, regular_refused=self.quirks.regular_file_refused)
        self.set_backing(path)

    def set_batch_size(self, requests: int) -> None:
        """Set how many requests the next pass keeps in flight; EINVAL below 1."""
        kstrto.whole(requests, "writeback_batch_size", 1, kstrto.U32_MAX)
        with self._control:
            self._batch_size = requests

    def set_compressed_writeback(self, compressed: bool) -> None:
        """Write objects back as they are instead of pages, or not; EBUSY once initialised."""
        compressed = kstrto.truth(compressed, "compressed_writeback")
        with self._control:
            self._refuse_initialised("compressed_writeback")
            self._compressed_writeback = compressed

    def set_mem_limit(self, size: int | str) -> None:
        """Let objects have at most `size` bytes (or text with K, M, G), rounded up to pages; 0 is no limit.

        A write that does not fit is refused with ENOMEM and keeps the old page. What is there already stays.
        """
        pages = kstrto.page_align(kstrto.size_of(size)) >> PAGE_SHIFT
        with self._control:
            self._limit_pages = pages
            if self._disk is not None:
                with self._table:
                    self._disk.set_limit(pages)

    def reset_mem_used_max(self) -> None:
        """Begin anew to note how much memory was used at most."""
        with self._control, self._table:
            if self._disk is not None:
                self._disk.table.reset_max()

    def set_writeback_limit(self, blocks: int) -> None:
        """Store the budget, in blocks of 4 KiB; what is in flight is not refunded to it."""
        kstrto.whole(blocks, "writeback_limit", 0, kstrto.U64_MAX)
        self._unless_observed(lambda: self._store_limit(blocks))

    def _store_limit(self, blocks: int) -> None:
        with self._table:
            self._budget.store(blocks)
            self._observe("store_limit", blocks)

    def enable_writeback_limit(self, enabled: bool) -> None:
        """Make the budget count, or not; its value stays."""
        enabled = kstrto.truth(enabled, "writeback_limit_enable")
        self._unless_observed(lambda: self._enable_limit(enabled))

    def _enable_limit(self, enabled: bool) -> None:
        with self._table:
            if self._budget.enabled != enabled:
                self._budget.enabled = enabled
                self._observe("toggle_limit")

    def _unless_observed(self, run: Callable[[], None]) -> None:
        """Do `run` here or, when somebody observes it, on the shield: nothing may land in the observer."""
        if self._observer is None:
            run()
        else:
            self._runtime.shielded(lambda _: run())

    # --- what is configured -----------------------------------------------------------------------------------------

    @property
    def pages(self) -> int:
        """Number of pages; 0 when not initialised."""
        disk = self._disk
        return disk.pages if disk is not None else 0

    @property
    def disksize(self) -> int:
        """Size in bytes; 0 when not initialised."""
        return self.pages * PAGE_SIZE

    @property
    def algorithm(self) -> str:
        """Name of the compressor."""
        return self._algorithms.primary

    @property
    def algorithms(self) -> Sequence[str | None]:
        """Name of the algorithm of each priority, None where there is none."""
        return self._algorithms.names

    @property
    def backing_name(self) -> str | None:
        """What the backing device is called; None without one."""
        backing = self._backing
        return backing.name if backing is not None else None

    @property
    def batch_size(self) -> int:
        """Requests the next pass keeps in flight."""
        return self._batch_size

    @property
    def compressed_writeback(self) -> bool:
        """Whether blocks carry objects as they are."""
        return self._compressed_writeback

    @property
    def mem_limit(self) -> int:
        """The most bytes that objects may have together; 0 is no limit."""
        return self._limit_pages << PAGE_SHIFT

    @property
    def writeback_limit(self) -> int:
        """The budget left, in blocks of 4 KiB."""
        return self._budget.limit

    @property
    def writeback_limit_enabled(self) -> bool:
        """Whether the budget counts."""
        return self._budget.enabled

    @property
    def disk(self) -> Disk | None:
        """The inside of an initialised device, for those who look at it closely; None otherwise."""
        return self._disk

    @property
    def runtime(self) -> Runtime:
        """Where locks, threads and the clock come from."""
        return self._runtime

    def _refuse_initialised(self, name: str) -> None:
        if self._disk is not None:
            raise refuse(EBUSY, f"{name} cannot be set: the device is initialised with {self._disk.pages} pages")

    def _live(self) -> Disk:
        disk = self._disk
        if disk is None:
            raise refuse(EINVAL, "the device is not initialised: disksize is 0")
        return disk

    def _observe(self, kind: str, *args: int) -> None:
        if self._observer is not None:
            self._observer(kind, *args)


def _checked_runtime(runtime: Runtime) -> Runtime:
    missing = [name for name in _RUNTIME if not callable(getattr(runtime, name, None))]
    if missing:
        raise refuse(EINVAL, f"runtime {shown(runtime)} has no {', '.join(missing)}")
    return runtime


def _check_path(path: str | os.PathLike[str]) -> None:
    try:
        os.fsdecode(path)
    except (TypeError, ValueError) as error:
        raise refuse(EINVAL, f"backing {shown(path)} is not a path: {error}") from error


def _checked(device: BackingDevice) -> BackingDevice:
    """Return `device`; EINVAL when it is none, or has no block."""
    methods = [getattr(device, name, None) for name in ("read", "write", "sync", "close")]
    blocks = getattr(device, "blocks", None)
    if not all(map(callable, methods)) or not isinstance(getattr(device, "name", None), str):
        raise refuse(EINVAL, f"backing {shown(device)} is neither a path nor a backing device")
    if not isinstance(blocks, int) or blocks < 1:
        raise refuse(EINVAL, f"backing device {device.name} has {shown(blocks)} blocks, below one")
    return device
