"""Quirks: none by default, all of them as the driver."""

from dataclasses import FrozenInstanceError, asdict, fields
from inspect import cleandoc

import pytest

from zram_impl import Quirks


def test_the_default_has_none_but_the_one_that_is_no_worse() -> None:
    assert [name for name, on in asdict(Quirks()).items() if on] == ["read_cancels_claim"]


def test_the_driver_has_all() -> None:
    assert set(asdict(Quirks.linux_7_3()).values()) == {True}


def test_each_is_explained() -> None:
    assert [f.name for f in fields(Quirks) if f"\n    {f.name}: " not in cleandoc(Quirks.__doc__ or "")] == []


def test_quirks_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(Quirks(), "queue_twice", True)  # noqa: B010 - the type checker sees a plain assignment too
