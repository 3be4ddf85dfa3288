"""`python -m spec.explore`: see `command`."""

import sys

from spec.explore.command import main

if __name__ == "__main__":
    sys.exit(main())
