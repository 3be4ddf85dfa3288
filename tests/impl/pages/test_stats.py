"""Statistics as sysfs prints them."""

from zram_impl.pages.stats import BdStat, MmStat, columns


def test_columns_are_eight_wide_and_end_with_a_newline() -> None:
    assert columns(BdStat(1, 22, 333)) == "       1       22      333\n"


def test_a_wider_number_pushes_the_others() -> None:
    assert columns((123456789, 1)) == "123456789        1\n"


def test_fresh_statistics_are_zero() -> None:
    assert (set(MmStat()), set(BdStat()), len(MmStat()), len(BdStat())) == ({0}, {0}, 9, 3)
