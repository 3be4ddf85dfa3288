"""The bugs of the driver's batched writeback, by number: what the code did, in which versions, what is seeded.

Numbers are in the order in which the bugs became known; 41 and above are designs that the driver never had. A bug of
the device (outside of this package) is joined with those of the specification by this number.

Kernel: `drivers/block/zram`; v1 to v6 are versions of the batching series of November 2025, the others are releases.
"""

from typing import Final, NamedTuple


class DriverBug(NamedTuple):
    """A bug that the driver had, or could have."""

    number: int
    name: str
    versions: str
    did: str
    """The mistake of the code, and its consequence."""
    seeds: tuple[str, ...] = ()
    """Bugs of `spec.bugs` that repeat it."""
    not_seeded: str = ""
    """The reason why the specification cannot express it."""


_C: Final = "a matter of C: memory that is not there, or variables that are not set"
_BATCH: Final = "the batch size is a bound of the device here, which no step changes"
_CONTENT: Final = "here a page changes as a whole; its bytes are not part of the state"
_RESULTS: Final = "results and errors are not part of the state"
_CLOCKS: Final = "there are no clocks; marking by age may mark or unmark any page"

CATALOGUE: Final = (
    DriverBug(
        1,
        "A reservation that succeeds counts as no space",
        "v1; corrected in v2",
        "The pass tested the result of a block reservation the wrong way round, so a reserved block ended it with "
        "ENOSPC and a full device did not. Nothing was ever written back.",
        ("inverted_no_space",),
    ),
    DriverBug(
        2,
        "A pp_slot stays in its bucket after submission",
        "v1; corrected in v2",
        "Handing a selected slot to a request did not take it out of its bucket, so the next selection returned the "
        "same slot: it was submitted twice and freed twice.",
        ("not_detached",),
    ),
    DriverBug(
        3,
        "A pass does not wait for its requests",
        "v1; corrected in v2, which always drains",
        "The wait returned at once when no request was in flight any more, without taking the completed ones off their "
        "list. A pass over one slot ended without a commit, with its block and its request lost; with two slots it "
        "waited for ever.",
        ("not_drained",),
    ),
    DriverBug(
        4,
        "The budget is charged at completion",
        "v1, and the array series before it; corrected in v2, which charges before submission",
        "`writeback_limit` was decreased when a write completed. All that fits into a batch had been submitted by "
        "then: a limit of one page let 32 be written.",
        ("late_charge",),
    ),
    DriverBug(
        5,
        "The claim is dropped before it is tested",
        "v3; corrected in v4",
        "Completion released the pp_slot, which clears the claim of the slot, and only then tested the claim. Every "
        "write counted as one whose slot was lost: no slot became written back, and no memory was freed.",
        ("early_release",),
    ),
    DriverBug(
        6,
        "The index of the candidate is never assigned",
        "v3; corrected in v4",
        "A local index stayed 0, so slot 0 was tested and copied for every candidate. If slot 0 had a claim as well, "
        "its content was written to the block of another slot.",
        ("unassigned_index",),
    ),
    DriverBug(
        7,
        "The block of a failed write is leaked",
        "v3; corrected in v4",
        "The error path of completion refunded the budget and left the bit of the block set. Each failed write made "
        "the backing device one block smaller, until it was full.",
        ("leak_on_error",),
    ),
    DriverBug(
        8,
        "The block of a lost slot is leaked",
        "v3; corrected in v4",
        "When a slot had been overwritten, discarded or read while its write was in flight, completion rightly kept it "
        "as it was, and wrongly kept the block as well.",
        ("leak_on_lost_slot",),
    ),
    DriverBug(
        9,
        "A control block that could not be allocated is released",
        "v1 to v4; corrected in v5",
        "The error path released the control block before it had been allocated: a store to `writeback` without a "
        "backing device dereferenced NULL.",
        not_seeded=_C,
    ),
    DriverBug(
        10,
        "A stale count of completions",
        "v1 to v4; v5 has a list of completed requests instead",
        "A completion was counted each time the number of requests in flight reached 0, and the count outlived the "
        "wait. The next wait returned at once and took every request for completed. One still being written carried a "
        "status of success, so its slot was committed and its page reused under the write.",
        ("stale_completion",),
    ),
    DriverBug(
        11,
        "Completion of a freed control block",
        "v1 to v4; v5 removed this form, and 18 is what remained",
        "The callback decreased the number of requests in flight, then signalled the completion. In between the pass "
        "could see 0, skip its wait, end and free the control block that was about to be signalled.",
        ("callback_after_free",),
    ),
    DriverBug(
        12,
        "A block is leaked after the loop",
        "v1 to v6, v6.19, v7.0 and v7.1; corrected by 3e8d8eb8d7f5 (May 2026)",
        "A block is reserved before its candidate is tested. When the last candidate had lost its claim, "
        "the loop ended with a reserved block that no request owned. The lines that released it were lost in a rework.",
        ("leak_after_loop",),
    ),
    DriverBug(
        13,
        "The budget is tested and charged in two steps",
        "the first patch of v3 without the next two; since v7.0 the stores are exclusive",
        "The lock around the limit was dropped between the test and the charge, while stores held the device lock "
        "shared. A limit that was disabled at submission and enabled before the failure was refunded although it had "
        "not been charged; a limit stored in between was increased by a refund of the old one.",
        ("refund_without_charge", "refund_to_a_newer_grant"),
    ),
    DriverBug(
        14,
        "The batch size is stored while a pass reads it",
        "v2 to v5; corrected in v6",
        "`writeback_batch_size` was stored under the shared lock, and 0 became 1 instead of EINVAL.",
        not_seeded=_BATCH,
    ),
    DriverBug(
        15,
        "The limit wraps with pages above 4 KiB",
        "before the correction of November 2025",
        "A page of 16 KiB costs four units. With three left the test for more than 0 passed, and the subtraction "
        "wrapped to a limit near 2^64.",
        not_seeded="the budget is in blocks here; there are no other units",
    ),
    DriverBug(
        16,
        "The block index is read without the slot lock",
        "up to v3; corrected in v4 (1b1a4e4d6797)",
        "A reader found the slot written back, dropped the slot lock, and read the block index from the slot after "
        "that. If the slot was overwritten in between, an unrelated value was taken for a sector.",
        ("block_index_read_late",),
    ),
    DriverBug(
        17,
        "An array of requests on the stack",
        "the array series before v1; not merged",
        "A completion on the stack could be signalled after its function had returned, and the last loop cleared the "
        "claims of the wrong object.",
        not_seeded=_C,
    ),
    DriverBug(
        18,
        "A callback wakes a pass that has ended (CVE-2026-63951)",
        "v5 to v7.1; corrected by bf62f69574b1 (May 2026), which frees after a grace period",
        "The callback queued its request, unlocked, and woke the waiters of the control block after that. The pass "
        "could take the request, find nothing in flight, end and free the control block before the wake-up.",
        ("callback_after_free",),
    ),
    DriverBug(
        19,
        "huge_pages is decremented twice",
        "v7.0-rc, compressed writeback only; corrected by b0377ee80429",
        "The commit freed the slot's memory by a function that also counts the page as no longer huge, then set the "
        "flag again. Freeing the slot later counted it once more, and `huge_pages` wrapped below 0.",
        ("huge_counted_twice",),
    ),
    DriverBug(
        20,
        "The rest of a compressed block is another page's",
        "v7.0, compressed writeback only; corrected by 3bf1c285dc40",
        "Only the compressed bytes were copied into the reused page of a request; the rest of the block was what the "
        "previous slot had left there.",
        not_seeded=_CONTENT,
    ),
    DriverBug(
        21,
        "A read that could not be started succeeds",
        "before v7.1; corrected by bf989ade270d",
        "When no request could be allocated for an asynchronous read, the parent completed with success and a page "
        "that nobody had filled.",
        not_seeded=_RESULTS,
    ),
    DriverBug(
        22,
        "A partial write patches a page that has not been read",
        "pages above 4 KiB, before June 2026; corrected by 732fd9f0b9c1",
        "A write of a part of a written-back page read the rest asynchronously and did not wait for it: the patch, the "
        "store and the free happened before the data arrived. The bug that is seeded here is its sibling: the patch is "
        "applied to a page that another write has replaced since.",
        not_seeded=_CONTENT,
    ),
    DriverBug(
        23,
        "A scan as long as the device was",
        "before August 2026; corrected by 894913e2d35c",
        "The number of pages was computed before the device lock was taken. A reset to a smaller size in between made "
        "the scan run past the end of the table.",
        not_seeded="the number of slots is a bound of the device here, which no step changes",
    ),
    DriverBug(
        24,
        "An age in the wrong unit",
        "not merged; found in review (January 2026)",
        "A rename changed seconds back to nanoseconds in 32 bits, which wrap after 4.3 seconds: every page was idle.",
        not_seeded=_CLOCKS,
    ),
    DriverBug(
        25,
        "Older relatives",
        "before the series",
        "A result that was not set on success, an error code overwritten by another, a table used after a failed "
        "allocation.",
        not_seeded=_C,
    ),
    DriverBug(
        26,
        "A read returns a block that was reused",
        "every release for uncompressed pages; v7.0 and later for compressed ones; not corrected",
        "A read takes the block index under the slot lock and asks the device without it. If the slot is overwritten "
        "and its block reserved for another page, the read returns that page's bytes. The compressed path tests "
        "afterwards that the slot is written back, but not where to.",
        ("read_not_checked", "read_checks_written_back_only", "read_checks_block_only"),
    ),
    DriverBug(
        27,
        "A page named twice is queued twice",
        "every version; not corrected",
        "`page_index=1 page_index=1` selects the slot twice: two blocks and two charges for one commit.",
        not_seeded="a slot has at most one pp_slot, by the way the state is written down",
    ),
    DriverBug(
        28,
        "The outcome depends on the batch size",
        "every version; not corrected",
        "No space and no budget are decided before the requests in flight are reaped, whose failure might have "
        "returned a block.",
        not_seeded=_RESULTS,
    ),
    DriverBug(
        29,
        "An error hides another",
        "every version; not corrected",
        "An error found while draining overwrites ENOSPC or EIO, and a page that cannot be copied is not reported.",
        not_seeded=_RESULTS,
    ),
    DriverBug(
        30,
        "A batch of any size",
        "v6 and later; not corrected",
        "Any 32-bit batch size is accepted, and as many requests are allocated.",
        not_seeded=_BATCH,
    ),
    DriverBug(
        31,
        "A read cancels the write of its page",
        "every version; by design",
        "A read of a slot in flight clears its claim, so the write is wasted although the content is the same.",
        not_seeded="the specification says the same: any access to a selected slot drops its claim",
    ),
    DriverBug(
        32,
        "The limit survives a reset",
        "every version; the documentation says otherwise",
        "A reset clears the statistics and keeps the limit, its switch and the batch size.",
        not_seeded="no clause forbids it; [state-machine.md](state-machine.md) says what `reset` does to the budget",
    ),
    DriverBug(
        33,
        "An age longer than the uptime",
        "seen on v7.2.12, no more on v7.3.4",
        "Now minus the age was computed in 32 bits, and wrapped to a time at which every page was old.",
        not_seeded=_CLOCKS,
    ),
    DriverBug(
        34,
        "A block is released twice",
        "no version; the driver warns and decrements bd_count all the same",
        "A block whose bit is clear already is released again: the count of used blocks becomes smaller than their "
        "number.",
        ("released_twice",),
    ),
    DriverBug(
        35,
        "Errors in the order of reaping",
        "v5 and later; not corrected",
        "The list of completed requests is last in, first out, so the most recent error is not the last that happened.",
        not_seeded=_RESULTS,
    ),
    DriverBug(
        36,
        "The slot lock is in the wrong half of a word",
        "64-bit big-endian; corrected by a8b5875741d4 (August 2026)",
        "Flags and access time share a word under two names, and the lock bit was in the half of the time.",
        not_seeded=_C,
    ),
    DriverBug(
        41,
        "The budget is not refunded for a failed write",
        "a design not taken",
        "Charging before submission without the refund: each failed write costs a unit for which nothing was written.",
        ("no_refund",),
    ),
    DriverBug(
        42,
        "A slot is selected again in the same pass",
        "a design not taken",
        "The pp_slot is released at submission and the slot may be selected again, so a pass need not end.",
        ("rescan_in_pass",),
    ),
    DriverBug(
        43,
        "A good write is committed without a claim",
        "a design not taken",
        "Completion commits on success alone, or on a claim that it tested before it took the lock. A page written in "
        "the meantime is replaced by its older content on the block.",
        ("commit_without_claim",),
    ),
    DriverBug(
        44,
        "Overwriting keeps the claim",
        "a design not taken",
        "A write to a selected slot leaves its claim set, so completion cannot see that the content has changed.",
        ("write_keeps_claim",),
    ),
    DriverBug(
        45,
        "Overwriting releases a block in flight",
        "a design not taken",
        "A write to a slot in flight releases the block at once, while the device is still writing to it.",
        ("block_released_in_flight",),
    ),
    DriverBug(
        46,
        "An interrupt unwinds the pass",
        "a design not taken; the driver's wait is uninterruptible",
        "The caller drives its pass itself. A Ctrl-C raises in the middle of it, and requests stay in flight that no "
        "task will reap.",
        not_seeded="here a pass is not a task of its own that could end early",
    ),
    DriverBug(
        47,
        "A kept page is found by its index",
        "a design not taken; the driver keeps no pages",
        "Pages that were read are kept by the index of their slot alone. A page that was overwritten and written back "
        "again since is read as what it was before.",
        ("kept_by_index_only",),
    ),
)
assert len({bug.number for bug in CATALOGUE}) == len(CATALOGUE), "numbers are unique"
