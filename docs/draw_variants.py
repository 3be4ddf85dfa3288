"""Writes `docs/generated/variants.md`, which layer says what of each seeded bug: `python -m docs.draw_variants`.

What the layers say is pinned in `tests/spec/expected/`, and tests hold every pin to a walk and to both provers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from docs.draw_tables import markdown_table
from spec.assertions import require_assertions
from spec.bugs.batching_v3 import Variant
from spec.bugs.history import EVERY_VARIANT
from tests.spec.expected.open_any_size import OPEN
from tests.spec.expected.refutation import SMALL
from tests.spec.expected.refuted import REFUTED, contracts
from zram_impl.cli.output import write_whole

PAGE: Final = Path(__file__).resolve().with_name("generated") / "variants.md"

# The bugs that were found in the driver or in patches to it, in the order in which they became known.
BUGS: Final[Mapping[int, str]] = {
    1: "no space reported when there is some",
    2: "a pp_slot not taken out of its bucket",
    3: "a pass that does not wait for what is in flight",
    4: "the budget charged at completion",
    5: "the pp_slot released too early",
    6: "an index that is never assigned",
    7: "a block leaked when its write fails",
    8: "a block leaked when its slot was lost",
    9: "a control block that could not be had is released",
    10: "a stale count of completions",
    11: "completion after the control block is freed (v3)",
    12: "a block leaked after the loop",
    13: "the budget tested and charged in two steps",
    14: "the batch size stored while a pass reads it",
    15: "the limit wraps with pages above 4 KiB",
    16: "the block index read without the slot's lock",
    17: "an array of requests on the stack",
    18: "a callback wakes whoever has freed it (CVE-2026-63951)",
    19: "huge_pages decremented twice",
    20: "the rest of a compressed block is another page's",
    21: "a read that could not be started succeeds",
    22: "part of a written-back page overwritten before it was read",
    23: "a scan as long as the device was",
    24: "an age in the wrong unit",
    25: "older relatives",
    26: "a read of a block that was reused meanwhile",
    27: "a page queued twice",
    28: "an outcome that depends on the batch size",
    29: "an error that hides another",
    30: "a batch of any size",
    31: "a read cancels the write of its page",
    32: "the limit survives a reset",
    33: "an age longer than the device is up",
    34: "a block released twice",
    35: "errors in the order of reaping",
}

# Which of them a variant puts back; the others are designs that nobody took.
PUTS_BACK: Final[Mapping[str, tuple[int, ...]]] = {
    "inverted_no_space": (1,),
    "not_detached": (2,),
    "not_drained": (3,),
    "late_charge": (4,),
    "early_release": (5,),
    "unassigned_index": (6,),
    "leak_on_error": (7,),
    "leak_on_lost_slot": (8,),
    "stale_completion": (10,),
    "leak_after_loop": (12,),
    "refund_without_charge": (13,),
    "refund_to_a_newer_grant": (13,),
    "block_index_read_late": (16,),
    "callback_after_free": (11, 18),
    "huge_counted_twice": (19,),
    "read_not_checked": (26,),
    "read_checks_written_back_only": (26,),
    "read_checks_block_only": (26,),
    "released_twice": (34,),
}

# Why the others are not here.
NOT_HERE: Final[Mapping[tuple[int, ...], str]] = {
    (9, 17, 25): "a matter of C: memory that is not there or no more, variables that are not set",
    (14, 30): "the batch size is a size of the device here, which no step changes",
    (15,): "the budget is in blocks here; there are no other units it could be mistaken for",
    (20, 22): "what is in a page is not here, only whether it changed, and it changes as a whole",
    (21, 28, 29, 35): "results and errors are not here: a pass only comes to rest",
    (23,): "the number of slots is a size of the device here, which no step changes",
    (24, 33): "there are no clocks; marking by age may mark or unmark any page",
    (27,): "a slot has one pp_slot at most, by how the state is written down; two is not a state",
    (31,): "this is what the specification says as well: whatever touches a selected slot takes the claim away",
    (32,): "no clause forbids it; what `reset` makes of the budget is said with the other fields, "
    "in [state-machine.md](state-machine.md)",
}

_INTRODUCTION: Final = """\
# Bugs put back, layer by layer

Written by `python -m docs.draw_variants`; edit that.

Every bug that was found in the batched writeback of the driver, before or after it was merged, and that the
specification can express, is put back here, and a few designs that nobody took. What each layer says of it:

- **L1**, the walk: the first property that breaks and the length of the shortest way there, from a fresh device;
  `python -m spec.explore --variant NAME` shows it. With 0 steps nothing breaks: what should be seen never is.
- **L2**, z3 at {sizes}: which contract is refuted (`reap`: the invariant is kept; `reap_as_a_step`: the step is as it
  should be) and by what. CrossHair refutes the same contracts of the first six.
- **L3**, any size: what remains open; `python -m spec.prove_sizes --variant NAME` shows it. *As L2*: the same, no more
  and no less.

The tests run all three layers on every bug and compare.
"""


def page() -> str:
    """Return the whole page."""
    header = ("variant", "mistake", "bug", "L1: steps", "L1: broken", "L2: refuted", "L3: open")
    absent = [[_numbered(numbers), why] for numbers, why in NOT_HERE.items()]
    return "\n".join(
        [
            _INTRODUCTION.format(sizes=SMALL.label()),
            f"## Variants\n\n{markdown_table(header, map(_row, EVERY_VARIANT))}\n",
            f"## What the specification cannot express\n\n{markdown_table(('bug', 'why not'), absent)}\n",
        ]
    )


def _row(variant: Variant) -> list[str]:
    bugs = _numbered(PUTS_BACK[variant.name]) if variant.name in PUTS_BACK else "none: a design not taken"
    refuted = {(action, claim) for action, claims in REFUTED[variant.name].items() for claim in claims}
    at_any_size = "as L2" if OPEN[variant.name] == refuted else _said(OPEN[variant.name])
    by = ", ".join(f"`{name}`" for name in sorted(contracts(variant.name)))
    breaks = f"`{variant.breaks}`" if variant.steps else f"never: {variant.breaks}"
    cells = [str(variant.steps), breaks, f"{by}: {_said(refuted)}", at_any_size]
    return [f"`{variant.name}`", variant.mistake, bugs, *cells]


def _said(open_: frozenset[tuple[str, str]] | set[tuple[str, str]]) -> str:
    return ", ".join(sorted({claim for _action, claim in open_}))


def _numbered(numbers: tuple[int, ...]) -> str:
    return "; ".join(f"bug {number}, {BUGS[number]}" for number in numbers)


if __name__ == "__main__":
    require_assertions()
    write_whole(PAGE, page())
