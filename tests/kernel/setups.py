"""Machine and device of a generated program, drawn so that a wanted cell can be reached."""

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.kernel.coverage import BEFORE_THE_SIZE, WAITING, Cell

_RECOMPRESSING: Final = frozenset({"recompress", "recomp_algorithm"})


class Setup(NamedTuple):
    """Machine and device of one program.

    Attributes:
        pages: Of the device.
        blocks: Of the backing device.
        failing: Whether blocks fail at times.
        mapped: Whether the backing device has a table, so that blocks can fail and writes can be held up.
        whole: Whether pages are kept whole, so that small memory limits have one outcome.
        sized: Whether the device gets a size.
        held: Whether somebody has it open while it is set up.
        backed: Whether it gets a backing device.
        compressed: Whether blocks hold compressed pages.
        limited: Whether a limit is in force.
        recompressed: Whether it gets a second algorithm, where the driver was built for that.
    """

    pages: int = 1
    blocks: int = 1
    failing: bool = False
    mapped: bool = False
    whole: bool = False
    sized: bool = True
    held: bool = False
    backed: bool = True
    compressed: bool = False
    limited: bool = False
    recompressed: bool = False

    @property
    def batches(self) -> Sequence[object]:
        """Sizes of batches. With failing writes the outcome of others depends on when the writes are answered."""
        return (1, 32) if self.failing else (1, 2, 3, 8, 32)


def drawn(rng: random.Random, wanted: Cell | None) -> Setup:
    """Draw the setup of a program in which a wanted cell can be reached."""
    row, context = wanted or ("", "")
    failing = context == "failing" or (context != "compressed" and rng.random() < 0.3)
    sized = context != "no size" and (wanted is not None or rng.random() < 0.92)
    return Setup(
        pages=rng.choice([8, 12, 16, 24, 32]),
        blocks=rng.choice([4, 5, 6, 8, 12, 16, 28]),
        failing=failing,
        mapped=failing or context == WAITING or row == "dmtab" or rng.random() < 0.5,
        whole=rng.random() < 0.15,
        sized=sized,
        held=sized and ((context == "held" and row in BEFORE_THE_SIZE) or rng.random() < 0.1),
        backed=context != "plain" and (wanted is not None or rng.random() < 0.85),
        compressed=context == "compressed" or (not failing and rng.random() < 0.2),
        limited=context == "limited" or rng.random() < 0.35,
        recompressed=row in _RECOMPRESSING or rng.random() < 0.7,
    )
