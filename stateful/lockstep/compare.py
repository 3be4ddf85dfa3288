"""Comparison of the device and the specification: all there is to see of the device, after every step."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import NamedTuple

from spec.model.invariant import broken_clause, every_pp_slot_is_owned_once, nothing_remains_at_rest
from spec.model.properties import EVERY_STEP
from spec.model.state import FLIGHT, State
from spec.model.tables import PP_SLOT
from stateful.lockstep.kept_pages import past_the_cache
from stateful.lockstep.pass_oracle import Account
from stateful.lockstep.refinement_map import abstract
from stateful.lockstep.system_under_test import Subject
from zram_impl import PAGE_SIZE, ZramError
from zram_impl.table import entries, slot_table
from zram_impl.units import ZERO_PAGE

Finding = tuple[str, str]
"""Name and sentence of a property that does not hold."""


class TakenStep(NamedTuple):
    """A step that was taken."""

    before: State
    name: str
    args: tuple[int, ...]


def differences(subject: Subject, state: State, account: Account, last: TakenStep | None) -> Iterator[Finding]:
    """Yield every difference there is; `last` is the step that led here, if there was one."""
    mine = abstract(subject, state)
    if last is not None:
        yield from _of_the_step(last, mine)
    clause = broken_clause(mine)
    if clause is not None:
        yield clause.__name__, clause.__doc__ or ""
    if mine != state:
        yield "same_state", f"the device is in\n{mine}\nand the specification in\n{state}"
    yield from _of_what_no_state_shows(subject, state)
    yield from _of_the_reports(subject, account)
    yield from _of_the_pages(subject)
    if subject.keeping is not None:
        yield from subject.keeping.findings()


def _of_the_step(step: TakenStep, mine: State) -> Iterator[Finding]:
    for law in EVERY_STEP:
        if step.name in law.actions and not law.holds(step.before, step.args, mine):
            yield law.holds.__name__, law.holds.__doc__ or ""


def _of_what_no_state_shows(subject: Subject, state: State) -> Iterator[Finding]:
    """Look at what the device has and the specification derives: the flags of claims, the pass, its memory."""
    for page, (flags, slot) in enumerate(zip(subject.pages.table.flags, state.slots, strict=True)):
        owned = state.queued[page] or any(q.phase >= FLIGHT and q.slot == page for q in state.reqs)
        expected = slot_table.PP_SLOT * (slot.kind == PP_SLOT) | slot_table.OWNED * bool(owned)
        if flags & (slot_table.PP_SLOT | slot_table.OWNED) != expected:
            sentence = f"page {page} has flags {flags:#x}, of claim and owner {expected:#x} are due"
            yield every_pp_slot_is_owned_once.__name__, sentence
    if subject.passes.running is not subject.running:
        yield nothing_remains_at_rest.__name__, "the device takes a pass for running that is over"
    requests = len(subject.running.requests) if subject.running else 0
    if subject.engine is not None and subject.engine.out != requests:
        yield nothing_remains_at_rest.__name__, f"{requests} requests, {subject.engine.out} page buffers are out"


def _of_the_reports(subject: Subject, account: Account) -> Iterator[Finding]:
    if subject.result != account.result:
        yield "the_result_is_what_happened", f"the device says {subject.result}, it should be {account.result}"
    stats = subject.device.stats
    objects = [entries.size_of(entry) for entry in subject.pages.table.entries if isinstance(entry, entries.IN_MEMORY)]
    stored = sum(content != ZERO_PAGE for content in subject.content)
    found = (stats.mm.orig_data_size, stats.mm.compr_data_size, stats.bd.bd_writes, stats.bd.bd_reads)
    expected = (stored * PAGE_SIZE, sum(objects), account.bd_writes, subject.gates.reads)
    if found != expected:
        columns = "orig_data_size, compr_data_size, bd_writes, bd_reads"
        yield "statistics_equal_a_recount", f"{columns} are {found}, a recount gives {expected}"


def _of_the_pages(subject: Subject) -> Iterator[Finding]:
    """Look at every page: through the cache, unless what a look leaves there would be no reader's."""
    with past_the_cache(subject.pages) if subject.scope.keeps else nullcontext():
        yield from _of_each_page(subject)


def _of_each_page(subject: Subject) -> Iterator[Finding]:
    for page, content in enumerate(subject.content):
        try:
            if subject.pages.peek_page(page) != content:
                yield "pages_read_back", f"page {page} does not read back what was last written to it"
        except ZramError as error:
            yield "pages_read_back", f"page {page} cannot be read: {error}"
