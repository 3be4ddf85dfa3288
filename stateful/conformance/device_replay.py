"""Replay of those recordings that say something about any page store, on a device of the seam.

Compared are the contents that are read, the pages that are there, and which of those that are not of one repeated word
are written back (what is of one, the driver never writes back). A recording that does something which the device has
no capability for, or which only a driver has (memory limits, failing blocks, several opens), is left out as a whole;
settings that only say how pages are represented are passed over.
"""

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from stateful.common.closing import closed_unless_interrupted
from stateful.conformance.compare import Difference
from stateful.conformance.contents import Pattern
from stateful.conformance.fields import Json
from stateful.conformance.operations import Discard, DmTable, MakeBacking, Operation, Read, Show, Store, Write, Zeroout
from stateful.conformance.schema import Expected, Recording
from stateful.seam.blocks import WatchedBlocks
from stateful.seam.chosen import chosen, ignore
from stateful.seam.protocol import LimitedDevice, MarkingDevice, Setup, SystemUnderTest, refusals
from zram_impl import PAGE_SIZE, ZramError
from zram_impl.decisions import Mode
from zram_impl.parsing.writeback_args import parse_writeback
from zram_impl.runtime import UnshieldedRuntime

PASSED_OVER: Final = frozenset({
    "comp_algorithm", "algorithm_params", "recomp_algorithm", "compressed_writeback", "writeback_batch_size", "compact",
    "io_stat", "bd_stat", "mm_stat", "debug_stat", "mem_used_max", "initstate",
})  # fmt: skip
"""Attributes that say how pages are represented, or that cannot be stored."""
BATCH: Final = 32
_ANSWERED: Final = 0


class NotForEveryDevice(Exception):  # noqa: N818  (an answer, not an error)
    """A recording does something that the device does not have."""


class DeviceReplay(NamedTuple):
    """A recording on a device."""

    differences: list[Difference]
    left_out: str
    """Reason why it was not replayed; "" when it was."""


class _Replayed:
    """A device as a recording wants it."""

    def __init__(self) -> None:
        self._files: dict[int, int] = {}
        self._blocks = 0
        self.device: SystemUnderTest | None = None
        self.content: list[bytes] = []
        self._limit, self._limited = 0, False

    def do(self, operation: Operation, expected: Expected) -> list[str] | None:
        """Do an operation; return the checksums of what was read."""
        refused = expected.answer.rc < _ANSWERED
        match operation:
            case MakeBacking(number, size):
                self._files[number] = size // PAGE_SIZE
            case DmTable(number, blocks, (), ()):
                self._files[number] = blocks
            case Store(attribute, value) if attribute not in PASSED_OVER:
                self._store(attribute, value, refused=refused)
            case Store() | Show():
                pass
            case Write(page, count, pattern):
                self._write(page, count, pattern, refused=refused)
            case Read(page, count):
                return None if refused else self._read(page, count)
            case Discard(offset, length) | Zeroout(offset, length):
                self._free(offset, length, refused=refused)
            case _:
                raise NotForEveryDevice(type(operation).__name__)
        return None

    def _write(self, page: int, count: int, pattern: Pattern, *, refused: bool) -> None:
        if self.device is None:
            return
        self._within(page + count)
        if refused:
            raise NotForEveryDevice("a write that is refused")
        for position in range(count):
            self.device.write(page + position, pattern.page(position))
            self.content[page + position] = pattern.page(position)

    def _read(self, page: int, count: int) -> list[str] | None:
        if self.device is None:
            return None
        self._within(page + count)
        return [f"{zlib.crc32(self.device.read(page + n)):08x}" for n in range(count)]

    def _within(self, end: int) -> None:
        if self.device is not None and end > len(self.content):
            raise NotForEveryDevice("past the end")

    def _free(self, offset: int, length: int, *, refused: bool) -> None:
        if self.device is None or refused:
            return
        if offset % PAGE_SIZE or length % PAGE_SIZE:
            raise NotForEveryDevice("parts of pages")
        self._within((offset + length) // PAGE_SIZE)
        for page in range(offset // PAGE_SIZE, (offset + length) // PAGE_SIZE):
            self.device.discard(page)
            self.content[page] = bytes(PAGE_SIZE)

    def _store(self, attribute: str, value: str, *, refused: bool) -> None:
        device = self.device
        if attribute == "writeback" and device is not None:
            self._write_back(device, value, refused=refused)
        elif not refused:  # what the driver refuses says nothing about others
            match attribute:
                case "backing_dev":
                    self._open(value)
                case "disksize":
                    self._make(value)
                case "reset":
                    self.close()
                    self._blocks = 0
                case "idle":
                    self._mark(value)
                case "writeback_limit" | "writeback_limit_enable":
                    self._set_limit(attribute, value)
                case _:
                    raise NotForEveryDevice(attribute)

    def _open(self, value: str) -> None:
        path = value.strip().rstrip("\0")
        if not re.fullmatch(r"/dev/(?:loop|dm-)\d", path):
            raise NotForEveryDevice("paths")
        self._blocks = self._files.get(int(path[-1]), 0)

    def _mark(self, value: str) -> None:
        device: object = self.device
        if value.strip() != "all" or not isinstance(device, MarkingDevice):
            raise NotForEveryDevice("modes")
        device.mark_idle()

    def _make(self, value: str) -> None:
        pages, blocks = -(-_number(value) // PAGE_SIZE), max(self._blocks, 1)
        self.content = [bytes(PAGE_SIZE)] * pages
        self.device = chosen().make(Setup(pages, blocks, BATCH, WatchedBlocks(blocks), UnshieldedRuntime(), ignore))

    def _set_limit(self, attribute: str, value: str) -> None:
        number = _number(value)
        device: object = self.device
        if not isinstance(device, LimitedDevice):
            raise NotForEveryDevice("limit")
        if attribute == "writeback_limit":
            self._limit = number
        else:
            self._limited = bool(number)
        device.set_limit(self._limit if self._limited else None)

    def _write_back(self, device: SystemUnderTest, value: str, *, refused: bool) -> None:
        if refused:
            raise NotForEveryDevice("a pass that is refused")
        try:
            scans = parse_writeback(value, len(self.content), unknown_keys_ignored=True).scans
        except ZramError:
            raise NotForEveryDevice("words of writeback") from None
        for scan in scans:
            if scan.mode is Mode.PAGES:
                # Of one repeated word: the driver keeps it in memory.
                device.writeback([page for page in range(scan.lo, scan.hi) if not self.is_same(page)])
            elif isinstance(device, MarkingDevice) and (scan.lo, scan.hi) == (0, len(self.content)):
                device.writeback_mode(scan.mode.name.lower())
            else:
                raise NotForEveryDevice("modes")

    def is_same(self, page: int) -> bool:
        """Return whether a page consists of one repeated word."""
        content = self.content[page]
        return content == content[:8] * (PAGE_SIZE // 8)

    def close(self) -> None:
        if self.device is not None:
            self.device.close()
        self.device, self.content = None, []

    def end(self) -> None:
        """Close it, however broken it is."""
        with suppress(Exception):
            self.close()


def _number(value: str) -> int:
    text = value.strip().rstrip("\0")
    if not re.fullmatch(r"0|[1-9]\d*", text):
        raise NotForEveryDevice("numbers in other words")
    return int(text)


def device_replay(recording: Recording) -> DeviceReplay:
    """Replay a recording on the device that is tested."""
    if recording.timing:
        return DeviceReplay([], "timing")
    run, found = _Replayed(), list[Difference]()
    with closed_unless_interrupted(run.end):
        try:
            for number, (operation, expected) in enumerate(zip(recording.operations, recording.expected, strict=True)):
                try:
                    crc = run.do(operation, expected)
                except NotForEveryDevice:
                    raise
                except Exception as error:
                    kind = "refused" if run.device and isinstance(error, refusals(run.device)) else type(error).__name__
                    return DeviceReplay(
                        [Difference(recording.name, number, "rc", expected.answer.rc, f"{kind}: {error}")], ""
                    )
                if crc is not None and list(expected.answer.crc or ()) != crc:
                    wanted: Json = list(expected.answer.crc or ())
                    found.append(Difference(recording.name, number, "crc", wanted, list(crc)))
                found += [Difference(recording.name, number, *each) for each in _of_state(run, expected)]
        except NotForEveryDevice as without:
            return DeviceReplay([], str(without))
    return DeviceReplay(found[:10], "")


def _of_state(run: _Replayed, expected: Expected) -> Iterator[tuple[str, Json, Json]]:
    """Yield what a state has otherwise than it was recorded: which pages are there, and which are written back."""
    marks = (expected.state or {}).get("bs")
    if run.device is None or not isinstance(marks, dict):
        return
    slots = run.device.state().slots
    pages = {page: str(mark) for page, mark in marks.items()}
    for what, expected_, letters in (("pages", "", "sSPW"), ("written back", "w", "W")):
        wanted: list[Json] = [int(page) for page, mark in pages.items() if expected_ in mark]
        had: list[Json] = [page for page, letter in enumerate(slots) if letter in letters]
        if sorted(map(str, wanted)) != sorted(map(str, had)):
            yield what, wanted, had
