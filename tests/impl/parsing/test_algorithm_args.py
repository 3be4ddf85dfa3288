"""Names, parameters and priorities of algorithms. Rows that say 7.3.4 were asked of that kernel, H is in KERNEL.md."""

import re
from errno import E2BIG, EINVAL, ERANGE

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.refused import refused
from zram_impl.errors import ZramError
from zram_impl.parsing.algorithm_args import (
    PRIORITIES,
    SECONDARY,
    AlgorithmParams,
    RecompAlgorithm,
    parse_algorithm_name,
    parse_algorithm_params,
    parse_recomp_algorithm,
)
from zram_impl.parsing.kstrto import S32_MAX

NAMES = {
    "h01: a name": ("lz4", "lz4"),
    "7.3.4: a newline": ("lz4\n", "lz4"),
    "7.3.4: two newlines are one too many": ("lz4\n\n", "lz4\n"),
    "7.3.4: blanks belong to it": (" lz4 ", " lz4 "),
    "7.3.4: a NUL ends it": ("lz4\0foo", "lz4"),
    "7.3.4: 127 bytes": ("x" * 127, "x" * 127),
    "7.3.4: the newline is one of them": ("x" * 126 + "\n", "x" * 126),
    "bytes, not characters": ("é" * 63, "é" * 63),
    "p5_blank_a0: a byte that is not UTF-8 is one byte": ("\udca0" * 127, "\udca0" * 127),
}


@pytest.mark.parametrize(("text", "name"), list(NAMES.values()), ids=list(NAMES))
def test_a_name_is_read(text: str, name: str) -> None:
    assert parse_algorithm_name(text) == name


@pytest.mark.parametrize("text", ["x" * 128, "x" * 127 + "\n", "é" * 64])
def test_a_name_of_128_bytes_is_too_long(text: str) -> None:
    with refused(E2BIG, "at most 127 bytes, got 128 of"):
        parse_algorithm_name(text)


RECOMP = {
    "the lowest priority": ("algo=zstd", RecompAlgorithm("zstd", 1)),
    "a priority": ("algo=zstd priority=3\n", RecompAlgorithm("zstd", 3)),
    "in any order": ("priority=2 algo=zstd", RecompAlgorithm("zstd", 2)),
    "the last of each counts": ("algo=a priority=1 algo=b priority=2", RecompAlgorithm("b", 2)),
    "a quoted newline does not belong to the name": ('algo="zstd\n"', RecompAlgorithm("zstd", 1)),
}


@pytest.mark.parametrize(("text", "read"), list(RECOMP.values()), ids=list(RECOMP))
def test_a_recompression_algorithm_is_read(text: str, read: RecompAlgorithm) -> None:
    assert parse_recomp_algorithm(text, unknown_keys_ignored=False) == read


RECOMP_REFUSED = {
    "H: no algorithm": ("priority=1", EINVAL, "algo must be given"),
    "H: nothing": ("", EINVAL, "algo must be given"),
    "H: the primary priority": ("algo=zstd priority=0", EINVAL, "priority must be 1 to 3, got 0"),
    "H: above the last priority": ("algo=zstd priority=4", EINVAL, "priority must be 1 to 3, got 4"),
    "a negative priority": ("algo=zstd priority=-1", EINVAL, "priority must be 1 to 3, got -1"),
    "a priority above 32 bits": ("algo=zstd priority=2147483648", ERANGE, "got '2147483648'"),
    "a bare word": ("zstd", EINVAL, "zstd must have a value, got none in 'zstd'"),
    "H: a long name": ("algo=" + "x" * 128, E2BIG, "got 128 of"),
    "the priority is checked before the name": (f"priority=0 algo={'x' * 128}", EINVAL, "must be 1 to 3, got 0"),
}


@pytest.mark.parametrize(("text", "errno", "message"), list(RECOMP_REFUSED.values()), ids=list(RECOMP_REFUSED))
def test_a_recompression_algorithm_is_refused(text: str, errno: int, message: str) -> None:
    with refused(errno, re.escape(message)):
        parse_recomp_algorithm(text, unknown_keys_ignored=False)


PARAMS = {
    "7.3.4: nothing": ("\n", AlgorithmParams()),
    "7.3.4: a level": ("level=1", AlgorithmParams(level=1)),
    "7.3.4: a negative level": (" level=-5\n", AlgorithmParams(level=-5)),
    "7.3.4: the largest level": ("level=2147483647", AlgorithmParams(level=S32_MAX)),
    "7.3.4: the smallest level is no level": ("level=1 level=-2147483648", AlgorithmParams()),
    "the smallest winbits is no winbits": ("deflate.winbits=-2147483648", AlgorithmParams()),
    "7.3.4: winbits": ("deflate.winbits=5", AlgorithmParams(winbits=5)),
    "7.3.4: an algorithm": ("algo=lz4 priority=0", AlgorithmParams(priority=0, algorithm="lz4")),
    "7.3.4: a dictionary": ("dict=/nonexistent", AlgorithmParams(dictionary="/nonexistent")),
    "a dictionary with a blank": ('dict="/a b"', AlgorithmParams(dictionary="/a b")),
    "a priority out of range is found later": ("priority=9", AlgorithmParams(priority=9)),
}


@pytest.mark.parametrize(("text", "params"), list(PARAMS.values()), ids=list(PARAMS))
def test_algorithm_parameters_are_read(text: str, params: AlgorithmParams) -> None:
    assert parse_algorithm_params(text, unknown_keys_ignored=False) == params


PARAMS_REFUSED = {
    "7.3.4: a bare word": ("level", EINVAL),
    "7.3.4: an empty value": ("level=", EINVAL),
    "7.3.4: no number": ("level=abc", EINVAL),
    "7.3.4: a level above 32 bits": ("level=2147483648", ERANGE),
    "7.3.4: a level below 32 bits": ("level=-2147483649", ERANGE),
    "7.3.4: a priority above 32 bits": ("priority=2147483648", ERANGE),
    "7.3.4: winbits": ("deflate.winbits=x", EINVAL),
    "7.3.4: a bare word after a good one": ("level=1 foo bar=1", EINVAL),
    "7.3.4: no dictionary": ("dict=", EINVAL),
}


@pytest.mark.parametrize(("text", "errno"), list(PARAMS_REFUSED.values()), ids=list(PARAMS_REFUSED))
def test_algorithm_parameters_are_refused(text: str, errno: int) -> None:
    with refused(errno):
        parse_algorithm_params(text, unknown_keys_ignored=False)


def test_an_unknown_key_is_refused_unless_it_is_ignored() -> None:
    assert parse_algorithm_params("foo=1", unknown_keys_ignored=True) == AlgorithmParams()
    assert parse_recomp_algorithm("algo=a foo=1", unknown_keys_ignored=True) == RecompAlgorithm("a", 1)
    with pytest.raises(ZramError, match=r"must be one of priority, level, algo, dict, deflate\.winbits"):
        parse_algorithm_params("foo=1", unknown_keys_ignored=False)
    with pytest.raises(ZramError, match="must be one of algo, priority"):
        parse_recomp_algorithm("algo=a foo=1", unknown_keys_ignored=False)


KEYS = ["level=", "priority=", "algo=", "dict=", "deflate.winbits=", "foo="]
PIECES = [*KEYS, "zstd", *'05-+"= \n\0', "9" * 20, "x" * 128]


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.booleans())
@example("\ud800" * 43, True)
def test_any_text_is_read_or_refused(text: str, ignored: bool) -> None:
    for parse, outcomes in (
        (parse_algorithm_params, {EINVAL, ERANGE}),
        (parse_recomp_algorithm, {EINVAL, ERANGE, E2BIG}),
    ):
        try:
            read = parse(text, unknown_keys_ignored=ignored)
        except ZramError as refusal:
            assert refusal.errno in outcomes  # noqa: PT017 - the other outcome is the rest of the test
        else:
            assert not isinstance(read, RecompAlgorithm) or SECONDARY <= read.priority < PRIORITIES


def test_a_text_that_has_no_bytes_is_not_a_name() -> None:
    with refused(EINVAL, "must be encodable"):
        parse_algorithm_name("\ud800")


@given(st.text())
def test_any_text_is_a_name_or_too_long(text: str) -> None:
    try:
        assert len(parse_algorithm_name(text)) < 128
    except ZramError as refusal:
        assert refusal.errno == E2BIG  # noqa: PT017 - both outcomes are right
