"""Size classes of the kernel's allocator."""

import pytest

from zram_impl.compression.size_classes import SIZE_CLASS, saves_memory
from zram_impl.units import PAGE_SIZE

HANDLE = 8


def test_a_larger_object_is_never_in_a_smaller_class() -> None:
    assert all(SIZE_CLASS[size] <= SIZE_CLASS[size + 1] for size in range(PAGE_SIZE))
    assert len(SIZE_CLASS) == PAGE_SIZE + 1


# Sizes from the allocator's own table (/sys/kernel/debug/zsmalloc/*/classes) with chains of up to 8 pages: they are
# those of an object and its handle.
@pytest.mark.parametrize("last", [32, 48, 2048, 3264, 3408, 3504, 3584, 3632])
def test_a_class_ends_where_the_allocators_does(last: int) -> None:
    assert SIZE_CLASS[last - HANDLE] < SIZE_CLASS[last + 1 - HANDLE]
    assert saves_memory(last + 1 - HANDLE, last - HANDLE)


@pytest.mark.parametrize(("one", "other"), [(9, 32), (33, 48), (3633, 4096), (3585, 3632), (3409, 3504)])
def test_sizes_that_cost_the_same_are_one_class(one: int, other: int) -> None:
    assert SIZE_CLASS[one - HANDLE] == SIZE_CLASS[other - HANDLE]
    assert not saves_memory(other - HANDLE, one - HANDLE)


@pytest.mark.parametrize(
    ("name", "before", "after"), [("zr_class", 1032, 1023), ("zr_huge", PAGE_SIZE, 3629), ("longer", PAGE_SIZE, 4097)]
)
def test_an_object_that_stays_in_its_class_saves_nothing(name: str, before: int, after: int) -> None:
    assert not saves_memory(before, after), name
