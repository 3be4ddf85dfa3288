"""Refusal to look for faults while assertions are switched off.

What must hold is said by assertions, here as in the device and in what holds the two together. Under `python -O` and
with PYTHONOPTIMIZE set they are left out, and every search would end without a finding.
"""

import sys
from typing import Final

SWITCHED_OFF: Final = "assertions are switched off, so no fault would be found: run without -O and PYTHONOPTIMIZE"


def require_assertions() -> None:
    """End the program with exit code 2 when assertions are switched off; every command begins with this."""
    if not __debug__:
        sys.stderr.write(f"error: {SWITCHED_OFF}\n")
        sys.exit(2)
