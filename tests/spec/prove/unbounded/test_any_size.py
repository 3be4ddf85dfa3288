"""The proof for every size: everything is discharged, and neither bugs nor doctored texts are."""

import itertools
from collections import Counter
from collections.abc import Callable

import pytest
import z3

from spec.bugs.batching_v3 import SpecBug
from spec.bugs.history import SEEDED_BUGS
from spec.model.actions import ACTIONS
from spec.model.invariant import CLAUSES
from spec.model.properties import EVERY_STEP
from spec.model.state import AT_REST, HELD
from spec.model.tables import NONE, WB
from spec.model.terms import no
from spec.prove.unbounded import equal, induction, solve
from spec.prove.unbounded.actions import MOVES
from spec.prove.unbounded.batching_v3 import REPLACED
from spec.prove.unbounded.clauses import CLAUSES as SAID
from spec.prove.unbounded.command import AS_IT_IS, Texts, givens, prove_all_sizes, with_bug
from spec.prove.unbounded.conditions import DEVICE, KEEPS, RECOUNTS, RESTS, Given, ProofCondition
from spec.prove.unbounded.fixed import SIZES
from spec.prove.unbounded.properties import EVERY_STEP as STEPS_SAID
from spec.prove.unbounded.rows import SLOTS, SymbolicDevice, any_device, each, some, updated
from spec.prove.unbounded.solve import DISCHARGED, REFUTED, VACUOUS, ProofAnswer, answers
from spec.prove.unbounded.transitions import Change, Effect, Guard
from spec.prove.z3_terms import truth, unknown
from tests.spec.expected.open_any_size import OPEN
from tests.spec.proofs import everything

SMALL, LARGER = (f"equal at {sizes.label()}" for sizes in SIZES)
POSSIBLE = f"possible at {SIZES[0].label()}"
COUNTS = {
    "counting": 6,
    "begins": 22,
    "keeps": 578,
    "recounts": 320,
    "every step": 21,
    "quiescence": 16,
    POSSIBLE: 35,
    SMALL: 160,
    LARGER: 160,
}
VARIANTS = [pytest.param(each, id=each.name) for each in SEEDED_BUGS]


def names(found: list[ProofAnswer]) -> list[tuple[str, str, str]]:
    return [answer[:3] for answer in found]


def open_ones(texts: Texts, *actions: str) -> dict[tuple[str, str, str], str]:
    """The conditions left open for some actions, and for quiescence with them."""
    found = {}
    for given in givens(texts):
        layer, action, *_ = given.conditions[0]
        if layer != LARGER and (action in actions or (layer, action) == (RESTS, DEVICE)):
            found.update({answer[:3]: answer.verdict for answer in answers(given) if not answer.good})
    return found


def doctored(name: str, change: Effect | None = None, guard: Guard | None = None) -> Texts:
    move = MOVES[name]
    return Texts(ACTIONS, {**MOVES, name: move._replace(change=change or move.change, guard=guard or move.guard)})


def test_everything_is_discharged() -> None:
    assert [answer for answer in everything() if answer.verdict != DISCHARGED] == []


def test_how_many_conditions_there_are() -> None:
    assert Counter(answer.layer for answer in everything()) == COUNTS
    assert len(set(names(everything()))) == len(everything()) == sum(COUNTS.values())


def test_every_action_is_asked_about_every_clause() -> None:
    wanted = {(KEEPS, action.name, clause.__name__) for action in ACTIONS for clause in CLAUSES}
    assert {name for name in names(everything()) if name[0] == KEEPS} == wanted


def test_both_texts_have_the_same_names() -> None:
    assert [clause.__name__ for clause in SAID] == [clause.__name__ for clause in CLAUSES]
    assert list(MOVES) == [action.name for action in ACTIONS]
    assert list(STEPS_SAID) == [step.holds.__name__ for step in EVERY_STEP]
    assert list(REPLACED) == list(OPEN) == [each.name for each in SEEDED_BUGS]


@pytest.mark.parametrize("bug", VARIANTS)
def test_a_bug_leaves_exactly_its_own_conditions_open(bug: SpecBug) -> None:
    actions = [action.name for action in bug.replaced]
    assert list(REPLACED[bug.name]) == actions
    found = open_ones(with_bug(bug.name), *actions)
    assert {(action, clause) for _layer, action, clause in found} == OPEN[bug.name]


def test_a_bug_leaves_its_own_property_open() -> None:
    provable = {each.__name__ for each in CLAUSES} | STEPS_SAID.keys() | {"moves_towards_rest"}
    broken = {name: {clause for _action, clause in open_} for name, open_ in OPEN.items()}
    provably = [each for each in SEEDED_BUGS if each.breaks in provable]
    assert [each.name for each in provably if each.breaks not in broken[each.name]] == []
    assert len(provably) == len(SEEDED_BUGS) - 1


@pytest.mark.parametrize(
    ("name", "action", "clause", "sizes"),
    [
        ("leak_on_error", "reap", "every_block_has_one_owner", "2/2/1, 1 reader"),
        ("inverted_no_space", "reserve_block", "a_kept_claim_means_unchanged_content", "3/2/2, 1 reader"),
    ],
)
def test_what_is_open_is_refuted_at_a_size_if_it_can_be(name: str, action: str, clause: str, sizes: str) -> None:
    found = {answer.clause: answer.verdict for answer in prove_all_sizes(texts=with_bug(name), only=(action,))}
    assert found[clause] == f"{REFUTED} at {sizes}"


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize("k", range(len(SAID)), ids=[clause.__name__ for clause in SAID])
def test_a_clause_that_says_nothing_is_noticed(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_s: SymbolicDevice) -> bool:
        return True

    assert said_alike(k, nothing, monkeypatch) == [REFUTED, REFUTED]


def said_alike(k: int, instead: Callable[[SymbolicDevice], bool], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return whether a clause says the same of what a search finds, and no less whatever the additional rows."""
    monkeypatch.setattr(instead, "__name__", SAID[k].__name__)
    monkeypatch.setattr(equal, "SAID", (*SAID[:k], instead, *SAID[k + 1 :]))
    small = equal.equalities(SIZES[0], *AS_IT_IS)
    return [answer.verdict for given in itertools.islice(small, 2 * k, 2 * k + 2) for answer in answers(given)]


def _block_without_the_pass(s: SymbolicDevice) -> bool:
    return SAID[4](s._replace(held=NONE))


def _no_more_than_a_block(s: SymbolicDevice) -> bool:
    return each(s, SLOTS, lambda i: (s.slots(i).kind == WB) == (s.slots(i).blk > NONE))


def _nothing_taken(s: SymbolicDevice) -> bool:
    return SAID[6](s) & (s.taken == NONE)


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize(
    ("k", "instead", "verdicts"),
    [
        (4, _block_without_the_pass, [REFUTED, REFUTED]),
        (5, _no_more_than_a_block, [REFUTED, REFUTED]),
        (6, _nothing_taken, [REFUTED, DISCHARGED]),
    ],
)
def test_a_clause_that_says_less_or_more_is_noticed(
    k: int, instead: Callable[[SymbolicDevice], bool], verdicts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said_alike(k, instead, monkeypatch) == verdicts


def test_a_guard_that_asks_for_more_is_noticed() -> None:
    asking = doctored("reap", guard=lambda s, r: MOVES["reap"].guard(s, r) & (s.held == NONE))
    assert open_ones(asking, "reap") == {(SMALL, "reap", "guard"): REFUTED}


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_a_guard_that_refuses_always_is_noticed() -> None:
    refusing = doctored("reap", guard=lambda s, r: MOVES["reap"].guard(s, r) & (s.reqs(r).phase == HELD))
    found = open_ones(refusing, "reap")
    assert found[POSSIBLE, "reap", "guard"] == VACUOUS
    assert found[SMALL, "reap", "guard"] == REFUTED
    assert found[KEEPS, "reap", "every_block_has_one_owner"] == VACUOUS


def test_an_effect_that_leaves_a_field_out_is_noticed() -> None:
    def change(s: SymbolicDevice, i: int) -> Change:
        done = MOVES["read"].change(s, i)
        still_idle = updated(done.after.slots, i, done.after.slots(i)._replace(idle=s.slots(i).idle))
        return done._replace(after=done.after._replace(slots=still_idle))

    assert open_ones(doctored("read", change), "read") == {(SMALL, "read", "effect"): REFUTED}


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_an_effect_that_forgets_an_owner_is_noticed() -> None:
    def change(s: SymbolicDevice, i: int, r: int) -> Change:
        done = MOVES["submit"].change(s, i, r)
        return done._replace(after=done.after._replace(owner=s.owner))

    found = open_ones(doctored("submit", change), "submit")
    assert (KEEPS, "submit", "every_block_has_one_owner") in found
    assert (SMALL, "submit", "effect") not in found


def test_an_effect_that_names_the_wrong_place_is_noticed() -> None:
    wrong = doctored("reserve_block", lambda s, b: MOVES["reserve_block"].change(s, b)._replace(block=NONE))
    found = open_ones(wrong, "reserve_block")
    assert (RECOUNTS, "reserve_block", "used blocks") in found
    assert found[SMALL, "reserve_block", "recount"] == REFUTED


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_a_move_that_leaves_no_less_to_do_is_noticed() -> None:
    found = open_ones(doctored("skip", lambda s, _i: Change(s)), "skip")
    assert (RESTS, "skip", "moves_towards_rest") in found


def test_a_device_that_cannot_move_is_noticed() -> None:
    stuck = doctored("end_pass", guard=lambda s: MOVES["end_pass"].guard(s) & (s.running == AT_REST))
    assert (RESTS, DEVICE, "one_can_move") in open_ones(stuck)


def test_a_fact_about_counting_that_is_false_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    fact = induction.Fact("as many as there are places", lambda n: induction._MANY["before"](n) >= n)
    monkeypatch.setattr(induction, "FACTS", (fact,))
    verdicts = [a.good for given in induction.about_counting() for a in answers(given)]
    assert verdicts == [True, False]


def test_what_rests_on_the_impossible_is_vacuous() -> None:
    given = Given(lambda: False, (ProofCondition("layer", "action", "clause", lambda: True),))
    assert [answer.verdict for answer in answers(given)] == [VACUOUS]


def test_nested_quantifiers_do_not_take_each_others_numbers() -> None:
    s, solver = any_device(), z3.Solver()
    solver.add(truth(s.sizes.slots == 2), truth(some(s, SLOTS, lambda i: each(s, SLOTS, lambda j: i == j))))
    assert solver.check() == z3.unsat


def test_no_answer_is_neither_a_proof_nor_a_possibility(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solve, "_MILLISECONDS", 20)
    x, y, z = (unknown(name) for name in "xyz")
    hard = (x > 2) & (y > 2) & (z > 2) & (x * x * x + y * y * y == z * z * z)
    given = Given(
        lambda: hard, (ProofCondition(POSSIBLE, DEVICE, "it", None), ProofCondition(KEEPS, DEVICE, "it", lambda: x > 0))
    )
    possible, positive = answers(given)
    assert possible.verdict.startswith("no answer: ")
    assert positive.good
    assert (possible.possible, positive.possible) == (False, False)
    never = Given(lambda: x > 2, (ProofCondition(KEEPS, DEVICE, "it", lambda: no(hard)),))
    [open_one] = answers(never)
    assert open_one.verdict.startswith("no answer: ")
    assert (open_one.good, open_one.possible) == (False, True)
