"""A Hypothesis state machine for any device of the seam, one operation of a user at a time.

It needs the capability `events`: what the device reports is followed in the specification after every operation, and
then the device must be in its state. `limit`, `modes` and `backing` are used where they are there.
"""

from typing import ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from stateful.lockstep.bench import USERS, Bench, BenchSizes
from stateful.seam.chosen import chosen

_pages: Final = st.integers(0, 3)
_during: Final = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(list(USERS)), _pages), max_size=2)


def has(capability: str) -> bool:
    """Return whether the device that is tested has a capability."""
    return capability in chosen().capabilities


class OperationMachine(RuleBasedStateMachine):
    """A device and the specification, compared after every operation."""

    sizes: ClassVar[BenchSizes] = BenchSizes()

    def __init__(self) -> None:
        super().__init__()
        self.both = Bench(self.sizes)

    @initialize(stored=st.integers(0, 4), backed=st.integers(0, 2))
    def write_first(self, stored: int, backed: int) -> None:
        """Begin with some pages stored and some written back."""
        for page in range(stored):
            self.both.do("write", page)
        if backed:
            self.both.run_pass(range(backed))

    @rule(name=st.sampled_from(list(USERS)), page=_pages)
    def use(self, name: str, page: int) -> None:
        """Have a user do something with a page."""
        self.both.do(name, page)

    @rule(pages=st.lists(_pages, max_size=5), failing=st.frozensets(_pages, max_size=2), during=_during)
    def write_back(self, pages: list[int], failing: frozenset[int], during: list[tuple[int, str, int]]) -> None:
        """Write pages back; some writes fail, and somebody acts while others are under way."""
        inside = has("backing")
        self.both.blocks.failing = failing if inside else frozenset()
        self.both.run_pass(pages, during if inside else ())

    @precondition(lambda _self: has("backing"))
    @rule(torn=st.frozensets(_pages, max_size=2))
    def tear(self, torn: frozenset[int]) -> None:
        """From now on writes of these pages end in the middle."""
        self.both.blocks.torn = torn

    @precondition(lambda _self: has("limit"))
    @rule(blocks=st.none() | st.integers(0, 4))
    def limit(self, blocks: int | None) -> None:
        """Limit passes, or do not."""
        self.both.limit(blocks)

    @precondition(lambda _self: has("modes"))
    @rule(mark=st.booleans(), mode=st.sampled_from(("huge", "idle", "huge_idle")))
    def write_mode_back(self, mark: bool, mode: str) -> None:
        """Write back by mode, perhaps with all pages marked before."""
        if mark:
            self.both.mark_idle()
        self.both.run_pass(mode)

    def teardown(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Release the device."""
        self.both.close()


class OneRoundMachine(OperationMachine):
    """One page in flight, few blocks."""

    sizes = BenchSizes(4, 1, 1)


BLACK_BOX: Final = (OperationMachine, OneRoundMachine)
