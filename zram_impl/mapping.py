"""A mapping of texts to bytes over a device: values of any length, each in runs of whole pages.

The directory (which key is on which pages) is in memory, as the device's own table is. A value is written to pages that
nobody uses, then the key is moved to it, then the pages that it had are discarded: who reads at the same time gets the
old value or the new one, never a mixture. All calls may be made from any thread. What a signal handler raises leaves
the key with the old value or the new one, and the pages of the other are given back by a later change.
"""

from collections.abc import ItemsView, Iterator, MutableMapping, Sequence, ValuesView
from contextlib import suppress
from errno import ENOSPC
from typing import Final, NamedTuple, TypeVar, overload
from weakref import ref

from zram_impl.decisions import SlotKind
from zram_impl.errors import Uncopied, refuse, refuse_type, shown
from zram_impl.forking import free_in_child
from zram_impl.pages.byte_io import Buffer, flat
from zram_impl.runtime import Rank
from zram_impl.table.block_map import FREE, USED
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

T = TypeVar("T")


Run = tuple[int, int]
"""The first page, and the one after the last."""


class Value(NamedTuple):
    """Place of a value: its length in bytes, and runs of pages, each as its first and the one after its last."""

    length: int
    runs: tuple[Run, ...]

    @property
    def pages(self) -> int:
        """Number of its pages."""
        return sum(end - first for first, end in self.runs)


_NEARBY: Final = 1 << 13
"""Pages in which one run for a value is looked for; in a device full of holes, to look at all would cost more than a
value in pieces."""
_MISSING: Final = object()
_NOWHERE: Final = Value(0, ())
"""The value of a key that is not there: it has no pages."""


class _Change:
    """A change of a mapping under way, for as long as it is."""

    __slots__ = ("__weakref__",)


class MapItems(ItemsView[str, bytes]):
    """Keys and values, each key as it is when its turn comes."""

    def __init__(self, values: "PageMap") -> None:
        super().__init__(values)
        self._of = values

    def __iter__(self) -> Iterator[tuple[str, bytes]]:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        for key in self._of:
            value = self._of.get(key)
            if value is not None:
                yield key, value


class MapValues(ValuesView[bytes]):
    """Values, likewise."""

    def __init__(self, values: "PageMap") -> None:
        super().__init__(values)
        self._of = values

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[explicit-override]  # likewise
        return (value for _key, value in self._of.items())


class PageMap(Uncopied, MutableMapping[str, bytes]):
    """Values in the pages of a device, which it must have for itself; the device is its owner's to close."""

    def __init__(self, dev: Zram) -> None:
        if not isinstance(dev, Zram):
            raise refuse_type(f"dev must be a Zram, got {shown(dev)}")
        self.dev: Final[Zram] = dev
        # Guards the fields below; never held while a page is read or written.
        self._lock: Final = dev.runtime.lock("page map", Rank.CONTROL)
        free_in_child(self._lock)  # at each point at which it is held, what it guards is whole
        self._values: Final[dict[str, Value]] = {}
        self._used: Final = bytearray(dev.pages)
        """FREE or USED, by page; searched onwards from the last page taken."""
        self._hint = 0
        self._free = dev.pages
        """Free pages."""
        self._pending: Final[dict[ref[_Change], Value]] = {}
        """Pages that are neither free nor a key's, by the call that is about to make them one or the other.

        What a signal handler raises may end that call anywhere. Each change of owner is a few stores without a step in
        between in which a handler could run, so no page is ever nowhere; a later call gives back what one has left.
        """

    def __getitem__(self, key: str) -> bytes:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        return self._read(key)[1]

    def __setitem__(self, key: str, value: Buffer) -> None:  # type: ignore[explicit-override]  # likewise
        self._store(key, value, new=False)

    def __delitem__(self, key: str) -> None:  # type: ignore[explicit-override]  # likewise
        self._remove(key, None)

    def _read(self, key: str) -> tuple[Value, bytes]:
        """Return where a value is, and the value; KeyError without one."""
        while True:
            found = self._values[key]
            value = self._content(found)
            # Race with writers: its pages may be another value's by now, unless the key still has this very value.
            if self._values.get(key) is found:
                return found, value

    def _content(self, found: Value) -> bytes:
        """Return what is in the pages of a value."""
        if 0 < found.length <= PAGE_SIZE:  # most often, and then a buffer and two copies are saved
            return self.dev.read_page(found.runs[0][0])[: found.length]
        buffer, at = bytearray(found.pages * PAGE_SIZE), 0
        with memoryview(buffer) as view:
            for first, end in found.runs:
                size = (end - first) * PAGE_SIZE
                self.dev.read_pages_into(first, view[at : at + size])
                at += size
            return bytes(view[: found.length])

    def _store(self, key: str, value: Buffer, *, new: bool) -> bool:
        """Give a key a value, unless it has one and is to be `new`; return whether it has this one now."""
        if not isinstance(key, str):
            raise refuse_type(f"key must be a str, got {shown(key)}")
        data, call = flat(value), _Change()
        mine = ref(call)
        self._give_back_left(mine)
        try:
            made = self._take(data.nbytes, mine)
            self._write(made, data)
            with self._lock:
                # Race with writers: another may have been first, and then the pages of this value are given back.
                if new and key in self._values:
                    return False
                before = self._values.get(key, _NOWHERE)
                # Race with readers, which take no lock: the key has one value or the other, and is never gone.
                self._values[key] = made
                self._pending[mine] = before
        finally:
            self._give_back(mine)
        return True

    def _remove(self, key: str, only: Value | None) -> bool:
        """Remove a key, if it still has the value `only`; return whether it was removed. KeyError without a value."""
        call = _Change()
        mine = ref(call)
        self._give_back_left(mine)
        try:
            with self._lock:
                before = self._values[key]
                # Race with writers: who has read this very value is the one who removes it.
                if only is not None and before is not only:
                    return False
                del self._values[key]
                self._pending[mine] = before
        finally:
            self._give_back(mine)
        return True

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

    def __iter__(self) -> Iterator[str]:  # type: ignore[explicit-override]  # likewise
        return iter(self._values.copy())

    def __len__(self) -> int:  # type: ignore[explicit-override]  # likewise
        return len(self._values)

    def __contains__(self, key: object) -> bool:  # type: ignore[explicit-override]  # likewise
        return key in self._values

    # --- what `MutableMapping` would make of several calls, between which another thread may change the key ----------

    @overload
    def pop(self, key: str, /) -> bytes: ...
    @overload
    def pop(self, key: str, /, default: T) -> bytes | T: ...
    def pop(self, key: str, /, default: object = _MISSING) -> object:  # type: ignore[explicit-override]  # likewise
        """Remove a key and return the value that it had: no other call returns or removes the same one."""
        try:
            while True:
                found, value = self._read(key)
                if self._remove(key, found):
                    return value
        except KeyError:
            if default is _MISSING:
                raise
            return default

    def popitem(self) -> tuple[str, bytes]:  # type: ignore[explicit-override]  # likewise
        """Remove the oldest key and return it with its value; KeyError without one."""
        while True:
            key = next(iter(self), None)
            if key is None:
                raise KeyError("the mapping has no keys")
            value = self.pop(key, None)
            if value is not None:
                return key, value

    def setdefault(self, key: str, default: bytes = b"", /) -> bytes:  # type: ignore[explicit-override]  # likewise
        """Return the value of a key, which becomes `default` where there was no value."""
        while True:
            value = self.get(key)
            if value is not None:
                return value
            if self._store(key, default, new=True):
                return bytes(default)

    def clear(self) -> None:  # type: ignore[explicit-override]  # likewise
        """Remove the keys that there are; one that comes at the same time may stay."""
        for key in self:
            with suppress(KeyError):
                self._remove(key, None)

    def items(self) -> ItemsView[str, bytes]:  # type: ignore[explicit-override]  # likewise
        """Return the keys and values; one that is removed during the iteration is left out."""
        return MapItems(self)

    def values(self) -> ValuesView[bytes]:  # type: ignore[explicit-override]  # likewise
        """Return the values, likewise."""
        return MapValues(self)

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # likewise
        return f"<PageMap of {len(self)} values, {self.free_pages} of {self.dev.pages} pages free>"

    def is_spilled(self, key: str) -> bool:
        """Return whether any page of a value is written back; KeyError without one."""
        slot = self.dev.slot
        return any(slot(page).kind is SlotKind.WB for run in self._values[key].runs for page in range(*run))

    @property
    def free_pages(self) -> int:
        """Pages that no value has."""
        with self._lock:
            return self._free

    # --- which pages are free ----------------------------------------------------------------------------------------

    def _take(self, length: int, mine: "ref[_Change]") -> Value:
        """Take pages: one run if there is one as long nearby, else several; ENOSPC when there are not so many."""
        pages = -(-length // PAGE_SIZE)
        with self._lock:
            if self._free < pages:
                raise refuse(ENOSPC, f"value must fit into {self._free} free pages, got {pages} pages")
            runs = _found(self._used, self._hint, pages)
            made = Value(length, runs)
            if runs:
                start, stop, marks = _marked(self._used, runs, USED)
                self._hint = runs[-1][1]
                self._used[start:stop] = marks
                self._free -= pages
                self._pending[mine] = made
        return made

    def _give_back(self, mine: "ref[_Change]") -> None:
        """Give back the pages that a call has, if it has any. Nobody else may: they would be another's by then."""
        with self._lock:
            value = self._pending.get(mine)
        if value is None:
            return
        # Race with calls that look for free pages: these are USED until they are empty, so nobody gets them before.
        for first, end in value.runs:
            self.dev.discard(first * PAGE_SIZE, (end - first) * PAGE_SIZE)
        pages = value.pages
        with self._lock:
            if pages:
                start, stop, marks = _marked(self._used, value.runs, FREE)
                self._used[start:stop] = marks
                self._free += pages
            del self._pending[mine]

    def _give_back_left(self, mine: "ref[_Change]") -> None:
        """Give back the pages of calls that an exception has ended, once it is forgotten."""
        while self._adopts(mine):
            self._give_back(mine)

    def _adopts(self, mine: "ref[_Change]") -> bool:
        """Take over the pages of a call that has ended; return whether there is one."""
        with self._lock:
            left = next((call for call in self._pending if call() is None), None)
            if left is None:
                return False
            value = self._pending[left]
            self._pending[mine] = value
            del self._pending[left]
            return True


def _found(used: bytearray, hint: int, pages: int) -> tuple[Run, ...]:
    """Return free runs of so many pages, which there are: one that begins nearby, else those that come next."""
    if not pages:
        return ()
    free = bytes(pages)
    for start in (hint, 0):
        first = used.find(free, start, start + _NEARBY + pages)
        if first >= 0:
            return ((first, first + pages),)
    runs, end = list[Run](), hint
    while pages:
        first = used.find(FREE, end)
        if first < 0:  # once around: those before the hint are left
            first = used.find(FREE)
        end = used.find(USED, first, first + pages)
        if end < 0:
            end = min(first + pages, len(used))
        runs.append((first, end))
        pages -= end - first
    return tuple(runs)


def _marked(used: bytearray, runs: Sequence[Run], state: int) -> tuple[int, int, bytes]:
    """Return the pages from the first to the last of some runs, and what they are with these in another state."""
    if len(runs) == 1:
        ((first, end),) = runs
        return first, end, bytes([state]) * (end - first)
    start, stop = min(first for first, _end in runs), max(end for _first, end in runs)
    marks = used[start:stop]
    for first, end in runs:
        marks[first - start : end - start] = bytes([state]) * (end - first)
    return start, stop, bytes(marks)
