"""Pinned numbers of states. A difference means that the specification says something else now."""

from typing import Final, NamedTuple


class Pinned(NamedTuple):
    """The counts of a complete search."""

    states: int
    transitions: int
    depth: int


PINNED: Final = {
    "base": Pinned(157_719, 2_211_888, 35),
    "readers": Pinned(44_814, 477_315, 63),
    "limits": Pinned(25_120, 279_482, 39),
    "flags": Pinned(9_116, 126_376, 25),
    "kept": Pinned(16_826, 175_719, 35),
}

REDUCED: Final = {
    "base": Pinned(10_818, 154_567, 35),
    "readers": Pinned(14_391, 159_140, 40),
    "limits": Pinned(8_784, 99_731, 39),
    "flags": Pinned(4_663, 64_666, 25),
    "kept": Pinned(8_475, 88_453, 35),
    "everything": Pinned(419_920, 7_074_562, 38),
    "granting": Pinned(287_248, 4_587_924, 48),
    "deep": Pinned(172_718, 3_282_121, 47),
    "wide": Pinned(100_399, 2_252_289, 41),
    "reading": Pinned(74_223, 1_120_153, 42),
    "two_reads": Pinned(44_459, 523_355, 47),
    "two_kept": Pinned(67_714, 803_198, 48),
    "marking": Pinned(57_586, 1_138_798, 38),
    "large": Pinned(36_975, 681_577, 38),
}
"""With symmetry: states that differ only in numbers are one, and blocks are reserved in any order, not lowest first."""
