"""The list of bugs that can be seeded in the device, joined with those of the specification by number."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple

from stateful.bugs import patches as of
from stateful.bugs.patches import Patches, completing
from stateful.schedules.scenarios import SCENARIOS


class ScheduleSearch(NamedTuple):
    """Search of schedules for a bug, and the number within which they must find it."""

    scenario: str
    policy: str
    """`random` or `PCT`."""
    within: int
    """Schedules, the median of 30 seeds."""


class SeededBug(NamedTuple):
    """A bug of the device, seeded by patching it for a while."""

    name: str
    numbers: tuple[int, ...]
    """Of the driver's bugs that it repeats; () for a bug of the schedules' own parts."""
    mistake: str
    breaks: tuple[str, ...]
    """The properties it is expected to break; a run that breaks another one has not found it."""
    patches: Callable[[], Patches]
    search: ScheduleSearch | None = None
    """None when no schedule is needed: the machine finds it, and so does retracing the run of the specification."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Seed the bug, and remove it at the end."""
        with ExitStack() as stack:
            for patch in self.patches():
                stack.enter_context(patch)
            yield


MACHINE: Final = (
    SeededBug(
        "early_release", (5,), "completion drops the claim of the slot before it tests it",
        ("a_good_write_of_an_unchanged_slot_makes_it_wb",), of.early_release,
    ),
    SeededBug(
        "unassigned_index", (6,), "the content of slot 0 is written for every candidate",
        ("a_kept_claim_means_unchanged_content",), of.unassigned_index,
    ),
    SeededBug(
        "leak_on_error", (7,), "the block of a failed write is not released",
        ("every_block_has_one_owner",), completing(lambda row, ok, _kept: row if ok else row._replace(release_block=0)),
    ),
    SeededBug(
        "leak_on_lost_slot", (8,), "the block of a slot that lost its claim in flight is not released",
        ("every_block_has_one_owner",),
        completing(lambda row, ok, kept: row if kept or not ok else row._replace(release_block=0)),
    ),
    SeededBug(
        "leak_after_loop", (12,), "a block that was reserved and never submitted is not released when the pass ends",
        ("every_block_has_one_owner",), of.leak_after_loop,
    ),
    SeededBug(
        "no_refund", (41,), "the budget is not refunded for a failed write",
        ("the_budget_is_conserved",), completing(lambda row, _ok, _kept: row._replace(refund=0)),
    ),
    SeededBug(
        "kept_by_index_only", (47,), "a kept page is returned for any entry that its slot has",
        ("a_read_ends_with_a_value_the_page_held",), of.kept_by_index_only,
    ),
)  # fmt: skip
"""Bugs that show on any schedule."""

SCHEDULE: Final = (
    SeededBug(
        "stale_completion_count", (10,), "a stale count of completions lets unanswered writes be committed",
        ("a_written_back_block_holds_the_page", "same_state"), of.stale_completion_count,
        ScheduleSearch("two pages and two threads", "random", 100),
    ),
    SeededBug(
        "complete_after_free", (11,), "the callback completes the request after the pass may have ended",
        ("nobody_touches_a_freed_control_block",), of.complete_after_free,
        ScheduleSearch("pass and write", "PCT", 20),
    ),
    SeededBug(
        "wake_after_unlock", (18,), "the callback queues the answer, unlocks, and only then wakes the pass",
        ("nobody_touches_a_freed_control_block",), of.wake_after_unlock,
        ScheduleSearch("pass and write", "PCT", 20),
    ),
    SeededBug(
        "check_then_act", (43,), "the claim is tested before the table lock is taken",
        ("a_written_back_block_holds_the_page",), of.check_then_act,
        ScheduleSearch("pass and write", "PCT", 100),
    ),
    SeededBug(
        "index_outside_lock", (16,), "a read takes the block from the slot after the lock was dropped",
        ("a_read_ends_with_a_value_the_page_held",), of.index_outside_lock,
        ScheduleSearch("reuse under a read", "PCT", 100),
    ),
    SeededBug(
        "no_second_look", (26,), "a read returns what the device answers, even if the block has another owner by then",
        ("a_read_ends_with_a_value_the_page_held",), of.no_second_look,
        ScheduleSearch("reuse under a read", "PCT", 100),
    ),
    SeededBug(
        "refund_without_charge", (13,), "a failed write is refunded whether or not it was charged",
        ("the_budget_is_conserved",), of.refund_without_charge,
        ScheduleSearch("pass and toggled limit", "random", 100),
    ),
    SeededBug(
        "leak_when_failed_and_lost", (7, 8), "a block is leaked if its write fails and its slot was lost in flight",
        ("every_block_has_one_owner",), of.leak_when_failed_and_lost,
        ScheduleSearch("failing pass and write", "PCT", 100),
    ),
    SeededBug(
        "wake_before_queue", (3,), "the pass is woken before its answer is queued, and not after",
        ("nobody_waits_without_a_waker",), of.wake_before_queue,
        ScheduleSearch("pass and write", "random", 100),
    ),
    SeededBug(
        "lost_update", (22,), "a partial write does not check that the page is the one it has read",
        ("pages_read_back",), of.lost_update,
        ScheduleSearch("patch and write", "PCT", 100),
    ),
    SeededBug(
        "interrupt_in_the_pass", (46,), "a Ctrl-C unwinds the task that drives the pass, and no other task drives it",
        ("nobody_waits_without_a_waker",), of.driven_where_interrupts_land,
        ScheduleSearch("pass and interrupt", "random", 20),
    ),
)  # fmt: skip
"""Bugs that only some schedules show."""

HARNESS: Final = (
    SeededBug(
        "time_for_the_first", (), "of the tasks that wait until time passes, time passes for the first alone",
        ("a_run_ends",), of.time_passes_for_the_first,
    ),
    SeededBug(
        "reset_never_refused", (), "a reset that is refused because of another counts as an undeclared error",
        ("declared_errors",), of.resets_are_never_refused,
    ),
    SeededBug(
        "forgotten_threads", (), "the threads that an earlier pass has left have no footprint",
        ("declared_footprints",), of.threads_are_forgotten,
    ),
    SeededBug(
        "forgotten_waiter", (), "a task that waits because an interrupt may arrive has no footprint",
        ("declared_footprints",), of.waiter_is_forgotten,
    ),
)  # fmt: skip
"""Bugs that the schedules' own parts once had: each breaks its kept token, and none is searched for."""

EVERY: Final = (*MACHINE, *SCHEDULE, *HARNESS)
assert len({bug.name for bug in EVERY}) == len(EVERY), "names are unique"
assert all(bug.search is None or bug.search.scenario in SCENARIOS for bug in EVERY), "every search has a scenario"
MACHINE_NAMES: Final = tuple(bug.name for bug in MACHINE)
SCHEDULE_NAMES: Final = tuple(bug.name for bug in SCHEDULE)


def by_name(name: str) -> SeededBug:
    """Return the bug of a name."""
    return next(bug for bug in EVERY if bug.name == name)
