"""All actions of the specification, said of a device of any size."""

from typing import Final

from spec.prove.unbounded.backing_device import MOVES as DEVICE
from spec.prove.unbounded.user import MOVES as USER
from spec.prove.unbounded.writeback import MOVES as PASS

MOVES: Final = {**USER, **PASS, **DEVICE}
