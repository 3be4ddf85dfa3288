"""Mistakes made by hand: a method of the device is another one for the length of a test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import pytest

Mistake = Callable[[pytest.MonkeyPatch], None]
P = ParamSpec("P")


def replacing(owner: type, method: str, instead: object, name: str = "") -> Mistake:
    """Return what puts something else in the place of a method, under a name that tests have as their id."""

    def mistake(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(owner, method, instead)

    mistake.__name__ = name or f"{owner.__name__}.{method}"
    return mistake


def instead_of(owner: type, method: str) -> Callable[[Callable[P, object]], Mistake]:
    """Make of a function the mistake that it stands in the place of a method."""
    return lambda instead: replacing(owner, method, instead, instead.__name__)


def around(owner: type, method: str) -> Callable[[Callable[P, Iterator[None]]], Mistake]:
    """Make of a generator the mistake that a method runs where it yields."""

    def mistake_of(wrapping: Callable[P, Iterator[None]]) -> Mistake:
        proper, wrapped = getattr(owner, method), contextmanager(wrapping)

        def broken(*args: P.args, **kwargs: P.kwargs) -> object:
            with wrapped(*args, **kwargs):
                return proper(*args, **kwargs)

        return replacing(owner, method, broken, wrapping.__name__)

    return mistake_of
