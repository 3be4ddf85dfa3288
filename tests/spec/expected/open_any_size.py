"""Which conditions each bug leaves open: the actions, and what they no longer keep, do or leave alone."""

from collections.abc import Mapping
from typing import Final

_OPEN: Final = """
early_release                  reap           a_good_write_of_an_unchanged_slot_makes_it_wb
unassigned_index               submit         a_kept_claim_means_unchanged_content
leak_on_error                  reap           every_block_has_one_owner
leak_on_lost_slot              reap           every_block_has_one_owner
leak_after_loop                drop_held      every_block_has_one_owner
no_refund                      reap           the_budget_is_conserved
inverted_no_space              reserve_block  every_block_has_one_owner
inverted_no_space              reserve_block  the_device_works_for_requests_in_flight
inverted_no_space              reserve_block  counters_equal_a_recount
inverted_no_space              reserve_block  a_written_back_block_holds_the_page
inverted_no_space              reserve_block  a_kept_claim_means_unchanged_content
not_detached                   submit         every_pp_slot_is_owned_once
not_detached                   submit         moves_towards_rest
not_drained                    end_pass       nothing_remains_at_rest
not_drained                    end_pass       nobody_touches_a_freed_control_block
late_charge                    reap           the_budget_is_conserved
stale_completion               reap           the_device_works_for_requests_in_flight
stale_completion               reap           a_written_back_block_holds_the_page
stale_completion               reap           a_failed_write_changes_nothing_but_the_claim
stale_completion               reap           a_pp_slot_is_released_after_its_request_completed
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
rescan_in_pass                 scan           every_pp_slot_is_owned_once
rescan_in_pass                 scan           a_kept_claim_means_unchanged_content
rescan_in_pass                 scan           a_pp_slot_is_released_after_its_request_completed
rescan_in_pass                 scan           moves_towards_rest
commit_without_claim           reap           slots_and_blocks_are_in_range
commit_without_claim           reap           every_block_has_one_owner
commit_without_claim           reap           only_written_back_slots_have_blocks
commit_without_claim           reap           a_read_that_re_validates_is_sound
commit_without_claim           reap           a_failed_write_changes_nothing_but_the_claim
write_keeps_claim              write          a_kept_claim_means_unchanged_content
block_released_in_flight       write          every_block_has_one_owner
block_released_in_flight       write          the_device_works_for_requests_in_flight
block_released_in_flight       write          counters_equal_a_recount
block_released_in_flight       write          used blocks
block_released_in_flight       write          recount
"""


def _table() -> Mapping[str, frozenset[tuple[str, str]]]:
    rows = [line.split(maxsplit=2) for line in _OPEN.strip().splitlines()]
    names = dict.fromkeys(name for name, _action, _clause in rows)
    return {name: frozenset((action, clause) for each, action, clause in rows if each == name) for name in names}


OPEN: Final = _table()
