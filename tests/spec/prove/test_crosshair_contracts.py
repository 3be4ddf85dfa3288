"""Contracts are found, counted and doubled; the generated module has them for every action."""

import pytest

from spec.model.actions import ACTIONS
from spec.prove.crosshair_contracts import contracts, module, vacuity_checks
from spec.prove.obligations import Sizes, admitted

TEXT = '''"""Two contracts, and a function without."""


def first(x: int) -> int:
    """Do something.

    pre: x > 0
    post: __return__ > x
    """
    return x + 1


def none(x: int) -> int:
    """pre: is not enough."""
    return x


def second(x: int) -> int:
    """
    post[]: True
    """
    return x
'''


def test_contracts_are_functions_with_a_postcondition() -> None:
    assert [(found.name, found.first, found.last) for found in contracts(TEXT)] == [
        ("first", 4, 10),
        ("second", 18, 22),
    ]


def test_a_vacuity_check_differs_in_its_postconditions_only() -> None:
    old, new = TEXT.splitlines(), vacuity_checks(TEXT).splitlines()
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert changed == [("    post: __return__ > x", "    post: False"), ("    post[]: True", "    post: False")]
    assert contracts(vacuity_checks(TEXT)) == contracts(TEXT)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('"""Nothing."""\n', "there is no contract"),
        (TEXT.replace("second", "first"), "two contracts of one name"),
        (TEXT.replace("    pre: x > 0", "    post: True"), "first has 2 postconditions"),
    ],
)
def test_what_would_be_counted_wrong_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        contracts(text)


@pytest.mark.parametrize("sizes", [Sizes(3, 2, 2), Sizes(2, 2, 2, readers=1)])
def test_no_action_is_missing(sizes: Sizes) -> None:
    names = [found.name for found in contracts(module(sizes))]
    kept = [name for name in names if not name.endswith("_as_a_step")]
    assert kept == ["one_can_move_until_at_rest", *(action.name for action in admitted(sizes))]
    steps = {name.removesuffix("_as_a_step") for name in names if name.endswith("_as_a_step")}
    of_users = {"read_end", "read_keep", "read_kept", "refuse_pass"}
    assert steps == {a.name for a in admitted(sizes) if a.actor != "user" or a.name in of_users}


def test_with_a_reader_every_action_has_its_contract() -> None:
    names = {found.name for found in contracts(module(Sizes(1, 1, 1, readers=1)))}
    assert {action.name for action in ACTIONS} <= names


def test_a_contract_says_what_it_is_about() -> None:
    text = module(Sizes(2, 1, 1))
    reap = text[text.index("def reap(") :].split("\n\n\n")[0]
    assert "slots: tuple[Slot, Slot], queued: tuple[int, int], blocks: tuple[Block], reqs: tuple[Req]" in reap
    s = "State(slots, queued, blocks, reqs, (), running, held, budget, counts)"
    assert reap.splitlines()[1:] == [
        '    """',
        f'    pre: possible(SIZES, TAKEN["reap"], {s}, (request,))',
        "    post: inv(__return__)",
        '    """',
        f'    return TAKEN["reap"].effect({s}, *(request,))',
    ]


def test_a_module_can_be_about_a_bug() -> None:
    assert 'each.name == "no_refund"' in module(Sizes(1, 1, 1), "no_refund")
