"""Programs as tokens of a few characters, and back, whatever versions of anything else there are.

The first character is the version of the encoding. Then come bits, five a character: one that says whether the sizes
are the usual ones, then the three lists, each item preceded by a one and each list ended by a zero. Numbers are in
Elias gamma code, so small ones are short and none is too large. The last two characters are a check: any one character
that is wrong, and any two that are swapped, are found out.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise, repeat
from typing import Final

from stateful.schedules.program import BEFORE, Fault, FaultKind, Op, OpKind, Preemption, TaskProgram

VERSION: Final = "1"
_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Without i, l, o and u, which are taken for others."""
_READ_AS: Final = str.maketrans("ilo", "110")
_PRIME: Final = 1021
"""Below 32 * 32, so that two characters hold the check."""
_USUAL: Final = TaskProgram()
_SIZES_MOST: Final = 64
_ITEMS_MOST: Final = 1000
_SHORTEST: Final = 4
_BITS: Final = 5
"""A character."""


class BadTokenError(ValueError):
    """A text that is not a token."""


def encode(what: TaskProgram) -> str:
    """Return the token of a program."""
    sizes = (what.blocks, what.batch, what.threads)
    bits = "0" if sizes == (_USUAL.blocks, _USUAL.batch, _USUAL.threads) else "1" + "".join(map(_gamma, sizes))
    lists: tuple[Iterable[tuple[int, ...]], ...] = what.ops, what.faults, what.preemptions
    for items in lists:
        bits += "".join("1" + "".join(map(_gamma, item)) for item in items) + "0"
    bits += "0" * (-len(bits) % 5)
    body = VERSION + "".join(_DIGITS[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))
    return body + _check(body)


def decode(token: str) -> TaskProgram:
    """Return the program of a token; raise BadTokenError if it cannot be decoded."""
    plain = token.strip().lower().translate(_READ_AS)
    if len(plain) < _SHORTEST or set(plain) - set(_DIGITS):
        raise BadTokenError(f"{token!r} is not a token")
    body, check = plain[:-2], plain[-2:]
    if _check(body) != check:
        raise BadTokenError(f"{token!r} is mistyped: its check does not fit")
    if body[0] != VERSION:
        raise BadTokenError(f"{token!r} is a token of version {body[0]}; this is version {VERSION}")
    bits = iter("".join(f"{_DIGITS.index(digit):05b}" for digit in body[1:]))
    try:
        what = _program(bits)
    except StopIteration:
        raise BadTokenError(f"{token!r} ends too early") from None
    rest = "".join(bits)
    if len(rest) >= _BITS or "1" in rest:
        raise BadTokenError(f"{token!r} has more after its end")
    _refuse_nonsense(what, token)
    return what


def _program(bits: Iterator[str]) -> TaskProgram:
    usual = next(bits) == "0"
    sizes = (_USUAL.blocks, _USUAL.batch, _USUAL.threads) if usual else tuple(_read(bits) for _ in range(3))
    ops = tuple(Op(*row) for row in _items(bits, 3))
    faults = tuple(Fault(*row) for row in _items(bits, 2))
    return TaskProgram(ops, faults, tuple(Preemption(*row) for row in _items(bits, 2)), *sizes)


def _items(bits: Iterator[str], width: int) -> Iterator[list[int]]:
    for _ in repeat(None, _ITEMS_MOST):
        if next(bits, "0") == "0":
            return
        yield [_read(bits) for _ in range(width)]


def _gamma(number: int) -> str:
    binary = f"{number + 1:b}"
    return "0" * (len(binary) - 1) + binary


def _read(bits: Iterator[str]) -> int:
    zeros = 0
    while (bit := next(bits, None)) == "0":
        zeros += 1
    digits = [next(bits, None) for _ in range(zeros)]
    if bit is None or None in digits:
        raise BadTokenError("a number ends too early")
    return int("1" + "".join(filter(None, digits)), 2) - 1


def _check(body: str) -> str:
    total = sum((place + 1) * _DIGITS.index(digit) for place, digit in enumerate(body)) % _PRIME
    return _DIGITS[total >> 5] + _DIGITS[total & 31]


def _refuse_nonsense(what: TaskProgram, token: str) -> None:
    sizes = (what.blocks, what.batch, what.threads)
    sense = (
        all(1 <= size <= _SIZES_MOST for size in sizes)
        and all(op.lane <= BEFORE and op.does < len(OpKind) for op in what.ops)
        and all(fault.fails < len(FaultKind) for fault in what.faults)
        and all(a.step < b.step for a, b in pairwise(what.preemptions))
    )
    if not sense:
        raise BadTokenError(f"{token!r} is a program of another version")
