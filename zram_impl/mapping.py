"""A mapping of texts to bytes over a device: values of any length, each in runs of whole pages.

The directory (which key is on which pages) is in memory, as the device's own table is. A value is written to pages that
nobody uses, then the key is moved to it, then the pages that it had are discarded: who reads at the same time gets the
old value or the new one, never a mixture. All calls may be made from any thread.
"""

from collections.abc import Iterator, MutableMapping
from errno import ENOSPC
from typing import Final, NamedTuple

from zram_impl.decisions import SlotKind
from zram_impl.errors import refuse, refuse_type, shown
from zram_impl.pages.byte_io import Buffer, flat
from zram_impl.runtime import Rank
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram


class Value(NamedTuple):
    """Where a value is: its length in bytes, and runs of pages, each as its first and the one after its last."""

    length: int
    runs: tuple[tuple[int, int], ...]


class PageMap(MutableMapping[str, bytes]):
    """Values in the pages of a device, which it must have for itself; the device is its owner's to close."""

    def __init__(self, dev: Zram) -> None:
        self.dev: Final = dev
        # Guards the directory and which pages are free; never held while a page is read or written.
        self._lock = dev.runtime.lock("page map", Rank.CONTROL)
        self._values: dict[str, Value] = {}
        self._free: list[tuple[int, int]] = [(0, dev.pages)] if dev.pages else []
        """Runs of free pages, ascending, no two of them neighbours."""

    def __getitem__(self, key: str) -> bytes:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        while True:
            found = self._values[key]
            buffer = bytearray(sum(end - first for first, end in found.runs) * PAGE_SIZE)
            at = 0
            with memoryview(buffer) as view:
                for first, end in found.runs:
                    size = (end - first) * PAGE_SIZE
                    self.dev.read_pages_into(first, view[at : at + size])
                    at += size
            # Race with writers: its pages may be another value's by now, unless the key still has this very value.
            if self._values.get(key) is found:
                return bytes(memoryview(buffer)[: found.length])

    def __setitem__(self, key: str, value: Buffer) -> None:  # type: ignore[explicit-override]  # likewise
        if not isinstance(key, str):
            raise refuse_type(f"key must be a str, got {shown(key)}")
        data = flat(value)
        made = Value(data.nbytes, self._take(-(-data.nbytes // PAGE_SIZE)))
        try:
            self._write(made, data)
        except BaseException:
            self._give(made)
            raise
        with self._lock:
            before = self._values.get(key)
            # Race with readers, which take no lock: the key has one value or the other, and is never gone.
            self._values[key] = made
        if before is not None:
            self._give(before)

    def _write(self, made: Value, data: memoryview) -> None:
        at = 0
        for first, end in made.runs:
            piece = data[at : at + (end - first) * PAGE_SIZE]
            whole = len(piece) // PAGE_SIZE
            if whole:
                self.dev.write_pages(first, piece[: whole * PAGE_SIZE])
            if len(piece) % PAGE_SIZE:
                self.dev.write_page(first + whole, bytes(piece[whole * PAGE_SIZE :]).ljust(PAGE_SIZE, b"\0"))
            at += len(piece)

    def __delitem__(self, key: str) -> None:  # type: ignore[explicit-override]  # likewise
        with self._lock:
            before = self._values.pop(key)
        self._give(before)

    def __iter__(self) -> Iterator[str]:  # type: ignore[explicit-override]  # likewise
        return iter(list(self._values))

    def __len__(self) -> int:  # type: ignore[explicit-override]  # likewise
        return len(self._values)

    def __contains__(self, key: object) -> bool:  # type: ignore[explicit-override]  # likewise
        return key in self._values

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # likewise
        return f"<PageMap of {len(self)} values, {self.free_pages} of {self.dev.pages} pages free>"

    def is_spilled(self, key: str) -> bool:
        """Return whether any page of a value is written back; KeyError without one."""
        slots = self.dev.snapshot().slots
        return any(slots[page].kind is SlotKind.WB for run in self._values[key].runs for page in range(*run))

    @property
    def free_pages(self) -> int:
        """Pages that no value has."""
        with self._lock:
            return sum(end - first for first, end in self._free)

    # --- which pages are free ----------------------------------------------------------------------------------------

    def _take(self, pages: int) -> tuple[tuple[int, int], ...]:
        """Take pages: one run if there is one as long, else several; ENOSPC when there are not so many."""
        with self._lock:
            return self._taken(pages)

    def _taken(self, pages: int) -> tuple[tuple[int, int], ...]:
        free = sum(end - first for first, end in self._free)
        if free < pages:
            raise refuse(ENOSPC, f"value must fit into {free} free pages, got {pages} pages")
        taken: list[tuple[int, int]] = []
        while pages:
            fits = next((run for run in self._free if run[1] - run[0] >= pages), None)
            first, end = fits or max(self._free, key=lambda run: run[1] - run[0])
            number = min(pages, end - first)
            taken.append((first, first + number))
            where = self._free.index((first, end))
            self._free[where : where + 1] = [(first + number, end)] if first + number < end else []
            pages -= number
        return tuple(taken)

    def _give(self, value: Value) -> None:
        """Give back the pages of a value that no key has any more."""
        for first, end in value.runs:
            self.dev.discard(first * PAGE_SIZE, (end - first) * PAGE_SIZE)
        with self._lock:
            self._given(value)

    def _given(self, value: Value) -> None:
        joined: list[tuple[int, int]] = []
        for first, end in sorted([*self._free, *value.runs]):
            if joined and joined[-1][1] == first:
                joined[-1] = joined[-1][0], end
            else:
                joined.append((first, end))
        self._free = joined
