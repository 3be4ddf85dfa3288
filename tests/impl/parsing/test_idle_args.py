"""The meaning of `idle`. Rows: h.. are recordings, 7.3.4 was asked of that kernel."""

from errno import EINVAL

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refused import refused
from zram_impl.errors import ZramError
from zram_impl.parsing.kstrto import U32_MAX
from zram_impl.parsing.writeback_args import parse_idle

AGES = {
    "h10: all": ("all", None),
    "h10: a newline": ("all\n", None),
    "7.3.4: a NUL ends the text": ("all\0x", None),
    "h14: 0 is an age": ("0", 0),
    "h14: an age": ("100000", 100000),
    "7.3.4: a newline after": ("5\n", 5),
    "7.3.4: hexadecimal": ("0x1", 1),
    "7.3.4: octal": ("010", 8),
    "7.3.4: the largest": ("4294967295", 4294967295),
}


@pytest.mark.parametrize(("text", "age"), list(AGES.values()), ids=list(AGES))
def test_idle(text: str, age: int | None) -> None:
    assert parse_idle(text) == age


H10 = ["ALL", "all all", "all ", " all"]
H14 = ["-1", "abc", "1s", "99999999999999999999"]
ASKED = ["", "\n", "all\n\n", "al", "alle", " 5", "5 ", "08", "0x", "4294967296", "1_0"]


@pytest.mark.parametrize("text", [*H10, *H14, *ASKED])
def test_idle_is_refused(text: str) -> None:
    with refused(EINVAL, "idle must be 'all' or an age of 0 to 4294967295 seconds, got ") as caught:
        parse_idle(text)
    assert repr(text) in str(caught.value)


@given(st.text() | st.lists(st.sampled_from([*"019xX+- \n\0", "all", "9" * 20]), max_size=6).map("".join))
def test_any_text_is_an_age_or_refused(text: str) -> None:
    try:
        age = parse_idle(text)
    except ZramError as refusal:
        assert refusal.errno == EINVAL  # noqa: PT017 - the other outcome is the rest of the test
        return
    assert age is None or 0 <= age <= U32_MAX
