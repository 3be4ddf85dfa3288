"""How many states the walks of every run find. A difference means that the specification says something else now."""

from typing import Final, NamedTuple


class Pinned(NamedTuple):
    """What is expected of a complete walk."""

    states: int
    transitions: int
    depth: int


PINNED: Final = {
    "base": Pinned(157_719, 2_211_888, 35),
    "readers": Pinned(44_814, 477_315, 63),
    "limits": Pinned(25_120, 279_482, 39),
    "marks": Pinned(9_116, 126_376, 25),
}
