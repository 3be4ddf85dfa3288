"""Numbers, booleans and sizes as the kernel reads them from text: the same value, or the same errno.

| what an attribute reads | with | base | when it does not fit |
|---|---|---|---|
| writeback_limit, writeback_limit_enable, mem_used_max | `parse_u64` | 10 | EINVAL |
| writeback_batch_size | `parse_u32` | 10 | EINVAL |
| idle (an age) | `parse_u32` | 0 | EINVAL |
| reset | `parse_u16` | 10 | ERANGE |
| page_index=, page_indexes=, max_pages= | `parse_u64` | 10 | ERANGE |
| threshold= | `parse_u32` | 10 | ERANGE |
| priority=, level=, deflate.winbits=, hot_remove | `parse_s32` | 10 | ERANGE |
| disksize, mem_limit | `parse_size` | 0 | saturates |
| compressed_writeback | `parse_bool` | | |

ERANGE is what the kernel's function answers. An attribute that turns every failure into EINVAL passes `too_big=EINVAL`.
Text ends at its first NUL. Digits are ASCII. No blanks, one trailing newline, one leading `+`.

Kernel: kstrtoull(), kstrtouint(), kstrtou16(), kstrtoint(), kstrtobool(), memparse(), PAGE_ALIGN(), as of 7.3.4.
"""

import re
import string
from errno import EINVAL, ERANGE
from typing import Final, Literal, NamedTuple

from zram_impl.errors import refuse, refuse_argument, shown
from zram_impl.units import PAGE_SIZE

U16_MAX: Final = (1 << 16) - 1
U32_MAX: Final = (1 << 32) - 1
U64_MAX: Final = (1 << 64) - 1
S32_MIN: Final = -(1 << 31)
S32_MAX: Final = (1 << 31) - 1

_DIGITS: Final = {8: string.octdigits, 10: string.digits, 16: string.hexdigits}
# More digits than a u64 has in any of these bases. Python refuses to read thousands of decimal digits at all.
_TOO_MANY_DIGITS: Final = 23
_SHIFTS: Final = dict(zip("KMGTPEkmgtpe", (10, 20, 30, 40, 50, 60) * 2, strict=True))
_HEX_PREFIX: Final = re.compile("0[xX](?=[0-9a-fA-F])")
_BOOL: Final = re.compile("(?:(?P<yes>[eyt1]|on)|[dnf0]|of)", re.IGNORECASE | re.ASCII)
_PYTHON_SIZE: Final = re.compile("(0|[1-9][0-9]{0,19})([KMGkmg]?)")


class _Number(NamedTuple):
    """Digits at the start of a text: their value, where U64_MAX + 1 stands for anything above, and the rest."""

    value: int
    rest: str


def as_bytes(text: str, what: str = "text") -> bytes:
    """Return the bytes of a text, as the kernel gets them; EINVAL for one that cannot be encoded.

    They are those of UTF-8; a byte that is not part of it is a surrogate escape, as in paths from the system.
    """
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise refuse(EINVAL, f"{what} must be encodable, got {shown(text)}: {error.reason}") from error


def as_text(data: bytes) -> str:
    """Return the text that `as_bytes` makes these bytes of."""
    return data.decode(errors="surrogateescape")


def c_string(text: str) -> str:
    """Cut a text where a C string ends."""
    return text.partition("\0")[0]


def parse_u64(text: str, *, too_big: int = ERANGE) -> int:
    """Read a decimal number of up to 64 bits.

    Kernel: kstrtoull(), kstrtoul() on 64-bit machines
    """
    return _parse_unsigned(text, U64_MAX, 10, too_big)


def parse_u32(text: str, *, base: Literal[0, 10] = 10, too_big: int = ERANGE) -> int:
    """Read a number of up to 32 bits; base 0 lets 0x mean hexadecimal and a leading 0 octal.

    Kernel: kstrtouint()
    """
    return _parse_unsigned(text, U32_MAX, base, too_big)


def parse_u16(text: str) -> int:
    """Read a decimal number of up to 16 bits.

    Kernel: kstrtou16()
    """
    return _parse_unsigned(text, U16_MAX, 10, ERANGE)


def parse_s32(text: str) -> int:
    """Read a decimal number of 32 bits that may be negative.

    Kernel: kstrtoint()
    """
    message = f"number must be {S32_MIN} to {S32_MAX}, got {text!r}"
    body = c_string(text)
    if body.startswith("-"):
        value = -_whole(body[1:], 10, ERANGE, message)
    else:
        value = _whole(body.removeprefix("+"), 10, ERANGE, message)
    if not S32_MIN <= value <= S32_MAX:
        raise refuse(ERANGE, message)
    return value


def parse_bool(text: str) -> bool:
    """Read a boolean by its first letter, or its first two when that is an o; what follows does not matter.

    Kernel: kstrtobool()
    """
    found = _BOOL.match(c_string(text))
    if found is None:
        raise refuse(EINVAL, f"boolean must be 1, y, e, t, on, 0, n, d, f or off, got {text!r}")
    return found["yes"] is not None


def parse_size(text: str) -> int:
    """Read a size in bytes with one suffix K, M, G, T, P or E; what follows does not matter.

    `0x` means hexadecimal (where E is a digit), a leading 0 octal. What does not fit into 64 bits becomes U64_MAX. Zero
    is returned like any other: mem_limit takes it as "no limit", disksize must refuse it.

    Kernel: memparse()
    """
    number = _leading_number(c_string(text), 0)
    if number is None:
        raise refuse(EINVAL, f"size must be a number up to {U64_MAX}, then nothing or K, M, G, T, P, E, got {text!r}")
    return min(number.value << _SHIFTS.get(number.rest[:1], 0), U64_MAX)


def page_align(size: int) -> int:
    """Round a size up to whole pages; in 64 bits, so that a size within the last page of them becomes 0.

    Kernel: PAGE_ALIGN()
    """
    assert 0 <= size <= U64_MAX, f"a size is a u64: {size:#x}"
    return -(-size // PAGE_SIZE) * PAGE_SIZE & U64_MAX


def whole(value: int, what: str, lowest: int, most: int) -> int:
    """Return `value`, an argument of the Python interface; EINVAL unless it is a whole number from `lowest` to `most`.

    A bool, a float or a text is refused: callers may not use a type checker.
    """
    if type(value) is not int or not lowest <= value <= most:
        raise refuse_argument(value, int, f"{what} must be {lowest} to {most}, got {shown(value)}")
    return value


def truth(value: bool, what: str) -> bool:
    """Return `value`, an argument of the Python interface; EINVAL unless it is True, False, 1 or 0."""
    if type(value) not in (bool, int) or value not in (0, 1):
        raise refuse_argument(value, (bool, int), f"{what} must be True or False, got {shown(value)}")
    return bool(value)


def size_of(value: int | str) -> int:
    """Give the number of bytes that an argument of the Python interface means: an int, or digits with K, M or G.

    Stricter than `parse_size`: no other base, nothing after the suffix, nothing that does not fit, and no leading zero,
    which would be octal there. A bool or a float is no size.
    """
    size = _text_size(value) if isinstance(value, str) else value
    # Exactly an int: what the type checker did not see may be a bool, a float or None.
    if type(size) is not int or not 0 <= size <= U64_MAX:
        message = f"size must be 0 to {U64_MAX} bytes, as an int or as digits with K, M or G, got {shown(value)}"
        raise refuse_argument(value, str if isinstance(value, str) else int, message)
    return size


def _text_size(text: str) -> int | None:
    found = _PYTHON_SIZE.fullmatch(text)
    return None if found is None else int(found[1]) << _SHIFTS.get(found[2], 0)


def _parse_unsigned(text: str, maximum: int, base: Literal[0, 10], too_big: int) -> int:
    message = f"number must be 0 to {maximum}, got {text!r}"
    value = _whole(c_string(text).removeprefix("+"), base, too_big, message)
    if value > maximum:
        raise refuse(too_big, message)
    return value


def _whole(text: str, base: Literal[0, 10], too_big: int, message: str) -> int:
    """Read a text that is digits and at most a newline; too many digits count before what follows them.

    Kernel: _kstrtoull()
    """
    number = _leading_number(text, base)
    if number is not None and number.value > U64_MAX:
        raise refuse(too_big, message)
    if number is None or number.rest not in ("", "\n"):
        raise refuse(EINVAL, message)
    return number.value


def _leading_number(text: str, base: Literal[0, 10]) -> _Number | None:
    """Read the digits a text starts with, in base 10 or (base 0) in the base that its prefix says; None without digits.

    Kernel: _parse_integer_fixup_radix(), _parse_integer()
    """
    radix, body = (10, text) if base else _detect_radix(text)
    rest = body.lstrip(_DIGITS[radix])
    digits = body[: len(body) - len(rest)]
    if not digits:
        return None
    significant = digits.lstrip("0")
    value = int(significant or "0", radix) if len(significant) < _TOO_MANY_DIGITS else U64_MAX + 1
    return _Number(min(value, U64_MAX + 1), rest)


def _detect_radix(text: str) -> tuple[int, str]:
    """Give the base that a number's prefix says, and the text after `0x`."""
    if _HEX_PREFIX.match(text):
        return 16, text[2:]
    return (8 if text.startswith("0") else 10), text
