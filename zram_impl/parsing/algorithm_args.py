"""The texts that `comp_algorithm`, `recomp_algorithm` and `algorithm_params` take, and which priority a request means.

`choose_priority`, which depends on the algorithms that a device has, is apart from the parsing: the driver asks first
whether the device is initialised.

Kernel: comp_algorithm_store(), recomp_algorithm_store(), algorithm_params_store(), as of 7.3.4.
"""

from collections.abc import Sequence
from errno import E2BIG, EINVAL
from typing import Final, NamedTuple

from zram_impl.errors import refuse, shown
from zram_impl.parsing.kstrto import S32_MIN, as_bytes, c_string, parse_s32, whole
from zram_impl.parsing.next_arg import valued_arguments

PRIMARY: Final = 0
"""Priority of the algorithm that pages are written with."""

SECONDARY: Final = 1
"""Lowest priority that recompression may use."""

PRIORITIES: Final = 4

ALGORITHM_NAME_SIZE: Final = 128
"""A name must be shorter than this, in bytes and with its newline."""

_RECOMP_KEYS: Final = ("algo", "priority")
_PARAMS_KEYS: Final = ("priority", "level", "algo", "dict", "deflate.winbits")


class RecompAlgorithm(NamedTuple):
    """Parameters of `recomp_algorithm`: a name that nobody looked up yet, and where it goes."""

    algorithm: str
    priority: int


class AlgorithmParams(NamedTuple):
    """Parameters of `algorithm_params`; None is what was not given.

    Storing them drops all earlier ones of the same priority.
    """

    priority: int | None = None
    algorithm: str | None = None
    level: int | None = None
    dictionary: str | None = None
    winbits: int | None = None


def parse_algorithm_name(text: str) -> str:
    """Read an algorithm's name, without looking it up: one newline at its end does not belong to it.

    Kernel: __comp_algorithm_store(), sysfs_streq()
    """
    name = c_string(text)
    size = len(as_bytes(name))
    if size >= ALGORITHM_NAME_SIZE:
        raise refuse(E2BIG, f"algorithm name must be at most {ALGORITHM_NAME_SIZE - 1} bytes, got {size} of {name!r}")
    return name.removesuffix("\n")


def parse_recomp_algorithm(text: str, *, unknown_keys_ignored: bool) -> RecompAlgorithm:
    """Read the parameters of `recomp_algorithm`; without a priority it is the lowest.

    Kernel: recomp_algorithm_store()
    """
    algorithm: str | None = None
    priority = SECONDARY
    for key, value in valued_arguments(text, _RECOMP_KEYS, unknown_keys_ignored=unknown_keys_ignored):
        if key == "algo":
            algorithm = value
        elif key == "priority":
            priority = parse_s32(value)
    if algorithm is None:
        raise refuse(EINVAL, f"algo must be given, got {text!r}")
    _refuse_outside(priority, SECONDARY)
    return RecompAlgorithm(parse_algorithm_name(algorithm), priority)


def parse_algorithm_params(text: str, *, unknown_keys_ignored: bool) -> AlgorithmParams:
    """Read the parameters of `algorithm_params`; the priority's range is left to `choose_priority`.

    The smallest level or winbits is how the driver says "not given", so giving it is the same.

    Kernel: algorithm_params_store()
    """
    params = AlgorithmParams()
    for key, value in valued_arguments(text, _PARAMS_KEYS, unknown_keys_ignored=unknown_keys_ignored):
        match key:
            case "priority":
                params = params._replace(priority=parse_s32(value))
            case "level":
                params = params._replace(level=_parse_optional(value))
            case "algo":
                params = params._replace(algorithm=value)
            case "dict":
                params = params._replace(dictionary=value)
            case "deflate.winbits":
                params = params._replace(winbits=_parse_optional(value))
            case _:
                pass  # A key that means nothing here, and the caller lets it.
    return params


def choose_priority(
    priority: int | None, algorithm: str | None, configured: Sequence[str | None], *, lowest: int
) -> int:
    """Say which priority a request means on a device whose algorithms are `configured`, by priority.

    A priority and an algorithm must agree; an algorithm alone is looked up from `lowest` on; neither means `lowest`.
    Whether anything is configured at a priority that came without an algorithm is for the caller to ask.

    Kernel: validate_algo_priority(), lookup_algo_priority()
    """
    assert len(configured) == PRIORITIES, "one entry per priority"
    if priority is not None:
        _refuse_outside(priority, lowest)
    if algorithm is None:
        return lowest if priority is None else priority
    searched = range(lowest, PRIORITIES) if priority is None else (priority,)
    for candidate in searched:
        if configured[candidate] == algorithm:
            return candidate
    raise refuse(
        EINVAL, f"algorithm must be configured at priority {', '.join(map(str, searched))}, got {shown(algorithm)}"
    )


def _parse_optional(text: str) -> int | None:
    value = parse_s32(text)
    return None if value == S32_MIN else value


def _refuse_outside(priority: int, lowest: int) -> None:
    whole(priority, "priority", lowest, PRIORITIES - 1)
