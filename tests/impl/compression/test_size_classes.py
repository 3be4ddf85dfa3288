"""Size classes of the kernel's allocator."""

import pytest

from zram_impl.compression.size_classes import SIZE_CLASS
from zram_impl.units import PAGE_SIZE


def test_a_larger_object_is_never_in_a_smaller_class() -> None:
    assert all(SIZE_CLASS[size] <= SIZE_CLASS[size + 1] for size in range(PAGE_SIZE))
    assert len(SIZE_CLASS) == PAGE_SIZE + 1


# Sizes from the allocator's own table (/sys/kernel/debug/zsmalloc/*/classes) with chains of up to 8 pages.
@pytest.mark.parametrize(
    ("smaller", "larger"),
    [(32, 33), (48, 49), (2048, 2049), (3264, 3265), (3408, 3409), (3504, 3505), (3584, 3585), (3632, 3633)],
)
def test_a_class_ends_where_the_allocators_does(smaller: int, larger: int) -> None:
    assert SIZE_CLASS[smaller] < SIZE_CLASS[larger]


@pytest.mark.parametrize(("one", "other"), [(1, 32), (33, 48), (3633, 4096), (3585, 3632), (3409, 3504)])
def test_sizes_that_cost_the_same_are_one_class(one: int, other: int) -> None:
    assert SIZE_CLASS[one] == SIZE_CLASS[other]
