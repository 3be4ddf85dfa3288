"""Errors: an OSError with the driver's errno and a message that names it."""

import errno
import os

import pytest

from zram_impl.errors import ZramError, from_os, refuse


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOENT, errno.EAGAIN, errno.ENOTBLK])
def test_a_refusal_carries_errno_its_name_and_the_message(code: int) -> None:
    error = refuse(code, "page must be 0 to 7, got 9")
    expected = f"{errno.errorcode[code]} ({os.strerror(code)}): page must be 0 to 7, got 9"
    assert (type(error), error.errno, error.strerror) == (ZramError, code, expected)


def test_an_errno_without_a_name_is_shown_as_a_number() -> None:
    assert str(refuse(9999, "what")).endswith("9999 (Unknown error 9999): what")


def test_a_zram_error_is_caught_as_oserror() -> None:
    with pytest.raises(OSError, match="EIO"):
        raise refuse(errno.EIO, "block 3")


def test_an_error_of_the_system_keeps_its_errno() -> None:
    error = from_os(OSError(errno.EACCES, "Permission denied"), "open 'pages.img'")
    assert (error.errno, error.strerror) == (
        errno.EACCES,
        "EACCES (Permission denied): open 'pages.img': Permission denied",
    )


def test_an_error_without_errno_becomes_eio() -> None:
    error = from_os(OSError("the cable is out"), "read block 3")
    expected = f"EIO ({os.strerror(errno.EIO)}): read block 3: the cable is out"
    assert (error.errno, error.strerror) == (errno.EIO, expected)
