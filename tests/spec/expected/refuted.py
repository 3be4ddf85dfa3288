"""The conditions that z3 refutes of each bug at a fixed size: actions, and what they no longer keep or do."""

from collections.abc import Mapping
from typing import Final

from spec.model.properties import EVERY_STEP, MOVES_TOWARDS_REST
from spec.prove.counterexample import AS_A_STEP

_REFUTED: Final = """
early_release                  reap           a_good_write_of_an_unchanged_slot_makes_it_wb
unassigned_index               submit         a_kept_claim_means_unchanged_content
leak_on_error                  reap           every_block_has_one_owner
leak_on_lost_slot              reap           every_block_has_one_owner
leak_after_loop                drop_held      every_block_has_one_owner
no_refund                      reap           the_budget_is_conserved
inverted_no_space              reserve_block  a_kept_claim_means_unchanged_content
inverted_no_space              reserve_block  a_written_back_block_holds_the_page
inverted_no_space              reserve_block  counters_equal_a_recount
inverted_no_space              reserve_block  every_block_has_one_owner
inverted_no_space              reserve_block  the_device_works_for_requests_in_flight
not_detached                   submit         every_pp_slot_is_owned_once
not_detached                   submit         moves_towards_rest
not_drained                    end_pass       nobody_touches_a_freed_control_block
not_drained                    end_pass       nothing_remains_at_rest
late_charge                    reap           the_budget_is_conserved
stale_completion               reap           a_failed_write_changes_nothing_but_the_claim
stale_completion               reap           a_pp_slot_is_released_after_its_request_completed
stale_completion               reap           a_written_back_block_holds_the_page
stale_completion               reap           the_device_works_for_requests_in_flight
callback_after_free            end_pass       nobody_touches_a_freed_control_block
refund_without_charge          reap           the_budget_is_conserved
refund_to_a_newer_grant        reap           the_budget_is_conserved
block_index_read_late          read_begin     a_read_that_re_validates_is_sound
read_not_checked               read_end       a_read_ends_with_a_value_the_page_held
read_checks_written_back_only  read_end       a_read_ends_with_a_value_the_page_held
read_checks_block_only         read_end       a_read_ends_with_a_value_the_page_held
kept_by_index_only             read_kept      a_read_ends_with_a_value_the_page_held
huge_counted_twice             discard        counters_equal_a_recount
released_twice                 reap           counters_equal_a_recount
rescan_in_pass                 scan           a_kept_claim_means_unchanged_content
rescan_in_pass                 scan           a_pp_slot_is_released_after_its_request_completed
rescan_in_pass                 scan           every_pp_slot_is_owned_once
rescan_in_pass                 scan           moves_towards_rest
commit_without_claim           reap           a_failed_write_changes_nothing_but_the_claim
commit_without_claim           reap           a_read_that_re_validates_is_sound
commit_without_claim           reap           every_block_has_one_owner
commit_without_claim           reap           only_written_back_slots_have_blocks
commit_without_claim           reap           slots_and_blocks_are_in_range
write_keeps_claim              write          a_kept_claim_means_unchanged_content
block_released_in_flight       write          every_block_has_one_owner
block_released_in_flight       write          the_device_works_for_requests_in_flight
"""


def _table() -> Mapping[str, Mapping[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for name, action, claim in [line.split() for line in _REFUTED.strip().splitlines()]:
        found.setdefault(name, {}).setdefault(action, set()).add(claim)
    return found


REFUTED: Final = _table()
"""By bug and action."""

_OF_THE_STEP: Final = {*(step.holds.__name__ for step in EVERY_STEP), MOVES_TOWARDS_REST[0]}


def contracts(bug: str) -> set[str]:
    """Return the contracts (see `prove_contracts`) that a bug breaks."""
    of_actions = REFUTED[bug].items()
    return {action + AS_A_STEP * (claim in _OF_THE_STEP) for action, claims in of_actions for claim in claims}
