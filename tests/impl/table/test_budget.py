"""The writeback limit: who is charged, and which refund comes back."""

import sys

import pytest

from zram_impl.table.budget import Budget


def budget(limit: int, *, enabled: bool = True) -> Budget:
    made = Budget()
    made.store(limit)
    made.enabled = enabled
    return made


def test_a_new_budget_is_off_and_empty() -> None:
    fresh = Budget()
    assert (fresh.enabled, fresh.limit, fresh.grant, fresh.may_charge()) == (False, 0, 1, True)


@pytest.mark.parametrize(
    ("enabled", "limit", "allowed"), [(False, 0, True), (False, 1, True), (True, 0, False), (True, 1, True)]
)
def test_only_an_enabled_limit_of_zero_stops(enabled: bool, limit: int, allowed: bool) -> None:
    assert budget(limit, enabled=enabled).may_charge() is allowed


def test_a_charge_takes_one_block_and_carries_the_grant() -> None:
    limited = budget(5)
    assert (limited.charge(), limited.limit) == (limited.grant, 4)


@pytest.mark.parametrize("enabled", [False, True])
def test_a_charge_of_several_is_that_many_charges(enabled: bool) -> None:
    together, singly = budget(5, enabled=enabled), budget(5, enabled=enabled)
    assert {together.charge(3)} == {singly.charge() for _ in range(3)}
    assert together.limit == singly.limit == (2 if enabled else 5)


def test_a_disabled_limit_is_neither_charged_nor_refunded() -> None:
    free = budget(5, enabled=False)
    carried = free.charge()
    free.refund(carried)
    assert (carried, free.limit) == (0, 5)


def test_a_refund_gives_the_charge_back() -> None:
    limited = budget(5)
    limited.refund(limited.charge())
    assert limited.limit == 5


def test_a_charge_is_refunded_after_the_limit_was_disabled() -> None:
    limited = budget(5)
    carried = limited.charge()
    limited.enabled = False
    limited.refund(carried)
    assert limited.limit == 5


@pytest.mark.parametrize("stored", [0, 5, 100])
def test_a_new_grant_takes_no_refund_of_an_older_one(stored: int) -> None:
    limited = budget(5)
    carried = limited.charge()
    limited.store(stored)
    limited.refund(carried)
    assert limited.limit == stored


@pytest.mark.parametrize(("enabled", "affordable"), [(False, sys.maxsize), (True, 3)])
def test_without_a_limit_anything_is_affordable(enabled: bool, affordable: int) -> None:
    budget = Budget()
    budget.store(3)
    budget.enabled = enabled
    assert budget.affordable == affordable
