"""`python -m spec.promela`: see `command`."""

import sys

from spec.promela.command import main

if __name__ == "__main__":
    sys.exit(main())
