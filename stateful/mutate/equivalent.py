"""Mutants that are the device as it is, seen from outside; each with the reason."""

from collections.abc import Mapping
from typing import Final

EQUIVALENT: Final[Mapping[str, str]] = {}
"""Reason of each, by name. What is here is not tried."""
