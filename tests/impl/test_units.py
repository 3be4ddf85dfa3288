"""Units: the driver's sizes on a machine with pages of 4 KiB."""

from zram_impl import units


def test_sizes_are_the_drivers() -> None:
    sizes = (units.PAGE_SIZE, units.PAGE_SHIFT, units.HUGE_CLASS_SIZE, units.PP_BUCKET_WIDTH, units.PP_BUCKETS)
    assert sizes == (4096, 12, 3625, 64, 65)


def test_a_batch_is_32_requests_by_default() -> None:
    assert units.DEFAULT_BATCH_SIZE == 32


def test_the_zero_page_is_a_page_of_zeros() -> None:
    assert units.ZERO_PAGE == b"\0" * 4096
