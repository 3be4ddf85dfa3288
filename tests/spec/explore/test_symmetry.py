"""A search with symmetry visits, of states that differ only in numbers, one: it misses nothing, and tells real ways."""

import itertools
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.bugs.batching_v3 import SpecBug
from spec.bugs.history import SEEDED_BUGS
from spec.explore.bfs import BreadthFirstSearch, search
from spec.explore.expected_counts import REDUCED, Pinned
from spec.explore.permutation import Permutation, arguments, inverse, permuted, swaps
from spec.explore.result import Counterexample, ExploreResult
from spec.explore.symmetry import Representatives, canonical, to_canonical
from spec.model.invariant import CLAUSES, inv
from spec.model.properties import EVERY_STEP, at_rest, work_left
from spec.model.state import ASKED, FLIGHT, Block, Counts, Reader, Req, Slot, State
from spec.model.tables import NONE, STORED, WB
from spec.reachable import sometimes
from spec.scope import EVERY_RUN, Scope, choices
from tests.spec.searches import search_once
from tests.spec.states import BUSY
from tests.unmeasured import nothing_measured

# Two reads at once: what one of them has read of may be another's block by now, or free.
TWO_READS = Scope(2, 2, 1, 2, readers=2)
SCOPES = {**EVERY_RUN, "two_reads": TWO_READS}
SYMMETRIC = [pytest.param(each, id=each.name) for each in SEEDED_BUGS if not each.asks_for_a_number]

pytestmark = pytest.mark.timeout(600)  # these go through every state of every run, one by one


@cache
def explored(name: str) -> tuple[ExploreResult, list[State]]:
    """The result of a search with symmetry, and the states it visits, in their order."""
    searched = BreadthFirstSearch(SCOPES[name], symmetry=True)
    with nothing_measured():
        outcome = searched.run()
    return outcome, list(map(searched.encoding.decode, searched.seen))


def reduced(name: str) -> list[State]:
    """The states that a search with symmetry visits."""
    return explored(name)[1]


def represented(searched: BreadthFirstSearch) -> set[State]:
    """The states that stand for those a search visits; what holds of them is checked by the search with symmetry."""
    for move in searched._moves:
        move.steps, move.updates, move.clauses = [], [], []
    assert searched.run().broken is None
    representative = Representatives(searched.encoding).of
    return set(map(searched.encoding.decode, {representative(code) for code in searched.seen}))


def taking_every_choice(scope: Scope) -> BreadthFirstSearch:
    """A search without symmetry that reserves any free block, not only the lowest."""
    searched = BreadthFirstSearch(scope)
    for group in searched._choices:
        group.rows = [(False, moves) for _canonical, moves in group.rows]
    return searched


def permutations(s: State) -> list[Permutation]:
    """All there are."""
    sizes = (s.slots, s.blocks, s.reqs, s.readers)
    return [Permutation(*to) for to in itertools.product(*(itertools.permutations(range(len(row))) for row in sizes))]


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize("name", list(EVERY_RUN))
def test_symmetry_visits_the_representatives_of_all_states(name: str) -> None:
    assert set(reduced(name)) == represented(BreadthFirstSearch(EVERY_RUN[name]))


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize(
    ("scope", "lowest", "any_block"),
    [(TWO_READS._replace(limit=1), 1776, 1916), (TWO_READS._replace(slots=1), 1332, 2210)],
)
def test_symmetry_reserves_any_free_block_not_only_the_lowest(scope: Scope, lowest: int, any_block: int) -> None:
    plain, every_choice = represented(BreadthFirstSearch(scope)), represented(taking_every_choice(scope))
    searched = BreadthFirstSearch(scope, symmetry=True)
    assert searched.run().broken is None
    assert set(map(searched.encoding.decode, searched.seen)) == every_choice
    assert plain < every_choice
    assert (len(plain), len(every_choice)) == (lowest, any_block)


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize("name", list(EVERY_RUN))
def test_symmetry_counts_as_pinned_and_sees_everything(name: str) -> None:
    found, _states = explored(name)
    assert (found.states, found.transitions, found.depth) == REDUCED[name]
    assert (found.broken, found.never, found.symmetry) == (None, (), True)


def test_a_device_of_one_of_each_has_nothing_to_reduce() -> None:
    found = search(Scope(1, 1, 1, 1), symmetry=True)
    assert (found.states, found.transitions, found.depth) == Pinned(97, 546, 21)


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize("name", list(SCOPES))
def test_what_stands_for_a_state_stands_for_it_under_all_numbers(name: str) -> None:
    states = reduced(name)
    for s in states[:: max(1, len(states) // 250)]:
        assert canonical(s) == s
        assert {canonical(permuted(s, to)) for to in permutations(s)} == {s}


def entangled(*of: tuple[int, int]) -> State:
    """Two pages that are read, or one page read twice, and the blocks are those of other pages by now, and differ."""
    own = (Slot(STORED), Slot(STORED), Slot(WB, blk=0), Slot(WB, huge=1, blk=1))
    blocks = (Block(used=1, holds=2), Block(used=1, holds=3))
    readers = tuple(Reader(ASKED, slot, blk) for slot, blk in of)
    counts = Counts(stored=4, huge=0, bd_count=2)
    s = Scope(4, 2, 1, 2, readers=len(of)).initial()
    return s._replace(slots=own, blocks=blocks, readers=readers, counts=counts)


UNLIKE = (Slot(WB, blk=0), Slot(WB, huge=1, blk=1))
USED = Block(used=1)


def device(
    slots: Sequence[Slot],
    blocks: Sequence[Block],
    reqs: Sequence[tuple[int, int]] = (),
    readers: Sequence[tuple[int, int]] = (),
    held: int = NONE,
) -> State:
    """A device in any state, with requests and reads of a slot and a block."""
    s = Scope(1, 1, 1, 2).initial()._replace(slots=tuple(slots), queued=(0,) * len(slots), blocks=tuple(blocks))
    requests, reads = (Req(FLIGHT, i, b) for i, b in reqs), (Reader(ASKED, i, b) for i, b in readers)
    return s._replace(reqs=tuple(requests), readers=tuple(reads), held=held)


TANGLED = {
    "a block has two owners": device((Slot(WB, blk=0), Slot(WB, blk=1), *UNLIKE), (USED, USED)),
    "a block holds another page": device(
        (Slot(WB, blk=0), Slot(WB, blk=1), Slot(STORED), Slot(STORED, huge=1)), (Block(1, 0, 2), Block(1, 0, 3))
    ),
    "a block of nobody holds a page": device((Slot(STORED), Slot(STORED)), (Block(1, 0, 0), USED)),
    "the block that is read is held": device((Slot(), Slot()), (USED, USED), readers=((0, 0), (1, 1)), held=0),
    "one page has two blocks": device(
        (Slot(WB, blk=0), Slot(WB, blk=2)), (USED,) * 4, reqs=((0, 1), (1, 3)), readers=((0, 0), (1, 3))
    ),
    "a request of no page has a block": device(UNLIKE, (USED, USED), reqs=((NONE, 0), (NONE, 1))),
    "a page is read twice from blocks of others": device((Slot(), *UNLIKE), (USED, USED), readers=((0, 1), (0, 0))),
    "a page has two requests": device(UNLIKE, (USED, USED), reqs=((0, 1), (0, 0))),
}


@pytest.mark.parametrize("s", [pytest.param(s, id=name) for name, s in TANGLED.items()])
def test_so_it_is_in_states_that_only_a_bug_leads_to(s: State) -> None:
    assert not inv(s)
    assert len({canonical(permuted(s, to)) for to in permutations(s)}) == 1


@pytest.mark.parametrize("of", [((0, 0), (1, 1)), ((0, 1), (1, 0)), ((0, 0), (0, 1)), ((1, 1), (1, 0), (0, 0))])
def test_slots_that_read_alike_are_distinguished_by_owners(of: list[tuple[int, int]]) -> None:
    s = entangled(*of)
    assert inv(s)
    assert len({canonical(permuted(s, to)) for to in permutations(s)}) == 1


def any_number(row: int) -> st.SearchStrategy[int]:
    return st.integers(NONE, row - 1)


def any_device(slots: int, blocks: int, requests: int, readers: int) -> st.SearchStrategy[State]:
    """Any state at all of few kinds of things, so that many are alike and much is tangled; nothing holds of it."""
    slot, blk = any_number(slots), any_number(blocks)
    rows = {
        "slots": (slots, st.builds(Slot, kind=st.sampled_from([STORED, WB]), blk=blk)),
        "queued": (slots, st.just(0)),
        "blocks": (blocks, st.builds(Block, used=st.just(1), holds=slot)),
        "reqs": (requests, st.builds(Req, slot=slot, blk=blk)),
        "readers": (readers, st.builds(Reader, slot=slot, blk=blk)),
    }
    cells = {name: st.lists(cell, min_size=n, max_size=n).map(tuple) for name, (n, cell) in rows.items()}
    return st.builds(Scope(1, 1, 1, 2).initial()._replace, held=blk, **cells)


@given(s=any_device(3, 3, 2, 2) | any_device(4, 2, 1, 2) | any_device(2, 2, 1, 3), data=st.data())
def test_a_state_and_its_permutations_have_one_representative(s: State, data: st.DataObject) -> None:
    to = data.draw(st.sampled_from(permutations(s)))
    assert canonical(permuted(s, to)) == canonical(s) == canonical(canonical(s))


def test_a_representative_is_a_permutation_of_its_state() -> None:
    s = canonical(BUSY)
    assert s != BUSY
    assert permuted(BUSY, to_canonical(BUSY)) == s
    assert permuted(s, to_canonical(BUSY).back) == BUSY
    assert canonical(s) == s


@given(data=st.data(), name=st.sampled_from(list(SCOPES)))
def test_a_step_under_other_numbers_is_the_step(data: st.DataObject, name: str) -> None:
    scope = SCOPES[name]
    before = data.draw(st.sampled_from(reduced(name)))
    rows = (before.slots, before.blocks, before.reqs, before.readers)
    to = Permutation(*(tuple(data.draw(st.permutations(range(len(row))))) for row in rows))
    there = permuted(before, to)
    assert [clause(there) for clause in CLAUSES] == [clause(before) for clause in CLAUSES]
    assert (work_left(there), at_rest(there)) == (work_left(before), at_rest(before))
    assert [sight(there) for sight in sometimes(scope).values()] == [
        sight(before) for sight in sometimes(scope).values()
    ]
    for choice in choices(scope):
        for args in choice.args:
            action, its_args = choice.action, arguments(choice.action.over, args, to)
            assert action.guard(there, *its_args) == action.guard(before, *args)
            if action.guard(before, *args):
                after = action.effect(before, *args)
                then = action.effect(there, *its_args)
                assert then == permuted(after, to)
                mine = [step for step in EVERY_STEP if action.name in step.actions]
                assert all(step.holds(there, its_args, then) == step.holds(before, args, after) for step in mine)


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_representatives_are_sound_and_many_slots_read_alike() -> None:
    assert all(inv(s) for s in reduced("limits"))
    fresh = Scope(16, 16, 16, 1, readers=16).initial()
    assert canonical(fresh) == fresh


@pytest.mark.parametrize("bug", SYMMETRIC)
@pytest.mark.parametrize("slots", [1, 2, 3])  # with three, what takes a permutation back is not the same permutation
def test_a_bug_is_found_in_as_few_steps_and_the_way_is_real(slots: int, bug: SpecBug) -> None:
    scope = bug.scope._replace(slots=slots)
    broken = search_once(scope, bug.actions, symmetry=True).broken
    if broken is None or slots == bug.scope.slots:
        plain = search_once(scope, bug.actions).broken
        assert (plain and (plain.name, len(plain.steps))) == (broken and (broken.name, len(broken.steps)))
    if broken is not None:
        follow(broken, scope, bug)


def follow(broken: Counterexample, scope: Scope, bug: SpecBug) -> None:
    """Follow the counterexample, and check that the property is broken at its end."""
    by_name = {action.name: action for action in bug.actions}
    before = after = scope.initial()
    args: tuple[int, ...] = ()
    for text in broken.steps:
        name, _, values = text.removesuffix(")").partition("(")
        args = tuple(int(value) for value in values.split(", ") if value)
        assert by_name[name].guard(after, *args)
        before, after = after, by_name[name].effect(after, *args)
    assert (before, after) == (broken.before, broken.after)
    clauses = {clause.__name__: clause for clause in CLAUSES}
    if broken.name in clauses:
        assert clauses[broken.name](before)
        assert not clauses[broken.name](after)
    steps = {step.holds.__name__: step.holds for step in EVERY_STEP}
    if broken.name in steps:
        assert not steps[broken.name](before, args, after)


def test_permutations_have_inverses_and_are_made_of_swaps() -> None:
    made = [to for _row, to in swaps(4, 1, 2, 0)]
    assert [row for row, _to in swaps(4, 1, 2, 0)] == ["slots", "slots", "slots", "requests"]
    assert [to.slots for to in made] == [(1, 0, 2, 3), (0, 2, 1, 3), (0, 1, 3, 2), (0, 1, 2, 3)]
    for to in made:
        assert to.back == to
    found: set[tuple[int, ...]] = {(0, 1, 2, 3)}
    while more := {tuple(to.slots[x] for x in each) for to in made for each in found} - found:
        found |= more
    assert len(found) == 24
    assert inverse((2, 0, 1)) == (1, 2, 0)


def test_none_has_no_number() -> None:
    to = Permutation(slots=(1, 2, 3, 4, 0), blocks=(3, 2, 1, 0), requests=(0, 2, 1), readers=(0, 1))
    s = permuted(BUSY, to)
    assert s.slots[1] == BUSY.slots[0]._replace(blk=3)
    assert [x.blk for x in s.slots[2:]] == [x.blk for x in BUSY.slots[1:4]] == [-1, -1, -1]
    assert s.held == to.blocks[BUSY.held]
    assert permuted(s, to.back) == BUSY
    assert arguments(("slot", "huge", "free_block"), (4, 1, 0), to) == (0, 1, 3)
