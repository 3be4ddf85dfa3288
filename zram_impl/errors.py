"""The one exception of this package.

What the world does wrong (bad arguments, a full or failing device, a store at the wrong time) is a `ZramError`
with the errno the driver would answer and a message with the values. What this package does wrong is an assert.
"""

import errno
import os
from typing import Final, NoReturn, SupportsIndex

_NAMES: Final = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP"}  # of two names the kernel's
_SHOWN: Final = 80
_DECIMAL_BITS: Final = 64


class ZramError(OSError):
    """A refused or failed operation: `errno` is the driver's, `strerror` says what, with which values.

    When an operation raises this before it started, the device is exactly as it was.
    """


class ZramTypeError(ZramError, TypeError):
    """An argument of a type that it cannot have: EINVAL, and a `TypeError` as well."""


def errno_name(code: int) -> str:
    """Return what the kernel calls an errno."""
    return _NAMES.get(code, str(code))


def refuse(code: int, message: str) -> ZramError:
    """Make the exception for `code` (an errno), its message led by the errno's name."""
    return ZramError(code, f"{errno_name(code)} ({os.strerror(code)}): {message}")


def refuse_type(message: str) -> ZramTypeError:
    """Make the exception for an argument of a wrong type."""
    return ZramTypeError(errno.EINVAL, str(refuse(errno.EINVAL, message).strerror))


def refuse_argument(value: object, kind: type | tuple[type, ...], message: str) -> ZramError:
    """Make the exception for a bad argument: of a wrong type unless it is of `kind`, and a bool is no int."""
    right = isinstance(value, kind) and not (isinstance(value, bool) and kind is int)
    return refuse(errno.EINVAL, message) if right else refuse_type(message)


def from_os(error: OSError, doing: str) -> ZramError:
    """Turn an error of the operating system into ours, keeping its errno (EIO if it has no errno)."""
    code = error.errno if error.errno is not None else errno.EIO
    return refuse(code, f"{doing}: {error.strerror or error}")


def shown(value: object) -> str:
    """Say in a message what a value was, in some dozens of characters, whatever it is."""
    try:
        # Python refuses to print thousands of decimal digits.
        text = f"{value:#x}" if isinstance(value, int) and value.bit_length() > _DECIMAL_BITS else repr(value)
    except Exception:  # what a caller hands in may have a repr of its own
        text = f"something of type {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}...{text[-_SHOWN // 2 :]}"


class Uncopied:
    """A mixin of what has threads, a file or memory of its own: a copy would be the same one under two names."""

    __slots__ = ()

    def __reduce_ex__(self, _protocol: SupportsIndex, /) -> NoReturn:  # type: ignore[explicit-override]  # from 3.12 on
        """Refuse to be copied or pickled."""
        name = type(self).__name__
        raise refuse_type(f"{name} must be shared, or made anew where it is needed: it cannot be copied or pickled")
