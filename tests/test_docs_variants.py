"""The page about seeded bugs is up to date, and every bug of the catalogue is on it."""

from collections import Counter

from docs import draw_variants
from docs.draw_variants import BUGS, NOT_HERE, PUTS_BACK
from spec.bugs.history import EVERY_VARIANT


def test_the_page_about_seeded_bugs_is_up_to_date() -> None:
    assert draw_variants.PAGE.read_text(encoding="utf-8") == draw_variants.page(), "run: python -m docs.draw_variants"


def test_every_bug_is_seeded_or_has_a_reason() -> None:
    put_back = {number for numbers in PUTS_BACK.values() for number in numbers}
    absent = Counter(number for numbers in NOT_HERE for number in numbers)
    assert sorted([*put_back, *absent.elements()]) == list(BUGS) == list(range(1, len(BUGS) + 1))


def test_a_seeded_bug_is_of_the_catalogue_or_a_design() -> None:
    assert PUTS_BACK.keys() <= {variant.name for variant in EVERY_VARIANT}
    designs = [variant for variant in EVERY_VARIANT if variant.name not in PUTS_BACK]
    assert {variant.name for variant in designs if "design" not in variant.mistake} == {"no_refund"}
