"""Each bug put back leaves the conditions open that it should, and both provers say so."""

import pytest

from spec.history import EVERY_VARIANT
from spec.properties import EVERY_STEP
from spec.prove_conditions import Sizes
from spec.prove_variants import contracts_refuted_by, refuted_by
from spec.prove_witness import AS_A_STEP
from spec.variants import VARIANTS, Variant

# What z3 refutes: by variant and action, what the action no longer keeps or does.
REFUTED: dict[str, dict[str, set[str]]] = {
    "early_release": {"reap": {"a_good_write_of_an_unchanged_slot_makes_it_wb"}},
    "unassigned_index": {"submit": {"a_kept_claim_means_unchanged_content"}},
    "leak_on_error": {"reap": {"every_block_has_one_owner"}},
    "leak_on_lost_slot": {"reap": {"every_block_has_one_owner"}},
    "leak_after_loop": {"drop_held": {"every_block_has_one_owner"}},
    "no_refund": {"reap": {"the_budget_is_conserved"}},
    "inverted_no_space": {
        "reserve_block": {
            "a_kept_claim_means_unchanged_content",
            "a_written_back_block_holds_the_page",
            "counters_equal_a_recount",
            "every_block_has_one_owner",
            "the_device_works_for_requests_in_flight",
        }
    },
    "not_detached": {"submit": {"every_pp_slot_is_owned_once", "moves_towards_rest"}},
    "not_drained": {"end_pass": {"nobody_touches_a_freed_control_block", "nothing_remains_at_rest"}},
    "late_charge": {"reap": {"the_budget_is_conserved"}},
    "stale_completion": {
        "reap": {
            "a_failed_write_changes_nothing_but_the_claim",
            "a_pp_slot_is_released_after_its_request_completed",
            "a_written_back_block_holds_the_page",
            "the_device_works_for_requests_in_flight",
        }
    },
    "callback_after_free": {"end_pass": {"nobody_touches_a_freed_control_block"}},
    "refund_without_charge": {"reap": {"the_budget_is_conserved"}},
    "refund_to_a_newer_grant": {"reap": {"the_budget_is_conserved"}},
    "block_index_read_late": {"read_begin": {"a_read_that_re_validates_is_sound"}},
    "read_not_checked": {"read_end": {"a_read_ends_with_a_value_the_page_held"}},
    "read_checks_written_back_only": {"read_end": {"a_read_ends_with_a_value_the_page_held"}},
    "read_checks_block_only": {"read_end": {"a_read_ends_with_a_value_the_page_held"}},
    "huge_counted_twice": {"discard": {"counters_equal_a_recount"}},
    "released_twice": {"reap": {"counters_equal_a_recount"}},
    "rescan_in_pass": {
        "scan": {
            "a_kept_claim_means_unchanged_content",
            "a_pp_slot_is_released_after_its_request_completed",
            "every_pp_slot_is_owned_once",
            "moves_towards_rest",
        }
    },
    "commit_without_claim": {
        "reap": {
            "a_failed_write_changes_nothing_but_the_claim",
            "a_read_that_re_validates_is_sound",
            "every_block_has_one_owner",
            "only_written_back_slots_have_blocks",
            "slots_and_blocks_are_in_range",
        }
    },
    "write_keeps_claim": {"write": {"a_kept_claim_means_unchanged_content"}},
    "block_released_in_flight": {
        "write": {"every_block_has_one_owner", "the_device_works_for_requests_in_flight"},
    },
}
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
    of_the_step = {step.holds.__name__ for step in EVERY_STEP}
    expected = {
        variant.name: {
            action + AS_A_STEP * (claim in of_the_step)
            for action, claims in REFUTED[variant.name].items()
            for claim in claims
        }
        for variant in VARIANTS
    }
    assert contracts_refuted_by(VARIANTS, Sizes(2, 2, 1)) == expected


def test_no_answer_is_an_error() -> None:
    broken = VARIANTS[0]._replace(replaced=(VARIANTS[0].replaced[0]._replace(guard=lambda s, _r: s.held > s.held),))
    with pytest.raises(RuntimeError, match="vacuous"):
        refuted_by(broken)
