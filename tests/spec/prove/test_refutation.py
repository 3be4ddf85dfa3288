"""Each bug put back leaves the conditions open that it should, and both provers say so."""

import pytest

from spec.bugs.batching_v3 import VARIANTS, Variant
from spec.bugs.history import EVERY_VARIANT
from spec.prove.obligations import Sizes
from tests.spec.expected.refutation import contracts_refuted_by, refuted_by
from tests.spec.expected.refuted import REFUTED, contracts

# Nothing in it goes wrong: what should happen never does, which only a walk can see.
ONLY_NEVER = {"inverted_no_space"}


def test_every_variant_is_pinned() -> None:
    assert set(REFUTED) == {variant.name for variant in EVERY_VARIANT}


@pytest.mark.parametrize("variant", [pytest.param(variant, id=variant.name) for variant in EVERY_VARIANT])
def test_a_variant_leaves_open_what_it_breaks(variant: Variant) -> None:
    refuted = refuted_by(variant)
    assert refuted == REFUTED[variant.name]
    assert refuted.keys() <= {action.name for action in variant.replaced}
    assert variant.name in ONLY_NEVER or variant.breaks in set().union(*refuted.values())


def test_crosshair_refutes_the_same() -> None:
    assert contracts_refuted_by(VARIANTS, Sizes(2, 2, 1)) == {bug.name: contracts(bug.name) for bug in VARIANTS}


def test_no_answer_is_an_error() -> None:
    broken = VARIANTS[0]._replace(replaced=(VARIANTS[0].replaced[0]._replace(guard=lambda s, _r: s.held > s.held),))
    with pytest.raises(RuntimeError, match="vacuous"):
        refuted_by(broken)
