"""A device derived from ours, as somebody who changed it would have it tested."""

from typing import Final

from stateful.seam.zram import adapter_of
from zram_impl import Zram


class Derived(Zram):
    """Ours by another name."""


derived: Final = adapter_of(Derived)
