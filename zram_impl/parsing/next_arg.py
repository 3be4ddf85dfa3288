"""The words of a parameter string: `key=value` pairs with quotes, as the kernel splits them.

Words are parted by ASCII blanks. A double quote switches blanks off until the next one or the end. A word that starts
with a quote, or whose value does, loses that quote and one at its very end; quotes elsewhere stay. A first character is
never the `=` that parts key from value.

Kernel: next_arg(), skip_spaces()
"""

import re
from collections.abc import Iterator, Sequence
from errno import EINVAL
from typing import Final, NamedTuple

from zram_impl.errors import refuse
from zram_impl.parsing.kstrto import c_string

_WORD: Final = re.compile(r'(?:[^ \t\n\v\f\r"]|"[^"]*"?)+')


class Argument(NamedTuple):
    """One word: its key, and its value, which is empty for a bare word too (the driver makes no difference)."""

    key: str
    value: str


def split_arguments(text: str) -> list[Argument]:
    """Split a parameter string into its words.

    Kernel: the loop around next_arg()
    """
    return [_argument(word) for word in _WORD.findall(c_string(text))]


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
            raise refuse(EINVAL, f"{argument.key!r} in {text!r} has no value; known keys are {', '.join(known)}")
        if argument.key not in known and not unknown_keys_ignored:
            raise refuse(EINVAL, f"{argument.key!r} in {text!r} is not one of {', '.join(known)}")
        yield argument


def _argument(word: str) -> Argument:
    body = word.removeprefix('"')
    equals = body.find("=", 1)
    if word.startswith('"') or (equals > 0 and body.startswith('"', equals + 1)):
        body = body.removesuffix('"')
    if equals < 0:
        return Argument(body, "")
    return Argument(body[:equals], body[equals + 1 :].removeprefix('"'))
