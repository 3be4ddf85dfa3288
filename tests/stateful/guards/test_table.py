"""The table of guards: it leaves no field out, names nothing that is not there, and says nothing twice."""

from collections.abc import Callable

import pytest

from docs import draw_guards
from stateful.guards.coverage import problems
from stateful.guards.guard import Guard, by_class, row, under
from stateful.guards.table import GUARDS, NOT_GUARDED, ROWS
from zram_impl.device.passes import Passes
from zram_impl.table.budget import Budget

Table = dict[type, dict[str, Guard]]
TABLE = under("table")


def with_change(change: Callable[[Table], object]) -> list[str]:
    """Return what is wrong with the table after a change of it."""
    changed = {owner: dict(names) for owner, names in GUARDS.items()}
    change(changed)
    return list(problems(changed))


def test_every_field_has_a_guard_and_every_name_matches() -> None:
    assert list(problems(GUARDS)) == []


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda it: it[Budget].pop("limit"), "zram_impl.table.budget.Budget.limit has no guard"),
        (lambda it: it.pop(Budget), "zram_impl.table.budget.Budget.grant has no guard"),
        (lambda it: it[Budget].update(most=TABLE), "Budget.most is no field"),
        (lambda it: it[Budget].update({"spend()": TABLE}), "Budget.spend() is no method"),
        (lambda it: it[Budget].update(limit=under("x")), "Budget.limit names lock x, which is not in the table"),
        (
            lambda it: it[Budget].update(limit=under("table", of="_lock")),
            "Budget.limit has its lock in _lock, which is no field",
        ),
        (
            lambda it: it[Budget].update(grant=TABLE.stored_by("why", "Budget.gone")),
            "Budget.grant excepts Budget.gone, which is no function",
        ),
        (
            lambda it: it[Budget].update(limit=TABLE.looked_at("why", "Budget.gone")),
            "Budget.limit excepts Budget.gone, which is no function",
        ),
        (
            lambda it: it[Passes].update(running=TABLE.waking("openers")),
            "Passes.running notifies openers, which nobody waits for",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)  # fmt: skip
def test_a_table_that_does_not_fit_the_device_is_noticed(change: Callable[[Table], object], noticed: str) -> None:
    assert noticed in with_change(change)


def test_a_module_without_guards_has_to_be_there() -> None:
    noticed = "zram_impl.gone is declared not to be guarded, and is not there"
    assert noticed in problems(GUARDS, {**NOT_GUARDED, "zram_impl.gone": "why"})
    shared = {name: why for name, why in NOT_GUARDED.items() if name != "zram_impl.sysfs.Attributes"}
    assert "zram_impl.sysfs.Attributes._device has no guard" in problems(GUARDS, shared)


def test_a_name_is_declared_once() -> None:
    with pytest.raises(AssertionError, match=r"declared_once: Budget\.limit"):
        by_class([*ROWS, row(Budget, "limit", TABLE)])


def test_the_page_about_guards_is_not_stale() -> None:
    assert draw_guards.PAGE.read_text(encoding="utf-8") == draw_guards.page(), "run: python -m docs.draw_guards"


def test_every_exception_has_a_reason() -> None:
    looks = [look for each in ROWS for look in (*each.guard.looks, *each.guard.stores)]
    assert min(len(look.why) for look in looks) > 10
    assert all(each.guard.why for each in ROWS if each.guard.kind.value in ("lock-free", "handed over"))
