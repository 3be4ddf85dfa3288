"""Refusals that a test expects: of which errno, in which words."""

import pytest

from zram_impl import ZramError


def refused(code: int, text: str | None = None) -> pytest.RaisesExc[ZramError]:
    """Expect a `ZramError` of an errno, whose message matches a pattern if one is given."""
    return pytest.raises(ZramError, match=text, check=lambda error: error.errno == code)


def errno_of(do: object, *args: object) -> int | None:
    """Call something that must be refused, with arguments of any types, and return the errno."""
    assert callable(do)
    with pytest.raises(ZramError) as caught:
        do(*args)
    return caught.value.errno
