/*
 * Batched writeback of zram a second time: for SPIN, by hand, from the driver.
 *
 * The specification in Python says what becomes of five kinds of slot. Here a slot is what it is in the driver: flags
 * and a handle, and what becomes of it follows from the order in which the driver's functions set and clear them. What
 * the driver keeps in lists is in channels. `python -m spec.promela` compares what SPIN counts with the walk:
 *
 *     scope      states   transitions  depth
 *     base      157,719     2,211,888     35
 *     readers    44,814       477,315     63
 *     limits     25,120       279,482     39
 *     flags       9,116       126,376     25
 *     kept       16,826       175,719     35
 *
 * What SPIN prints differs by two constants. Its transitions are one more: it counts a state stored or met again as a
 * transition, and it stores the first one without any. Its depth is one less: that of the last new state, where the
 * walk also counts the level on which it finds nothing new.
 *
 * Nothing else is counted. An action is one d_step. Every process is one loop over them, so between two steps it is
 * always at the same place. Channels are sorted, so a set has one order. Scratch variables are 0 between steps. A state
 * is the values of the variables below, and what of them follows from others does not make more states.
 *
 * The switches that put a bug back: EARLY_RELEASE, UNASSIGNED_INDEX, LEAK_ON_ERROR, LEAK_ON_LOST_SLOT, LEAK_AFTER_LOOP,
 * NO_REFUND. The inline that a failed assertion stands in has the name of the property that is broken.
 */

/* Sizes, and bounds that may be 0, as in spec/scope.py. A LIMIT below 0 leaves the budget disabled. */
#ifndef SLOTS
#define SLOTS 3
#define BLOCKS 2
#define REQUESTS 2
#define LIMIT 2
#define READERS 0
#define STORES 0
#define TOGGLES 0
#define HUGE 0
#define IDLE 0
#define RECOMPRESS 0
#define RESETS 0
#define KEEPS 0
#endif
#ifndef KEEPS
#error "define all sizes and bounds, or none"
#endif

#define NONE 255	/* no slot, no block, no request, no handle: block 0 is a block like any other */
#define OBJECT 254	/* a handle that is no block: of an object in memory */
#define FIRST_LIMIT (LIMIT < 0 -> 0 : LIMIT)
#define GRANTS (1 + STORES + RESETS)

mtype = { at_rest, scanning, writing };			/* the pass */
mtype = { quiet, pending, written, failed, inside };	/* a bio: not sent, at the device, answered, in its callback */
mtype = { good, bad };					/* what the callback has queued */
mtype = { unused, asked, answered, kept_page };		/* a read, or what it left behind */

typedef Slot {
	bit same, wb, pp, huge, idle;	/* ZRAM_SAME, ZRAM_WB, ZRAM_PP_SLOT, ZRAM_HUGE, ZRAM_IDLE */
	byte handle = NONE		/* a block if wb, else an object or NONE; the word of a same-filled page is left out */
};

typedef Req {
	byte slot = NONE;		/* owns the pp_slot of it from submission to completion */
	byte blk = NONE;
	byte grant;			/* charged to it; 0: not charged */
	mtype bio = quiet
};

typedef Read {
	mtype at = unused;
	byte slot = NONE;
	byte blk = NONE;
	bit valid;			/* the page has not been replaced since */
	bit sound			/* ghost: the bytes are the page's */
};

Slot slot[SLOTS];
Req req[REQUESTS];
Read rd[READERS + 1];			/* the last is nobody's */
bit used[BLOCKS];			/* the bitmap */
byte disk[BLOCKS] = NONE;		/* ghost: the page whose present content is, or will be, on the block */

mtype pass = at_rest;
chan bucket = [SLOTS] of { byte };		/* pp_slots that wait; by size in the driver, in any order here */
chan done = [REQUESTS] of { byte, mtype };	/* the done list; in any order */
byte held_req = NONE;				/* what the loop has taken and not submitted yet */
byte held_blk = NONE;
byte num_inflight;				/* submitted and not yet completed */
byte reading, keeping;

bit limited = (LIMIT >= 0);		/* writeback_limit_enable */
byte limit = FIRST_LIMIT;		/* writeback_limit */
byte grant = 1;				/* how often it has been stored, and one */
byte granted = FIRST_LIMIT;		/* ghost: what was stored */
byte spent;				/* ghost: what was written on it */

byte pages_stored, same_pages, huge_pages, bd_count;

byte i, b, r, k, n, was, kept;		/* scratch */
mtype status;				/* scratch */

#define IN_MEMORY(x) (slot[x].handle == OBJECT)
#define ALLOCATED(x) (slot[x].same || slot[x].handle != NONE)
#define WAITS(x) (bucket??[eval(x)] -> 1 : 0)
#define IN_FLIGHT(x) (req[x].bio == pending || req[x].bio == written || req[x].bio == failed)
#define DONE(x) (done??[eval(x), good] || done??[eval(x), bad])
#define MAY_CHARGE (!limited || limit > 0)
#define MARKS(x) (slot[x].same + 2 * slot[x].wb + 4 * slot[x].huge + 8 * slot[x].idle)

#include "invariant.pml"
#include "effects.pml"

#ifdef UNASSIGNED_INDEX
#define SOURCE 0
#else
#define SOURCE _pid
#endif
#define CAN_SEND (held_req != NONE && held_blk != NONE && MAY_CHARGE)
#define LOOP_OVER (pass == writing && empty(bucket))

/* Page _pid: what its users do with it, then what the pass does with it. */
active [SLOTS] proctype Page()
{
	do
	:: d_step { true -> printf("user write(%d, 0)\n", _pid); write_object(_pid, 0); clear() }
#if HUGE
	:: d_step { true -> printf("user write(%d, 1)\n", _pid); write_object(_pid, 1); clear() }
#endif
	:: d_step { true -> printf("user write_same(%d)\n", _pid); write_same(_pid); clear() }
	:: d_step { ALLOCATED(_pid) -> printf("user discard(%d)\n", _pid); slot_free(_pid); clear() }
	:: d_step { ALLOCATED(_pid) && !slot[_pid].wb -> printf("user read(%d)\n", _pid); accessed(_pid); clear() }
#if READERS
	:: d_step { slot[_pid].wb && reading + keeping < READERS ->
		do :: rd[k].at != unused -> k++ :: else -> break od;
		printf("user read_begin(%d, %d)\n", _pid, k);
		rd[k].at = asked;
		rd[k].slot = _pid;
		rd[k].blk = slot[_pid].handle;
		rd[k].valid = 1;
		rd[k].sound = 1;
		reading++;
		clear() }
#endif
#if IDLE
	:: d_step { IN_MEMORY(_pid) && !slot[_pid].idle ->
		printf("user mark_idle(%d)\n", _pid); slot[_pid].idle = 1; clear() }
	:: d_step { IN_MEMORY(_pid) && slot[_pid].idle ->		/* by age, and the page is too young */
		printf("user clear_idle(%d)\n", _pid); slot[_pid].idle = 0; clear() }
#endif
#if RECOMPRESS
	:: d_step { IN_MEMORY(_pid) && pass == at_rest ->
		printf("user recompress(%d)\n", _pid);
		slot[_pid].idle = 0;
		if :: slot[_pid].huge -> slot[_pid].huge = 0; huge_pages-- :: else fi;
		clear() }
	:: d_step { IN_MEMORY(_pid) && pass == at_rest ->		/* no smaller than it was */
		printf("user recompress_in_vain(%d)\n", _pid); slot[_pid].idle = 0; clear() }
#endif

	:: d_step { pass == scanning && IN_MEMORY(_pid) && !slot[_pid].pp && !WAITS(_pid) ->
		printf("pass scan(%d)\n", _pid); slot[_pid].pp = 1; bucket!!_pid; clear() }
	:: d_step { WAITS(_pid) && slot[SOURCE].pp && CAN_SEND ->
		printf("pass submit(%d, %d)\n", _pid, held_req); submit(_pid, SOURCE); clear() }
	:: d_step { pass == writing && WAITS(_pid) && !slot[_pid].pp ->
		printf("pass skip(%d)\n", _pid); bucket??eval(_pid); clear() }
	:: d_step { pass == writing && WAITS(_pid) && slot[_pid].pp ->
		printf("pass give_up(%d)\n", _pid); bucket??eval(_pid); release_pp_slot(_pid); clear() }
	od
}

/* Request ME: what the device does with its bio, its callback, its completion. */
#define ME (_pid - SLOTS)
active [REQUESTS] proctype Request()
{
	do
	:: d_step { req[ME].bio == pending ->
		printf("device device_ok(%d)\n", req[ME].blk); req[ME].bio = written; clear() }
	:: d_step { req[ME].bio == pending ->
		printf("device device_error(%d)\n", req[ME].blk); req[ME].bio = failed; disk[req[ME].blk] = NONE; clear() }
	:: d_step { req[ME].bio == written ->
		printf("device endio_queue(%d)\n", ME); done!!ME, good; req[ME].bio = inside; clear() }
	:: d_step { req[ME].bio == failed ->
		printf("device endio_queue(%d)\n", ME); done!!ME, bad; req[ME].bio = inside; clear() }
	:: d_step { req[ME].bio == inside ->
		printf("device endio_leave(%d)\n", ME); req[ME].bio = quiet; clear() }
	:: d_step { DONE(ME) && req[ME].bio == quiet ->
		printf("pass reap(%d)\n", ME); reap(ME); clear() }
	od
}

/* The pass, where it is about no page and no request in particular. That somebody asks for a pass is possible in every
 * state, so this is where every state is checked, once. */
active proctype Pass()
{
	do
	:: d_step { true ->
		always();
		if
		:: pass == at_rest -> printf("user begin_pass()\n"); pass = scanning
		:: else -> printf("user refuse_pass()\n")
		fi;
		clear() }
	:: d_step { pass == scanning -> printf("pass end_scan()\n"); pass = writing; clear() }
	:: d_step { pass == writing && nempty(bucket) && held_req == NONE && num_inflight < REQUESTS ->
		do :: req[r].slot != NONE -> r++ :: else -> break od;
		printf("pass take_request(%d)\n", r);
		held_req = r;
		clear() }
	:: d_step { nempty(bucket) && held_req != NONE && held_blk == NONE && bd_count < BLOCKS ->
		do :: used[b] -> b++ :: else -> break od;
		printf("pass reserve_block(%d)\n", b);
		used[b] = 1;
		bd_count++;
		held_blk = b;
		clear() }
	:: d_step { LOOP_OVER && (held_req != NONE || held_blk != NONE) ->
		printf("pass drop_held()\n");
#ifndef LEAK_AFTER_LOOP
		if :: held_blk != NONE -> release_block(held_blk) :: else fi;
#endif
		held_req = NONE;
		held_blk = NONE;
		clear() }
	:: d_step { LOOP_OVER && held_req == NONE && held_blk == NONE && num_inflight == 0 ->
		printf("pass end_pass()\n"); pass = at_rest; clear() }
	od
}

#if READERS
#define IT (_pid - SLOTS - REQUESTS - 1)
active [READERS] proctype Reader()
{
	do
	:: d_step { rd[IT].at == asked -> printf("device read_answer(%d)\n", IT); rd[IT].at = answered; clear() }
	:: d_step { rd[IT].at == answered && rd[IT].valid ->
		printf("user read_end(%d)\n", IT); a_read_ends_with_a_value_the_page_held(IT); leave(IT); clear() }
	:: d_step { rd[IT].at == answered && !rd[IT].valid -> printf("user read_retry(%d)\n", IT); leave(IT); clear() }
#if KEEPS
	:: d_step { rd[IT].at == answered && rd[IT].valid ->
		printf("user read_keep(%d)\n", IT); a_read_ends_with_a_value_the_page_held(IT); keep(IT); clear() }
	:: d_step { rd[IT].at == kept_page && rd[IT].valid ->
		printf("user read_kept(%d)\n", IT); a_read_ends_with_a_value_the_page_held(IT); clear() }
	:: d_step { rd[IT].at == kept_page -> printf("user drop_kept(%d)\n", IT); forget(IT); keeping--; clear() }
#endif
	od
}
#endif

#if STORES || TOGGLES || RESETS
active proctype Attributes()
{
	do
#if STORES
	:: d_step { grant < GRANTS -> printf("user store_limit(0)\n"); store_limit(0); clear() }
	:: d_step { grant < GRANTS -> n = (LIMIT < 1 -> 1 : LIMIT);
		printf("user store_limit(%d)\n", n); store_limit(n); clear() }
#endif
#if TOGGLES
	:: d_step { true -> printf("user toggle_limit()\n"); limited = 1 - limited; clear() }
#endif
#if RESETS
	:: d_step { grant < GRANTS && pass == at_rest && reading == 0 ->
		printf("user reset()\n");
		for (i : 0 .. SLOTS - 1) { slot_free(i) };
#if KEEPS
		for (k : 0 .. READERS - 1) { forget(k) };
		keeping = 0;
#endif
		store_limit(0);
		limited = 0;
		clear() }
#endif
	od
}
#endif
