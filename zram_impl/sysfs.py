"""The attributes by their sysfs names: a table over the typed methods of the device, readable in one place.

Text in, text out, with the driver's parsing, order of checks and errno.
"""

from collections.abc import Callable
from errno import EACCES, EBUSY, EINVAL, ENOENT, ENOMEM
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from zram_impl.compression.algorithms import ALGORITHMS
from zram_impl.device.algorithm_settings import known
from zram_impl.errors import refuse, refuse_type, shown
from zram_impl.pages.stats import columns
from zram_impl.parsing import kstrto
from zram_impl.parsing.algorithm_args import parse_algorithm_name, parse_algorithm_params, parse_recomp_algorithm
from zram_impl.parsing.backing_args import parse_backing_path
from zram_impl.parsing.recompress_args import RecompressMode, RecompressRequest, parse_recompress
from zram_impl.parsing.writeback_args import parse_idle, parse_writeback

if TYPE_CHECKING:  # which has these attributes
    from zram_impl.zram import Zram


Act: TypeAlias = Callable[[], object]


class Attribute(NamedTuple):
    """One attribute; what cannot be shown, or stored, is None.

    A store has two parts, as the driver does: the text is looked at, then the device. `store` does the first part,
    refuses, and returns the second; None when nothing is left to do.
    """

    show: "Callable[[Zram], str] | None"
    store: "Callable[[Zram, str], Act | None] | None"


class Attributes:
    """The attributes of one device."""

    def __init__(self, device: "Zram") -> None:
        self._device = device

    def show(self, name: str) -> str:
        """Return the text of an attribute, newline included; ENOENT, or EACCES when it is write-only."""
        show = _find(name).show
        if show is None:
            raise refuse(EACCES, f"attribute {name} is write-only")
        if name != "disksize":
            self._device._life.wait_as_the_driver()
        return show(self._device)

    def store(self, name: str, text: str) -> int:
        """Store text and return its length in bytes; ENOENT, EACCES when it is read-only, or the driver's errno."""
        act = self.look_at(name, text)
        if act is not None:
            self._device._life.wait_as_the_driver()
            act()
        return len(kstrto.as_bytes(text, name))

    def look_at(self, name: str, text: str) -> Act | None:
        """Return what a store does once its text was looked at, None if that is nothing; refusals are those of `store`.

        A pass that runs holds up only what is returned.
        """
        store = _find(name).store
        if store is None:
            raise refuse(EACCES, f"attribute {name} is read-only")
        if not isinstance(text, str):
            raise refuse_type(f"{name} must be text, got {shown(text)}")
        kstrto.as_bytes(text, name)
        return store(self._device, text) if text else None  # a write of nothing never reaches the driver


def _find(name: str) -> Attribute:
    if type(name) is not str or name not in ATTRIBUTES:
        raise refuse(ENOENT, f"attribute must be one of {', '.join(ATTRIBUTES)}, got {shown(name)}")
    return ATTRIBUTES[name]


def _store_algorithm(dev: "Zram", text: str) -> Act:
    return partial(dev.set_algorithm, known(parse_algorithm_name(text)))


def _listed(chosen: str) -> str:
    return "".join(f"[{name}] " if name == chosen else f"{name} " for name in ALGORITHMS) + "\n"


def _show_recomp_algorithms(dev: "Zram") -> str:
    text = ""
    for priority, name in enumerate(dev.algorithms):
        if priority and name:
            text += f"#{priority}: "
            # The driver adds where a line's names begin to where they end, so it leaves that much of its buffer out.
            nuls = "\0" * len(text) if dev.quirks.nuls_behind_algorithms else ""
            text += _listed(name) + nuls
    return text


def _store_recomp_algorithm(dev: "Zram", text: str) -> Act:
    asked = parse_recomp_algorithm(text, unknown_keys_ignored=dev.quirks.unknown_keys_ignored)
    return partial(dev.set_recomp_algorithm, known(asked.algorithm), asked.priority)


def _store_algorithm_params(dev: "Zram", text: str) -> Act:
    return lambda: _set_algorithm_params(dev, text)


def _set_algorithm_params(dev: "Zram", text: str) -> None:
    params = parse_algorithm_params(text, unknown_keys_ignored=dev.quirks.unknown_keys_ignored)
    dev.set_algorithm_params(
        params.priority,
        params.algorithm,
        level=params.level,
        dictionary=params.dictionary,
        winbits=params.winbits,
    )


def _store_disksize(dev: "Zram", text: str) -> Act:
    size = kstrto.parse_size(text)
    if not size:
        raise refuse(EINVAL, f"disksize must be above 0, got {text!r}")
    return lambda: _set_disksize(dev, kstrto.page_align(size))


def _set_disksize(dev: "Zram", aligned: int) -> None:
    if not aligned and dev.pages:  # a size of nothing, which is looked at after the state
        raise refuse(EBUSY, f"device must be reset before disksize is set, got one of {dev.pages} pages")
    if not aligned and dev.quirks.rounded_size_unchecked:
        raise refuse(ENOMEM, "disksize must be below 2^64 in whole pages, got more: no memory for a table of 0 slots")
    dev.initialise(aligned)


def _store_reset(dev: "Zram", text: str) -> Act:
    if kstrto.parse_u16(text) == 0:
        raise refuse(EINVAL, f"reset must be above 0, got {text!r}")
    return dev.reset


def _store_backing(dev: "Zram", text: str) -> Act:
    return lambda: dev.set_backing_path(parse_backing_path(text))


def _store_writeback(dev: "Zram", text: str) -> Act:
    return lambda: _write_back(dev, text)


def _write_back(dev: "Zram", text: str) -> None:
    """Run a pass and raise what the driver would return; what was written before stays written."""
    # One look for all: beside a reset, several would be answers of two devices.
    passes = dev._life.live()
    passes.require_backing()
    request = parse_writeback(text, passes.pages.pages, unknown_keys_ignored=dev.quirks.unknown_keys_ignored)
    if not request.scans:
        return
    result = dev.writeback(scans=list(request.scans))
    code = result.last_errno if dev.quirks.mask_results else result.driver_errno
    if code:
        raise refuse(code, f"writeback {text.strip()!r}: {result}")


def _store_recompress(dev: "Zram", text: str) -> Act:
    asked = parse_recompress(text, unknown_keys_ignored=dev.quirks.unknown_keys_ignored)
    return lambda: _recompress(dev, text, asked)


def _recompress(dev: "Zram", text: str, asked: RecompressRequest) -> None:
    result = dev.recompress(
        None if asked.mode is RecompressMode.ALL else asked.mode.value,
        threshold=asked.threshold,
        max_pages=asked.max_pages,
        priority=asked.priority,
        algorithm=asked.algorithm,
    )
    if result.driver_errno:
        raise refuse(result.driver_errno, f"recompress {text.strip()!r}: {result}")


def _store_idle(dev: "Zram", text: str) -> Act | None:
    age = parse_idle(text)
    return None if dev._life.is_unchecked(age) else lambda: dev.mark_idle(age_seconds=age)


def _store_mem_limit(dev: "Zram", text: str) -> Act:
    return partial(dev.set_mem_limit, kstrto.page_align(kstrto.parse_size(text)))


def _store_mem_used_max(dev: "Zram", text: str) -> Act:
    if _u64(text) != 0:
        raise refuse(EINVAL, f"mem_used_max must be 0, got {text!r}")
    return dev.reset_mem_used_max


def _store_compact(dev: "Zram", text: str) -> Act:
    del text  # anything will do
    return dev.compact


def _u64(text: str) -> int:
    return kstrto.parse_u64(text, too_big=EINVAL)


def _store_limit(dev: "Zram", text: str) -> Act:
    return partial(dev.set_writeback_limit, _u64(text))


def _store_limit_enable(dev: "Zram", text: str) -> Act:
    return partial(dev.enable_writeback_limit, _u64(text) != 0)


def _store_compressed_writeback(dev: "Zram", text: str) -> Act:
    return partial(dev.set_compressed_writeback, kstrto.parse_bool(text))


def _store_batch_size(dev: "Zram", text: str) -> Act:
    size = kstrto.parse_u32(text, too_big=EINVAL)
    if not size:
        raise refuse(EINVAL, f"writeback_batch_size must be above 0, got {text!r}")
    return partial(dev.set_batch_size, size)


def _show_io_stat(dev: "Zram") -> str:
    io = dev.stats.io
    return f"{io.failed_reads:8d} {io.failed_writes:8d} {io.invalid_io} {io.notify_free:8d}\n"


def _show_debug_stat(dev: "Zram") -> str:
    debug = dev.stats.debug
    return f"version: 1\n{debug.writestall} {debug.miss_free:8d}\n"


ATTRIBUTES: Final[dict[str, Attribute]] = {
    "disksize": Attribute(lambda dev: f"{dev.disksize}\n", _store_disksize),
    "initstate": Attribute(lambda dev: f"{int(dev.pages > 0)}\n", None),
    "reset": Attribute(None, _store_reset),
    "mem_limit": Attribute(None, _store_mem_limit),
    "mem_used_max": Attribute(None, _store_mem_used_max),
    "comp_algorithm": Attribute(lambda dev: _listed(dev.algorithm), _store_algorithm),
    "recomp_algorithm": Attribute(_show_recomp_algorithms, _store_recomp_algorithm),
    "algorithm_params": Attribute(None, _store_algorithm_params),
    "compact": Attribute(None, _store_compact),
    "idle": Attribute(None, _store_idle),
    "backing_dev": Attribute(lambda dev: f"{dev.backing_name or 'none'}\n", _store_backing),
    "recompress": Attribute(None, _store_recompress),
    "writeback": Attribute(None, _store_writeback),
    "writeback_limit": Attribute(lambda dev: f"{dev.writeback_limit}\n", _store_limit),
    "writeback_limit_enable": Attribute(lambda dev: f"{int(dev.writeback_limit_enabled)}\n", _store_limit_enable),
    "writeback_batch_size": Attribute(lambda dev: f"{dev.batch_size}\n", _store_batch_size),
    "compressed_writeback": Attribute(lambda dev: f"{int(dev.compressed_writeback)}\n", _store_compressed_writeback),
    "bd_stat": Attribute(lambda dev: columns(dev.stats.bd), None),
    "mm_stat": Attribute(lambda dev: columns(dev.stats.mm), None),
    "io_stat": Attribute(_show_io_stat, None),
    "debug_stat": Attribute(_show_debug_stat, None),
}
