"""Looking at a guest's state as the recordings have it: what sysfs and debugfs show, and the backing files."""

import zlib
from errno import ENOENT
from functools import lru_cache
from typing import Final

from stateful.conformance.fields import Json
from stateful.conformance.recorded_machine import Guest
from stateful.conformance.schema import State
from zram_impl import PAGE_SIZE, ZramError

_COLUMNS: Final = {"mm": "mm_stat", "bd": "bd_stat", "io": "io_stat"}
_VALUES: Final = {
    "wl": "writeback_limit",
    "wle": "writeback_limit_enable",
    "wbs": "writeback_batch_size",
    "cw": "compressed_writeback",
    "init": "initstate",
    "ds": "disksize",
    "bk": "backing_dev",
}


def look(guest: Guest) -> State:
    """Return the state; an attribute that is not there is None."""
    state: State = {}
    for key, name in _COLUMNS.items():
        text = _show(guest, name)
        state[key] = None if text is None else [int(column) for column in text.split()]
    for key, name in _VALUES.items():
        text = _show(guest, name)
        state[key] = None if text is None else _value(text.removesuffix("\n"))
    state["bs"], state["ts"] = _marks_and_seconds(guest)
    state["blk"] = {str(number): _blocks(file) for number, file in sorted(guest.disks.files.items())}
    return state


def _show(guest: Guest, name: str) -> str | None:
    try:
        return guest.device.attrs.show(name)
    except ZramError as error:
        if error.errno == ENOENT:
            return None
        raise


def _value(text: str) -> Json:
    return int(text) if text.isdecimal() else text


def _marks_and_seconds(guest: Guest) -> tuple[Json, Json]:
    """Return the marks and the second of the last access of each stored page; no seconds before there is a size."""
    try:
        lines = guest.device.block_state().splitlines()
    except ZramError:
        return None, None
    parts = [line.split() for line in lines]
    return {index: marks for index, _, marks in parts}, {index: int(time.split(".")[0]) for index, time, _ in parts}


def _blocks(data: bytearray) -> list[Json]:
    view = memoryview(bytes(data))
    return [_checksum(view[at : at + PAGE_SIZE].tobytes()) for at in range(0, len(view) - PAGE_SIZE + 1, PAGE_SIZE)]


@lru_cache(maxsize=256)
def _checksum(block: bytes) -> Json:
    return f"{zlib.crc32(block):08x}" if any(block) else 0
