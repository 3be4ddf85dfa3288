"""An attribute is another one for a while, and afterwards what it was, or not there."""

import math

import pytest

from stateful.common.replaced import Replaced


class Above:
    @staticmethod
    def name() -> str:
        return "above"


class Below(Above):
    own = "own"


def test_an_attribute_is_another_one_for_a_while() -> None:
    before = vars(Above)["name"]
    with Replaced(Above, "name", staticmethod(lambda: "other")), Replaced(math, "pi", 3):
        assert (Below().name(), math.pi) == ("other", 3)
    assert vars(Above)["name"] is before
    assert math.pi > 3


@pytest.mark.parametrize("name", ["name", "absent"])
def test_what_a_class_has_not_of_its_own_is_taken_away_again(name: str) -> None:
    there = set(vars(Below))
    replaced = Replaced(Below, name, 1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), replaced:
            assert getattr(Below, name) / 0
        assert set(vars(Below)) == there
