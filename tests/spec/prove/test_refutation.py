"""Each seeded bug leaves the conditions open that it should, and both provers say so."""

import pytest

from spec.bugs.batching_v3 import BATCHING_V3, SpecBug
from spec.bugs.history import SEEDED_BUGS
from spec.prove.obligations import Sizes
from tests.spec.expected.refutation import contracts_refuted_by, refuted_by
from tests.spec.expected.refuted import REFUTED, contracts

# Nothing in it goes wrong: what should happen never does, which only a search can see.
ONLY_NEVER = {"inverted_no_space"}


def test_every_bug_is_pinned() -> None:
    assert set(REFUTED) == {bug.name for bug in SEEDED_BUGS}


@pytest.mark.usefixtures("unmeasured")  # z3 is asked through the same lines, many times
@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in SEEDED_BUGS])
def test_a_bug_leaves_open_what_it_breaks(bug: SpecBug) -> None:
    refuted = refuted_by(bug)
    assert refuted == REFUTED[bug.name]
    assert refuted.keys() <= {action.name for action in bug.replaced}
    assert bug.name in ONLY_NEVER or bug.breaks in set().union(*refuted.values())


def test_crosshair_refutes_the_same() -> None:
    assert contracts_refuted_by(BATCHING_V3, Sizes(2, 2, 1)) == {bug.name: contracts(bug.name) for bug in BATCHING_V3}


def test_no_answer_is_an_error() -> None:
    broken = BATCHING_V3[0]._replace(
        replaced=(BATCHING_V3[0].replaced[0]._replace(guard=lambda s, _r: s.held > s.held),)
    )
    with pytest.raises(RuntimeError, match="vacuous"):
        refuted_by(broken)
