/* What always holds: an inline a clause, with the name of the clause. */

inline every_block_has_one_owner() {
	for (b : 0 .. BLOCKS - 1) {
		n = (held_blk == b);
		for (i : 0 .. SLOTS - 1) { n = n + (slot[i].wb && slot[i].handle == b) };
		for (r : 0 .. REQUESTS - 1) { n = n + (req[r].blk == b) };
		assert(n == used[b])
	}
}

inline only_written_back_slots_have_blocks() {
	for (i : 0 .. SLOTS - 1) {
		assert(slot[i].wb == (slot[i].handle < BLOCKS));
		assert(!slot[i].same || (slot[i].handle == NONE));
		assert(!slot[i].huge || (slot[i].handle != NONE));
		assert(!(slot[i].pp || slot[i].idle) || IN_MEMORY(i))
	}
}

inline every_request_is_in_one_place() {
	n = 0;
	for (r : 0 .. REQUESTS - 1) {
		assert((held_req == r) + IN_FLIGHT(r) + DONE(r) <= 1);
		assert((req[r].slot != NONE) == (IN_FLIGHT(r) || DONE(r)));
		assert((req[r].slot != NONE) == (req[r].blk != NONE));
		assert(req[r].grant == 0 || req[r].slot != NONE);
		assert(req[r].bio != inside || DONE(r));
		n = n + (req[r].slot != NONE)
	};
	assert(n == num_inflight)
}

inline the_device_works_for_requests_in_flight() {
	for (b : 0 .. BLOCKS - 1) {
		n = 0;
		for (r : 0 .. REQUESTS - 1) { n = n + (IN_FLIGHT(r) && req[r].blk == b) };
		assert(n <= 1)
	}
}

inline every_pp_slot_is_owned_once() {
	was = 0;
	for (i : 0 .. SLOTS - 1) {
		n = WAITS(i);
		was = was + n;
		for (r : 0 .. REQUESTS - 1) { n = n + (req[r].slot == i) };
		assert(n <= 1);
		assert(!slot[i].pp || n == 1)
	};
	assert(len(bucket) == was)
}

inline the_budget_is_conserved() {
	n = 0;
	for (r : 0 .. REQUESTS - 1) { n = n + (req[r].slot != NONE && req[r].grant == grant) };
	assert(granted == limit + n + spent)
}

inline nothing_remains_at_rest() {
	assert(pass != at_rest || len(bucket) == 0);
	assert(pass == writing || (num_inflight == 0 && held_req == NONE && held_blk == NONE));
	for (i : 0 .. SLOTS - 1) { assert(pass != at_rest || !slot[i].pp) }
}

inline counters_equal_a_recount() {
	n = 0; for (i : 0 .. SLOTS - 1) { n = n + ALLOCATED(i) }; assert(n == pages_stored);
	n = 0; for (i : 0 .. SLOTS - 1) { n = n + slot[i].same }; assert(n == same_pages);
	n = 0; for (i : 0 .. SLOTS - 1) { n = n + (slot[i].huge && !slot[i].wb) }; assert(n == huge_pages);
	n = 0; for (b : 0 .. BLOCKS - 1) { n = n + used[b] }; assert(n == bd_count)
}

inline a_written_back_block_holds_the_page() {
	for (i : 0 .. SLOTS - 1) {
		if
		:: slot[i].wb ->
			assert(disk[slot[i].handle] == i);
			for (r : 0 .. REQUESTS - 1) { assert(!(IN_FLIGHT(r) && req[r].blk == slot[i].handle)) }
		:: else
		fi
	}
}

inline a_kept_claim_means_unchanged_content() {
	for (r : 0 .. REQUESTS - 1) {
		if
		:: req[r].bio == pending || req[r].bio == written || done??[eval(r), good] ->
			assert(!slot[req[r].slot].pp || disk[req[r].blk] == req[r].slot)
		:: else
		fi
	}
}

inline nobody_touches_a_freed_control_block() {
	for (r : 0 .. REQUESTS - 1) { assert(req[r].bio != inside || pass != at_rest) }
}

inline a_read_that_re_validates_is_sound() {
	for (k : 0 .. READERS - 1) {
		if
		:: rd[k].valid -> assert(rd[k].at != unused && rd[k].sound && slot[rd[k].slot].wb && slot[rd[k].slot].handle == rd[k].blk)
		:: else
		fi
	}
}

inline a_kept_page_is_returned_while_it_is_the_page() {
	for (k : 0 .. READERS - 1) { assert(rd[k].at != kept_page || rd[k].valid == rd[k].sound) }
}

inline always() {
	every_block_has_one_owner();
	only_written_back_slots_have_blocks();
	every_request_is_in_one_place();
	the_device_works_for_requests_in_flight();
	every_pp_slot_is_owned_once();
	the_budget_is_conserved();
	nothing_remains_at_rest();
	counters_equal_a_recount();
	a_written_back_block_holds_the_page();
	a_kept_claim_means_unchanged_content();
	nobody_touches_a_freed_control_block();
	a_read_that_re_validates_is_sound();
	a_kept_page_is_returned_while_it_is_the_page()
}
