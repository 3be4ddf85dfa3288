"""The kernel's reading of text, letter by letter: what `zram_impl` reads with regular expressions and `int`.

Written from what the kernel does, not from the device. Slow and plain on purpose: each function walks over the letters
once. What is refused is an errno, a negative number would be a value. `parsers` compares.
"""

from errno import E2BIG, EINVAL, ERANGE
from typing import Final, NamedTuple

_U64: Final = 2**64
_DIGITS: Final = "0123456789abcdef"
_BLANKS: Final = " \t\n\v\f\r\xa0"
"""Letters here are bytes: the last one is that of Latin-1."""
_NAME_BYTES: Final = 128
_PATH_BYTES: Final = 4096
"""Of a name and of a path, with the NUL behind it."""
_HUGE: Final = 3625
"""Objects of so many bytes take a whole page, and a threshold lies below."""
_MODES: Final = {"idle": 1, "huge": 2, "huge_idle": 3, "incompressible": 4}


class RefusedText(NamedTuple):
    """The text means nothing."""

    errno: int


def _until_nul(text: str) -> list[str]:
    letters = []
    for letter in text:
        if letter == "\0":
            break
        letters.append(letter)
    return letters


def _bytewise(text: str) -> list[str]:
    """Return a letter for each byte."""
    return [chr(byte) for byte in "".join(_until_nul(text)).encode(errors="surrogateescape")]


def _spelled(letters: str) -> str:
    """Return the text of letters that stand for bytes."""
    return letters.encode("latin-1").decode(errors="surrogateescape")


def _radix(letters: list[str], base: int) -> int:
    """Return the base of the number that these begin with, and take its prefix off."""
    if base:
        return base
    if letters[:1] != ["0"]:
        return 10
    prefix, digit = "".join(letters[:2]), "".join(letters[2:3])
    if prefix in ("0x", "0X") and digit and digit.lower() in _DIGITS:
        del letters[:2]
        return 16
    return 8


def _digits(letters: list[str], radix: int) -> int | None:
    """Take digits off, and return their value, which stops growing beyond 64 bits; None if there are no digits."""
    value, found = 0, False
    while letters and letters[0].isascii() and letters[0].lower() in _DIGITS[:radix]:
        value, found = min(_U64, value * radix + _DIGITS.index(letters.pop(0).lower())), True
    return value if found else None


def number(text: str, low: int, high: int, base: int = 10, too_big: int = ERANGE) -> int | RefusedText:
    """Read a number from `low` to `high`; a sign of its own only where it may be negative."""
    letters, sign = _until_nul(text), 1
    if letters[:1] == ["+"] or (letters[:1] == ["-"] and low < 0):
        sign = -1 if letters.pop(0) == "-" else 1
    value = _digits(letters, _radix(letters, base))
    if value == _U64:
        return RefusedText(too_big)
    if value is None or letters not in ([], ["\n"]):
        return RefusedText(EINVAL)
    return sign * value if low <= sign * value <= high else RefusedText(too_big)


def boolean(text: str) -> bool | RefusedText:
    """Read a yes or a no."""
    first, second = [*_until_nul(text.lower()), "", ""][:2]
    if first in ("y", "t", "1", "e") or (first, second) == ("o", "n"):
        return True
    return False if first in ("n", "f", "0", "d") or (first, second) == ("o", "f") else RefusedText(EINVAL)


def size(text: str) -> int | RefusedText:
    """Read a size with a suffix; what does not fit is as much as there is."""
    letters = _until_nul(text)
    value = _digits(letters, _radix(letters, 0))
    if value is None:
        return RefusedText(EINVAL)
    suffix = letters[0].upper() if letters and letters[0].isascii() else ""
    power = "KMGTPE".index(suffix) + 1 if suffix and suffix in "KMGTPE" else 0
    return min(value << 10 * power, _U64 - 1)


def words(text: str) -> list[tuple[str, str]]:
    """Split a parameter string into keys and values."""
    found: list[tuple[str, str]] = []
    letters, word, quoted = _bytewise(text), "", False
    for letter in [*letters, None]:
        if letter is None or (letter in _BLANKS and not quoted):
            if word:
                found.append(_pair(word))
            word = ""
        else:
            quoted ^= letter == '"'
            word += letter
    return found


def _pair(word: str) -> tuple[str, str]:
    opened = word[0] == '"'
    body = word[1:] if opened else word
    equals = body.find("=", 1)
    if equals > 0 and body[equals + 1 : equals + 2] == '"':
        opened, body = True, body[: equals + 1] + body[equals + 2 :]
    if opened and body.endswith('"'):
        body = body[:-1]
    return (_spelled(body), "") if equals < 0 else (_spelled(body[:equals]), _spelled(body[equals + 1 :]))


def writeback(text: str, pages: int, *, unknown_ignored: bool) -> list[tuple[int, int, int]] | RefusedText:
    """Read what `writeback` is asked to do: the number of a mode, and the pages from one up to another."""
    found: list[tuple[int, int, int]] = []
    first, last = 0, pages
    for key, value in words(text):
        if not value or key == "type":
            mode = _MODES.get(value or key)
            return RefusedText(EINVAL) if mode is None else [*found, (mode, first, last)]
        if key in ("page_index", "page_indexes"):
            ends = _ends(value, pages, ranged=key == "page_indexes")
            if isinstance(ends, RefusedText):
                return ends
            first, last = ends[0], ends[1] + 1
            found.append((0, first, last))
        elif not unknown_ignored:
            return RefusedText(EINVAL)
    return found


def _ends(text: str, pages: int, *, ranged: bool) -> tuple[int, int] | RefusedText:
    """Read one page or the two ends of a range."""
    parts = text.split("-", 1) if ranged else [text]
    if ranged and len(parts) == 1:
        return RefusedText(EINVAL)
    ends: list[int] = []
    for part in parts:
        page = number(part, 0, pages - 1)
        if isinstance(page, RefusedText):
            return page
        ends.append(page)
    return (ends[0], ends[-1]) if ends[0] <= ends[-1] else RefusedText(ERANGE)


def recompress(text: str, *, unknown_ignored: bool) -> tuple[object, ...] | RefusedText:
    """Read what `recompress` is asked to do: mode, threshold, pages, priority, algorithm; of two the later counts."""
    asked: dict[str, object] = {"type": "all", "threshold": 0, "max_pages": None, "priority": None, "algo": None}
    for key, value in words(text):
        if not value or not (unknown_ignored or key in asked):
            return RefusedText(EINVAL)
        meant = _meant(key, value, asked)
        if isinstance(meant, RefusedText):
            return meant
        asked |= {key: meant} if key in asked else {}
    too_large = isinstance(asked["threshold"], int) and asked["threshold"] >= _HUGE
    return RefusedText(EINVAL) if too_large else tuple(asked.values())


def _meant(key: str, value: str, asked: dict[str, object]) -> object:
    """Return what a value means; an unknown mode means nothing if there has been a known one."""
    if key == "type":
        known = value in ("idle", "huge", "huge_idle")
        return value if known else RefusedText(EINVAL) if asked[key] == "all" else asked[key]
    numeric = {"max_pages": (0, _U64 - 1), "threshold": (0, 2**32 - 1), "priority": (-(2**31), 2**31 - 1)}
    return number(value, *numeric[key]) if key in numeric else value


def age(text: str) -> int | RefusedText | None:
    """Read what `idle` marks: None is everything, else what was not used for so many seconds."""
    if "".join(_until_nul(text)) in ("all", "all\n"):
        return None
    seconds = number(text, 0, 2**32 - 1, base=0)
    return RefusedText(EINVAL) if isinstance(seconds, RefusedText) else seconds


def algorithm(text: str) -> str | RefusedText:
    """Read an algorithm's name: what is before one newline."""
    letters = _bytewise(text)
    if len(letters) >= _NAME_BYTES:
        return RefusedText(E2BIG)
    return _spelled("".join(letters[:-1] if letters[-1:] == ["\n"] else letters))


def path(text: str) -> str:
    """Read a path: what fits of it, before one newline."""
    letters = _bytewise(text)[: _PATH_BYTES - 1]
    return _spelled("".join(letters[:-1] if letters[-1:] == ["\n"] else letters))


def recomp_algorithm(text: str, *, unknown_ignored: bool) -> tuple[str, int] | RefusedText:
    """Read which algorithm is to have which priority, of 1 to 3."""
    asked: dict[str, object] = {"algo": None, "priority": 1}
    for key, value in words(text):
        if not value or not (unknown_ignored or key in asked):
            return RefusedText(EINVAL)
        meant = number(value, -(2**31), 2**31 - 1) if key == "priority" else value
        if isinstance(meant, RefusedText):
            return meant
        asked |= {key: meant} if key in asked else {}
    name, priority = asked["algo"], asked["priority"]
    if not isinstance(name, str) or priority not in (1, 2, 3):
        return RefusedText(EINVAL)
    read = algorithm(name)
    return read if isinstance(read, RefusedText) else (read, int(str(priority)))


def params(text: str, *, unknown_ignored: bool) -> tuple[object, ...] | RefusedText:
    """Read parameters: priority, algorithm, level, dictionary, winbits; a least level or winbits is as good as none."""
    asked: dict[str, object] = dict.fromkeys(("priority", "algo", "level", "dict", "deflate.winbits"))
    for key, value in words(text):
        if not value or not (unknown_ignored or key in asked):
            return RefusedText(EINVAL)
        meant: object = value
        if key in ("priority", "level", "deflate.winbits"):
            meant = number(value, -(2**31), 2**31 - 1)
        if isinstance(meant, RefusedText):
            return meant
        if key != "priority" and meant == -(2**31):
            meant = None
        asked |= {key: meant} if key in asked else {}
    return tuple(asked.values())
