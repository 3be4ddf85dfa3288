"""The conditions that each bug leaves open: the actions, and what they no longer keep, do or leave alone."""

from collections.abc import Mapping
from typing import Final

from tests.spec.expected.refuted import REFUTED

_BESIDES: Final = {
    "block_released_in_flight": {
        ("write", "counters_equal_a_recount"), ("write", "used blocks"), ("write", "recount"),
    },
}  # fmt: skip
"""Conditions that are open for any size, and not refuted on a device of a fixed one."""

OPEN: Final[Mapping[str, frozenset[tuple[str, str]]]] = {
    name: frozenset((action, claim) for action, claims in broken.items() for claim in claims)
    | _BESIDES.get(name, set())
    for name, broken in REFUTED.items()
}
"""The conditions that seeded bugs leave open: a proof that cannot fail proves nothing."""
