"""The steps that a scope has, and its name."""

from spec.model.state import Budget
from spec.scope import EVERY_RUN, Scope, choices


def test_a_scope_says_its_sizes_and_what_is_on() -> None:
    assert Scope().label() == "3/2/2, limit 2"
    assert Scope(2, 1, 1, -1, huge=1, resets=2).label() == "2/1/1, no limit, huge 1, resets 2"


def test_without_a_limit_the_budget_is_disabled() -> None:
    assert Scope(limit=-1).initial().budget == Budget(enabled=0, limit=0, grant=1, granted=0)
    assert Scope(limit=0).initial().budget == Budget(enabled=1, limit=0, grant=1, granted=0)


def test_the_number_of_grants_is_bounded() -> None:
    scope = Scope(stores=1, resets=1)
    budget = scope.initial().budget
    assert [scope.admits(budget._replace(grant=grant)) for grant in (1, 2, 3, 4)] == [True, True, True, False]


def test_switches_bring_actions() -> None:
    def names(scope: Scope) -> set[str]:
        return {choice.action.name for choice in choices(scope)}

    assert names(Scope(idle=1)) - names(Scope()) == {"mark_idle", "clear_idle"}
    assert names(Scope(recompress=1)) - names(Scope()) == {"recompress", "recompress_in_vain"}
    assert names(Scope(readers=1)) - names(Scope()) == {"read_begin", "read_answer", "read_end", "read_retry"}


def test_parameters_range_over_the_sizes() -> None:
    found = {(c.action.name, c.args) for c in choices(Scope(2, 2, 1, 3, huge=1, stores=1, resets=1))}
    assert ("write", ((0, 0), (0, 1))) in found
    assert ("submit", ((1, 0),)) in found
    assert ("store_limit", ((0,), (3,))) in found
    assert ("reset", ((),)) in found


def test_what_is_alike_is_chosen_canonically() -> None:
    canonical = {choice.action.name for choice in choices(Scope(readers=1)) if choice.canonical}
    assert canonical == {"take_request", "reserve_block", "read_begin"}


def test_the_longest_scope_comes_first() -> None:
    assert next(iter(EVERY_RUN)) == "base"
