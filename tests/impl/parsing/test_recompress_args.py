"""The meaning of `recompress`. The kernels at hand lack it: the rows follow from the driver's text."""

import re
from errno import EINVAL, ERANGE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refused import refused
from zram_impl.errors import ZramError
from zram_impl.parsing.kstrto import S32_MAX, S32_MIN, U64_MAX
from zram_impl.parsing.recompress_args import RecompressMode, RecompressRequest, parse_recompress
from zram_impl.units import HUGE_CLASS_SIZE

IDLE, HUGE, HUGE_IDLE = RecompressMode.IDLE, RecompressMode.HUGE, RecompressMode.HUGE_IDLE

READ = {
    "nothing means all": ("", RecompressRequest()),
    "blanks": (" \n", RecompressRequest()),
    "type=idle": ("type=idle", RecompressRequest(mode=IDLE)),
    "type=huge": ("type=huge", RecompressRequest(mode=HUGE)),
    "type=huge_idle": ("type=huge_idle\n", RecompressRequest(mode=HUGE_IDLE)),
    "the last type counts": ("type=idle type=huge", RecompressRequest(mode=HUGE)),
    "a wrong type after a right one is ignored": ("type=idle type=bogus", RecompressRequest(mode=IDLE)),
    "type does not stop parsing": ("type=idle threshold=3000", RecompressRequest(mode=IDLE, threshold=3000)),
    "the largest threshold": (f"threshold={HUGE_CLASS_SIZE - 1}", RecompressRequest(threshold=HUGE_CLASS_SIZE - 1)),
    "the last threshold counts": ("threshold=9999 threshold=10", RecompressRequest(threshold=10)),
    "no page at all": ("max_pages=0", RecompressRequest(max_pages=0)),
    "the most pages": (f"max_pages={U64_MAX}", RecompressRequest(max_pages=U64_MAX)),
    "a priority": ("priority=2", RecompressRequest(priority=2)),
    "a priority out of range is found later": ("priority=-1", RecompressRequest(priority=-1)),
    "the smallest priority": ("priority=-2147483648", RecompressRequest(priority=S32_MIN)),
    "the largest priority": ("priority=2147483647", RecompressRequest(priority=S32_MAX)),
    "an algorithm": ("algo=zstd", RecompressRequest(algorithm="zstd")),
    "an algorithm nobody has": ('algo="no such"', RecompressRequest(algorithm="no such")),
    "all of it": (
        "algo=zstd priority=1 type=huge_idle max_pages=010 threshold=+5",
        RecompressRequest(HUGE_IDLE, threshold=5, max_pages=10, priority=1, algorithm="zstd"),
    ),
}


@pytest.mark.parametrize(("text", "request_read"), list(READ.values()), ids=list(READ))
@pytest.mark.parametrize("unknown_keys_ignored", [False, True])
def test_parameters_are_read(text: str, request_read: RecompressRequest, unknown_keys_ignored: bool) -> None:
    assert parse_recompress(text, unknown_keys_ignored=unknown_keys_ignored) == request_read


REFUSED = {
    "a bare word": ("idle", EINVAL, "idle must have a value, got none in 'idle'"),
    "H: an empty value": ("type=", EINVAL, "type must have a value, got none in 'type='"),
    "an unknown type": ("type=bogus", EINVAL, "got 'bogus'"),
    "all is no type": ("type=all", EINVAL, "got 'all'"),
    "incompressible is no type here": ("type=incompressible", EINVAL, "must be one of"),
    "a wrong type before a right one": ("type=bogus type=idle", EINVAL, "got 'bogus'"),
    "H: a threshold no object in memory can have": (f"threshold={HUGE_CLASS_SIZE}", EINVAL, "must be 0 to 3624"),
    "a threshold above 32 bits": ("threshold=4294967296", ERANGE, "must be 0 to 4294967295"),
    "a threshold is no size": ("threshold=2K", EINVAL, "got '2K'"),
    "pages above 64 bits": ("max_pages=18446744073709551616", ERANGE, "must be 0 to 18446744073709551615"),
    "a priority above 32 bits": ("priority=2147483648", ERANGE, "must be -2147483648 to 2147483647"),
    "no number": ("priority=high", EINVAL, "got 'high'"),
    "the first mistake decides": ("threshold=4294967296 type=bogus", ERANGE, "'4294967296'"),
    "the threshold's limit comes last": (
        "threshold=4000 max_pages=18446744073709551616",
        ERANGE,
        "18446744073709551616",
    ),
}


@pytest.mark.parametrize(("text", "errno", "message"), list(REFUSED.values()), ids=list(REFUSED))
@pytest.mark.parametrize("unknown_keys_ignored", [False, True])
def test_parameters_are_refused(text: str, errno: int, message: str, unknown_keys_ignored: bool) -> None:
    with refused(errno, re.escape(message)):
        parse_recompress(text, unknown_keys_ignored=unknown_keys_ignored)


def test_an_unknown_key_is_refused_unless_it_is_ignored() -> None:
    assert parse_recompress("page_index=1 type=idle", unknown_keys_ignored=True) == RecompressRequest(mode=IDLE)
    with refused(EINVAL, "must be one of type, max_pages, threshold, algo, priority"):
        parse_recompress("page_index=1 type=idle", unknown_keys_ignored=False)


PIECES = ["type=", "idle", "huge", "threshold=", "max_pages=", "priority=", "algo=", "foo=", *'035-+"= \n\0', "9" * 20]


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.booleans())
def test_any_text_is_a_request_or_refused(text: str, ignored: bool) -> None:
    try:
        request = parse_recompress(text, unknown_keys_ignored=ignored)
    except ZramError as refusal:
        assert refusal.errno in {EINVAL, ERANGE}  # noqa: PT017 - the other outcome is the rest of the test
        return
    assert 0 <= request.threshold < HUGE_CLASS_SIZE
    assert request.max_pages is None or 0 <= request.max_pages <= U64_MAX
    assert request.priority is None or S32_MIN <= request.priority <= S32_MAX
    assert request.algorithm != ""
