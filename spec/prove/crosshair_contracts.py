"""Contracts for CrossHair: where they are in a module, their vacuity checks, and a module of them for every action.

A contract is a function with `pre:` and `post:` lines in its docstring; CrossHair calls it with symbolic arguments and
looks for some that satisfy the former and not the latter. Its vacuity check has `post: False`.
"""

import ast
import re
from typing import Final, NamedTuple

from spec.prove.counterexample import AS_A_STEP
from spec.prove.obligations import Sizes, admitted, claims_on_the_step, parameters

_POST: Final = re.compile(r"^(\s*)post(\[.*\])?:.*$", re.MULTILINE)


class Contract(NamedTuple):
    """A function with a postcondition, and the lines it is on."""

    name: str
    first: int
    last: int


def contracts(source: str) -> list[Contract]:
    """Return the contracts in the text of a module.

    Raises:
        ValueError: There are no contracts, or two have one name, or one has two postconditions.
    """
    found = []
    for node in ast.parse(source).body:
        posts = _POST.findall(ast.get_docstring(node) or "") if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.FunctionDef) and posts:
            if len(posts) > 1:
                raise ValueError(f"{node.name} has {len(posts)} postconditions: a contract is one condition")
            found.append(Contract(node.name, node.lineno, node.end_lineno or node.lineno))
    if len({contract.name for contract in found}) < len(found) or not found:
        raise ValueError("there are two contracts of one name" if found else "there is no contract")
    return found


def vacuity_checks(source: str) -> str:
    """Return the text of a module with every postcondition replaced by one that cannot hold."""
    return _POST.sub(r"\1post: False", source)


_HEAD: Final = '''"""Generated: what every action keeps on a device of {label}."""

from spec.model.actions import ACTIONS
from spec.model.invariant import inv
from spec.prove.obligations import Sizes, as_claimed, one_can_move, possible
from spec.model.state import Block, Budget, Counts, Reader, Req, Slot, State
from spec.bugs.history import SEEDED_BUGS

SIZES = {sizes!r}
TAKEN = {{action.name: action for action in {actions}}}


def one_can_move_until_at_rest({state}) -> bool:
    """
    pre: inv({s})
    post: __return__
    """
    return one_can_move(SIZES, {s}, TAKEN.values())
'''

_EACH: Final = '''

def {name}({state}{parameters}) -> State:
    """
    pre: possible(SIZES, TAKEN["{name}"], {s}, {args})
    post: inv(__return__)
    """
    return TAKEN["{name}"].effect({s}, *{args})
'''

_STEP: Final = '''

def {name}{as_a_step}({state}{parameters}) -> State:
    """
    pre: possible(SIZES, TAKEN["{name}"], {s}, {args})
    post: as_claimed(TAKEN["{name}"], {s}, {args}, __return__)
    """
    return TAKEN["{name}"].effect({s}, *{args})
'''


def module(sizes: Sizes, bug: str = "") -> str:
    """Return a module of contracts, two for an action: it keeps the invariant, and the step is as it should be."""
    types = {
        "slots": _row("Slot", sizes.slots),
        "queued": _row("int", sizes.slots),
        "blocks": _row("Block", sizes.blocks),
        "reqs": _row("Req", sizes.requests),
        "readers": _row("Reader", sizes.readers),
        "running": "int",
        "held": "int",
        "budget": "Budget",
        "counts": "Counts",
    }
    # CrossHair cannot tell that an empty tuple has no elements.
    symbolic = {field: of for field, of in types.items() if of}
    words = {
        "label": sizes.label(),
        "sizes": sizes,
        "actions": f'next(each.actions for each in SEEDED_BUGS if each.name == "{bug}")' if bug else "ACTIONS",
        "state": ", ".join(f"{field}: {of}" for field, of in symbolic.items()),
        "s": f"State({', '.join(field if of else '()' for field, of in types.items())})",
        "as_a_step": AS_A_STEP,
    }
    text = _HEAD.format(**words)
    for action in admitted(sizes):
        names = parameters(action)
        mine = {
            "parameters": "".join(f", {name}: int" for name in names),
            "args": f"({', '.join(names)}{',' * (len(names) == 1)})",
        }
        text += _EACH.format(**words, **mine, name=action.name)
        text += _STEP.format(**words, **mine, name=action.name) * bool(claims_on_the_step(action))
    return text


def _row(of: str, n: int) -> str:
    return f"tuple[{', '.join([of] * n)}]" if n else ""
