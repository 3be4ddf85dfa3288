"""The conditions a bug leaves open for every size are those refuted at a fixed size, by the other prover's own text."""

import pytest

from spec.bugs.batching_v3 import SpecBug
from spec.bugs.history import SEEDED_BUGS
from tests.spec.expected.open_any_size import OPEN
from tests.spec.expected.refuted import REFUTED

# Open because a number is not known after a step that changes it in two places; docs/all-sizes.md says more.
UNKNOWN_NUMBERS = {"block_released_in_flight": {"used blocks", "recount", "counters_equal_a_recount"}}


@pytest.mark.parametrize("bug", [pytest.param(each, id=each.name) for each in SEEDED_BUGS])
def test_two_provers_agree_on_a_bug(bug: SpecBug) -> None:
    refuted = {(action, claim) for action, claims in REFUTED[bug.name].items() for claim in claims}
    unknown = UNKNOWN_NUMBERS.get(bug.name, set())
    assert refuted == {(action, clause) for action, clause in OPEN[bug.name] if clause not in unknown}
