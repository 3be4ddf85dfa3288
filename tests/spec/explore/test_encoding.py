"""A state as one int and back."""

import pytest

from spec.explore import encoding
from spec.explore.encoding import Encoding, mask, mask_of
from spec.model.state import State
from spec.model.user import toggle_limit
from tests.spec.states import BUSY

BUDGET = State._fields.index("budget")
DISABLED = toggle_limit(BUSY)


def test_a_state_is_packed_and_unpacked() -> None:
    states = Encoding()
    codes = [states.encode(s) for s in (BUSY, DISABLED, BUSY)]
    assert codes[0] == codes[2] != codes[1]
    assert [states.decode(code) for code in codes] == [BUSY, DISABLED, BUSY]


def test_states_agree_under_a_mask_where_their_fields_agree() -> None:
    states = Encoding()
    one, other = states.encode(BUSY), states.encode(DISABLED)
    assert one & mask((BUDGET,)) != other & mask((BUDGET,))
    rest = mask(tuple(f for f in range(len(State._fields)) if f != BUDGET))
    assert one & rest == other & rest
    assert mask_of(toggle_limit, BUSY) == mask((BUDGET,))


def test_a_difference_leads_from_one_state_to_another() -> None:
    states = Encoding()
    code = states.encode(BUSY)
    assert states.decode(code + states.difference(code, DISABLED, (BUDGET,))) == DISABLED


def test_a_field_with_too_many_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "_FIELD", 0)
    states = Encoding()
    states.encode(BUSY)
    with pytest.raises(AssertionError, match="budget has more than 0 values"):
        states.encode(DISABLED)
