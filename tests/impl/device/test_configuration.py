"""A configuration refuses, with the driver's errno, what no device can be made with."""

import errno
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from tests.refused import refused
from zram_impl import Zram, ZramTypeError
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
    ("call", "text"),
    [
        (lambda: Zram().set_backing(cast("os.PathLike[str]", NoPath())), "backing must be a path"),
        (lambda: Zram().set_backing(device(blocks=0)), "must have at least 1 block, got 0"),
        (lambda: Zram().set_backing(device(blocks="4")), "must have at least 1 block"),
        (lambda: Zram().set_backing(device(name=None)), "must be a path or a backing device"),
        (lambda: Zram().set_backing(device(), "4K"), "size must be None for memory, which is no file, got '4K'"),
        (lambda: Zram(runtime=cast("Runtime", object())), r"runtime must have lock, condition, spawn.*, got <object"),
        (lambda: Zram(observer=cast("None", 5)), "observer must be callable, got 5"),
    ],
)
def test_what_no_device_can_be_made_with_is_refused(call: Callable[[], object], text: str) -> None:
    with refused(errno.EINVAL, text):
        call()


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


@pytest.mark.parametrize("path", [0, 1 << 70, 1.5, None, b"/dev/null", ("a",)])
def test_a_path_of_backing_dev_is_a_text(path: object) -> None:
    """The number of an open file was taken as its path, and others raised a TypeError of Python's own."""
    with Zram() as dev, pytest.raises(ZramTypeError, match="path must be a str, got "):
        dev.set_backing_path(cast("str", path))
