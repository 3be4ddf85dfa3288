"""All actions of the specification, said of a device of any size."""

from typing import Final

from spec.prove_sizes_device import MOVES as DEVICE
from spec.prove_sizes_pass import MOVES as PASS
from spec.prove_sizes_user import MOVES as USER

MOVES: Final = {**USER, **PASS, **DEVICE}
