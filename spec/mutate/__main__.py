"""`python -m spec.mutate`: see `command`."""

import sys

from spec.mutate.command import main
from spec.prove.jobs import stop_on_sigterm

if __name__ == "__main__":
    stop_on_sigterm()
    sys.exit(main())
