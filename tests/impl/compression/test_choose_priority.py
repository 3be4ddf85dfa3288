"""The algorithm a request means. Rows: 7.3.4 was asked of that kernel, the others follow from the driver's text."""

from errno import EINVAL

import pytest

from tests.refused import refused
from zram_impl.parsing.algorithm_args import PRIMARY, SECONDARY, choose_priority

ON_DEVICE = ["lz4", "zstd", None, "lz4"]
CHOSEN = {
    "7.3.4: neither": (None, None, PRIMARY, 0),
    "neither, to recompress": (None, None, SECONDARY, 1),
    "7.3.4: a priority": (0, None, PRIMARY, 0),
    "a priority where nothing is configured": (2, None, SECONDARY, 2),
    "7.3.4: an algorithm": (None, "lz4", PRIMARY, 0),
    "an algorithm, to recompress": (None, "lz4", SECONDARY, 3),
    "7.3.4: both": (0, "lz4", PRIMARY, 0),
    "both, to recompress": (3, "lz4", SECONDARY, 3),
}


@pytest.mark.parametrize(("priority", "algorithm", "lowest", "chosen"), list(CHOSEN.values()), ids=list(CHOSEN))
def test_a_priority_is_chosen(priority: int | None, algorithm: str | None, lowest: int, chosen: int) -> None:
    assert choose_priority(priority, algorithm, ON_DEVICE, lowest=lowest) == chosen


NOT_CHOSEN = {
    "7.3.4: a negative priority": (-1, None, PRIMARY, "priority must be 0 to 3, got -1"),
    "7.3.4: above the last": (4, None, PRIMARY, "priority must be 0 to 3, got 4"),
    "the primary, to recompress": (0, None, SECONDARY, "priority must be 1 to 3, got 0"),
    "the primary by both, to recompress": (0, "lz4", SECONDARY, "priority must be 1 to 3, got 0"),
    "7.3.4: another algorithm there": (0, "zstd", PRIMARY, "must be configured at priority 0, got 'zstd'"),
    "nothing there": (2, "zstd", PRIMARY, "must be configured at priority 2, got 'zstd'"),
    "7.3.4: an algorithm nowhere": (None, "lzo", PRIMARY, "must be configured at priority 0, 1, 2, 3, got 'lzo'"),
}


@pytest.mark.parametrize(
    ("priority", "algorithm", "lowest", "message"), list(NOT_CHOSEN.values()), ids=list(NOT_CHOSEN)
)
def test_no_priority_fits(priority: int | None, algorithm: str | None, lowest: int, message: str) -> None:
    with refused(EINVAL, message):
        choose_priority(priority, algorithm, ON_DEVICE, lowest=lowest)


def test_algorithms_are_given_by_priority() -> None:
    with pytest.raises(AssertionError, match="one entry per priority"):
        choose_priority(0, None, ["lz4"], lowest=PRIMARY)
