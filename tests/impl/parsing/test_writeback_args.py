"""The meaning of `writeback`.

Rows: a letter and digits are a recording (x29d: of HAZARDS.md), B and L are sections of KERNEL.md, 7.3.4 was asked of
that kernel.
"""

from errno import EINVAL, ERANGE

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.refused import refused
from zram_impl.decisions import Mode
from zram_impl.errors import ZramError
from zram_impl.parsing.writeback_args import Scan, WritebackRequest, parse_mode, parse_writeback

HUGE, IDLE, PAGES = Mode.HUGE, Mode.IDLE, Mode.PAGES
N = 16

SCANS: dict[str, tuple[str, list[tuple[Mode, int, int]]]] = {
    "h10: nothing": ("", []),
    "h10: a blank": (" ", []),
    "h10: a newline": ("\n", []),
    "h01: idle": ("idle", [(IDLE, 0, N)]),
    "h26: huge": ("huge", [(HUGE, 0, N)]),
    "h13: huge_idle": ("huge_idle", [(Mode.HUGE_IDLE, 0, N)]),
    "h26: incompressible": ("incompressible", [(Mode.INCOMPRESSIBLE, 0, N)]),
    "r08: type=huge": ("type=huge", [(HUGE, 0, N)]),
    "r03: type=idle": ("type=idle", [(IDLE, 0, N)]),
    "r18: type=huge_idle": ("type=huge_idle", [(Mode.HUGE_IDLE, 0, N)]),
    "h26: type=incompressible": ("type=incompressible", [(Mode.INCOMPRESSIBLE, 0, N)]),
    "h10: idle huge means idle": ("idle huge", [(IDLE, 0, N)]),
    "h10: huge idle means huge": ("huge idle", [(HUGE, 0, N)]),
    "L.19, 7.3.4: type= stops parsing": ("type=huge page_index=10", [(HUGE, 0, N)]),
    "7.3.4: what follows a mode may be wrong": ("huge bogus page_index=99", [(HUGE, 0, N)]),
    "7.3.4: even another type=": ("type=huge type=bogus", [(HUGE, 0, N)]),
    "7.3.4: the last page": ("page_index=15", [(PAGES, 15, 16)]),
    "h13: the whole device": ("page_indexes=0-15", [(PAGES, 0, 16)]),
    "7.3.4: plus signs in a range": ("page_indexes=+1-+2", [(PAGES, 1, 3)]),
    "d01: the same page twice": ("page_index=3 page_index=3", [(PAGES, 3, 4), (PAGES, 3, 4)]),
    "d01: ranges may overlap": ("page_indexes=4-6 page_indexes=5-7", [(PAGES, 4, 7), (PAGES, 5, 8)]),
    "B: pages and ranges mix": ("page_index=1 page_indexes=8-9", [(PAGES, 1, 2), (PAGES, 8, 10)]),
    "d01, B: a mode scans the last range": ("page_indexes=13-14 type=idle", [(PAGES, 13, 15), (IDLE, 13, 15)]),
    "d01, B: a bare mode too": ("page_indexes=10-12 idle", [(PAGES, 10, 13), (IDLE, 10, 13)]),
    "d01, B: and the last page": ("page_index=9 type=huge", [(PAGES, 9, 10), (HUGE, 9, 10)]),
    "7.3.4: not the ones before": ("page_index=1 page_index=2 huge", [(PAGES, 1, 2), (PAGES, 2, 3), (HUGE, 2, 3)]),
    "7.3.4: quotes": ('page_index="4" "type=huge"', [(PAGES, 4, 5), (HUGE, 4, 5)]),
    "7.3.4: a NUL ends the text": ("page_index=1\0bogus", [(PAGES, 1, 2)]),
}


@pytest.mark.parametrize(("text", "scans"), list(SCANS.values()), ids=list(SCANS))
@pytest.mark.parametrize("unknown_keys_ignored", [False, True])
def test_scans(text: str, scans: list[tuple[Mode, int, int]], unknown_keys_ignored: bool) -> None:
    expected = WritebackRequest(tuple(Scan(*scan) for scan in scans))
    assert parse_writeback(text, N, unknown_keys_ignored=unknown_keys_ignored) == expected


# With 8 pages: the pages scanned, or the errno.
H09: dict[str, tuple[int, int] | int] = {
    "page_index=8": ERANGE,
    "page_index=9999999": ERANGE,
    "page_index=-1": EINVAL,
    "page_index=18446744073709551615": ERANGE,
    "page_index=18446744073709551616": ERANGE,
    "page_index=9223372036854775808": ERANGE,
    "page_index=0x1": EINVAL,
    "page_index= 1": EINVAL,
    "page_index=1 ": (1, 2),
    "page_index=2\n": (2, 3),
    "page_index=+3": (3, 4),
    "page_index=03": (3, 4),
    "page_indexes=8-9": ERANGE,
    "page_indexes=0-8": ERANGE,
    "page_indexes=5-4": ERANGE,
    "page_indexes=4-4": (4, 5),
    "page_indexes=6-7": (6, 8),
    "page_indexes=0-7": (0, 8),
}


@pytest.mark.parametrize(("text", "answer"), list(H09.items()), ids=repr)
def test_h09(text: str, answer: tuple[int, int] | int) -> None:
    if isinstance(answer, tuple):
        assert parse_writeback(text, 8, unknown_keys_ignored=True).scans == (Scan(PAGES, *answer),)
        return
    with refused(answer):
        parse_writeback(text, 8, unknown_keys_ignored=True)


REFUSED = {
    **{f"h10: {text!r}": (text, EINVAL) for text in ("IDLE", "hug", "hugee", "type=", "type=bogus", "type", "foo")},
    **{f"h10: {text!r}": (text, EINVAL) for text in ("page_index", "page_index=", "page_index=1,2", "page_index=abc")},
    **{f"h10: page_indexes={text}": (f"page_indexes={text}", EINVAL) for text in ("1", "1-", "-3", "a-b", "1-2-3", "")},
    "7.3.4: its start is checked first": ("page_indexes=99-abc", ERANGE),
    "7.3.4: its start must be a number": ("page_indexes=abc-99", EINVAL),
    "7.3.4: its end is above 64 bits": ("page_indexes=1-99999999999999999999", ERANGE),
    "7.3.4: two dashes": ("page_indexes=1--2", EINVAL),
    "7.3.4: a dash alone": ("page_indexes=-", EINVAL),
    "h10, L.19: a wrong word after good ones": ("page_index=0 bogus", EINVAL),
    "h10, L.19: a page outside after good ones": ("page_index=0 page_index=99", ERANGE),
    "7.3.4: the first mistake decides, EINVAL": ("bogus page_index=99", EINVAL),
    "7.3.4: the first mistake decides, ERANGE": ("page_index=99 bogus", ERANGE),
    "7.3.4: an unknown key without value": ("foo=", EINVAL),
    "7.3.4: an unknown key with an empty one": ('foo="" huge', EINVAL),
    "7.3.4: PAGES is no word": ("pages", EINVAL),
    "7.3.4: a quoted blank": ('" "', EINVAL),
    "7.3.4: two quotes in front": ('""huge', EINVAL),
}


@pytest.mark.parametrize(("text", "errno"), list(REFUSED.values()), ids=list(REFUSED))
@pytest.mark.parametrize("unknown_keys_ignored", [False, True])
def test_refusals(text: str, errno: int, unknown_keys_ignored: bool) -> None:
    with refused(errno):
        parse_writeback(text, N, unknown_keys_ignored=unknown_keys_ignored)


UNKNOWN = {
    "h10: alone": ("foo=1", []),
    "h10: before a mode": ("foo=1 huge", [(HUGE, 0, N)]),
    "rf01: after a page": ("page_index=1 foo=bar", [(PAGES, 1, 2)]),
    "x29d: a key misspelt": ("page_idx=0", []),
    "x29d: a key of another attribute": ("limit=3", []),
    "7.3.4: a key in capitals": ("TYPE=bogus", []),
    "7.3.4: a dash is no underscore": ("page-index=1", []),
    "7.3.4: a mode as key": ("huge=1", []),
    "7.3.4: a quoted key": ('"type"=huge', []),
}


@pytest.mark.parametrize(("text", "scans"), list(UNKNOWN.values()), ids=list(UNKNOWN))
def test_an_unknown_key_is_refused_unless_it_is_ignored(text: str, scans: list[tuple[Mode, int, int]]) -> None:
    request = parse_writeback(text, N, unknown_keys_ignored=True)
    assert request.scans == tuple(Scan(*scan) for scan in scans)
    with refused(EINVAL, "must be one of type, page_index, page_indexes"):
        parse_writeback(text, N, unknown_keys_ignored=False)


def test_after_the_mode_nothing_is_unknown() -> None:
    assert parse_writeback("huge foo=1", N, unknown_keys_ignored=False).scans == (Scan(HUGE, 0, N),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hug", "mode must be one of idle, huge, huge_idle, incompressible, got 'hug'"),
        ("page_index=16", "page must be 0 to 15, got '16'"),
        ("page_indexes=3", "page_indexes must be LO-HI within 0-15, got '3'"),
        ("page_indexes=3-2", "page_indexes must be LO-HI within 0-15, got '3-2', which ends before it starts"),
    ],
)
def test_a_refusal_names_the_text_and_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ZramError) as caught:
        parse_writeback(text, N, unknown_keys_ignored=False)
    assert message in str(caught.value)


def test_every_mode_but_pages_has_a_name() -> None:
    assert [parse_mode(mode.name.lower()) for mode in Mode if mode is not PAGES] == list(Mode)[1:]


PIECES = [*("page_index=", "page_indexes=", "type=", "huge", "idle", "foo="), *'03-"= \n\0', "16", "9" * 20]
TEXTS = st.text() | st.lists(st.sampled_from(PIECES), max_size=9).map("".join)


@given(TEXTS, st.integers(1, 20), st.booleans())
@example("page_index=\ud800", 1, True)
def test_any_text_is_scans_inside_the_device_or_refused(text: str, pages: int, ignored: bool) -> None:
    try:
        scans = parse_writeback(text, pages, unknown_keys_ignored=ignored).scans
    except ZramError as refusal:
        assert refusal.errno in {EINVAL, ERANGE}  # noqa: PT017 - the other outcome is the rest of the test
        return
    assert all(0 <= scan.lo < scan.hi <= pages for scan in scans)
    assert all(scan.mode is PAGES for scan in scans[:-1]), "a mode ends the text"


@given(TEXTS, st.integers(1, 20))
def test_refusing_unknown_keys_changes_nothing_else(text: str, pages: int) -> None:
    try:
        strict = parse_writeback(text, pages, unknown_keys_ignored=False)
    except ZramError:
        return
    assert strict == parse_writeback(text, pages, unknown_keys_ignored=True)
