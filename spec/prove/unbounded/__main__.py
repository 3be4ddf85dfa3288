"""`python -m spec.prove.unbounded`: see `command`."""

import sys

from spec.prove.unbounded.command import main

if __name__ == "__main__":
    sys.exit(main())
