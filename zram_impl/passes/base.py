"""What passes of every kind have in common: how far they are, and what `advance` says."""

from enum import IntEnum
from typing import Final

MANY: Final = 1 << 30


class PassProgress(IntEnum):
    """What `advance` came to."""

    PROGRESS = 0
    WAIT = 1
    DONE = 2


class PassStage(IntEnum):
    """Where a pass is."""

    SCANNING = 1
    WRITING = 2
    OVER = 3
