"""The page about bugs put back is of the bugs there are, and none of the catalogue is forgotten."""

from collections import Counter

from docs import draw_variants
from docs.draw_variants import BUGS, NOT_HERE, PUTS_BACK
from spec.bugs.history import EVERY_VARIANT


def test_the_page_about_variants_is_not_stale() -> None:
    assert draw_variants.PAGE.read_text(encoding="utf-8") == draw_variants.page(), "run: python -m docs.draw_variants"


def test_every_bug_is_put_back_or_there_is_a_reason() -> None:
    put_back = {number for numbers in PUTS_BACK.values() for number in numbers}
    absent = Counter(number for numbers in NOT_HERE for number in numbers)
    assert sorted([*put_back, *absent.elements()]) == list(BUGS) == list(range(1, len(BUGS) + 1))


def test_a_variant_puts_back_what_it_says() -> None:
    assert PUTS_BACK.keys() <= {variant.name for variant in EVERY_VARIANT}
    designs = [variant for variant in EVERY_VARIANT if variant.name not in PUTS_BACK]
    assert {variant.name for variant in designs if "design" not in variant.mistake} == {"no_refund"}
