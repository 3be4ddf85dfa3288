"""Refusals that a test expects, of an errno and in words; and those that it makes."""

from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

import pytest

from zram_impl import ZramError


def refused(code: int, text: str = "") -> pytest.RaisesExc[ZramError]:
    """Expect a `ZramError` of an errno, whose message matches a pattern if one is given."""
    return pytest.raises(ZramError, match=text or None, check=lambda error: error.errno == code)


def errno_of(do: object, *args: object) -> int | None:
    """Call something that must be refused, with arguments of any types, and return the errno."""
    assert callable(do)
    with pytest.raises(ZramError) as caught:
        do(*args)
    return caught.value.errno


def wrong_call(
    capsys: pytest.CaptureFixture[str], main: Callable[[Sequence[str]], object], arguments: Sequence[str]
) -> str:
    """Call a command wrongly, which must be exit code 2 and nothing but a complaint, and return that."""
    with pytest.raises(SystemExit, check=lambda ended: ended.code == 2):
        main(arguments)
    out, err = capsys.readouterr()
    assert out == ""
    return err


class Raiser(Protocol):
    """A function that returns from no call."""

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        """Raise."""


def raising(kind: type[BaseException], *said: object) -> Raiser:
    """Return a stand-in for any function: each call raises an exception of its own."""

    def fail(*_args: object, **_kwargs: object) -> NoReturn:
        raise kind(*said)

    return fail
