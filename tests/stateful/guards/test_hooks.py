"""Hooks: there while they are installed, gone afterwards; containers behave as they did."""

from array import array
from collections import deque

import pytest

from stateful.guards.containers import Contents, guarded, is_container
from stateful.guards.guard import by_class, free, row
from stateful.guards.hooks import compiled, installed
from stateful.guards.judge import Judge, Rule
from stateful.guards.table import GUARDS, IDENTITY
from stateful.pairs import checks
from zram_impl import Zram
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.table import segments
from zram_impl.table.budget import Budget
from zram_impl.table.slot_table import SlotTable


def test_production_is_as_it_was_after_the_hooks_are_gone() -> None:
    before = {owner: dict(vars(owner)) for owner in (*GUARDS, *IDENTITY)}
    made = segments.mmap  # type: ignore[attr-defined]  # what the module uses
    with installed(checks.judge()):
        assert any(dict(vars(owner)) != before[owner] for owner in GUARDS)
    assert {owner: dict(vars(owner)) for owner in (*GUARDS, *IDENTITY)} == before
    assert segments.mmap is made  # type: ignore[attr-defined]  # likewise


def test_a_device_that_nobody_schedules_works_under_the_hooks() -> None:
    with installed(checks.judge()), Zram.create("64K", backing=MemoryDevice(8)) as device:
        device.write_page(0, b"a page".ljust(4096, b"."))
        assert device.writeback(pages=[0]).written == 1
        assert device.read_page(0).startswith(b"a page")


@pytest.mark.parametrize(
    "value",
    [[3, 1, 2], {3: "c", 1: "a"}, {3, 1}, deque([3, 1, 2]), bytearray(b"cab"), array("H", [3, 1, 2])],
    ids=lambda value: type(value).__name__,
)
def test_a_guarded_container_is_like_any_other(value: object) -> None:
    judge = checks.judge()
    made = guarded(value, Contents(judge, judge.rules[SlotTable]["entries[]"], None))
    assert made == value
    assert isinstance(made, type(value))
    assert (is_container(value), is_container(made)) == (True, False)
    assert list(made) == list(value)  # type: ignore[call-overload]  # all can be iterated
    assert len(made) == len(value)  # type: ignore[arg-type]  # likewise


class Counting(Contents):
    """Counts the reads."""

    __slots__ = ("reads",)

    def __init__(self, judge: Judge, rule: Rule, owner: object) -> None:
        super().__init__(judge, rule, owner)
        self.reads = 0

    def read(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self.reads += 1


def test_a_dict_is_copied_in_one_step_as_ever() -> None:
    judge, table = checks.judge(), {1: "a", 2: "b"}
    contents = Counting(judge, judge.rules[SlotTable]["entries[]"], None)
    made = guarded(table, contents)
    assert isinstance(made, dict)
    assert (made.copy(), contents.reads) == (table, 1)


def test_a_container_in_a_field_declares_its_contents() -> None:
    table = by_class([row(SlotTable, "entries", free("for this test"))])
    with (
        installed(Judge(compiled(table))),
        pytest.raises(AssertionError, match=r"declared_contents: SlotTable\.entries holds a list"),
    ):
        SlotTable(4)


def test_a_field_that_is_not_there_is_an_attribute_error() -> None:
    with installed(checks.judge()):
        budget = Budget.__new__(Budget)
        with pytest.raises(AttributeError, match="limit"):
            assert budget.limit


def test_a_rule_is_called_what_it_is_about() -> None:
    assert [Rule(Budget, name, free("why")).field for name in ("limit", "limit[]", "charge()")] == [
        "limit",
        "limit",
        "charge",
    ]
