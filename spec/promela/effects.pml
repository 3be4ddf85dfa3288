/* What steps are made of, after the driver's functions. */

inline release_block(x) {			/* zram_release_bdev_block() */
	used[x] = 0;
	disk[x] = NONE;				/* nobody will ask what is on it */
	bd_count--
}

inline content_is_gone(x) {
	for (b : 0 .. BLOCKS - 1) { if :: disk[b] == x -> disk[b] = NONE :: else fi };
	for (k : 0 .. READERS - 1) {
		if
		:: rd[k].slot == x -> rd[k].valid = 0; if :: rd[k].at == kept_page -> rd[k].sound = 0 :: else fi
		:: else
		fi
	}
}

inline slot_free(x) {				/* zram_slot_free() */
	slot[x].idle = 0;
	slot[x].pp = 0;
	if
	:: slot[x].huge -> slot[x].huge = 0; if :: !slot[x].wb -> huge_pages-- :: else fi
	:: else
	fi;
	if
	:: slot[x].wb -> slot[x].wb = 0; release_block(slot[x].handle); pages_stored--
	:: slot[x].same -> slot[x].same = 0; same_pages--; pages_stored--
	:: !slot[x].wb && slot[x].handle == OBJECT -> pages_stored--
	:: else					/* there was nothing */
	fi;
	slot[x].handle = NONE;
	content_is_gone(x)
}

inline accessed(x) {				/* mark_slot_accessed() */
	slot[x].idle = 0;
	slot[x].pp = 0
}

inline write_object(x, big) {			/* zram_write_page() */
	slot_free(x);
	slot[x].handle = OBJECT;
	slot[x].huge = big;
	huge_pages = huge_pages + big;
	pages_stored++;
	accessed(x)
}

inline write_same(x) {				/* write_same_filled_page() */
	slot_free(x);
	slot[x].same = 1;
	same_pages++;
	pages_stored++;
	accessed(x)
}

/* Its owner must not lose a pp_slot whose request has not been answered. */
inline a_pp_slot_is_released_after_its_request_completed(x) {
	for (r : 0 .. REQUESTS - 1) { assert(!(IN_FLIGHT(r) && req[r].slot == x)) }
}

inline release_pp_slot(x) {
	a_pp_slot_is_released_after_its_request_completed(x);
	slot[x].pp = 0
}

inline store_limit(x) {				/* every store opens a new grant */
	limit = x;
	granted = x;
	spent = 0;
	grant++
}

inline submit(x, source) {			/* zram_submit_wb_request() */
	bucket??eval(x);
	req[held_req].slot = x;
	req[held_req].blk = held_blk;
	req[held_req].bio = pending;
	disk[held_blk] = source;
	for (k : 0 .. READERS - 1) {		/* from now on the device may return these bytes */
		if :: rd[k].at == asked && rd[k].blk == held_blk -> rd[k].sound = 0 :: else fi
	};
	if :: limited -> limit--; req[held_req].grant = grant :: else fi;
	num_inflight++;
	held_req = NONE;
	held_blk = NONE
}

inline refund(x) {				/* a grant that has been replaced gets nothing back, and 0 is no grant */
#ifndef NO_REFUND
	if :: req[x].grant == grant -> limit++ :: else fi
#endif
	skip
}

inline commit(x, block) {			/* the object is freed, the handle is the block; HUGE stays */
	slot[x].idle = 0;
	if :: slot[x].huge -> huge_pages-- :: else fi;
	slot[x].handle = block;
	slot[x].wb = 1
}

inline complete(x) {				/* zram_writeback_complete() */
#ifdef EARLY_RELEASE
	release_pp_slot(i);
#endif
	if
	:: status == bad ->
		refund(x);
#ifndef LEAK_ON_ERROR
		release_block(req[x].blk)
#endif
		skip
	:: else ->
		if :: req[x].grant == grant -> spent++ :: else fi;
		if
		:: slot[i].pp -> commit(i, req[x].blk)
		:: else ->
#ifndef LEAK_ON_LOST_SLOT
			release_block(req[x].blk)
#endif
			skip
		fi
	fi
}

inline a_good_write_of_an_unchanged_slot_makes_it_wb(x) {
	assert(!(kept && status == good) || (slot[i].wb && slot[i].handle == req[x].blk))
}

inline a_failed_write_changes_nothing_but_the_claim() {
	assert((kept && status == good) || (MARKS(i) == was && slot[i].handle == n && !slot[i].pp))
}

inline reap(x) {				/* zram_complete_done_reqs() */
	done??eval(x), status;
	i = req[x].slot;
	kept = slot[i].pp;
	was = MARKS(i);
	n = slot[i].handle;
	complete(x);
	num_inflight--;
	release_pp_slot(i);
	a_good_write_of_an_unchanged_slot_makes_it_wb(x);
	a_failed_write_changes_nothing_but_the_claim();
	req[x].slot = NONE;
	req[x].blk = NONE;
	req[x].grant = 0
}

inline a_read_ends_with_a_value_the_page_held(x) {
	assert(rd[x].sound)
}

inline keep(x) {				/* it is no read any more, so the device may be reset */
	rd[x].at = kept_page;
	reading--;
	keeping++
}

inline forget(x) {
	rd[x].at = unused;
	rd[x].slot = NONE;
	rd[x].blk = NONE;
	rd[x].valid = 0;
	rd[x].sound = 0
}

inline leave(x) {
	forget(x);
	reading--
}

/* Ends every step: what it has noted down is no part of the state. */
inline clear() { i = 0; b = 0; r = 0; k = 0; n = 0; was = 0; kept = 0; status = 0 }
