"""Sizes as sysfs and as the Python interface take them. Rows: h.. is a recording, 7.3.4 was asked of that kernel."""

from errno import EINVAL

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refused import refused
from zram_impl.errors import ZramError
from zram_impl.parsing.kstrto import U64_MAX, page_align, parse_size, size_of
from zram_impl.units import PAGE_SIZE

PIECES = ["0", "1", "7", "8", "0x", "0X", "a", "E", "K", "m", "+", " ", "\n", "\0", ".", "9" * 20, "٣", "\u212a"]
TEXTS = st.text() | st.lists(st.sampled_from(PIECES), max_size=6).map("".join)

READ = {
    "h22: 12K": ("12K", 12 << 10),
    "h22: 4096": ("4096", 4096),
    "h22: 0": ("0", 0),
    "7.3.4: 0K is a size": ("0K", 0),
    "7.3.4: a newline follows": ("4K\n", 4096),
    "7.3.4: text follows": ("4Kfoo", 4096),
    "7.3.4: one suffix counts": ("4kk", 4096),
    "7.3.4: a blank ends the number": ("4 K", 4),
    "7.3.4: a point ends the number": ("1.5M", 1),
    "7.3.4: octal": ("010K", 8 << 10),
    "7.3.4: octal up to the 8": ("08", 0),
    "7.3.4: hexadecimal": ("0X10k", 16 << 10),
    "7.3.4: hexadecimal, then a suffix": ("0x1g", 1 << 30),
    "7.3.4: a prefix is in front or none": ("10x1F", 10),
    "7.3.4: E is a digit there": ("0x1E", 30),
    "7.3.4: 0x alone is 0": ("0x", 0),
    "7.3.4: and its x is no suffix": ("0xK", 0),
    "7.3.4: K": ("3K", 3 << 10),
    "7.3.4: m": ("3m", 3 << 20),
    "7.3.4: G": ("3G", 3 << 30),
    "7.3.4: t": ("3t", 3 << 40),
    "7.3.4: P": ("3P", 3 << 50),
    "7.3.4: e": ("3e", 3 << 60),
    "7.3.4: 15E fits": ("15E", 15 << 60),
    "7.3.4: 16E saturates": ("16E", U64_MAX),
    "7.3.4: 2**64 + 4096 saturates": ("18446744073709555712", U64_MAX),
    "7.3.4: a NUL ends the text": ("4096\0K", 4096),
    "more digits than Python reads at once": ("9" * 5000, U64_MAX),
    "the Kelvin sign is no K": ("4\u212a", 4),
}


@pytest.mark.parametrize(("text", "size"), list(READ.values()), ids=list(READ))
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "abc", "-1", "K", "+4096", " 4096", "\n", "\0", "e"])
def test_a_size_without_digits_is_refused_as_h22_and_7_3_4_do(text: str) -> None:
    with refused(EINVAL, "size must be a number up to 18446744073709551615") as caught:
        parse_size(text)
    assert repr(text) in str(caught.value)


ALIGNED = {
    "h22: nothing": (0, 0),
    "7.3.4: one byte": (1, PAGE_SIZE),
    "h22: a page": (PAGE_SIZE, PAGE_SIZE),
    "7.3.4: mem_limit 4097": (4097, 2 * PAGE_SIZE),
    "h27: disksize 10000": (10000, 3 * PAGE_SIZE),
    "7.3.4: the last page": (U64_MAX - PAGE_SIZE + 1, U64_MAX - PAGE_SIZE + 1),
    "7.3.4: mem_limit 16E is no limit": (U64_MAX, 0),
}


@pytest.mark.parametrize(("size", "aligned"), list(ALIGNED.values()), ids=list(ALIGNED))
def test_page_align_stays_in_64_bits(size: int, aligned: int) -> None:
    assert page_align(size) == aligned


@pytest.mark.parametrize("size", [-1, U64_MAX + 1])
def test_page_align_is_for_sizes(size: int) -> None:
    with pytest.raises(AssertionError, match="a size is a u64"):
        page_align(size)


@pytest.mark.parametrize(("value", "size"), [(0, 0), (4096, 4096), (U64_MAX, U64_MAX)])
def test_an_int_is_a_python_size(value: int, size: int) -> None:
    assert size_of(value) == size


@pytest.mark.parametrize(
    ("value", "size"),
    [("0", 0), ("0K", 0), ("17", 17), ("4K", 4096), ("256M", 256 << 20), ("2g", 2 << 30), (str(U64_MAX), U64_MAX)],
)
def test_digits_with_a_suffix_are_a_python_size(value: str, size: int) -> None:
    assert size_of(value) == size


def refusal_of_size(value: int | str) -> str:
    """Return the message of the refusal of a size."""
    with refused(EINVAL, "size must be 0 to 18446744073709551615 bytes") as caught:
        size_of(value)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "K", "-1", "+1", "1.5G", "010", "00", "0x10", "1T", "1KB", "1 K", " 1", "1\n", "1\0", "٣", "1\u212a"),
        *("18446744073709551616", "17179869184G"),
    ],
)
def test_other_text_is_no_python_size(text: str) -> None:
    assert repr(text) in refusal_of_size(text)


def test_a_number_out_of_range_is_no_python_size() -> None:
    assert "got -1" in refusal_of_size(-1)
    assert "got 0x10000000000000000" in refusal_of_size(U64_MAX + 1)
    assert "got 0x1000000" in refusal_of_size(1 << 20000), "Python writes no decimal of that length"
    assert "999'" in refusal_of_size("9" * 5000)


@pytest.mark.parametrize("value", [1.5, 4096.0, True, None, b"4K"])
def test_what_the_type_checker_did_not_see_is_refused(value: object) -> None:
    with pytest.raises(ZramError, match="size must be "):
        size_of(value)  # type: ignore[arg-type]  # on purpose


@given(TEXTS)
def test_any_text_is_a_size_or_refused(text: str) -> None:
    for parse in (parse_size, size_of):
        try:
            assert 0 <= parse(text) <= U64_MAX
        except ZramError as refusal:
            assert refusal.errno == EINVAL  # noqa: PT017 - both outcomes are right


@given(st.integers())
def test_an_int_in_range_is_a_size(value: int) -> None:
    if 0 <= value <= U64_MAX:
        assert size_of(value) == value
    else:
        assert "size must be " in refusal_of_size(value)


@given(st.integers(0, U64_MAX), st.text())
def test_sizes_come_back_in_every_base(value: int, hidden: str) -> None:
    assert parse_size(f"{value}\0{hidden}") == parse_size(f"{value:#x}") == parse_size(f"0{value:o}") == value


@given(st.integers(0, U64_MAX))
def test_a_page_aligned_size_holds_the_size(size: int) -> None:
    aligned = page_align(size)
    assert aligned % PAGE_SIZE == 0
    assert (aligned - size) % (1 << 64) < PAGE_SIZE
