"""Objects that cost the same memory: sizes in the kernel's allocator come in classes, and some classes are one.

Recompression is worth it only when an object gets into a smaller class. An object takes its own bytes and those of the
allocator's handle.

Kernel: zs_lookup_class_index(), calculate_zspage_chain_size(), can_merge(), zs_huge_class_size() with
CONFIG_ZSMALLOC_CHAIN_SIZE=8.
"""

from typing import Final

from zram_impl.units import HUGE_CLASS_SIZE, PAGE_SIZE

_SMALLEST: Final = 32
_STEP: Final = 16
_LONGEST_CHAIN: Final = 8
"""Pages that one group of objects may span."""
_HANDLE: Final = 8
"""Bytes of an object's memory that are the allocator's own."""


def _chain(size: int) -> int:
    """Return how many pages a group of objects of `size` bytes spans: as many as waste least, the fewest of equals."""
    if size & (size - 1) == 0:
        return 1
    return min(range(1, _LONGEST_CHAIN + 1), key=lambda pages: pages * PAGE_SIZE % size)


def _classes() -> list[int]:
    """Return, for each step of sizes, the largest step that is laid out alike: the two are one class."""
    sizes = range(_SMALLEST, PAGE_SIZE + 1, _STEP)
    layouts = [(pages := _chain(size), pages * PAGE_SIZE // size) for size in sizes]
    classes = list(range(len(sizes)))
    for step in reversed(range(len(sizes) - 1)):
        if layouts[step] == layouts[step + 1]:
            classes[step] = classes[step + 1]
    return classes


def _class_of(size: int) -> int:
    taken = min(size + _HANDLE, PAGE_SIZE)
    return _CLASSES[max(0, -(-(taken - _SMALLEST) // _STEP))]


_CLASSES: Final = _classes()
SIZE_CLASS: Final = tuple(_class_of(size) for size in range(PAGE_SIZE + 1))
"""The class of an object of each size in bytes; larger ones cost more."""

assert SIZE_CLASS[HUGE_CLASS_SIZE - 1] < SIZE_CLASS[HUGE_CLASS_SIZE] == SIZE_CLASS[PAGE_SIZE], (
    "an object of the huge class costs a page"
)


def saves_memory(before: int, after: int) -> bool:
    """Return whether an object of `after` bytes, any number, costs less than the one of `before` bytes that is stored.

    Kernel: recompress_slot(), zs_lookup_class_index()
    """
    return SIZE_CLASS[min(after, PAGE_SIZE)] < SIZE_CLASS[before]
