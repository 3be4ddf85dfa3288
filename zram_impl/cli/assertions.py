"""Refusal to report success while assertions are switched off.

The device states what must hold of it as assertions. Under `python -O` and with PYTHONOPTIMIZE set they are left out:
the device works, but a fault of its own is not noticed, and it is not what is measured elsewhere.
"""

import sys
from typing import Final

SWITCHED_OFF: Final = "assertions are switched off, so no fault would be found: run without -O and PYTHONOPTIMIZE"


def require_assertions() -> None:
    """End the program with exit code 2 when assertions are switched off."""
    if not __debug__:
        sys.stderr.write(f"error: {SWITCHED_OFF}\n")
        sys.exit(2)
