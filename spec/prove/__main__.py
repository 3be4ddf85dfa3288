"""`python -m spec.prove`: see `command`."""

import sys

from spec.prove.command import main
from spec.prove.jobs import stop_on_sigterm

if __name__ == "__main__":
    stop_on_sigterm()
    sys.exit(main())
