"""The proof for every size as a part of a run: nothing open, and nothing vacuous, is taken for proved."""

from collections.abc import Iterator

import pytest

from spec.prove.unbounded import job
from spec.prove.unbounded.conditions import Given
from spec.prove.unbounded.equal import possible_at
from spec.prove.unbounded.job import conditions, prove, verdict
from spec.prove.unbounded.solve import DISCHARGED, VACUOUS, ProofAnswer
from spec.prove.verdict import CONFIRMED, REFUTED
from tests.spec.proofs import everything

KEEPS = ProofAnswer("keeps", "reap", "every_block_has_one_owner", DISCHARGED, 0.5)
POSSIBLE = ProofAnswer(possible_at(), "reap", "guard", DISCHARGED, 0.1, possible=True)


def test_of_any_size_everything_is_proved_and_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {answer[:3]: answer for answer in everything()}
    monkeypatch.setattr(job, "answers", lambda given: [known[each[:3]] for each in given.conditions])
    found = list(prove("any"))
    assert [each.condition for each in found] == conditions("any")
    assert [each.problem for each in found if not each.good] == []


def test_the_texts_are_compared_at_a_size() -> None:
    found = list(prove("1/1/1/1"))
    assert [each.condition for each in found] == conditions("1/1/1/1")
    assert {(each.said, each.vacuity_said) for each in found} == {(CONFIRMED, REFUTED)}


@pytest.mark.parametrize("said", ["no answer: timeout", "refuted at 2/2/1", VACUOUS])
def test_what_is_open_is_not_proved(said: str) -> None:
    assert verdict(KEEPS, possible=True).good
    assert not verdict(KEEPS._replace(verdict=said), possible=True).good
    assert verdict(KEEPS._replace(verdict=said), possible=True).said == said


@pytest.mark.parametrize(
    ("answers", "good"),
    [
        ((KEEPS, POSSIBLE), [True, True]),
        ((KEEPS,), [False]),
        ((KEEPS, POSSIBLE._replace(action="submit")), [False, True]),
        ((KEEPS, POSSIBLE._replace(verdict=VACUOUS, possible=False)), [False, False]),
        ((KEEPS, POSSIBLE._replace(verdict="no answer: timeout", possible=False)), [False, False]),
        ((KEEPS._replace(possible=True),), [True]),
    ],
)
def test_what_nothing_is_known_to_satisfy_is_not_proved(
    answers: tuple[ProofAnswer, ...], good: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(_given: Given) -> Iterator[ProofAnswer]:
        yield from answers

    monkeypatch.setattr(job, "_givens", lambda _which: [Given(lambda: True, ())])
    monkeypatch.setattr(job, "answers", asked)
    assert [each.good for each in prove("any")] == good
