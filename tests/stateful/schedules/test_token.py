"""Tokens: every program has one, it is short, and what is mistyped is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateful.schedules.program import LANES, Fault, FaultKind, Op, OpKind, Preemption, TaskProgram
from stateful.schedules.scenarios import SCENARIOS
from stateful.schedules.token import BadTokenError, decode, encode

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
ops = st.builds(Op, st.integers(0, LANES), st.sampled_from(OpKind), st.integers(0, 40))
faults = st.builds(Fault, st.sampled_from(FaultKind), st.integers(0, 40))
preemptions = st.dictionaries(st.integers(0, 300), st.integers(1, 5), max_size=9).map(
    lambda them: tuple(Preemption(*item) for item in sorted(them.items()))
)
sizes = st.integers(1, 9)
programs = st.builds(
    TaskProgram,
    st.lists(ops, max_size=6).map(tuple),
    st.lists(faults, max_size=3).map(tuple),
    preemptions,
    sizes,
    sizes,
    sizes,
)


@given(programs)
def test_every_program_has_a_token_that_is_its_own(what: TaskProgram) -> None:
    assert decode(encode(what)) == what


@given(programs, st.data())
def test_one_wrong_character_is_noticed(what: TaskProgram, data: st.DataObject) -> None:
    token = encode(what)
    at = data.draw(st.integers(0, len(token) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in DIGITS if digit != token[at]]))
    with pytest.raises(BadTokenError, match="mistyped"):
        decode(token[:at] + wrong + token[at + 1 :])


@given(programs, st.data())
def test_two_swapped_characters_are_noticed(what: TaskProgram, data: st.DataObject) -> None:
    token = encode(what)
    first, second = sorted(data.draw(st.lists(st.integers(0, len(token) - 1), min_size=2, max_size=2, unique=True)))
    swapped = list(token)
    swapped[first], swapped[second] = token[second], token[first]
    if "".join(swapped) != token:
        with pytest.raises(BadTokenError, match="mistyped"):
            decode("".join(swapped))


@pytest.mark.parametrize("nonsense", ["", "1", "hello world", "1cqb4h08", "2cqb4h084", "1cqb4h084é", "----", "0" * 50])
def test_nonsense_is_refused(nonsense: str) -> None:
    with pytest.raises(BadTokenError):
        decode(nonsense)


def test_a_token_of_another_version_says_so() -> None:
    with pytest.raises(BadTokenError, match="version 2; this is version 1"):
        decode("2cqb4h08" + "5")


def test_a_scenario_with_a_preemption_is_a_few_characters() -> None:
    lengths = [len(encode(what._replace(preemptions=(Preemption(5, 1),)))) for what in SCENARIOS.values()]
    assert max(lengths) <= 22
    assert min(lengths) <= 9


def test_letters_that_look_like_digits_are_read_as_such() -> None:
    token = encode(SCENARIOS["pass and write"])
    assert decode(token.upper().replace("1", "I").replace("0", "O")) == SCENARIOS["pass and write"]


def test_tokens_stay_what_they_are() -> None:
    """Tokens are kept in other places than this repository."""
    what = SCENARIOS["pass and write"]._replace(preemptions=(Preemption(3, 1),))
    assert encode(what) == "1cqb4h084"
