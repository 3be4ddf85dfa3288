"""Fault injection, for the tests of this package and of its users.

A fault is a filter around whatever fails: a backing device, an engine (its memory), a runtime (its threads). A filter
has the protocol of what it surrounds, so filters can be stacked. Each injects one fault, into the operations that its
`when` selects.

Example:
    >>> from zram_impl.bdev.memory import MemoryDevice
    >>> from zram_impl.faults import Failing, Short, nth, on_blocks
    >>> device = Failing(Short(MemoryDevice(64), nth(2)), on_blocks([7], kind="write"))
    >>> with Zram.create("1M", backing=device) as dev: ...

    >>> for when in every_nth():  # until a run ends before its n-th write
    ...     with Zram.create("1M", backing=Failing(MemoryDevice(64), when)) as dev: ...

Operations are counted per filter and kind, from 0, in the order in which they begin. With one thread, or under a
runtime that decides the schedule, the same program always gets the same faults. All filters are thread-safe, and a
filter owns what it surrounds: closing the outermost closes everything.
"""

from zram_impl.faults.choosing import always, at_random, every_nth, nth, on_blocks, since
from zram_impl.faults.corrupting import Corrupting
from zram_impl.faults.delayed import Delayed
from zram_impl.faults.failing import Failing
from zram_impl.faults.filter import Filter
from zram_impl.faults.full import Full
from zram_impl.faults.gated import Gated
from zram_impl.faults.operation import Chosen, Kind, Operation
from zram_impl.faults.reordering import Reordering
from zram_impl.faults.scarce_buffers import ScarceBuffers
from zram_impl.faults.scarce_threads import ScarceThreads
from zram_impl.faults.short import Short
from zram_impl.faults.torn import Torn

__all__ = [
    "Chosen",
    "Corrupting",
    "Delayed",
    "Failing",
    "Filter",
    "Full",
    "Gated",
    "Kind",
    "Operation",
    "Reordering",
    "ScarceBuffers",
    "ScarceThreads",
    "Short",
    "Torn",
    "always",
    "at_random",
    "every_nth",
    "nth",
    "on_blocks",
    "since",
]
