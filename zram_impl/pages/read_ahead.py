"""Pages on their way from the backing device to where they are kept, while their reader uses others.

A reader that enters the window of pages it asked for last asks for the next one. No thread is involved: the system has
the reads, and a reader that misses a page fetches the answer.

Whatever happens to a reader, between any two of its steps, the reads that it has begun are known here, so their places
are nobody else's until they have been answered.
"""

from collections.abc import Callable, Sequence
from errno import EIO
from itertools import count
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.ring_queue import address_of
from zram_impl.engine.ring_reads import AioReads, FileRead, is_read_by_ring
from zram_impl.forking import made_anew
from zram_impl.pages.clean_pages import CleanPages, Lease
from zram_impl.pages.group import Group
from zram_impl.runtime import Rank, Runtime, ThreadRuntime
from zram_impl.units import PAGE_SHIFT

_ENTRIES: Final = 256
"""Reads under way at most."""


class GroupRead:
    """Pages on their way.

    Attributes:
        group: Which they are.
        clean: Where they are to be kept.
        first: The place of the first block.
        result: Bytes that arrived or an errno below 0, once it is known.
        uncounted: Number of its blocks, until it has landed and they are counted.
    """

    __slots__ = ("_lease", "clean", "first", "group", "result", "uncounted")

    def __init__(self, group: Group, clean: CleanPages, lease: Lease, first: int) -> None:
        self.group: Final = group
        self.clean: Final = clean
        self._lease: Final = lease  # held for as long as this is
        self.first: Final = first
        self.result: int | None = None
        self.uncounted: Final = [group.blocks]

    def memory(self) -> memoryview:
        """Return the memory of its places; to be released."""
        start = (self.first - self._lease.first) << PAGE_SHIFT
        with self.clean.memory(self._lease) as memory:
            return memory[start : start + (self.group.blocks << PAGE_SHIFT)]

    @property
    def arrived(self) -> bool:
        """True if all of its blocks are there."""
        return self.result == self.group.blocks << PAGE_SHIFT


class ReadAhead:
    """The reads ahead of one device."""

    def __init__(self, runtime: Runtime, device: BackingDevice) -> None:
        self._device = device
        # Guards the ring and what is under way; who holds it may wait for the device.
        self._lock = runtime.lock("read ahead", Rank.ENGINE)
        self._ring: AioReads | None = None
        self.usable: bool = True
        """False once the system has refused a ring: then reads are done here and now."""
        self._keys = count()
        self._under_way: dict[int, GroupRead] = {}
        self._last: tuple[Sequence[tuple[int, GroupRead]], list[int]] = (), []
        """Those that are being submitted, and how many the system took: nothing unless it was asked."""
        self._flights: dict[int, GroupRead] = {}
        """By their pages, until they have landed."""
        self._wanted: list[GroupRead] = []
        """The same, once each; and some that have landed."""

    def of(self, index: int, clean: CleanPages) -> GroupRead | None:
        """Return the flight that brings a page, if there is one."""
        found = self._flights.get(index)
        return found if found is not None and found.clean is clean else None

    # --- departure -------------------------------------------------------------------------------------------------

    def begin(self, clean: CleanPages, groups: Sequence[Group], present: int) -> None:
        """Begin to read the pages of some groups, as many as there is room for.

        `present` is where the window begins that their reader is in: its flights are wanted soon.
        """
        places = end = 0
        while end < len(groups) and places + groups[end].blocks <= clean.turn:
            places += groups[end].blocks
            end += 1
        if not end:
            return
        lease = clean.lease(places, clean.turn)
        if lease is None:
            # Flights that readers lost interest in are there; or other readers', which have to ask again.
            self._forget(lambda base: base != present)
            lease = clean.lease(places, clean.turn)
            if lease is None:
                return
        with clean.memory(lease) as memory:
            place_0 = address_of(memory) - (lease.first << PAGE_SHIFT)
        flights, first = list[GroupRead](), lease.first
        for group in groups[:end]:
            flights.append(GroupRead(group, clean, lease, first))
            first += group.blocks
        with self._lock:
            taken = self._submit(flights, place_0)
        for flight in taken:
            self._flights.update(dict.fromkeys(flight.group.indexes, flight))

    def _submit(self, flights: Sequence[GroupRead], place_0: int) -> Sequence[GroupRead]:
        """Submit reads, given the address of place 0; return those that the system took. The lock is held."""
        if self._ring is None:
            try:
                self._ring = AioReads(self._device, _ENTRIES)
            except OSError:
                self.usable = False
                return ()
        self._gather(self._ring)
        begun = list(zip(self._keys, flights[: _ENTRIES - len(self._under_way)], strict=False))
        if not begun:
            return ()
        reads = [
            FileRead(
                key, it.group.blk_idx << PAGE_SHIFT, place_0 + (it.first << PAGE_SHIFT), it.group.blocks << PAGE_SHIFT
            )
            for key, it in begun
        ]
        taken = list[int]()
        # Before the system has them: an exception of a signal handler may land anywhere here, and the next who has the
        # lock finds out what the system took.
        self._last = begun, taken
        self._under_way.update(begun)
        self._ring.submit(reads, taken)
        accepted = self._settle()
        self._wanted += accepted
        return accepted

    def _settle(self) -> Sequence[GroupRead]:
        """Forget of those that were submitted last the ones that the system did not take; return the others."""
        begun, taken = self._last
        end = max(taken[0], 0) if taken else 0
        for key, _ in begun[end:]:
            self._under_way.pop(key, None)
        self._last = (), []
        return [flight for _, flight in begun[:end]]

    # --- arrival ---------------------------------------------------------------------------------------------------

    def _gather(self, ring: AioReads) -> None:
        """Learn what has been answered so far; the lock is held, as in the next two."""
        self._settle()
        self._collect(ring, 0)

    def _await(self, flight: GroupRead) -> None:
        if flight.result is None and self._ring is not None:
            self._collect(self._ring, 1)

    def _collect(self, ring: AioReads, least: int) -> None:
        for key, result in ring.fetch(least):
            flight = self._under_way.get(key)
            if flight is not None:
                flight.result = result
                self._under_way.pop(key, None)
        ring.handed_on()

    def land(self, flight: GroupRead, keep: Callable[[GroupRead], None]) -> int:
        """Wait for a flight and have its pages kept, if they have arrived; return how many blocks are to be counted.

        Several readers may land one.
        """
        while flight.result is None:
            with self._lock:
                self._await(flight)
        if flight.arrived:
            keep(flight)
        self._landed(flight)
        uncounted = flight.uncounted
        return uncounted.pop() if uncounted and flight.arrived else 0

    def _landed(self, flight: GroupRead) -> None:
        for index in flight.group.indexes:
            self._flights.pop(index, None)

    # --- no arrival ------------------------------------------------------------------------------------------------

    def passed(self, first: int, end: int) -> None:
        """Forget the flights of windows that begin at these pages, `end` excluded: their reader is farther."""
        self._forget(lambda base: first <= base < end)

    def _forget(self, unwanted: Callable[[int], bool]) -> None:
        with self._lock:
            gone = self._unwanted(unwanted)
        for flight in gone:
            self._landed(flight)

    def _unwanted(self, unwanted: Callable[[int], bool]) -> Sequence[GroupRead]:
        """Take flights out of those that are wanted, also the ones that have landed; the lock is held."""
        if self._ring is not None:
            self._gather(self._ring)
        gone = [it for it in self._wanted if not it.uncounted or unwanted(it.group.base)]
        self._wanted = [it for it in self._wanted if it not in gone]
        return gone

    def forget(self) -> None:
        """Forget all flights: what they were to be kept in is dropped. What is under way keeps its memory until then.

        It does not wait, so that any lock of a lower rank may be held.
        """
        self._flights.clear()
        self._wanted = []

    def after_fork(self) -> None:
        """Be a forked child's: the reads are its parent's, and so is the ring."""
        made_anew(self._lock)
        for flight in [*self._under_way.values(), *self._wanted]:
            flight.result = -EIO
        self._under_way.clear()
        self._last = (), []
        self._ring = None
        self.forget()

    def close(self) -> None:
        """Wait for what is under way and give the ring back; nobody reads, or will."""
        with self._lock:
            ring, self._ring = self._ring, None
            if ring is not None:
                ring.close()
            self._under_way.clear()
            self._last = (), []
        self.forget()


def read_ahead(runtime: Runtime, device: BackingDevice | None) -> ReadAhead | None:
    """Return reads ahead of `device`; None where they cannot be left to the system.

    A runtime that decides which task runs next cannot see that one waits there.
    """
    if device is None or not isinstance(runtime, ThreadRuntime) or not is_read_by_ring(device):
        return None
    return ReadAhead(runtime, device)
