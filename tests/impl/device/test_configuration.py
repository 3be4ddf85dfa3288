"""A configuration refuses, with the driver's errno, what no device can be made with."""

import errno
import os
from types import SimpleNamespace
from typing import cast

import pytest

from tests.refused import refused
from zram_impl import Zram, ZramError
from zram_impl.bdev.device import BackingDevice
from zram_impl.device.config import Configuration
from zram_impl.runtime import Runtime


class NoPath:
    """An object whose path is no text."""

    def __fspath__(self) -> int:
        return 5


def device(blocks: object = 4, name: object = "memory") -> BackingDevice:
    """Return an object with the methods of a backing device."""
    methods = dict.fromkeys(("read", "write", "sync", "close"), lambda *_arguments: None)
    return cast("BackingDevice", SimpleNamespace(**methods, blocks=blocks, name=name))


@pytest.mark.parametrize(
    ("backing", "text"),
    [
        (cast("os.PathLike[str]", NoPath()), "backing must be a path"),
        (device(blocks=0), "must have at least 1 block, got 0"),
        (device(blocks="4"), "must have at least 1 block"),
        (device(name=None), "must be a path or a backing device"),
    ],
)
def test_what_is_no_backing_device_is_refused(backing: BackingDevice | os.PathLike[str], text: str) -> None:
    with refused(errno.EINVAL, text):
        Zram().set_backing(backing)


def test_what_is_no_runtime_is_refused() -> None:
    with refused(errno.EINVAL, r"runtime must have lock, condition, spawn.*, got <object"):
        Zram(runtime=cast("Runtime", object()))


def test_a_backing_device_has_a_size_of_its_own() -> None:
    with pytest.raises(ZramError, match="size must be None for memory, which is no file, got '4K'"):
        Zram().set_backing(device(), "4K")


def test_a_backing_device_is_taken_once() -> None:
    taken = device()
    with Zram() as dev:
        dev.set_backing(taken)
        with refused(errno.EBUSY, "is this device's already"):
            dev.set_backing(taken)
        equal = cast("BackingDevice", SimpleNamespace(**vars(taken)))
        assert equal == taken
        dev.set_backing(equal)  # another one that only looks the same


@pytest.mark.parametrize(
    ("path", "code"), [("", errno.EISDIR), ("nowhere/at all", errno.ENOENT), ("a\0b", errno.EINVAL)]
)
def test_a_path_that_names_nothing_is_refused(path: str, code: int) -> None:
    with refused(code):
        Configuration().check_named(path)


def test_hooks_must_be_callable() -> None:
    with pytest.raises(ZramError, match="observer must be callable, got 5"):
        Zram(observer=cast("None", 5))
