"""Numbers and booleans. Rows that say h.. are recordings, rows that say 7.3.4 were asked of that kernel."""

from collections.abc import Callable
from errno import EINVAL, ERANGE

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zram_impl.errors import ZramError
from zram_impl.parsing.kstrto import (
    S32_MAX,
    S32_MIN,
    U16_MAX,
    U32_MAX,
    U64_MAX,
    c_string,
    parse_bool,
    parse_s32,
    parse_u16,
    parse_u32,
    parse_u64,
)

PIECES = ["0", "1", "7", "8", "0x", "0X", "a", "E", "+", "-", " ", "\n", "\0", ".", "_", "9" * 20, "4294967296", "٣"]
TEXTS = st.text() | st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
LARGEST = str(U64_MAX)


def errno_of(parse: Callable[[str], object], text: str) -> int | None:
    """The errno a text is refused with, or None."""
    try:
        parse(text)
    except ZramError as refusal:
        return refusal.errno
    return None


def parse_age(text: str) -> int:
    """A number as `idle` reads it."""
    return parse_u32(text, base=0, too_big=EINVAL)


U64_READ = {
    "h25: zero": ("0", 0),
    "h25: one newline": ("5\n", 5),
    "h25: a leading zero is decimal": ("010", 10),
    "h25: a plus sign": ("+7", 7),
    "h25: the largest": (LARGEST, U64_MAX),
    "7.3.4: leading zeros do not count": ("0" * 30 + LARGEST, U64_MAX),
    "7.3.4: a NUL ends the text": ("5\0foo", 5),
    "more digits than Python reads at once": ("0" * 5000 + "1", 1),
}


U64_REFUSED = {
    "no digits": ("", EINVAL),
    "7.3.4: a newline alone": ("\n", EINVAL),
    "h25: letters": ("abc", EINVAL),
    "h25: a minus sign": ("-1", EINVAL),
    "7.3.4: a minus sign even of zero": ("-0", EINVAL),
    "7.3.4: a plus sign alone": ("+", EINVAL),
    "7.3.4: two plus signs": ("++1", EINVAL),
    "7.3.4: both signs": ("+-1", EINVAL),
    "h25: a blank before": (" 5", EINVAL),
    "h25: a blank after": ("5 ", EINVAL),
    "7.3.4: two newlines": ("5\n\n", EINVAL),
    "7.3.4: a newline before": ("\n5", EINVAL),
    "h25: no hexadecimal": ("0x10", EINVAL),
    "7.3.4: no underscores": ("1_000", EINVAL),
    "7.3.4: no exponent": ("1e3", EINVAL),
    "7.3.4: ASCII digits only": ("٣", EINVAL),
    "7.3.4: a NUL first is an empty text": ("\x005", EINVAL),
    "h09: one too many": ("18446744073709551616", ERANGE),
    "7.3.4: overflow is seen before what follows": ("18446744073709551616x", ERANGE),
    "more digits than Python reads at once": ("9" * 5000, ERANGE),
}


READ: dict[str, tuple[Callable[[str], int], str, int]] = {
    **{name: (parse_u64, *row) for name, row in U64_READ.items()},
    "h19: largest batch size": (parse_u32, "4294967295", U32_MAX),
    "h19: batch size and a newline": (parse_u32, "3\n", 3),
    "7.3.4: reset takes any u16": (parse_u16, "65535", U16_MAX),
    "7.3.4: reset is decimal": (parse_u16, "010", 10),
    "7.3.4: level=-5": (parse_s32, "-5", -5),
    "7.3.4: level=+3": (parse_s32, "+3", 3),
    "7.3.4: level=-0": (parse_s32, "-0", 0),
    "7.3.4: largest level": (parse_s32, "2147483647", S32_MAX),
    "7.3.4: smallest level": (parse_s32, "-2147483648", S32_MIN),
    "h14: age zero": (parse_age, "0", 0),
    "7.3.4: a hexadecimal age": (parse_age, "0XfFfFfFf0", 0xFFFFFFF0),
    "7.3.4: an octal age": (parse_age, "010", 8),
    "7.3.4: the prefix comes after the sign": (parse_age, "+0x10", 16),
    "h14: else a decimal age": (parse_age, "100000", 100000),
}


@pytest.mark.parametrize(("parse", "text", "value"), list(READ.values()), ids=list(READ))
def test_numbers_are_read(parse: Callable[[str], int], text: str, value: int) -> None:
    assert parse(text) == value


REFUSED: dict[str, tuple[Callable[[str], int], str, int]] = {
    **{name: (parse_u64, *row) for name, row in U64_REFUSED.items()},
    "threshold, one too many": (parse_u32, "4294967296", ERANGE),
    "threshold, what follows is seen before it does not fit": (parse_u32, "4294967296x", EINVAL),
    "h19: no hexadecimal": (parse_u32, "0x10", EINVAL),
    "h19: a blank before": (parse_u32, " 3", EINVAL),
    "7.3.4: reset, one too many": (parse_u16, "65536", ERANGE),
    "7.3.4: reset, above 64 bits": (parse_u16, "99999999999999999999", ERANGE),
    "7.3.4: reset, a minus sign": (parse_u16, "-1", EINVAL),
    "7.3.4: reset, no hexadecimal": (parse_u16, "0x1", EINVAL),
    "7.3.4: reset, a blank after": (parse_u16, "1 ", EINVAL),
    "7.3.4: level, one too many": (parse_s32, "2147483648", ERANGE),
    "7.3.4: level, one too few": (parse_s32, "-2147483649", ERANGE),
    "7.3.4: level, overflow is seen before what follows": (parse_s32, "-99999999999999999999x", ERANGE),
    "7.3.4: level, above 64 bits": (parse_s32, "99999999999999999999", ERANGE),
    "7.3.4: level, two plus signs": (parse_s32, "++1", EINVAL),
    "7.3.4: level, two signs": (parse_s32, "--1", EINVAL),
    "7.3.4: level, minus plus": (parse_s32, "-+1", EINVAL),
    "7.3.4: level, plus minus": (parse_s32, "+-1", EINVAL),
    "7.3.4: level, no hexadecimal": (parse_s32, "0x3", EINVAL),
    "7.3.4: age, an 8 is not octal": (parse_age, "08", EINVAL),
    "7.3.4: age, half a prefix": (parse_age, "0x", EINVAL),
    "7.3.4: age, a prefix without hexadecimal": (parse_age, "0xg", EINVAL),
    "7.3.4: age, one too many": (parse_age, "4294967296", EINVAL),
    "h14: age, above 64 bits": (parse_age, "99999999999999999999", EINVAL),
    "h25: limit, above 64 bits": (lambda text: parse_u64(text, too_big=EINVAL), "18446744073709551616", EINVAL),
}


@pytest.mark.parametrize(("parse", "text", "errno"), list(REFUSED.values()), ids=list(REFUSED))
def test_numbers_are_refused(parse: Callable[[str], int], text: str, errno: int) -> None:
    assert errno_of(parse, text) == errno


TRUE = ["1", "1\n", "10", "11foo", "y", "Y", "ypsilon", "e", "E", "enable", "t", "T", "true", "on", "On", "oN", "One"]
FALSE = ["0", "01", "n", "N", "no", "d", "D", "disable", "f", "F", "false", "off", "oFF", "Of", "of"]


@pytest.mark.parametrize(("text", "value"), [(text, True) for text in TRUE] + [(text, False) for text in FALSE])
def test_a_boolean_is_its_first_letters_as_7_3_4_says(text: str, value: bool) -> None:
    assert parse_bool(text) is value


@pytest.mark.parametrize("text", ["", "\n", "2", "o", "ox", "o\0n", " 1", "-1", "+1", "zero", "\x001"])
def test_a_boolean_is_refused_as_7_3_4_does(text: str) -> None:
    assert errno_of(parse_bool, text) == EINVAL


@pytest.mark.parametrize(
    ("parse", "text", "allowed"),
    [
        (parse_u64, "x1", "must be 0 to 18446744073709551615"),
        (parse_u32, "x2", "must be 0 to 4294967295"),
        (parse_u16, "x3", "must be 0 to 65535"),
        (parse_s32, "x4", "must be -2147483648 to 2147483647"),
        (parse_bool, "x5", "1, y, e, t, on, 0, n, d, f or off"),
    ],
)
def test_a_refusal_names_the_text_and_what_is_allowed(parse: Callable[[str], object], text: str, allowed: str) -> None:
    with pytest.raises(ZramError) as caught:
        parse(text)
    assert repr(text) in str(caught.value)
    assert allowed in str(caught.value)


@given(TEXTS)
@example("\ud800")
def test_any_text_is_a_number_or_refused(text: str) -> None:
    for parse in (parse_u64, parse_u32, parse_u16, parse_s32):
        assert errno_of(parse, text) in {None, EINVAL, ERANGE}
    assert errno_of(parse_age, text) in {None, EINVAL}
    assert errno_of(parse_bool, text) in {None, EINVAL}


@given(st.integers(0, U64_MAX), st.text())
def test_numbers_come_back_and_a_nul_hides_the_rest(value: int, hidden: str) -> None:
    assert parse_u64(f"{value}\n\0{hidden}") == parse_u64(f"+{value}") == value


@given(st.integers(S32_MIN, S32_MAX))
def test_signed_numbers_come_back(value: int) -> None:
    assert parse_s32(str(value)) == value


@given(st.text(), st.text())
def test_a_c_string_ends_at_the_first_nul(text: str, hidden: str) -> None:
    assert "\0" not in c_string(text)
    assert c_string(f"{c_string(text)}\0{hidden}") == c_string(text)
