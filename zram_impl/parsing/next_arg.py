"""The words of a parameter string: `key=value` pairs with quotes, as the kernel splits them.

Words are parted by blanks, which are bytes: those of ASCII, and A0, the no-break space of Latin-1, even where it is the
last byte of another character in UTF-8. A double quote switches blanks off until the next one or the end. A word that
starts with a quote, or whose value does, loses that quote and one at its very end; quotes elsewhere stay. A first
character is never the `=` that parts key from value.

Kernel: next_arg(), skip_spaces(), isspace()
"""

import re
from collections.abc import Iterator, Sequence
from errno import EINVAL
from typing import Final, NamedTuple

from zram_impl.errors import refuse
from zram_impl.parsing.kstrto import as_bytes, as_text, c_string

_WORD: Final = re.compile(rb'(?:[^ \t\n\v\f\r\xa0"]|"[^"]*"?)+')


class Argument(NamedTuple):
    """One word: its key, and its value, which is empty for a bare word too (the driver makes no difference)."""

    key: str
    value: str


def split_arguments(text: str) -> list[Argument]:
    """Split a parameter string into its words.

    Kernel: the loop around next_arg()
    """
    found: list[bytes] = _WORD.findall(as_bytes(c_string(text)))
    return [_argument(word) for word in found]


def valued_arguments(text: str, known: Sequence[str], *, unknown_keys_ignored: bool) -> Iterator[Argument]:
    """Yield the words of a parameter string in which each must have a value.

    One at a time, so that of two mistakes the first one decides the errno.

    Args:
        text: The parameter string.
        known: The keys that mean something. Others are yielded too, unless they are refused.
        unknown_keys_ignored: As the driver does; else an unknown key is EINVAL.

    Kernel: the head of the loops in recompress_store(), recomp_algorithm_store(), algorithm_params_store()
    """
    for argument in split_arguments(text):
        if not argument.value:
            raise refuse(
                EINVAL, f"{argument.key} must have a value, got none in {text!r}; known keys are {', '.join(known)}"
            )
        if argument.key not in known and not unknown_keys_ignored:
            raise refuse(EINVAL, f"key must be one of {', '.join(known)}, got {argument.key!r} in {text!r}")
        yield argument


def _argument(word: bytes) -> Argument:
    body = word.removeprefix(b'"')
    equals = body.find(b"=", 1)
    if word.startswith(b'"') or (equals > 0 and body.startswith(b'"', equals + 1)):
        body = body.removesuffix(b'"')
    if equals < 0:
        return Argument(as_text(body), "")
    return Argument(as_text(body[:equals]), as_text(body[equals + 1 :].removeprefix(b'"')))
