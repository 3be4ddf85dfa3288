"""The attributes by their sysfs names: a table over the typed methods of the device, readable in one place.

Text in, text out, with the driver's parsing, order of checks and errno.
"""

from collections.abc import Callable
from errno import EACCES, EINVAL, ENODEV, ENOENT
from typing import Final, NamedTuple

from zram_impl import numbers
from zram_impl.algorithm_grammar import parse_algorithm_name
from zram_impl.codec import ALGORITHMS
from zram_impl.device import Device
from zram_impl.drive import drive
from zram_impl.errors import refuse
from zram_impl.grammar import parse_idle, parse_writeback
from zram_impl.stats import columns


class Attribute(NamedTuple):
    """One attribute; what cannot be shown, or stored, is None."""

    show: Callable[[Device], str] | None
    store: Callable[[Device, str], None] | None


class Attributes:
    """The attributes of one device."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def show(self, name: str) -> str:
        """Return the text of an attribute, newline included; ENOENT, or EACCES when it is write-only."""
        show = _find(name).show
        if show is None:
            raise refuse(EACCES, f"attribute {name} is write-only")
        return show(self._device)

    def store(self, name: str, text: str) -> int:
        """Store text and return its length in bytes; ENOENT, EACCES when it is read-only, or the driver's errno."""
        store = _find(name).store
        if store is None:
            raise refuse(EACCES, f"attribute {name} is read-only")
        try:
            length = len(text.encode(errors="surrogateescape"))  # as paths that are not UTF-8 come from the system
        except UnicodeEncodeError as error:
            raise refuse(EINVAL, f"{name} {text!r} cannot be encoded: {error.reason}") from error
        if text:  # a write of nothing never reaches the driver
            store(self._device, text)
        return length


def _find(name: str) -> Attribute:
    if name not in ATTRIBUTES:
        raise refuse(ENOENT, f"there is no attribute {name!r}; there are {', '.join(ATTRIBUTES)}")
    return ATTRIBUTES[name]


def _store_algorithm(dev: Device, text: str) -> None:
    dev.set_algorithm(parse_algorithm_name(text))


def _show_algorithm(dev: Device) -> str:
    return " ".join(f"[{name}]" if name == dev.algorithm else name for name in ALGORITHMS) + "\n"


def _store_disksize(dev: Device, text: str) -> None:
    size = numbers.parse_size(text)
    if not size:
        raise refuse(EINVAL, f"disksize {text!r} is 0")
    dev.initialise(numbers.page_align(size))


def _store_reset(dev: Device, text: str) -> None:
    if numbers.parse_u16(text) == 0:
        raise refuse(EINVAL, f"reset {text!r} is 0")
    dev.reset()


def _store_backing(dev: Device, text: str) -> None:
    dev.set_backing(text.removesuffix("\n"))


def _store_writeback(dev: Device, text: str) -> None:
    """Run a pass and raise what the driver would return; what was written before stays written."""
    if not dev.pages:
        raise refuse(EINVAL, "writeback: the device is not initialised")
    if dev.backing_name is None:
        raise refuse(ENODEV, "writeback: there is no backing device")
    request = parse_writeback(text, dev.pages, unknown_keys_ignored=dev.quirks.unknown_keys_ignored)
    if not request.scans:
        return
    result = drive(dev.begin_scans(list(request.scans)), dev.runtime, None, None)
    if result.driver_errno:
        raise refuse(result.driver_errno, f"writeback {text.strip()!r}: {result}")


def _store_idle(dev: Device, text: str) -> None:
    if parse_idle(text) is not None:
        raise refuse(EINVAL, f"idle {text!r}: access times are not tracked, only 'all' can be marked")
    dev.mark_idle()


def _u64(text: str) -> int:
    return numbers.parse_u64(text, too_big=EINVAL)


def _store_batch_size(dev: Device, text: str) -> None:
    dev.set_batch_size(numbers.parse_u32(text, too_big=EINVAL))


ATTRIBUTES: Final[dict[str, Attribute]] = {
    "disksize": Attribute(lambda dev: f"{dev.disksize}\n", _store_disksize),
    "initstate": Attribute(lambda dev: f"{int(dev.pages > 0)}\n", None),
    "reset": Attribute(None, _store_reset),
    "comp_algorithm": Attribute(_show_algorithm, _store_algorithm),
    "backing_dev": Attribute(lambda dev: f"{dev.backing_name or 'none'}\n", _store_backing),
    "idle": Attribute(None, _store_idle),
    "writeback": Attribute(None, _store_writeback),
    "writeback_limit": Attribute(
        lambda dev: f"{dev.writeback_limit}\n",
        lambda dev, text: dev.set_writeback_limit(_u64(text)),
    ),
    "writeback_limit_enable": Attribute(
        lambda dev: f"{int(dev.writeback_limit_enabled)}\n",
        lambda dev, text: dev.enable_writeback_limit(_u64(text) != 0),
    ),
    "writeback_batch_size": Attribute(lambda dev: f"{dev.batch_size}\n", _store_batch_size),
    "bd_stat": Attribute(lambda dev: columns(dev.stats.bd), None),
    "mm_stat": Attribute(lambda dev: columns(dev.stats.mm), None),
}
